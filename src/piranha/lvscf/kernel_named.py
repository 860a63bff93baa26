"""Which settings of the kernel a file names, and whether what the kernel has is what the file wants.

Settings are named as sysctl(8) does: net.ipv4.vs.conntrack.
"""

from collections.abc import Mapping

from piranha.lvscf.config import Config, RealServer, SorryServer, Virtual
from piranha.terms import Address, Family, ForwardingMethod

VS = "net.ipv4.vs."
FORWARDING = {Family.IPV4: "net.ipv4.ip_forward", Family.IPV6: "net.ipv6.conf.all.forwarding"}
"""What switches forwarding on, by family."""

# In these modes 1 and 2 are one: the kernel goes from 1 to 2 when it runs short of memory, and back (ip_vs_ctl.c).
_SWITCHED_BY_THE_KERNEL = frozenset(VS + name for name in ("drop_entry", "drop_packet", "secure_tcp"))


def named(config: Config) -> Mapping[str, str]:
    """Return the settings that the file names and their values."""
    wanted = {VS + name: value for name, value in config.kernel.vs}
    if config.kernel.ip_forward:
        wanted[FORWARDING[Family.IPV4]] = "1"
        if any(one.vip.family is Family.IPV6 and behind_nat(one, config) for one in config.active_virtuals()):
            wanted[FORWARDING[Family.IPV6]] = "1"
    return wanted


def rule(setting: str, value: str) -> str:
    """Return the line of the file that names a setting: `vs_conntrack = 1`."""
    return f"vs_{setting.removeprefix(VS)} = {value}" if setting.startswith(VS) else f"ip_forward = {value}"


def same(setting: str, wanted: str, found: str) -> bool:
    """Whether the kernel's value is the wanted one. Of several numbers the file may name the first ones only."""
    want, have = wanted.split(), found.split()
    if setting in _SWITCHED_BY_THE_KERNEL and want == ["1"]:
        return have in (["1"], ["2"])
    return have[: len(want)] == want


def behind_nat(virtual: Virtual, config: Config) -> list[RealServer | SorryServer]:
    """Return those servers whose answers this machine has to route; its own need no forwarding."""
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
