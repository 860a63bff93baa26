"""Lines of a plan about virtual servers and their VIPs."""

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from piranha.change.plan_costs import ending_with
from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_servers import same_servers, server_lines
from piranha.change.plan_words import arrow, count, differences, ending, mask, seconds, staying, value
from piranha.change.plan_world import World
from piranha.dataclass import field_names, replace
from piranha.lvscf.config import Config, FloatingAddress, Virtual
from piranha.table.desired import service_keys, sorry_place
from piranha.table.flags import flag_names
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import Address

_TOLD = frozenset(
    "name active vip extra_vips port ports protocols fwmark mark_rules scheduler scheduler_flags one_packet "
    "persistence_s persistence_mask persistence_engine quiesce_server start_up keep_active quorum quorum_margin "
    "drain_time_s sorry_server servers line".split()
)

_FIELDS = field_names(Virtual) or ()
_MEANING = attrgetter(*(name for name in _FIELDS if name not in ("line", "servers")))


def virtual_lines(world: World) -> Iterator[Line]:
    """Yield what changes of the virtual servers, in the order of the new file, those that go last."""
    before = {virtual.name: virtual for virtual in world.before.virtuals} if world.before is not None else {}
    after = {virtual.name: virtual for virtual in world.after.virtuals}
    renamed = _renamed(before, after)
    pairs = [(renamed.get(name) or before.get(name), virtual) for name, virtual in after.items()]
    # Of nearly all virtual servers of a large file, where little has changed, there is nothing to say.
    pairs = [(old, new) for old, new in pairs if old is not new]
    yield from _vip_lines(world, pairs)
    for old, new in pairs:
        if new.name in renamed and old is not None:
            yield _renaming(world, old, new)
        yield from _one(world, old, new)
    kept = {former.name for former in renamed.values()}
    for name, virtual in before.items():
        if name not in after and name not in kept:
            yield _removed(world, virtual, About.VIRTUAL_REMOVED)


def _renamed(before: Mapping[str, Virtual], after: Mapping[str, Virtual]) -> dict[str, Virtual]:
    """Return, by its new name, each virtual server that has the same services under another name."""
    gone = {service_keys(virtual): virtual for name, virtual in before.items() if name not in after and virtual.active}
    found = {}
    for name, virtual in after.items():
        if name not in before and virtual.active and (former := gone.pop(service_keys(virtual), None)) is not None:
            found[name] = former
    return found


def _renaming(world: World, old: Virtual, new: Virtual) -> Line:
    number = world.connections(world.keys_after(new))
    return _line(About.VIRTUAL_RENAMED, Sign.EDITED, new.name, f"was {old.name}", f"only the name; {staying(number)}")


def _one(world: World, old: Virtual | None, new: Virtual) -> Iterator[Line]:
    if old is None:
        yield _added(world, new, About.VIRTUAL_ADDED if new.active else About.VIRTUAL_INACTIVE, Sign.ADDED)
    elif new.active and not old.active:
        yield _added(world, new, About.VIRTUAL_ACTIVATED, Sign.ADDED)
    elif old.active and not new.active:
        yield _removed(world, old, About.VIRTUAL_DEACTIVATED)
    elif not new.active:
        if not _same(old, new):
            words = "not active: nothing happens"
            yield _line(About.VIRTUAL_INACTIVE, Sign.EDITED, new.name, _all_differences(old, new), words)
    elif not _same(old, new):
        yield from _edited(world, old, new)


def _added(world: World, new: Virtual, about: About, sign: Sign) -> Line:
    servers = [server for server in new.servers if server.active]
    what = f"{_services(new)}, {count(len(servers), 'server')}"
    if not new.active:
        return _line(about, sign, new.name, what, "not active: nothing happens")
    effect = "its servers join after their first good check"
    if new.start_up:
        effect = "its servers join at once"
    if any(key in world.live for key in world.keys_after(new)):
        effect = "in the table already: taken over, edited in place"
    for vip in new.vips:
        if _is_new(world.before, vip.address):
            effect = f"VIP {vip.address} is new; {effect}"
    line = _line(about, sign, new.name, what, effect)
    return replace(line, changes=world.of_services(world.keys_after(new)))


def _removed(world: World, old: Virtual, about: About) -> Line:
    if not old.active:
        words = "was not active: nothing happens"
        return _line(About.VIRTUAL_INACTIVE, Sign.REMOVED, old.name, _services(old), words)
    keys = tuple(key for key in world.keys_before(old) if key not in world.has)
    number = world.connections(keys)
    effect = f"{ending(number)}; nobody answers there any more"
    if not keys:
        effect = "another virtual server has its services"
    for vip in old.vips:
        if _is_gone(world.after, vip.address):
            effect += f"; VIP {vip.address} goes"
    line = _line(about, Sign.REMOVED, old.name, _services(old), effect)
    return replace(line, kind=Kind.DISRUPTIVE, ends=number if keys else 0, changes=world.of_services(keys))


def _edited(world: World, old: Virtual, new: Virtual) -> Iterator[Line]:
    yield from _service_moves(world, old, new)
    keys = tuple(key for key in world.keys_after(new) if world.had.get(key) is old)
    parts = [differences(old, new, [("scheduler", "scheduler")])]
    if old.scheduler_flags != new.scheduler_flags:
        parts.append(f"scheduler_flags {_flags(old)} -> {_flags(new)}")
    parts.append(differences(old, new, [("one_packet", "one_packet")]))
    if what := ", ".join(filter(None, parts)):
        yield _settings(world, keys, About.SCHEDULER, new.name, what)
    if sticky := _stickiness(old, new):
        yield _settings(world, keys, About.PERSISTENCE, new.name, sticky)
    for name, keyword, effect in _POOL_RULES:
        if getattr(old, name) != getattr(new, name):
            what = f"{keyword} {arrow(getattr(old, name), getattr(new, name))}"
            if name == "start_up":
                what = f"start_state {'up -> check' if old.start_up else 'check -> up'}"
            yield _line(About.POOL_RULES, Sign.EDITED, new.name, what, effect)
    if old.drain_time_s != new.drain_time_s:
        yield _drain_time(world, old, new, keys)
    if old.sorry_server != new.sorry_server:
        yield _sorry(world, old, new, keys)
    if other := differences(old, new, [(name, name) for name in _FIELDS if name not in _TOLD]):
        line = _line(About.OTHER, Sign.EDITED, new.name, other, "from now on")
        yield replace(line, changes=world.of_settings(keys))
    yield from server_lines(world, old, new)


_POOL_RULES = (
    ("quiesce_server", "quiesce_server", "for servers that fail from now on, and those that are down"),
    ("keep_active", "keep_active", "so many servers stay at least, whatever their checks say"),
    ("quorum", "quorum", "below it the sorry server takes the new connections"),
    ("quorum_margin", "quorum_margin", "so many more end that"),
    ("start_up", "start_state", "for servers that come from now on"),
)


def _drain_time(world: World, old: Virtual, new: Virtual, keys: Sequence[ServiceKey]) -> Line:
    effect = "for servers that are deleted from now on"
    places = tuple(place for place, leaver in world.left.items() if place[0] in keys and not leaver.own)
    names = dict.fromkeys(world.left[place].name for place in places)
    if names:
        effect = f"also for {count(len(names), 'server')} that {'leaves' if len(names) == 1 else 'leave'} now"
    what = f"drain_time {seconds(old.drain_time_s)} -> {seconds(new.drain_time_s)}"
    line = _line(About.DRAIN_TIME, Sign.EDITED, new.name, what, effect)
    gone = tuple(place for place in places if place not in world.leaving)
    return replace(line, changes=world.of_places(gone))


_SERVICE = (("protocols", "protocol"), ("port", "port"), ("ports", "ports"), ("fwmark", "fwmark"))


def _service_moves(world: World, old: Virtual, new: Virtual) -> Iterator[Line]:
    """Yield what becomes of the services when protocol, port or mark change. The VIP has a line of its own."""
    before, after = world.keys_before(old), world.keys_after(new)
    parts = differences(old, new, _SERVICE)
    if not parts:
        return
    gone = tuple(key for key in before if key not in world.has)
    touched = tuple(dict.fromkeys((*gone, *(key for key in after if key not in before))))
    if (old.port, old.ports) != (new.port, new.ports):
        touched = tuple(
            dict.fromkeys((*touched, *after))
        )  # a mark keeps its service, its servers may not keep their port
    changes = world.of_services(touched)
    ends = ending_with(world, changes)
    effect = f"{ending(ends)}; clients must use the new one" if gone and ends != 0 else "no connection ends"
    if gone and old.vip.address == new.vip.address and ends == 0:
        effect = "no connections now; clients must use the new one"
    line = _line(About.SERVICE_MOVED, Sign.MOVED if gone else Sign.EDITED, new.name, parts, effect)
    kind = Kind.DISRUPTIVE if gone or ends != 0 else Kind.SAFE
    yield replace(line, kind=kind, ends=ends, changes=changes)


def _vip_lines(world: World, pairs: Sequence[tuple[Virtual | None, Virtual]]) -> Iterator[Line]:
    moves: dict[tuple[Address, Address], list[tuple[Virtual, Virtual]]] = {}
    places: dict[tuple[FloatingAddress, FloatingAddress], None] = {}
    rest: list[Line] = []
    for old, new in pairs:
        if old is None or not old.active or not new.active or old.vips == new.vips:
            continue
        before, after = ({vip.address: vip for vip in virtual.vips} for virtual in (old, new))
        gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
        if gone and come:
            moves.setdefault((gone.pop(0), come.pop(0)), []).append((old, new))
        rest += [_vip_gone(world, old, new, vip) for vip in gone] + [_vip_come(world, new, vip) for vip in come]
        places |= {(before[one], vip): None for one, vip in after.items() if one in before and before[one] != vip}
        if not gone and not come and list(before) != list(after) and set(before) == set(after):
            rest.append(_line(About.VIP_PLACE, Sign.EDITED, new.name, "another order of its VIPs", "nothing happens"))
    for (was, vip), moved in moves.items():
        yield _vip_moved(world, was, vip, moved)
    for was_there, is_there in places:
        yield _vip_place(was_there, is_there)
    yield from rest


def _vip_moved(world: World, was: Address, vip: Address, moved: Sequence[tuple[Virtual, Virtual]]) -> Line:
    gone = [key for old, _ in moved for key in world.keys_before(old) if _of_vip(key, was)]
    come = [key for _, new in moved for key in world.keys_after(new) if _of_vip(key, vip)]
    number = world.connections(gone)
    names = ", ".join(new.name for _, new in moved)
    effect = f"{count(number, 'connection')} of {names} {'ends' if number == 1 else 'end'}"
    effect += "; clients must learn the new address by themselves"
    if not _is_gone(world.after, was):
        effect += f"; {was} stays for others"
    line = _line(About.VIP_MOVED, Sign.MOVED, "VIP", f"{was} -> {vip}", effect)
    changes = world.of_services(dict.fromkeys((*gone, *come)))
    return replace(line, kind=Kind.DISRUPTIVE, ends=number, changes=changes)


def _vip_gone(world: World, old: Virtual, new: Virtual, vip: Address) -> Line:
    gone = [key for key in world.keys_before(old) if _of_vip(key, vip)]
    number = world.connections(gone)
    effect = ending(number) if _is_gone(world.after, vip) else f"{ending(number)}; {vip} stays for others"
    line = _line(About.VIP_REMOVED, Sign.REMOVED, "VIP", f"{vip} of {new.name}", effect)
    return replace(line, kind=Kind.DISRUPTIVE, ends=number, changes=world.of_services(gone))


def _vip_come(world: World, new: Virtual, vip: Address) -> Line:
    come = [key for key in world.keys_after(new) if _of_vip(key, vip)]
    effect = (
        "the active router takes it" if _is_new(world.before, vip) else f"is there already, for {new.name} from now on"
    )
    line = _line(About.VIP_ADDED, Sign.ADDED, "VIP", f"{vip} of {new.name}", effect)
    return replace(line, changes=world.of_services(come))


def _of_vip(key: ServiceKey, vip: Address) -> bool:
    """Whether packets for `vip` come to a service; a mark may have been put on any of them."""
    return not isinstance(key.match, AddressMatch) or key.match.address == vip


def _vip_place(was: FloatingAddress, vip: FloatingAddress) -> Line:
    parts = differences(was, vip, [("prefix", "prefix"), ("device", "device"), ("label", "label")])
    return _line(
        About.VIP_PLACE, Sign.EDITED, f"VIP {vip.address}", parts, "added there before it leaves the old place"
    )


def _settings(world: World, keys: Sequence[ServiceKey], about: About, subject: str, what: str) -> Line:
    stay = staying(world.connections(keys))
    changes = world.of_settings(keys)
    effect = f"edited in place, {stay}" if changes else "the table has it already" if keys else "with the new service"
    return replace(_line(about, Sign.EDITED, subject, what, effect), changes=changes)


def _stickiness(old: Virtual, new: Virtual) -> str:
    version = new.vip.address.version
    parts = []
    if old.persistence_s != new.persistence_s:
        parts.append(f"persistent {arrow(old.persistence_s or None, new.persistence_s or None)}")
    if old.persistence_mask != new.persistence_mask:
        parts.append(f"pmask {mask(old.persistence_mask, version)} -> {mask(new.persistence_mask, version)}")
    if old.persistence_engine != new.persistence_engine:
        parts.append(f"persistence_engine {arrow(old.persistence_engine, new.persistence_engine)}")
    return ", ".join(parts)


def _sorry(world: World, old: Virtual, new: Virtual, keys: Sequence[ServiceKey]) -> Line:
    what = f"sorry_server {arrow(old.sorry_server, new.sorry_server)}"
    places = [
        (key, sorry_place(key, virtual, virtual.sorry_server))
        for virtual in (old, new)
        if virtual.sorry_server is not None
        for key in keys
    ]
    changes = tuple(dict.fromkeys(world.of_places(tuple(places))))
    line = replace(_line(About.SORRY_SERVER, Sign.EDITED, new.name, what, ""), changes=changes)
    if not changes:
        return replace(line, effect="serves while no server is up; not now")
    return replace(line, effect="in force now, for no server is up")


def _services(virtual: Virtual) -> str:
    return f"{', '.join(_where(virtual))} {virtual.scheduler}"


def _where(virtual: Virtual) -> list[str]:
    if virtual.fwmark or not virtual.ports:
        return [str(key) for key in service_keys(virtual)]
    ports = ",".join(map(value, virtual.ports))
    hosts = [f"[{vip.address}]" if vip.address.version == 6 else str(vip.address) for vip in virtual.vips]
    return [f"{protocol.word} {host}:{ports}" for host in hosts for protocol in virtual.protocols]


def _is_new(before: Config | None, vip: Address) -> bool:
    return before is not None and _is_gone(before, vip)


def _is_gone(config: Config, vip: Address) -> bool:
    return all(one.address != vip for one in config.floating_addresses())


def _flags(virtual: Virtual) -> str:
    words = flag_names(virtual.scheduler, virtual.scheduler_flags).split(",")
    return " ".join(word.removeprefix(f"{virtual.scheduler}-") for word in words) or "none"


def _line(about: About, sign: Sign, subject: str, what: str, effect: str) -> Line:
    return Line(kind=Kind.SAFE, sign=sign, about=about, subject=subject, what=what, effect=effect)


def _same(old: Virtual, new: Virtual) -> bool:
    return old.meaning == new.meaning or (_MEANING(old) == _MEANING(new) and same_servers(old, new))


def _all_differences(old: Virtual, new: Virtual) -> str:
    names = [(name, name) for name in _FIELDS if name not in ("line", "servers")]
    parts = [differences(old, new, names), "servers" if not same_servers(old, new) else ""]
    return ", ".join(part for part in parts if part)
