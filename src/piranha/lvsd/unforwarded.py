"""What NAT needs besides the table: a machine that routes, since the answers of real servers pass through it."""

from collections.abc import Collection, Mapping

from piranha.dataclass import dataclass
from piranha.events.event import Event, Level
from piranha.lvscf.config import Config, RealServer, Virtual
from piranha.lvscf.kernel_named import FORWARDING, behind_nat
from piranha.terms import Family


@dataclass(frozen=True, slots=True)
class Cut:
    """The real servers of one virtual server that no connection reaches and comes back from.

    setting: of the kernel, which is 0. whole: they are all that it has.
    """

    setting: str
    whole: bool


class Unforwarded:
    """Tells when a family that virtual servers behind NAT need is not forwarded, once, and when it is again.

    cut: by name, the virtual servers that suffer from it, as of the last look.
    """

    def __init__(self) -> None:
        self.cut: Mapping[str, Cut] = {}
        self._families: frozenset[Family] = frozenset()

    def look(self, config: Config, not_forwarded: Collection[Family], now: float) -> list[Event]:
        """Return what began or ended since the last look. not_forwarded: families that the machine does not route."""
        suffering = [v for v in config.active_virtuals() if v.vip.family in not_forwarded and behind_nat(v, config)]
        self.cut = {virtual.name: _cut(virtual, config) for virtual in suffering}
        before, self._families = self._families, frozenset(virtual.vip.family for virtual in suffering)
        began = [_began(family, suffering, now) for family in sorted(self._families - before)]
        return began + [
            _ended(family, now, forwarded=family not in not_forwarded) for family in sorted(before - self._families)
        ]


def _cut(virtual: Virtual, config: Config) -> Cut:
    behind = sum(isinstance(server, RealServer) for server in behind_nat(virtual, config))
    return Cut(FORWARDING[virtual.vip.family], whole=behind == sum(server.active for server in virtual.servers))


def _began(family: Family, suffering: Collection[Virtual], now: float) -> Event:
    names = [virtual.name for virtual in suffering if virtual.vip.family is family]
    return Event(
        when_s=now,
        subject="table",
        message="connections through NAT fail: this machine does not forward",
        after="not forwarded",
        rule=f"NAT needs {FORWARDING[family]} = 1",
        cause=f"{FORWARDING[family]} is 0",
        level=Level.WARNING,
        facts=(("virtuals", str(len(names))), ("first", names[0]), ("cure", "ip_forward = 1 in lvs.cf")),
    )


def _ended(family: Family, now: float, *, forwarded: bool) -> Event:
    return Event(
        when_s=now,
        subject="table",
        message="connections through NAT are forwarded" if forwarded else "no virtual server needs forwarding any more",
        before="not forwarded",
        after="forwarded" if forwarded else "",
        rule=f"NAT needs {FORWARDING[family]} = 1",
        cause=f"{FORWARDING[family]} is 1" if forwarded else "another file is in force",
    )
