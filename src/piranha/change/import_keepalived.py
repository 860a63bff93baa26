"""From the configuration of keepalived, of one router or of both, to an lvs.cf and what is different.

Source: keepalived.conf(5) of 2.2.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from piranha.change.import_keepalived_body import Body
from piranha.change.import_keepalived_cluster import Cluster, Side, decide
from piranha.change.import_keepalived_known import TOP
from piranha.change.import_keepalived_lines import Broken, Lines, Reader
from piranha.change.import_keepalived_pools import Pools
from piranha.change.import_keepalived_servers import VirtualServer, read_servers
from piranha.change.import_keepalived_services import Service
from piranha.change.import_keepalived_tree import Statement, parse
from piranha.change.import_keepalived_vrrp import Vip, read_instances, read_scripts
from piranha.change.import_keepalived_write import write_cluster, write_gateway, write_globals, write_programs
from piranha.change.imported import Draft, Imported, Origin, failure
from piranha.terms import Address

Source = tuple[str, str]
"""Name and text of a file."""

_BLOCKS = frozenset(("global_defs", "vrrp_instance", "vrrp_sync_group", "vrrp_script", "virtual_server"))
_FIRST = frozenset((*_BLOCKS, "virtual_server_group"))
_TIMING = (
    "delay_loop, connect_timeout, delay_before_retry and retry have become interval, check_timeout, fast_interval and "
    "fall; timeout says how long a dead server stays at most"
)


def import_keepalived(
    sources: Sequence[Source], reader: Reader, roles: Sequence[str] = (), folder: str = ""
) -> Imported:
    """Return the lvs.cf for one or two routers that run keepalived.

    sources: the file of one router, or of both. reader: finds the files of an `include`. roles: `primary` or
    `backup` for each source; empty: state and priority tell. folder: where relative names begin. A file with
    lines for two configuration ids (`@lvs1`, `@lvs2`) is read once for each of them.
    """
    whole = Origin(sources[0][0])
    if not 1 <= len(sources) <= 2:
        return failure(whole, f"{len(sources)} files: give that of one router, or those of both")
    try:
        sides, missing = _sides(sources, _Reading(reader, folder), whole)
    except Broken as error:
        return failure(error.origin, str(error), error.origin.line)
    draft = Draft(whole)
    for origin, pattern in missing:
        draft.warn(origin, f"nothing can be read where '{pattern}' points to")
    virtuals = read_servers(sides[0].top, draft)
    cluster = decide(sides, roles, virtuals, draft)
    if cluster.side is not sides[0]:  # the other file is the one that counts
        draft = Draft(whole, notes=[note for note in draft.notes if note.origin.line == 0])
        virtuals = read_servers(cluster.side.top, draft)
        cluster = decide(sides, roles, virtuals, draft)
    read_instances(cluster.side.top, draft)  # once more, for its notes
    if not virtuals:
        return failure(whole, "no virtual_server: lvs.cf is about load balancing, there is nothing to import")
    _top(cluster.side.top, draft)
    _write(cluster, virtuals, draft)
    return draft.finish()


@dataclass(frozen=True, slots=True)
class _Reading:
    reader: Reader
    folder: str


def _sides(sources: Sequence[Source], reading: _Reading, whole: Origin) -> tuple[list[Side], list[tuple[Origin, str]]]:
    """Read each router's configuration. Raises Broken."""
    missing: list[tuple[Origin, str]] = []
    found: list[tuple[Side, set[str], list[tuple[Origin, str]]]] = []
    for name, text in sources:
        if "\0" in text:
            raise Broken(Origin(name), "this is not a text file: it has zero bytes")
        found.append(_side((name, text), "", reading))
        missing += found[-1][2]
    ids = sorted(found[0][1])
    if len(sources) == 1 and ids:
        if len(ids) > 2:
            raise Broken(whole, f"lines for {len(ids)} routers, {', '.join(f'@{one}' for one in ids)}: Piranha has two")
        # With one id the other router is whoever has none.
        found = [_side(sources[0], one, reading) for one in [*ids, ""][:2]]
    return [side for side, _, _ in found], missing


def _side(source: Source, config_id: str, reading: _Reading) -> tuple[Side, set[str], list[tuple[Origin, str]]]:
    """Return one router's configuration, the configuration ids it asks for, and includes that lead nowhere."""
    name, text = source
    label = f"{name} (@{config_id})" if config_id else name
    lines = Lines(config_id, reading.reader, reading.folder)
    top = parse(lines.of(name, text))
    if not any(one.keyword in _FIRST for one in top):
        raise Broken(Origin(name), "nothing in this file is a block of keepalived")
    silent = Draft(Origin(name))
    ids = [word for one in top if one.keyword == "global_defs" for word in _router_id(one)]
    instances = tuple(read_instances(top, silent))
    return Side(label, top, instances, ids[-1] if ids else ""), lines.conditions, lines.missing


def _router_id(block: Statement) -> list[str]:
    return [one.args[0] for one in block.body or () if one.keyword == "router_id" and one.args]


def _top(top: Sequence[Statement], draft: Draft) -> None:
    """Note what stands outside of all blocks that are imported."""
    body = Body(draft.whole, tuple(one for one in top if one.keyword not in _FIRST), draft)
    body.report(TOP)
    for one in top:
        if one.keyword in _FIRST and one.body is None:
            draft.fail(one.origin, f"'{one.keyword}' without a block: left out")


def _write(cluster: Cluster, virtuals: Sequence[VirtualServer], draft: Draft) -> None:
    main = cluster.instance
    instances = cluster.side.instances
    draft.put(f"# Made by `piranha import keepalived` from {draft.whole}.")
    draft.put("# File and line behind a { say where the block comes from.")
    draft.put()
    write_cluster(cluster, draft)
    vips = {vip.address: vip for instance in instances for vip in instance.vips}
    served = {service.address for virtual in virtuals for service in virtual.services if service.address}
    left = [vip for address, vip in vips.items() if address not in served]
    gateway = next((vip for vip in left if _is_gateway(vip, virtuals)), None)
    network = Counter(virtual.method.forwarding for virtual in virtuals).most_common(1)[0][0]
    write_gateway(gateway, network, draft)
    blocks = [one for one in cluster.side.top if one.keyword == "global_defs"]
    body = Body(draft.whole, tuple(line for block in blocks for line in block.body or ()), draft)
    write_globals(body, main, draft)
    write_programs(instances, read_scripts(cluster.side.top, draft), draft)
    left = [vip for vip in left if vip is not gateway]
    pools = Pools(draft, network, vips)
    _warn(virtuals, draft)
    pools.check_blocks(virtuals)
    _blocks(pools, virtuals, left, vips, draft)
    draft.lines.pop()  # the blank line behind the last block


def _blocks(
    pools: Pools, virtuals: Sequence[VirtualServer], left: list[Vip], vips: dict[Address, Vip], draft: Draft
) -> None:
    """Write every service; firewall marks get the VIPs that no other virtual server has, the last of them the rest."""
    services = [(virtual, service) for virtual in virtuals for service in virtual.services]
    marks = [service for _, service in services if service.mark]
    first: dict[int, Vip] = {}
    for virtual, service in services:
        more: list[Vip] = []
        vip: Vip | None
        if service.address is not None:
            vip = vips.get(service.address)
            if vip is None:
                vip = Vip(service.origin, service.address, service.address.max_prefixlen, "")
                if vips:
                    draft.warn(service.origin, "no vrrp_instance has this address: pulse will hold it as a VIP")
        else:
            marks.remove(service)
            vip, more = _take(left, service, marks)
            vip = vip or first.get(service.family)
            if vip is not None:
                first.setdefault(service.family, vip)
        pools.virtual_block(virtual, service, vip, more)
    for vip in left:
        message = "this VIP has no virtual server: pulse holds VIPs of virtual servers and nat_router only; left out"
        draft.fail(vip.origin, message)


def _take(left: list[Vip], service: Service, later: Sequence[Service]) -> tuple[Vip | None, list[Vip]]:
    """Take the next VIP of the family for a mark, and all the others if no later mark could have them."""
    of_family = [vip for vip in left if vip.address.version == (4 if service.family == 2 else 6)]
    if not of_family:
        return None, []
    last = not any(other.family == service.family for other in later)
    taken = of_family if last else of_family[:1]
    left[:] = [vip for vip in left if vip not in taken]
    return taken[0], taken[1:]


def _is_gateway(vip: Vip, virtuals: Sequence[VirtualServer]) -> bool:
    """Whether real servers under NAT are in the network of a VIP, /24 or /64 where it has no other."""
    bits = vip.address.max_prefixlen
    prefix = vip.prefix if vip.prefix < bits else {32: 24, 128: 64}[bits]
    network = ip_network((vip.address, prefix), strict=False)
    return any(
        server.address in network
        for virtual in virtuals
        for server in virtual.servers
        if server.method.forwarding == "nat" and server.address.version == vip.address.version
    )


def _warn(virtuals: Sequence[VirtualServer], draft: Draft) -> None:
    """Note what is true of the checks as a whole."""
    draft.warn(virtuals[0].origin, _TIMING)
    for virtual in virtuals:
        for server in virtual.servers:
            if not server.checks[0].kind:
                why = "no checker has a counterpart" if server.checked else "no checker: keepalived never takes it out"
                draft.warn(server.origin, f"{why}; here the server has to answer")
