"""What NAT needs besides the table: a machine that routes, since the answers of real servers pass through it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from piranha.events.event import Event, Level
from piranha.lvscf.config import Config, RealServer, SorryServer, Virtual
from piranha.terms import Address, Family, ForwardingMethod

SETTING = {Family.IPV4: "net.ipv4.ip_forward", Family.IPV6: "net.ipv6.conf.all.forwarding"}
"""What switches forwarding on, by family."""


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
        suffering = [v for v in config.active_virtuals() if v.vip.family in not_forwarded and _behind_nat(v, config)]
        self.cut = {virtual.name: _cut(virtual, config) for virtual in suffering}
        before, self._families = self._families, frozenset(virtual.vip.family for virtual in suffering)
        began = [_began(family, suffering, now) for family in sorted(self._families - before)]
        return began + [
            _ended(family, now, forwarded=family not in not_forwarded) for family in sorted(before - self._families)
        ]


def _cut(virtual: Virtual, config: Config) -> Cut:
    behind = sum(isinstance(server, RealServer) for server in _behind_nat(virtual, config))
    return Cut(SETTING[virtual.vip.family], whole=behind == sum(server.active for server in virtual.servers))


def _behind_nat(virtual: Virtual, config: Config) -> list[RealServer | SorryServer]:
    """Return those whose answers this machine has to route; its own need no forwarding."""
    routers = [router for router in (config.primary, config.backup) if router is not None]
    own: set[Address | None] = {address for router in routers for address in (router.public, router.private)}
    servers: list[RealServer | SorryServer] = [server for server in virtual.servers if server.active]
    if virtual.sorry_server is not None:
        servers.append(virtual.sorry_server)
    return [
        server
        for server in servers
        if server.forwarding is ForwardingMethod.NAT and not server.address.is_loopback and server.address not in own
    ]


def _began(family: Family, suffering: Collection[Virtual], now: float) -> Event:
    names = [virtual.name for virtual in suffering if virtual.vip.family is family]
    return Event(
        when_s=now,
        subject="table",
        message="connections through NAT fail: this machine does not forward",
        after="not forwarded",
        rule=f"NAT needs {SETTING[family]} = 1",
        cause=f"{SETTING[family]} is 0",
        level=Level.WARNING,
        facts=(("virtuals", str(len(names))), ("first", names[0])),
    )


def _ended(family: Family, now: float, *, forwarded: bool) -> Event:
    return Event(
        when_s=now,
        subject="table",
        message="connections through NAT are forwarded" if forwarded else "no virtual server needs forwarding any more",
        before="not forwarded",
        after="forwarded" if forwarded else "",
        rule=f"NAT needs {SETTING[family]} = 1",
        cause=f"{SETTING[family]} is 1" if forwarded else "another file is in force",
    )
