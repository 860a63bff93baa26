"""Command lines for both tools, made from a seed: most of them legal, some wrong in one place or two.

Left out is where the two differ on purpose (docs/ipvsadm-compatibility.md): marks of 2147483648 and more, flag-3
of sh and mh, brackets around an IPv4 address, addresses so far apart that the C tool sorts them wrongly, help and
version.
"""

from dataclasses import dataclass
from random import Random

HOSTS = ("10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.1.9", "localhost")
HOSTS6 = ("2001:db8::1", "2001:db8::2", "2001:db8::ff")
PORTS = ("80", "443", "53", "5060", "0", "65535", "http", "domain", "sip")
SCHEDULERS = tuple("rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf twos".split())
FLAGS = ("sh-fallback", "sh-port", "mh-fallback", "mh-port", "flag-1", "flag-2", "flag-3")
MODES = ("stats", "rate", "thresholds", "persistent-conn", "tun-info", "exact")

ODD_NUMBERS = ("", "0", "-1", "+5", " 7", "7 ", "010", "0x10", "5x", "x", "65536", "2147483648", "4294967296", "9" * 25)
ODD_ADDRESSES = (
    *("", "80", ":80", "10.77.0.1:", "10.77.0.1:65536", "10.77.0.1:-1", "10.77.0.1:nosuch", "10.77.0.256:80"),
    *("10.77.3", "0x0a.77.0.1:80", "10.077.0.1", "10.77.0.1:80:90", "10.77.0.1:080", "10.77.0.1: 80", "10.77.0.1:+80"),
    *("10.77.0.2.:80", "10.77.0.1 :80", "@:80", "-:80", "nosuch.invalid:80"),
    *("2001:db8::1", "2001:db8::1:80", "[2001:db8::1]", "[2001:db8::1]80", "[2001:db8::1]:x", "[2001:db8::1", "::"),
    *(
        "[::1%lo]:80",
        "fe80::1%lo",
        "[nosuch]:80",
        "::ffff:10.77.0.1",
        "[::ffff:10.77.0.1]:80",
        "[::10.77.0.1]:80",
        "[::1:0]:80",
    ),
    *("224.0.0.1:80", "[ff02::1]:80", "0.0.0.0:80", "[::]:80", "255.255.255.255:80"),
)
ODD_WORDS = ("", "-", "--", "x", "-n", "averylongnamethatiscut", "rr,wlc", "#", "a b")

# By what is asked of their value; the C tool's short letter first.
SHORT = {
    "add-service": "A",
    "edit-service": "E",
    "delete-service": "D",
    "clear": "C",
    "list": "L",
    "zero": "Z",
    "add-server": "a",
    "edit-server": "e",
    "delete-server": "d",
    "restore": "R",
    "save": "S",
    "tcp-service": "t",
    "udp-service": "u",
    "fwmark-service": "f",
    "ipv6": "6",
    "scheduler": "s",
    "persistent": "p",
    "netmask": "M",
    "real-server": "r",
    "masquerading": "m",
    "ipip": "i",
    "gatewaying": "g",
    "weight": "w",
    "u-threshold": "x",
    "l-threshold": "y",
    "numeric": "n",
    "connection": "c",
    "exact": "X",
    "ops": "o",
    "sched-flags": "b",
}
NUMBERS = {
    "weight": (0, 1, 5, 100, 65535, 65536, 2147483647),
    "u-threshold": (0, 10, 500, 65535, 2147483647),
    "l-threshold": (0, 5, 10, 400),
    "persistent": (1, 60, 360, 2678400, 2678401),
    "tun-port": (1, 6080, 65535),
    "syncid": (0, 3, 255, 256),
    "sync-maxlen": (1, 100, 1400, 65507, 65508),
    "mcast-port": (1, 8848, 65535),
    "mcast-ttl": (1, 3, 255, 256),
}
FLAG_OPTIONS = (
    *("numeric", "connection", "timeout", "daemon", "nosort", "sort", "ipv6", "ops"),
    *("masquerading", "ipip", "gatewaying", "tun-nocsum", "tun-csum", "tun-remcsum"),
    *MODES,
)
VALUE_OPTIONS = (
    *("tcp-service", "udp-service", "sctp-service", "fwmark-service", "real-server", "scheduler", "netmask", "pe"),
    *("sched-flags", "tun-type", "mcast-interface", "mcast-group"),
    *NUMBERS,
)


@dataclass
class Unit:
    """One option as meant; value: None if it gets none."""

    name: str
    value: str | None = None


class CommandMaker:
    """Makes the commands of one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.services: list[list[Unit]] = []
        self.other_family = 0.05  # how often a server is of the other family, which only tunnels may be

    def command(self) -> list[str]:
        """One command line, legal or not."""
        units = self._legal()
        for _ in range(self.dice.choice((0, 0, 1, 1, 2))):
            self._spoil(units)
        words = self._spelled(units)
        if self.dice.random() < 0.04:
            words.insert(self.dice.randint(1, len(words)), self.dice.choice(("extra", "-", "--", "10.77.0.1:80", "7")))
        return words

    def change(self) -> str:
        """A change of the table as a line of rules: no mistake of usage, but what the kernel may refuse."""
        verbs = ("add-service", "edit-service", "delete-service", "add-server", "edit-server", "delete-server")
        verb = self.dice.choices(verbs, (4, 2, 0.5, 6, 3, 1))[0]
        self.other_family = 0
        return " ".join(self._spelled(self._of_table(verb)))

    def listing(self) -> str:
        """A command that shows the whole table."""
        return self.dice.choice(["-S", "-L", "-L -n", "-L -n --rate -X", *(f"-L -n --{mode}" for mode in MODES)])

    def _legal(self) -> list[Unit]:
        kind = self.dice.random()
        if kind < 0.55:
            verbs = ("add-service", "edit-service", "delete-service", "add-server", "edit-server", "delete-server")
            return self._of_table(self.dice.choices(verbs, (5, 3, 1, 7, 4, 2))[0])
        if kind < 0.75:
            return self._listing()
        if kind < 0.8:
            return [Unit("zero"), *(self._service() if self.dice.random() < 0.7 else [])]
        if kind < 0.88:
            return [Unit(self.dice.choice(("save", "save", "restore"))), *([Unit("numeric")] if self._maybe() else [])]
        if kind < 0.92:
            times = ("0", "1", "300", "300", "300", "2678400", "2678401", "x", "")
            return [Unit("set"), *(Unit("", self.dice.choice(times)) for _ in range(3))]
        if kind < 0.93:
            return [Unit("clear")]
        return self._daemon()

    def _of_table(self, verb: str) -> list[Unit]:
        service = self._service()
        if verb == "delete-service":
            return [Unit(verb), *service]
        if verb in ("add-service", "edit-service"):
            return [Unit(verb), *service, *self._settings(service)]
        server = Unit("real-server", self._endpoint(service))
        if verb == "delete-server":
            return [Unit(verb), *service, server]
        return [Unit(verb), *service, server, *self._server_settings(service)]

    def _service(self) -> list[Unit]:
        # Often one that was named before: so commands meet.
        if self.services and self._maybe(0.75):
            return list(self.dice.choice(self.services))
        self.services.append(self._new_service())
        return list(self.services[-1])

    def _new_service(self) -> list[Unit]:
        kinds = ("tcp-service", "udp-service", "sctp-service", "fwmark-service", "mark6")
        kind = self.dice.choices(kinds, (4, 3, 1, 1, 1))[0]
        if kind == "fwmark-service":
            return [Unit(kind, str(self.dice.choice((1, 2, 3, 2147483647))))]
        if kind == "mark6":
            return [Unit("fwmark-service", str(self.dice.choice((1, 2, 9)))), Unit("ipv6")]
        host = f"[{self.dice.choice(HOSTS6)}]" if self._maybe(0.25) else self.dice.choice(HOSTS[:3])
        ports = ("80", "80", "443", "http" if kind == "tcp-service" else "53", "5060")
        return [Unit(kind, f"{host}:{self.dice.choice(ports)}")]

    def _settings(self, service: list[Unit]) -> list[Unit]:
        units = []
        scheduler = self.dice.choice(SCHEDULERS)
        if self._maybe(0.7):
            units.append(Unit("scheduler", scheduler))
        if self._maybe(0.4):
            units.append(Unit("persistent", self.dice.choice((None, "1", "60", "600", "2678400"))))
        six = _is_ipv6(service)
        if self._maybe(0.25):
            masks = ("1", "64", "128") if six else ("255.255.255.255", "255.255.0.0", "0.0.0.255", "255.255.255.0")
            units.append(Unit("netmask", self.dice.choice(masks)))
        if units and units[0].value in ("sh", "mh"):
            own = [*(flag for flag in FLAGS if flag.startswith(f"{scheduler}-")), "flag-1", "flag-2"]
            if self._maybe():
                units.append(Unit("sched-flags", ",".join(self.dice.sample(own, self.dice.randint(1, 3)))))
        elif self._maybe(0.15):
            units.append(Unit("sched-flags", ",".join(self.dice.sample(FLAGS[-3:], self.dice.randint(1, 3)))))
        if service[0].name == "udp-service" and self._maybe(0.3):
            units.append(Unit("ops"))
        if service[0].name == "udp-service" and self._maybe(0.2):
            units.append(Unit("pe", "sip"))
        self.dice.shuffle(units)
        return units

    def _server_settings(self, service: list[Unit]) -> list[Unit]:
        units = []
        way = self.dice.choice(("masquerading", "gatewaying", "ipip", "", "ipip"))
        if way:
            units.append(Unit(way))
        if self._maybe(0.7):
            units.append(Unit("weight", str(self.dice.choice(NUMBERS["weight"]))))
        if self._maybe(0.3):
            units.append(Unit("u-threshold", str(self.dice.choice((0, 10, 500)))))
        if self._maybe(0.3):
            units.append(Unit("l-threshold", str(self.dice.choice(NUMBERS["l-threshold"]))))
        if way == "ipip" and self._maybe(0.7):
            kind = self.dice.choice(("ipip", "gue", "gre"))
            units.append(Unit("tun-type", kind))
            if kind == "gue":
                units.append(Unit("tun-port", str(self.dice.choice((1, 6080, 65535)))))
            sums = ("tun-nocsum", "tun-csum", "tun-remcsum")[: {"ipip": 0, "gue": 3, "gre": 2}[kind]]
            if sums and self._maybe(0.7):
                units.append(Unit(self.dice.choice(sums)))
        self.dice.shuffle(units)
        return units

    def _listing(self) -> list[Unit]:
        units = [Unit(self.dice.choice(("list", "list", "save")))] if self._maybe(0.1) else [Unit("list")]
        what = self.dice.choice(("", "", "", "service", "connection", "timeout", "daemon"))
        if what == "service":
            units += self._service()
        elif what:
            units.append(Unit(what))
        if self._maybe(0.8):
            units.append(Unit("numeric"))
        units += [Unit(mode) for mode in self.dice.sample(MODES, self.dice.choice((0, 1, 1, 2)))]
        return units

    def _daemon(self) -> list[Unit]:
        if self._maybe(0.5):
            units = [Unit("stop-daemon", self.dice.choice(("master", "backup", "backup", "both", "")))]
            return units + ([Unit("syncid", "3")] if self._maybe(0.3) else [])
        units = [Unit("start-daemon", self.dice.choice(("master", "backup", "backup", "x")))]
        units.append(Unit("mcast-interface", self.dice.choice(("dummy0", "dummy0", "lo", "nosuch"))))
        for name in ("syncid", "sync-maxlen", "mcast-port", "mcast-ttl"):
            if self._maybe(0.3):
                units.append(Unit(name, str(self.dice.choice(NUMBERS[name]))))
        if self._maybe(0.3):
            groups = ("224.0.0.90", "ff02::90", "10.77.0.1", "2001::1", "224.0.0", "x", "239.255.255.255")
            units.append(Unit("mcast-group", self.dice.choice(groups)))
        return units

    def _endpoint(self, service: list[Unit]) -> str:
        six = _is_ipv6(service) ^ self._maybe(self.other_family)
        host = self.dice.choice(HOSTS6[:2] if six else HOSTS[:4])
        host = f"[{host}]" if six else host
        return f"{host}:{self.dice.choice(('80', '8080', '0'))}" if six or self._maybe(0.6) else host

    def _spoil(self, units: list[Unit]) -> None:
        """Make one mistake, or what might be one."""
        place = self.dice.randrange(len(units))
        match self.dice.randrange(7):
            case 0 if len(units) > 1:
                del units[self.dice.randrange(1, len(units))]
            case 1:
                units.insert(self.dice.randint(1, len(units)), Unit(self.dice.choice(FLAG_OPTIONS)))
            case 2:
                name = self.dice.choice(VALUE_OPTIONS)
                units.insert(self.dice.randint(1, len(units)), Unit(name, self._value(name)))
            case 3:
                units.insert(self.dice.randint(1, len(units)), units[place])
            case 4:
                rest = units[1:]
                self.dice.shuffle(rest)
                units[1:] = rest
            case 5:
                wrong = self.dice.choice(("bogus", "list", "add-service", "set", "start-daemon"))
                units[self.dice.randrange(len(units))] = Unit(wrong)
            case _:
                valued = [unit for unit in units if unit.value is not None and unit.name]
                if valued:
                    chosen = self.dice.choice(valued)
                    units[units.index(chosen)] = Unit(chosen.name, self._odd(chosen.name))

    def _value(self, name: str) -> str:
        if self._maybe(0.3):
            return self._odd(name)
        if name in NUMBERS:
            return str(self.dice.choice(NUMBERS[name]))
        if name in ("tcp-service", "udp-service", "sctp-service", "real-server"):
            return f"{self.dice.choice(HOSTS)}:{self.dice.choice(PORTS)}"
        return self.dice.choice(
            {
                "fwmark-service": ("1", "2"),
                "scheduler": SCHEDULERS,
                "netmask": ("255.255.255.0", "64"),
                "pe": ("sip",),
                "sched-flags": FLAGS[:-1],
                "tun-type": ("ipip", "gue", "gre"),
                "mcast-interface": ("lo", "dummy0"),
                "mcast-group": ("224.0.0.81", "ff02::81"),
            }[name]
        )

    def _odd(self, name: str) -> str:
        if name in ("tcp-service", "udp-service", "sctp-service", "real-server"):
            return self.dice.choice(ODD_ADDRESSES)
        if name == "fwmark-service":
            return self.dice.choice([number for number in ODD_NUMBERS if number != "2147483648"])
        return self.dice.choice(ODD_NUMBERS if name in NUMBERS else (*ODD_WORDS, *ODD_NUMBERS[:5]))

    def _spelled(self, units: list[Unit]) -> list[str]:
        """Write the options in one of the ways there are for each."""
        words: list[str] = []
        open_cluster = False  # whether another short option may be put to the last word
        for unit in units:
            short = SHORT.get(unit.name, "")
            if short and open_cluster and self._maybe(0.3):
                words[-1] += short
            elif short and self._maybe(0.7):
                words.append(f"-{short}")
            else:
                short = ""
                words.append(f"--{unit.name}" if unit.name else "")
            open_cluster = bool(short) and unit.value is None and unit.name != "persistent"
            if unit.value is None:
                continue
            form = self.dice.randrange(3)
            if not unit.name or form == 0:
                words[len(words) - (not unit.name) :] = [unit.value]
            elif form == 1 or not short:
                words[-1] += f"={unit.value}"
            else:
                words[-1] += unit.value
        return words

    def _maybe(self, share: float = 0.5) -> bool:
        return self.dice.random() < share


def _is_ipv6(service: list[Unit]) -> bool:
    return "[" in (service[0].value or "") or service[-1].name == "ipv6"
