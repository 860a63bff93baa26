"""Writes virtual servers and checks of keepalived as blocks of lvs.cf."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from piranha.change.import_keepalived_checks import Check, Timing
from piranha.change.import_keepalived_servers import Method, RealServer, VirtualServer
from piranha.change.import_keepalived_services import Service
from piranha.change.import_keepalived_vrrp import Vip
from piranha.change.imported import Draft, Origin, unused
from piranha.terms import Address

LINE_LENGTH = 110  # a server that fits is written on one line
_DAY_S = 86400.0
_TUNNEL = {"tunnel_type": "ipip", "tunnel_checksum": "none"}  # the defaults

Setting = tuple[str, str, Origin | None]


@dataclass(slots=True)
class Pools:
    """Writes blocks. network: the file's forwarding method. vips: what VRRP moves, by address."""

    draft: Draft
    network: str
    vips: dict[Address, Vip]
    _names: set[str] = field(default_factory=set)
    _checks: dict[tuple[str, tuple[tuple[str, str], ...], Timing | None], str] = field(default_factory=dict)

    def check_blocks(self, virtuals: Iterable[VirtualServer]) -> None:
        """Write a block for each check that is more than its kind."""
        for virtual in virtuals:
            for server in virtual.servers:
                alone = _timing(server) is not None
                for check in server.checks:
                    self._check_block(check, None if alone else check.timing, server.origin)

    def _check_block(self, check: Check, timing: Timing | None, origin: Origin) -> None:
        key = (check.kind, check.settings, timing)
        if key in self._checks or not check.kind or (not check.settings and timing is None):
            return
        hosts = [value for name, value in check.settings if name == "host"]
        name = self._unique(f"{check.kind}-{hosts[0]}" if hosts else f"{check.kind}-1")
        self._checks[key] = name
        self.draft.put(f"check {name} {{", origin, str(origin))
        self.draft.put(f"    kind = {check.kind}")
        for keyword, value in check.settings:
            self.draft.put(f"    {keyword} = {value}")
        if timing is not None:
            for keyword, value in _times(timing):
                self.draft.put(f"    {keyword} = {value}")
        self.draft.put("}")
        self.draft.put()

    def virtual_block(self, virtual: VirtualServer, service: Service, vip: Vip | None, more: Sequence[Vip]) -> None:
        """Write one service of a virtual server. vip: the address it gets; more: addresses that move with it."""
        draft = self.draft
        place = service.origin if service.origin == virtual.origin else f"{virtual.origin}, {service.origin}"
        draft.put(f"virtual {self._unique(_name(virtual, service))} {{", virtual.origin, str(place))
        draft.put("    active = 1")
        if vip is None:
            message = "no VIP is left for this firewall mark: write the address that clients connect to"
            draft.fail(service.origin, message, draft.put("    # address = ADDRESS DEVICE", service.origin))
        else:
            draft.put(f"    address = {_floating(vip)}", vip.origin)
        for one in more:
            draft.put(f"    extra_address = {_floating(one)}", one.origin)
        for keyword, value, origin in self._settings(virtual, service):
            draft.put(f"    {keyword} = {value}", origin)
        names: Counter[str] = Counter()
        for server in virtual.servers:
            self._server(server, virtual, service, names)
        draft.put("}")
        draft.put()

    def _settings(self, virtual: VirtualServer, service: Service) -> list[Setting]:
        settings: list[Setting] = []
        if service.mark:
            settings.append(("fwmark", str(service.mark), service.origin))
        # A mark has no port of its own: keepalived's entries under direct and tunnel have port 0, and so have these.
        settings.append(("port", str(service.port), service.origin))
        if virtual.protocol not in ("", "tcp"):
            settings.append(("protocol", virtual.protocol, None))
        settings += [(keyword, value, None) for keyword, value in self._method(virtual.method, Method(self.network))]
        settings += virtual.settings
        checks, timing = _shared(virtual)
        if checks is not None:
            settings.append(("check", self._names_of(checks, virtual, service), None))
        if timing is not None:
            settings += [(keyword, value, None) for keyword, value in _times(timing)]
        settings.append(("timeout", f"{min(_DAY_S, _slowest(virtual)):g}", None))
        settings.append(("reentry", "0", None))
        return settings

    def _method(self, method: Method, above: Method) -> list[tuple[str, str]]:
        """Return what a method says that the one it would be inherited from does not."""
        said = [] if method.forwarding == above.forwarding else [("forwarding", method.forwarding)]
        own = dict(method.settings)
        if method.forwarding == "tunnel":
            own = {name: _TUNNEL[name] for name, _ in above.settings if name != "tunnel_port"} | own
        return said + [one for one in own.items() if one not in above.settings]

    def _names_of(self, checks: Sequence[Check], virtual: VirtualServer, service: Service) -> str:
        alone = len({check.timing for check in checks}) == 1
        names = []
        for check in checks:
            if not check.kind:
                names.append(_without_checker(virtual, service))
            elif not check.settings and alone:
                names.append(check.kind)
            else:
                names.append(self._checks[check.kind, check.settings, None if alone else check.timing])
        return " ".join(dict.fromkeys(names))

    def _server(
        self,
        server: RealServer,
        virtual: VirtualServer,
        service: Service,
        names: Counter[str],
    ) -> None:
        settings = [("active", "1"), ("address", str(server.address))]
        if server.port and server.port != service.port:
            settings.append(("port", str(server.port)))
        settings.append(("weight", str(server.weight)))
        settings += self._method(server.method, virtual.method)
        upper, lower = server.thresholds
        settings += [("upper_threshold", str(upper))] if upper else []
        settings += [("lower_threshold", str(lower))] if lower else []
        checks, timing = _shared(virtual)
        if server.checks != checks:
            settings.append(("check", self._names_of(server.checks, virtual, service)))
        own = _timing(server)
        if own is not None and own != timing:
            settings += _times(own)
        name = clean(server.name) or str(server.address)
        names[name] += 1
        name = name if names[name] == 1 else f"{name}-{server.port or names[name]}"
        line = f"    server {name} {{ " + "; ".join(f"{keyword} = {value}" for keyword, value in settings) + " }"
        if len(line) <= LINE_LENGTH:
            self.draft.put(line, server.origin)
            return
        self.draft.put(f"    server {name} {{", server.origin)
        for keyword, value in settings:
            self.draft.put(f"        {keyword} = {value}")
        self.draft.put("    }")

    def _unique(self, wanted: str) -> str:
        return unused(clean(wanted), self._names)


def clean(name: str) -> str:
    """Return a name that a block can have: no blanks, slashes, quotes, braces."""
    return re.sub(r"[^\w.:+-]+", "-", name, flags=re.ASCII).strip("-")[:60]


def path_word(text: str, draft: Draft, origin: Origin) -> str:
    """Return a command as lvs.cf has it: in double quotes, cut at blanks, without quotes of its own."""
    if re.search(r"[\"'\r\n]", text):
        draft.fail(origin, f"lvs.cf cuts commands at blanks only: put this one into a script: {text}")
        text = re.sub(r"[\"'\r\n]", "", text)
    return f'"{text}"'


def _name(virtual: VirtualServer, service: Service) -> str:
    if virtual.name and len(virtual.services) == 1:
        return virtual.name
    if service.mark:
        return f"{virtual.name or 'mark'}-{service.mark}"
    return f"{virtual.name or virtual.protocol}-{service.address}-{service.port}"


def _floating(vip: Vip) -> str:
    prefix = "" if vip.prefix == vip.address.max_prefixlen else f"/{vip.prefix}"
    return f"{vip.address}{prefix} {vip.device}".rstrip()


def _timing(server: RealServer) -> Timing | None:
    """Return the times that all checks of a server have in common."""
    found = {check.timing for check in server.checks}
    return found.pop() if len(found) == 1 else None


def _shared(virtual: VirtualServer) -> tuple[tuple[Check, ...] | None, Timing | None]:
    """Return the checks and the times that most servers of a pool have; None where there is no server."""
    checks = Counter(server.checks for server in virtual.servers).most_common(1)
    timings = Counter(_timing(server) for server in virtual.servers).most_common(1)
    return (checks[0][0] if checks else None), (timings[0][0] if timings else None)


def _slowest(virtual: VirtualServer) -> float:
    return max((check.timing.out_by_s for server in virtual.servers for check in server.checks), default=10.0)


def _times(timing: Timing) -> list[tuple[str, str]]:
    said = [("interval", f"{timing.interval_s:g}"), ("check_timeout", f"{timing.check_timeout_s:g}")]
    if timing.fall > 1:
        said.append(("fast_interval", f"{timing.fast_interval_s:g}"))
    return [*said, ("fall", str(timing.fall))]


def _without_checker(virtual: VirtualServer, service: Service) -> str:
    """Return the check of a server that keepalived does not check: the least that says it is there."""
    if virtual.protocol == "udp":
        return "ping"
    return "tcp" if service.port or all(server.port for server in virtual.servers) else "ping"
