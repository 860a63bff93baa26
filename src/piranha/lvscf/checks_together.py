"""Findings about keywords that exclude, need or weaken each other, by the text alone."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import cast

from piranha.lvscf.addresses import HostPort
from piranha.lvscf.built import Built, BuiltVirtual
from piranha.lvscf.check_values import Program, WeightFrom
from piranha.lvscf.config import Config, FloatingAddress, HeartbeatAuth
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.elaborate_virtual import used
from piranha.lvscf.known import Looks
from piranha.lvscf.numbers import KEEP
from piranha.lvscf.settings import Section
from piranha.lvscf.syntax.tree import span_of
from piranha.terms import WEIGHTLESS, Address, ForwardingMethod

# What has no effect without which other keyword, in the same block.
NEEDS: Mapping[str, str] = {
    "monitor_devices": "monitor_links",
    "monitor_interval": "monitor_program",
    "witness_lost": "witness",
    "syncd_maxlen": "syncdaemon",
    "syncd_group": "syncdaemon",
    "syncd_port": "syncdaemon",
    "syncd_ttl": "syncdaemon",
    "notify_mail_from": "notify_mail",
    "notify_mail_server": "notify_mail",
    "notify_mail_password_file": "notify_mail",
    "web_cert_file": "web_key_file",
    "web_key_file": "web_cert_file",
    "quorum_margin": "sorry_server",
    "quorum": "sorry_server",
    "check_rule": "check",
}

# Documentation/networking/ipvs-sysctl.rst of Linux 6.12, and debug_level of kernels built with IP_VS_DEBUG.
KERNEL_SETTINGS = tuple(
    f"vs_{name}"
    for name in (
        "am_droprate amemthresh backup_only cache_bypass conn_reuse_mode conntrack debug_level drop_entry drop_packet "
        "est_cpulist est_nice expire_nodest_conn expire_quiescent_template ignore_tunneled nat_icmp_send pmtu_disc "
        "run_estimation schedule_icmp secure_tcp sloppy_sctp sloppy_tcp snat_reroute sync_persist_mode sync_ports "
        "sync_qlen_max sync_refresh_period sync_retries sync_sock_size sync_threshold sync_version"
    ).split()
)

_NUMBERS = {"vs_sync_threshold": 2}


def check_together(built: Built, looks: Looks, findings: Findings) -> None:
    """Add what does not go together in the file."""
    _needs(built.section, findings)
    _kernel_settings(built.section, findings)
    _old_heartbeat(built, findings)
    _witness(built, findings)
    _monitor_hosts(built, findings)
    _web(built, findings)
    looks.at_each(_alone, built, findings)


def _alone(built: Built, virtual: BuiltVirtual, findings: Findings) -> None:
    _needs(virtual.section, findings)
    _one_check(virtual, findings)
    _mark_rules(virtual, findings)
    _reentry(virtual, findings)
    if virtual.virtual.active:
        _draining(built, virtual, findings)
        _last_servers(virtual, findings)
        _slow_start(virtual, findings)
        _weight_from(virtual, findings)
        _behind_gateway(built, virtual, findings)


def _needs(section: Section, findings: Findings) -> None:
    if NEEDS.keys().isdisjoint(section.values):
        return  # as nearly all
    for keyword, needed in NEEDS.items():
        if keyword in section.values and needed not in section.wrong and not section.on(needed):
            findings.add("W026", section.place(keyword), f"{keyword} has no effect without {needed}")


def _kernel_settings(section: Section, findings: Findings) -> None:
    for keyword, given in section.given.items():
        if not keyword.startswith("vs_"):
            continue
        words, span = str(given.value).split(), given.setting.span
        if keyword == "vs_backup_only":
            findings.add("E022", span, "vs_backup_only belongs to lvsd, which sets it by itself", "remove it")
        elif keyword not in KERNEL_SETTINGS:
            message = f"no kernel that we know of has net.ipv4.vs.{keyword[3:]}"
            findings.add("W080", span, message, findings.nearest(keyword, KERNEL_SETTINGS))
        elif len(words) > _NUMBERS.get(keyword, 1):
            findings.add("E003", given.span, f"{keyword} takes one number, not {len(words)}")
        elif keyword != "vs_est_cpulist" and words != [KEEP] and not words[0].lstrip("-").isdigit():
            findings.add("E011", given.span, f"integer expected, not '{words[0]}'")


def _old_heartbeat(built: Built, findings: Findings) -> None:
    legacy = built.section.value("heartbeat_legacy", bool)
    if legacy and built.config.heartbeat.auth is HeartbeatAuth.REQUIRED and "heartbeat_auth" not in built.section.wrong:
        message = "heartbeat_legacy = 1, but heartbeat_auth is required: the heartbeat of the original is not signed"
        findings.add("E072", built.section.place("heartbeat_legacy"), message, "heartbeat_auth = migrate")


def _routers(config: Config) -> Iterator[tuple[Address, str]]:
    for router, who in ((config.primary, "primary"), (config.backup, "backup")):
        if router is not None:
            yield router.public, f"the {who} router"
            if router.private is not None:
                yield router.private, f"the {who} router"


def _witness(built: Built, findings: Findings) -> None:
    witness = built.section.maybe("witness", HostPort)
    if witness is None:
        return
    taken = dict(_routers(built.config))
    for floating in built.config.floating_addresses():
        taken.setdefault(floating.address, "a VIP or the NAT gateway: it moves with the role")
    for given in built.section.all("monitor_hosts"):
        for host in given.value if isinstance(given.value, tuple) else ():
            taken.setdefault(host, "a host of monitor_hosts: both sides of a split may reach it")
    if witness.address in taken:
        message = f"the witness {witness.address} is {taken[witness.address]}"
        findings.add("W070", built.section.place("witness"), message, "a witness is a third machine")


def _monitor_hosts(built: Built, findings: Findings) -> None:
    lines = [given for given in built.section.all("monitor_hosts") if isinstance(given.value, tuple)]
    taken = dict(_routers(built.config)) if lines else {}
    for floating in built.config.floating_addresses() if lines else ():
        taken.setdefault(floating.address, "a VIP or the NAT gateway, which the active router answers itself")
    for given in lines:
        hosts = cast(tuple[Address, ...], given.value)
        if len(set(hosts)) == 1:
            message = f"when {hosts[0]} alone does not answer, this router counts as cut off"
            findings.add("W071", given.span, message, "name a second address of that side on the same line")
        for word, host in zip(given.setting.values, hosts, strict=True):
            if host in taken:
                message = f"{host} is {taken[host]}: its answer does not tell whether this router is cut off"
                findings.add("W085", span_of(word), message, "name a gateway, a switch or a server of that side")


def _web(built: Built, findings: Findings) -> None:
    listen = built.section.get("web_listen", "private")
    host = listen.rpartition(":")[0] if listen.count(":") == 1 or "]" in listen else listen
    host = host.strip("[]")
    routers = (built.config.primary, built.config.backup)
    public = {str(router.public) for router in routers if router is not None}
    everywhere = host == "*" or host.strip("0.:") == ""  # 0.0.0.0, ::
    if host == "public" or host in public or everywhere:
        where = "every address, also the public one" if everywhere else "the public side"
        message = f"web_listen = {listen}: the web tool can be reached on {where}"
        findings.add("W075", built.section.place("web_listen"), message, "web_listen = private")


def _one_check(built: BuiltVirtual, findings: Findings) -> None:
    section = built.section
    if "check" not in section.tried:
        return
    for keyword in ("send", "expect", "send_program"):
        if keyword in section.tried:
            message = f"both check and {keyword} are given: what is checked stands in one place"
            findings.add("E070", section.place(keyword), message, f"put {keyword} into the check block")


def _mark_rules(built: BuiltVirtual, findings: Findings) -> None:
    section = built.section
    if not section.on("mark_rules"):
        return
    missing = [keyword for keyword in ("ports", "fwmark") if keyword not in section.tried]
    if missing:
        message = f"mark_rules = 1 without {' and '.join(missing)}: there is nothing to mark"
        findings.add("E071", section.place("mark_rules"), message)


def _reentry(built: BuiltVirtual, findings: Findings) -> None:
    section = built.section
    if "reentry" not in section.values or not built.kinds:
        return
    times = [server.server.timing for server in built.kinds]
    shortest_s = min(timing.interval_s for timing in times)
    reentry_s = section.value("reentry", float)
    if 0 < reentry_s < shortest_s:
        message = f"reentry {reentry_s:g} s is shorter than the time between two checks, {shortest_s:g} s"
        findings.add("W076", section.place("reentry"), message, "one good answer ends it, as with reentry = 0")


def _draining(built: Built, virtual: BuiltVirtual, findings: Findings) -> None:
    persistence_s = virtual.virtual.persistence_s
    tells = str(built.section.maybe("vs_expire_quiescent_template", object)) == "1"
    if not persistence_s or tells:
        return
    for section in (virtual.section, *(server.section for server in virtual.kinds)):
        # The default is no worse than the original, which took such a server out at once.
        drain_s = section.value("drain_time", float) if "drain_time" in section.values else 0.0
        if 0 < drain_s < persistence_s:
            message = f"drain_time {drain_s:g} s is shorter than persistent {persistence_s} s: clients still come back"
            hint = "vs_expire_quiescent_template = 1 sends them elsewhere"
            findings.add("W072", section.place("drain_time"), message, hint)


def _last_servers(built: BuiltVirtual, findings: Findings) -> None:
    section = built.section
    if built.virtual.sorry_server is not None and section.on("keep_active"):
        message = "keep_active beside sorry_server: failing servers stay while any server is well; only when all fail "
        message += "does the sorry server serve"
        findings.add("W073", section.place("keep_active"), message)


def _slow_start(built: BuiltVirtual, findings: Findings) -> None:
    if built.virtual.scheduler not in WEIGHTLESS:
        return
    for section in (built.section, *(server.section for server in built.kinds)):
        if section.on("slow_start"):
            message = f"slow_start has no effect: scheduler {built.virtual.scheduler} takes no growing weight"
            findings.add("W074", section.place("slow_start"), message, "scheduler = wlc or wrr")


def _weight_from(built: BuiltVirtual, findings: Findings) -> None:
    if not any(one.server.weighed for one in built.kinds):
        return
    weighed = [one for one in used(built.servers) if one.server.weighed]
    if weighed and built.virtual.scheduler in WEIGHTLESS:
        message = f"weight_from changes nothing but weight 0: scheduler {built.virtual.scheduler} takes no weights"
        findings.add("W082", built.section.place("scheduler", "check"), message, "scheduler = wlc or wrr")
    for one in weighed:
        shares = any(
            isinstance(each.check, Program) and each.check.weight_from is WeightFrom.OUTPUT
            for each in one.server.all_checks()
        )
        if shares and one.server.weight == 1:
            message = "a percent of weight 1 is 1 or 0: weights are whole numbers"
            findings.add("W082", one.section.place("weight"), message, "weight = 100 for each server")


def _behind_gateway(built: Built, virtual: BuiltVirtual, findings: Findings) -> None:
    for keyword, gateway in built.config.gateways().items():
        if gateway.prefix < gateway.address.max_prefixlen:
            _outside(keyword, gateway, virtual, findings)


def _outside(keyword: str, gateway: FloatingAddress, virtual: BuiltVirtual, findings: Findings) -> None:
    network = ip_network((gateway.address, gateway.prefix), strict=False)
    for server in used(virtual.servers):
        real = server.server
        other = real.address.version == gateway.address.version and real.address not in network
        if other and real.forwarding is ForwardingMethod.NAT:
            message = f"{real.address} is not in {network}: {keyword} {gateway.address} cannot be its gateway"
            hint = "the router in between must send its answers there"
            findings.add("W077", server.section.place("address"), message, hint)
