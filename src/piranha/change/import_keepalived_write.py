"""Writes the settings of lvs.cf that stand in front of the blocks, out of what keepalived says."""

from collections.abc import Iterator, Sequence

from piranha.change.import_keepalived_body import Body
from piranha.change.import_keepalived_checks import word
from piranha.change.import_keepalived_cluster import Cluster
from piranha.change.import_keepalived_known import GLOBAL
from piranha.change.import_keepalived_pools import clean, path_word
from piranha.change.import_keepalived_tree import Statement
from piranha.change.import_keepalived_vrrp import Instance, Script, Vip
from piranha.change.imported import Draft

KEEPALIVE_MIN_S = 0.1
KEY_FILE = "/etc/piranha/heartbeat.key"


def write_cluster(cluster: Cluster, draft: Draft) -> None:
    """Write who the routers are and how they hear each other."""
    main = cluster.instance
    if main is None:
        draft.put("# primary = OWN ADDRESS OF THIS ROUTER")
        draft.warn(
            draft.whole, "no vrrp_instance: keepalived moves no VIPs here; write primary, and backup if there is one"
        )
        draft.put()
        return
    if name := clean(main.name):
        draft.put(f"cluster = {name}", main.origin)
    public, *others = cluster.paths
    if public.primary is None or public.backup is None:
        draft.put(f"# primary = {public.primary or 'OWN ADDRESS OF THE PRIMARY'}", public.origin)
        draft.put("# backup_active = 1")
        draft.put(f"# backup = {public.backup or 'OWN ADDRESS OF THE BACKUP'}")
        message = "multicast, or several peers: the addresses of both routers are not known; write primary and backup"
        draft.fail(public.origin, message)
    else:
        draft.put(f"primary = {public.primary}", public.origin, clean(cluster.names[0]))
        if others:
            draft.put(f"primary_private = {others[0].primary}", others[0].origin)
        draft.put("backup_active = 1")
        draft.put(f"backup = {public.backup}", public.origin, clean(cluster.names[1]))
        if others:
            draft.put(f"backup_private = {others[0].backup}", others[0].origin)
        for number, path in enumerate(others[1:], start=3):
            draft.put(f"heartbeat_path = {path.primary} {path.backup} path{number}", path.origin)
    _heartbeat(cluster.side.instances, main, draft)
    draft.put()


def _heartbeat(instances: Sequence[Instance], main: Instance, draft: Draft) -> None:
    draft.put(f"heartbeat_key_file = {KEY_FILE}", main.origin)
    if main.secret:
        draft.warn(main.origin, "the password of VRRP is not taken over: piranha keygen writes a key")
    fastest = min(instances, key=lambda instance: instance.advert_s)
    keepalive_s = max(fastest.advert_s, KEEPALIVE_MIN_S)
    if keepalive_s > fastest.advert_s:
        draft.warn(
            fastest.origin, f"advert_int {fastest.advert_s:g}: heartbeats are sent every {keepalive_s:g} s at most"
        )
    draft.put(f"keepalive = {keepalive_s:g}", fastest.origin)
    deadtime_s = max(fastest.silence_s, (fastest.adverts + 1) * keepalive_s)
    draft.put(f"deadtime = {deadtime_s:g}", fastest.origin, f"{fastest.adverts} advert_int, and one for the skew time")
    if main.preempts:
        draft.put(f"failback = {f'{main.preempt_delay_s:g}' if main.preempt_delay_s else 'always'}", main.origin)
    watched = list(dict.fromkeys(device for instance in instances for device in instance.watched))
    if watched:
        draft.put("monitor_links = 1", main.origin)
        draft.put(f"monitor_devices = {' '.join(word(device, draft, main.origin) for device in watched)}", main.origin)


def write_gateway(gateway: Vip | None, network: str, draft: Draft) -> None:
    """Write the forwarding method of the file, and the VIP that real servers have as their gateway."""
    draft.put(f"network = {network}")
    if gateway is not None:
        prefix = "" if gateway.prefix == gateway.address.max_prefixlen else f"/{gateway.prefix}"
        keyword = "nat_router" if gateway.address.version == 4 else "nat_router6"
        draft.put(f"{keyword} = {gateway.address}{prefix} {gateway.device}", gateway.origin)
        draft.warn(
            gateway.origin, "this VIP has no virtual server and is in the network of real servers: their gateway"
        )
    draft.put()


def write_programs(instances: Sequence[Instance], scripts: dict[str, Script], draft: Draft) -> None:
    """Write what is called when a router becomes active or stops being it, and what judges it."""
    before = len(draft.lines)
    commands = [one for instance in instances for one in instance.commands]
    users = {}
    for keyword, names in (("active_cmd", ("notify_master",)), ("inactive_cmd", ("notify_backup", "notify_fault"))):
        found = [command for name, command in commands if name in names]
        for command in found[:1]:
            draft.put(f"{keyword} = {path_word(command.text, draft, command.origin)}", command.origin)
            users[command.user] = command
        for command in found[1:]:
            if command.text != found[0].text:
                draft.warn(command.origin, f"only one program can be {keyword}: this one is left out")
    for user, command in list(users.items())[:1]:
        if user:
            draft.put(f"notify_user = {word(user, draft, command.origin)}", command.origin)
    tracked = dict.fromkeys(name for instance in instances for name in instance.scripts)
    for name in tracked:
        script = scripts.get(name)
        if script is None or not script.text:
            draft.warn(instances[0].origin, f"there is no vrrp_script '{name}', or it has no script: left out")
        elif script.weighted:
            draft.warn(script.origin, f"vrrp_script '{name}' changes a priority: there are no weights; left out")
        else:
            draft.put(f"monitor_program = {path_word(script.text, draft, script.origin)}", script.origin)
    intervals = {scripts[name].interval_s for name in tracked if name in scripts and not scripts[name].weighted}
    if intervals:
        draft.put(f"monitor_interval = {max(min(intervals), 1):g}")
    for name, script in scripts.items():
        if name not in tracked:
            draft.warn(script.origin, f"no vrrp_instance tracks the vrrp_script '{name}': left out")
    if len(draft.lines) > before:
        draft.put()


def write_globals(body: Body, main: Instance | None, draft: Draft) -> None:
    """Write what `global_defs` says."""
    before = len(draft.lines)
    for text, origin in _globals(body, main):
        draft.put(text, origin.origin)
    body.report(GLOBAL)
    if len(draft.lines) > before:
        draft.put()


def _globals(body: Body, main: Instance | None) -> Iterator[tuple[str, Statement]]:
    body.all("router_id", "vrrp_down_timer_adverts")  # told with the routers
    yield from _announcements(body)
    if (timeouts := body.last("lvs_timeouts")) is not None:
        for kind, value in zip(timeouts.args[::2], timeouts.args[1::2], strict=False):
            if kind in ("tcp", "tcpfin", "udp") and value.isdecimal():
                yield f"{kind}_timeout = {value}", timeouts
            else:
                body.draft.warn(timeouts.origin, f"'{kind} {value}' of lvs_timeouts is left out")
    if (found := body.last("lvs_sync_daemon", "lvs_sync_daemon_interface")) is not None:
        yield from _sync(found, main, body.draft)
    if (user := body.last("script_user")) is not None and user.args:
        yield f"script_user = {word(user.args[0], body.draft, user.origin)}", user
    if (delay := body.seconds("vrrp_startup_delay")) is not None and (found := body.last("vrrp_startup_delay")):
        yield f"initdead = {delay:g}", found
    yield from _mail(body)


def _announcements(body: Body) -> Iterator[tuple[str, Statement]]:
    few = body.last("vrrp_min_garp")
    count = body.last("vrrp_garp_master_repeat")
    delay_s = body.seconds("vrrp_garp_master_delay")
    refresh_s = body.seconds("vrrp_garp_master_refresh")
    if few is not None and few.args[:1] not in (("off",), ("no",), ("false",)):
        yield "arp_count = 1", few
    elif count is not None and (number := body.whole(count, 1, 500)) is not None:
        yield f"arp_count = {number if delay_s == 0 else 2 * number}", count
    refresh = body.last("vrrp_garp_master_refresh")
    if refresh_s is not None and refresh is not None:
        yield f"arp_refresh = {refresh_s:g}", refresh
    if delay_s:
        body.draft.warn(body.all("vrrp_garp_master_delay")[-1].origin, f"'vrrp_garp_master_delay': {_SPREAD}")


_SPREAD = "announcements are spread over time: arp_count of them, one each arp_interval"


def _sync(found: Statement, main: Instance | None, draft: Draft) -> Iterator[tuple[str, Statement]]:
    yield "syncdaemon = 1", found
    words = list(found.args)
    if words:
        yield f"syncd_iface = {word(words.pop(0), draft, found.origin)}", found
    known = False
    while words:
        option = words.pop(0)
        if option == "inst" and words:
            words.pop(0)
        elif option in ("id", "maxlen", "port", "ttl", "group") and words:
            yield f"syncd_{option} = {word(words.pop(0), draft, found.origin)}", found
            known = known or option == "id"
    if not known and main is not None and main.router_id:
        yield f"syncd_id = {main.router_id}", found


def _mail(body: Body) -> Iterator[tuple[str, Statement]]:
    draft = body.draft
    if (listed := body.last("notification_email")) is not None and listed.body:
        yield f"notify_mail = {' '.join(word(one.keyword, draft, one.origin) for one in listed.flat())}", listed
    if (sender := body.last("notification_email_from")) is not None and sender.args:
        yield f"notify_mail_from = {word(sender.args[0], draft, sender.origin)}", sender
    if (server := body.last("smtp_server")) is not None and server.args:
        yield f"notify_mail_server = {' '.join(word(one, draft, server.origin) for one in server.args[:2])}", server
