"""From the syntax tree to a Config: the global settings, and all blocks put together."""

from collections.abc import Iterator, Mapping, Sequence

from piranha.lvscf import directives
from piranha.lvscf.addresses import FloatingWords
from piranha.lvscf.alike import Around
from piranha.lvscf.built import Built, BuiltVirtual
from piranha.lvscf.checks import check
from piranha.lvscf.checks_blocks import CheckBlock, check_blocks, check_sources
from piranha.lvscf.checks_sync import HIGHEST_ID
from piranha.lvscf.config import (
    ChangeSettings,
    Config,
    FloatingAddress,
    ForeignEdits,
    HeartbeatAuth,
    HeartbeatPath,
    HeartbeatSettings,
    LvsdSettings,
    PlaneKind,
    Router,
    Standby,
    VipSettings,
)
from piranha.lvscf.diagnostics import Findings, has_errors
from piranha.lvscf.directives import Scope
from piranha.lvscf.elaborate_check import check_contents
from piranha.lvscf.elaborate_service import floating_address
from piranha.lvscf.elaborate_virtual import Names, build_virtual, unique_name
from piranha.lvscf.kernel_values import KernelSettings, SyncSettings
from piranha.lvscf.known import NOTHING, Known, Looks, Outside, Said, known
from piranha.lvscf.numbers import KEEP, Reader
from piranha.lvscf.settings import Section, collect, collect_block
from piranha.lvscf.syntax.tree import Tree
from piranha.terms import Address, ForwardingMethod

# What is missing may well be there once the errors are gone: these would only distract from them.
CONSEQUENCES = ("E046", "W023", "W035", "W036", "W042")


def elaborate(
    tree: Tree, hosts: Mapping[str, Address], findings: Findings, before: Known = NOTHING
) -> tuple[Config | None, Known]:
    """Return what the file means; None when `findings` holds an error afterwards, also an older one.

    before: what an earlier reading knows. What is known now is returned as well.
    """
    reader = Reader(findings, hosts)
    section = collect(tree.settings(), Section(None, Scope.GLOBAL), reader)
    checks = _check_blocks(tree, reader)
    outside = Outside.of(section, [one.block for one in checks])
    before = before.where(outside)
    said = tuple(_virtuals(tree, section, checks, reader, before.said))
    virtuals = tuple(one.built for one in said if one.built is not None)
    _nothing_to_serve(virtuals, section, findings)
    _blocks_without_effect(tree, reader)
    check_blocks(checks, virtuals, findings)
    built = Built(_config(section, virtuals, findings), section, virtuals)
    looks = Looks(before.looks)
    check(built, looks, findings)
    check_sources(checks, built.config, findings)
    others = [diagnostic for diagnostic in findings.found if diagnostic.code not in CONSEQUENCES]
    if has_errors(others):
        findings.found = others
    return None if has_errors(findings.found) else built.config, known(outside, said, looks)


def _virtuals(
    tree: Tree, section: Section, checks: Sequence[CheckBlock], reader: Reader, before: Mapping[int, Said]
) -> Iterator[Said]:
    names, findings = Names(), reader.findings
    network = ForwardingMethod(section.value("network", str))
    around = Around(reader, network, {one.name: one.section for one in reversed(checks)})
    for block in tree.blocks("virtual"):
        if block.name is None:
            continue
        name, said = unique_name(block, names, findings), before.get(id(block))
        if said is not None and said.name == name:
            findings.take(said.findings or ())
            yield said
            continue
        mark = findings.mark()
        built = build_virtual(block, name, around)
        yield Said(block, name, built, findings.since(mark))


def _nothing_to_serve(virtuals: tuple[BuiltVirtual, ...], section: Section, findings: Findings) -> None:
    if any(built.virtual.active for built in virtuals):
        return
    if virtuals:
        why, place = "no virtual server of this file is active", virtuals[0].section.place("active")
    else:
        why, place = "there is no virtual server in this file", section.span
    hint = "write active = 1 in a virtual block; to stop serving, stop pulse"
    findings.add("E046", place, f"no active lvs services defined: {why}", hint)


def _blocks_without_effect(tree: Tree, reader: Reader) -> None:
    findings = reader.findings
    for block in tree.blocks("failover"):
        findings.add("W003", block.span, "'failover' blocks have no effect", directives.FAILOVER_INSTEAD)
        # Only what is wrong is of interest: none of its settings needs a warning of its own.
        inner = Findings()
        collect_block(block, Scope.FAILOVER, Reader(inner, reader.hosts, look_up=False))
        findings.take_errors(inner)
    for block in tree.blocks("server"):
        findings.add("E008", block.span, "a 'server' block stands only inside a 'virtual' block")


def _check_blocks(tree: Tree, reader: Reader) -> list[CheckBlock]:
    findings = reader.findings
    found: list[CheckBlock] = []
    for block in tree.blocks("check"):
        section = collect_block(block, Scope.CHECK, reader)
        if block.name is not None:
            check_contents(block.name.value, section, findings)
            found.append(CheckBlock(block, block.name.value, section))
    return found


def _config(section: Section, virtuals: tuple[BuiltVirtual, ...], findings: Findings) -> Config:
    primary = _router(section, "primary")
    backup = _router(section, "backup")
    backup_active = section.value("backup_active", bool)
    pair = backup_active and primary is not None and backup is not None
    return Config(
        primary=primary,
        backup=backup,
        backup_active=backup_active,
        serial_no=section.value("serial_no", int),
        cluster=section.value("cluster", str),
        standby=Standby(section.value("standby", str)),
        heartbeat=_heartbeat(section, _paths(section, primary, backup) if pair else (), backup_active),
        vips=_vips(section, findings),
        nat_router=_nat_router(section, findings),
        nat_router6=_nat_router6(section, findings),
        active_cmd=section.get("active_cmd", ()),
        inactive_cmd=section.get("inactive_cmd", ()),
        failback_s=_failback_s(section),
        monitor_links=section.value("monitor_links", bool),
        monitor_devices=section.get("monitor_devices", ()),
        monitor_hosts=_monitor_hosts(section),
        lvsd=LvsdSettings(
            plane=PlaneKind(section.value("forwarding_plane", str)),
            foreign_edits=ForeignEdits(section.value("foreign_edits", str)),
            repair_interval_s=section.value("repair_interval", float),
            share_checks=section.value("share_checks", bool),
            nanny_processes=section.value("nanny_processes", int),
            script_user=section.value("script_user", str),
            script_limit=section.value("script_limit", int),
            notify_user=section.value("notify_user", str),
            keep_table=section.value("keep_table", bool),
            maintenance_dir=section.get("maintenance_dir", ""),
            hard_shutdown=section.value("hard_shutdown", bool),
            timeouts_s=(
                section.value("tcp_timeout", int),
                section.value("tcpfin_timeout", int),
                section.value("udp_timeout", int),
            ),
        ),
        kernel=_kernel(section),
        change=ChangeSettings(
            limit_percent=section.value("change_limit", float),
            confirm_s=section.value("confirm_time", float),
            external=section.value("config_sync", str) == "external",
        ),
        virtuals=tuple(built.virtual for built in virtuals),
    )


def _kernel(section: Section) -> KernelSettings:
    named = {keyword: given.value for keyword, given in section.given.items() if keyword.startswith("vs_")}
    return KernelSettings(
        vs=tuple(sorted((keyword[3:], str(value)) for keyword, value in named.items() if value != KEEP)),
        ip_forward=section.value("ip_forward", str) == "1",
        sync=_sync(section) if section.value("syncdaemon", bool) else None,
    )


def _sync(section: Section) -> SyncSettings:
    return SyncSettings(
        device=section.value("syncd_iface", str),
        sync_id=section.value("syncd_id", int) & HIGHEST_ID,  # as the original did
        max_length=section.maybe("syncd_maxlen", int),
        group=section.address("syncd_group"),
        port=section.maybe("syncd_port", int),
        ttl=section.maybe("syncd_ttl", int),
    )


def _monitor_hosts(section: Section) -> tuple[tuple[Address, ...], ...]:
    lines = [given.value for given in section.all("monitor_hosts")]
    return tuple(dict.fromkeys(tuple(dict.fromkeys(line)) for line in lines if isinstance(line, tuple)))


def _failback_s(section: Section) -> float | None:
    value = section.value("failback", object)
    return value if isinstance(value, float) else 0.0 if value == "always" else None


def _router(section: Section, place: str) -> Router | None:
    public = section.address(place)
    if public is None:
        return None
    private = section.address(f"{place}_private")
    # The original copied the public address where none was given, and some files say it twice.
    return Router(public=public, private=private if private != public else None)


def _paths(section: Section, primary: Router | None, backup: Router | None) -> tuple[HeartbeatPath, ...]:
    paths: list[HeartbeatPath] = []
    if primary is not None and backup is not None:
        paths.append(HeartbeatPath(name="public", primary=primary.public, backup=backup.public))
        if primary.private is not None and backup.private is not None:
            paths.append(HeartbeatPath(name="private", primary=primary.private, backup=backup.private))
    for number, given in enumerate(section.all("heartbeat_path"), start=3):
        if isinstance(given.value, tuple):
            first, second, name = given.value
            paths.append(HeartbeatPath(name=name or f"path{number}", primary=first, backup=second))
    return tuple(paths)


def _heartbeat(section: Section, paths: tuple[HeartbeatPath, ...], backup_active: bool) -> HeartbeatSettings:
    deadtime_s = section.value("deadtime", float)
    return HeartbeatSettings(
        port=section.value("heartbeat_port", int),
        key_file=section.maybe("heartbeat_key_file", str),
        auth=HeartbeatAuth(section.value("heartbeat_auth", str)),
        keepalive_s=section.value("keepalive", float),
        deadtime_s=deadtime_s,
        initdead_s=section.get("initdead", 2 * deadtime_s if backup_active else 0.0),
        warntime_s=section.get("warntime", deadtime_s / 2),
        paths=paths,
    )


def _vips(section: Section, findings: Findings) -> VipSettings:
    for keyword in ("vip_lease", "vip_lease_alone"):
        if section.get(keyword, 0.0) % 1:
            findings.add("E017", section.place(keyword), f"{keyword} must be whole seconds", "the kernel knows no less")
    lease_s = section.maybe("vip_lease", float)
    return VipSettings(
        lease_s=None if lease_s is None else int(lease_s),
        lease_alone_s=int(section.value("vip_lease_alone", float)),
        arp_count=section.value("arp_count", int),
        arp_interval_s=section.value("arp_interval", float),
        arp_refresh_s=section.value("arp_refresh", float),
    )


def _nat_router(section: Section, findings: Findings) -> FloatingAddress | None:
    words = section.maybe("nat_router", FloatingWords)
    if words is None or int(words.address) == 0:
        return None
    return floating_address(words, section, "nat_nmask", findings)


def _nat_router6(section: Section, findings: Findings) -> FloatingAddress | None:
    words = section.maybe("nat_router6", FloatingWords)
    if words is None:
        return None
    if words.address.version != 6 or int(words.address) == 0:
        message = f"nat_router6 must be an IPv6 address, not {words.address}"
        findings.add("E035", section.place("nat_router6"), message, "the IPv4 gateway is nat_router")
        return None
    return FloatingAddress(address=words.address, prefix=words.prefix or 128, device=words.device, label=words.label)
