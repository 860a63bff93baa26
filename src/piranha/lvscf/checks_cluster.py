"""Findings about the routers, the heartbeat and the VIPs."""

from collections.abc import Iterator, Mapping

from piranha.lvscf.built import Built
from piranha.lvscf.claims import plain, plain_vips
from piranha.lvscf.config import Config, FloatingAddress, HeartbeatAuth, PlaneKind, Router, Virtual
from piranha.lvscf.diagnostics import Findings, Span
from piranha.lvscf.settings import Section
from piranha.terms import PRIVATE, Address, ForwardingMethod

LEASE_LATENESS_S = 1.5  # how late the kernel may remove an address (measured)


def check_cluster(built: Built, findings: Findings) -> None:
    """Add what is wrong or doubtful about the global settings."""
    config, section = built.config, built.section
    _routers(config, section, findings)
    if config.backup_active and config.primary is not None and config.backup is not None:
        _pair(config, config.primary, config.backup, section, findings)
        _timing(config, section, findings)
        _lease(config, section, findings)
    _gateway(built, findings)
    if section.value("script_user", str) == "root":
        findings.add("W020", section.place("script_user"), "check programs run as root")


def _routers(config: Config, section: Section, findings: Findings) -> None:
    known = section.tried
    if config.backup_active:
        for name, router in (("primary", config.primary), ("backup", config.backup)):
            if router is None and (name not in known or name in section.values):
                message = f"backup_active = 1, but {name} has no address"
                findings.add("E032", section.place(name, "backup_active"), message)
    elif config.primary is None and "primary" not in known:
        findings.add("W036", section.span, "primary is missing: pulse does not start with this file")
    if not config.backup_active and config.backup is not None:
        hint = "write backup_active = 1 if there are two routers"
        findings.add("W030", section.place("backup"), "backup has no effect while backup_active is 0", hint)
    for name in ("primary", "backup"):
        if f"{name}_private" in section.values and name not in known:
            findings.add("W026", section.place(f"{name}_private"), f"{name}_private has no effect without {name}")


def _pair(config: Config, primary: Router, backup: Router, section: Section, findings: Findings) -> None:
    for first, address in _own(primary, "primary"):
        for second, same in _own(backup, "backup"):
            if address == same:
                findings.add("E034", section.place(second), f"{first} and {second} are both {address}")
    for name, mine, other in (("primary", primary, backup), ("backup", backup, primary)):
        keyword = f"{name}_private"
        wrong = keyword in section.tried and keyword not in section.values
        if mine.private is None and other.private is not None and not wrong:
            given = "backup_private" if name == "primary" else "primary_private"
            why = f"is that of {name} itself" if keyword in section.values else "is not"
            message = f"{given} is given, but {keyword} {why}: a path has two ends"
            findings.add("E033", section.place(given), message)
    for keyword, ends in (
        ("backup", (primary.public, backup.public)),
        ("backup_private", (primary.private, backup.private)),
    ):
        if ends[0] is not None and ends[1] is not None and ends[0].version != ends[1].version:
            findings.add("E035", section.place(keyword), "both routers need addresses of one family here")
    _paths(config, section, findings)
    _authentication(config, section, findings)


def _own(router: Router, name: str) -> list[tuple[str, Address]]:
    private = [(f"{name}_private", router.private)] if router.private is not None else []
    return [(name, router.public), *private]


def _paths(config: Config, section: Section, findings: Findings) -> None:
    paths = config.heartbeat.paths
    extra = section.all("heartbeat_path")
    fixed = len(paths) - len(extra)
    for number, given in enumerate(extra, start=fixed):
        for before in paths[:number]:
            path = paths[number]
            if {path.primary, path.backup} & {before.primary, before.backup}:
                findings.add("E041", given.span, f"this path shares an address with path '{before.name}'")
                break
            if path.name == before.name:
                findings.add("E041", given.span, f"there is another path called '{path.name}'")
                break
    if len(paths) == 1:
        hint = "give primary_private and backup_private, or a heartbeat_path"
        message = "heartbeats have only one path: one cable can make both routers active"
        findings.add("W018", section.place("backup"), message, hint)


def _authentication(config: Config, section: Section, findings: Findings) -> None:
    heartbeat = config.heartbeat
    if heartbeat.auth is not HeartbeatAuth.REQUIRED:
        message = f"heartbeat_auth = {heartbeat.auth}: whoever reaches the port can stop or start a takeover"
        findings.add("W021", section.place("heartbeat_auth"), message)
    unsigned = heartbeat.auth is HeartbeatAuth.NONE
    if not unsigned and heartbeat.key_file is None and "heartbeat_key_file" not in section.tried:
        hint = "piranha keygen writes one; or heartbeat_auth = none"
        message = "a pair without heartbeat_key_file: pulse does not start"
        findings.add("W010", section.place("backup_active"), message, hint)


def _timing(config: Config, section: Section, findings: Findings) -> None:
    heartbeat = config.heartbeat
    given = "keepalive" in section.values or "deadtime" in section.values
    if given and heartbeat.deadtime_s < 3 * heartbeat.keepalive_s:
        message = (
            f"deadtime {heartbeat.deadtime_s:g} s is less than three times keepalive {heartbeat.keepalive_s:g} s: "
            "a lost heartbeat may start a takeover"
        )
        findings.add("W011", section.place("deadtime", "keepalive"), message)
    if heartbeat.keepalive_s < 0.25:
        message = f"keepalive {heartbeat.keepalive_s:g} s: a busy machine is later than that at times"
        findings.add("W012", section.place("keepalive"), message)


def computed_lease_s(deadtime_s: float) -> int:
    """Return the lease of VIPs in a file that gives none; as `pulse.lease_terms.lease_for`."""
    return max(1, int((deadtime_s - LEASE_LATENESS_S) * 3 / 4 + 1e-9))


def _lease(config: Config, section: Section, findings: Findings) -> None:
    lease_s = config.vips.lease_s
    deadtime_s = config.heartbeat.deadtime_s
    if lease_s is None:
        lease_s = computed_lease_s(deadtime_s)
    if lease_s == 0:
        message = "vip_lease = 0: a router whose pulse died or froze keeps its VIPs while the partner takes them"
        findings.add("W017", section.place("vip_lease"), message)
        return
    gone_s = lease_s + lease_s / 3 + LEASE_LATENESS_S
    if gone_s > deadtime_s + 1e-6:
        message = (
            f"a dead pulse keeps its VIPs for up to {gone_s:.1f} s: {gone_s - deadtime_s:.1f} s longer than deadtime"
        )
        findings.add(
            "W016", section.place("vip_lease", "deadtime"), message, "both routers hold them for the difference"
        )


def _gateway(built: Built, findings: Findings) -> None:
    config, section = built.config, built.section
    has_private = config.primary is not None and config.primary.private is not None
    if config.nat_router is None and "nat_nmask" in section.values and "nat_router" not in section.tried:
        findings.add("W026", section.place("nat_nmask"), "nat_nmask has no effect without nat_router")
    gateways = config.gateways()
    if not gateways:
        needed = any(_needs_gateway(config, virtual) for virtual in config.active_virtuals())
        if needed and section.tried.isdisjoint(("nat_router", "nat_router6")):
            hint = "nat_router = ADDRESS DEVICE, and make it the default gateway of the real servers"
            message = "NAT on two routers without nat_router: the real servers' gateway does not move at a takeover"
            findings.add("W023", section.place("network", "backup_active"), message, hint)
    for keyword, gateway in gateways.items():
        if gateway.device == PRIVATE and not has_private:
            findings.add("E039", section.place(keyword), "device 'private', but primary_private is not given")
    if gateways:
        _other_family(built, gateways, findings)
    taken = {plain(address) for address in _taken_addresses(config)}
    for one in built.virtuals:
        for number, vip in enumerate(plain_vips(one.virtual)):
            if one.virtual.vips[number].device == PRIVATE and not has_private:
                findings.add("E039", one.places[number], "device 'private', but primary_private is not given")
            if vip.at in taken:
                _taken(config, one.virtual.name, one.virtual.vips[number].address, one.places[number], findings)


def _needs_gateway(config: Config, virtual: Virtual) -> bool:
    """Whether answers of its real servers come back through a gateway that has to move with the VIPs."""
    # In user space the forwarder connects from its own address: nothing has to come back through a gateway.
    return (
        config.backup_active
        and config.lvsd.plane is PlaneKind.IPVS
        and any(server.active and server.forwarding is ForwardingMethod.NAT for server in virtual.servers)
    )


def _other_family(built: Built, gateways: Mapping[str, FloatingAddress], findings: Findings) -> None:
    """Warn of real servers that cannot have a gateway: under NAT they have the address family of their VIP."""
    families = {gateway.address.version for gateway in gateways.values()}
    keyword, gateway = next(iter(gateways.items()))
    for built_virtual in built.virtuals:
        virtual = built_virtual.virtual
        version = virtual.vip.address.version
        if virtual.active and version not in families and _needs_gateway(built.config, virtual):
            message = (
                f"NAT on two routers, '{virtual.name}' is IPv{version} and {keyword} is IPv{gateway.address.version}: "
                "the real servers' gateway does not move at a takeover"
            )
            hint = f"{'nat_router6' if version == 6 else 'nat_router'} = ADDRESS DEVICE as well"
            findings.add("W049", built_virtual.section.place("address"), message, hint)


def _taken_addresses(config: Config) -> Iterator[Address]:
    for router in (config.primary, config.backup):
        if router is not None:
            yield router.public
            if router.private is not None:
                yield router.private
    for gateway in config.gateways().values():
        yield gateway.address


def _taken(config: Config, name: str, vip: Address, place: Span, findings: Findings) -> None:
    """Warn of a VIP that a router has as its own address: it goes away when the router becomes standby."""
    for router, who in ((config.primary, "primary"), (config.backup, "backup")):
        if router is not None and vip in (router.public, router.private):
            findings.add("W040", place, f"the VIP of '{name}' is an own address of the {who} router")
    for keyword, gateway in config.gateways().items():
        if gateway.address == vip:
            findings.add("W040", place, f"the VIP of '{name}' is also {keyword}")
