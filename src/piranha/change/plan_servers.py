"""Lines of a plan about real servers."""

from collections.abc import Iterator
from dataclasses import fields
from operator import attrgetter

from piranha.change.plan_checks import NOTHING_AT_STAKE, TOLD, ServerPair, Stakes, check_lines, harder
from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_words import (
    arrow,
    count,
    differences,
    draining,
    ending,
    place_words,
    seconds,
    staying,
)
from piranha.change.plan_world import Fate, Places, World, places_of
from piranha.dataclass import dataclass, replace
from piranha.lvscf.config import RealServer, Virtual
from piranha.table.changes import Change
from piranha.table.desired import ServerVerdict, Verdict, serves
from piranha.table.service import ServiceKey

_TOLD = TOLD | frozenset(
    "name address port forwarding weight active upper_threshold lower_threshold tunnel drain_time_s line".split()
)
_MEANING = attrgetter(*(f.name for f in fields(RealServer) if f.name != "line"))


@dataclass(frozen=True, slots=True)
class Pair:
    """A virtual server that is active before and after, and its servers.

    keys: the services it has then. stakes: what rests on checks that change.
    """

    world: World
    old: Virtual
    new: Virtual
    keys: tuple[ServiceKey, ...]
    stakes: Stakes = NOTHING_AT_STAKE

    def places_before(self, server: RealServer) -> Places:
        """Return where the kernel has `server` of the file in force."""
        return places_of(self.world.keys_before(self.old), self.old, server)

    def places(self, server: RealServer) -> Places:
        """Return where the kernel has `server` from now on."""
        return places_of(self.keys, self.new, server)

    def moves(self, was: RealServer, server: RealServer) -> bool:
        """Whether the entries of the kernel are others in the services that stay."""
        before, after = dict(self.places_before(was)), dict(self.places(server))
        return any(before[key] != after[key] for key in before if key in after)

    @property
    def kept(self) -> bool:
        """Whether a service of it stays."""
        return any(key in self.keys for key in self.world.keys_before(self.old))

    def verdict(self, server: RealServer) -> Verdict:
        """Return what is believed of a server of the new file."""
        return self.world.verdicts.get((self.new.name, server.name), ServerVerdict.UNKNOWN)


def server_lines(world: World, old: Virtual, new: Virtual) -> Iterator[Line]:
    """Yield what changes of the servers of a virtual server that is active before and after."""
    pair = Pair(world, old, new, world.keys_after(new))
    before = {server.name: server for server in old.servers}
    after = {server.name: server for server in new.servers}
    renamed = _renamed(pair, before, after)
    pair = replace(pair, stakes=_stakes(pair, _both_active(before | renamed, after)))
    for name, server in after.items():
        if name in renamed:
            former = renamed[name]
            what = f"was {former.name}"
            yield _line(pair, server, About.SERVER_RENAMED, what, _rename_effect(pair, server))
            yield from _both(pair, replace(former, name=name), server)
        elif name not in before:
            yield from _joined(pair, server)
        else:
            yield from _both(pair, before[name], server)
    kept = {former.name for former in renamed.values()}
    for name, server in before.items():
        if name not in after and name not in kept:
            yield from _left(pair, server)
    yield from _checks(pair, _both_active(before | renamed, after))


def _renamed(pair: Pair, before: dict[str, RealServer], after: dict[str, RealServer]) -> dict[str, RealServer]:
    """Return, by its new name, each server that stays where it was under another name."""
    left = [server for name, server in before.items() if name not in after and server.active]
    gone = {places: server for server in left if (places := pair.places_before(server))}
    found = {}
    for name, server in after.items():
        if name not in before and server.active and (former := gone.pop(pair.places(server), None)) is not None:
            found[name] = former
    return found


def _both(pair: Pair, was: RealServer, server: RealServer) -> Iterator[Line]:
    if _MEANING(was) == _MEANING(server):
        return
    if not was.active and not server.active:
        words = "not active: nothing happens"
        yield _line(pair, server, About.SERVER_INACTIVE, _all_differences(was, server), words)
        return
    if not was.active:
        yield from _joined(pair, server)
        return
    if not server.active:
        yield from _left(pair, was)
        return
    readdressed = (was.address, was.port) != (server.address, server.port)
    if readdressed and (was.address != server.address or pair.moves(was, server) or not pair.kept):
        yield _moved(pair, was, server)
    elif readdressed:
        what = f"port {arrow(was.port, server.port)}"
        kind, at_stake = pair.stakes.of([server])
        effect = f"only its check goes there: {server.forwarding} leaves the port as it is"
        effect += f"; {at_stake}" if at_stake else ""
        yield replace(_line(pair, server, About.SERVER_MOVED, what, effect), kind=kind)
    if was.forwarding is not server.forwarding:
        yield _forwarding(pair, was, server)
    if was.tunnel != server.tunnel:
        places = pair.places(server)
        what = f"tunnel {arrow(was.tunnel, server.tunnel)}"
        yield _line(pair, server, About.FORWARDING, what, _in_place(pair, server, places), places=places)
    if was.weight != server.weight:
        yield _weight(pair, was, server)
    thresholds = differences(was, server, [(f"{end}_threshold", f"{end}_threshold") for end in ("upper", "lower")])
    if thresholds:
        places = pair.places(server)
        yield _line(pair, server, About.THRESHOLDS, thresholds, _in_place(pair, server, places), places=places)
    own = (was.drain_time_s, server.drain_time_s) != (pair.old.drain_time_s, pair.new.drain_time_s)
    if own and was.drain_time_s != server.drain_time_s:
        what = f"drain_time {seconds(was.drain_time_s)} -> {seconds(server.drain_time_s)}"
        yield _line(pair, server, About.DRAIN_TIME, what, "when it is deleted")
    other = differences(was, server, [(f.name, f.name) for f in fields(server) if f.name not in _TOLD])
    if other:
        places = pair.places(server)
        yield _line(pair, server, About.OTHER, other, "from now on", places=places)


def _joined(pair: Pair, server: RealServer) -> Iterator[Line]:
    if not server.active:
        yield _line(
            pair, server, About.SERVER_INACTIVE, place_words(server), "not active: nothing happens", sign=Sign.ADDED
        )
        return
    places = pair.places(server)
    what = f"{place_words(server)} weight {server.weight}"
    yield _line(pair, server, About.SERVER_ADDED, what, joining(pair, server), places=places, sign=Sign.ADDED)


def joining(pair: Pair, server: RealServer) -> str:
    """Return when a server that is new takes part."""
    places = pair.places(server)
    if any(place in pair.world.left for place in places):
        return "leaves now: stays, and has its weight back after its first good check"
    if pair.world.fate(places) in (Fate.STAYS, Fate.EDITED, Fate.QUIESCED):
        return "is in the table already"
    if server.weight == 0:
        return "weight 0: gets no connections"
    if pair.verdict(server) is ServerVerdict.DRAINED:
        return "drained by maintenance_dir: gets no connections"
    if pair.verdict(server) is ServerVerdict.UP:
        return "joins at once"
    return "joins after its first good check"


def _left(pair: Pair, was: RealServer) -> Iterator[Line]:
    if not was.active:
        words = "was not active: nothing happens"
        yield _line(pair, was, About.SERVER_INACTIVE, place_words(was), words, sign=Sign.REMOVED)
        return
    places = pair.places_before(was)
    line = _line(pair, was, About.SERVER_REMOVED, place_words(was), "", places=places, sign=Sign.REMOVED)
    yield leaving(pair, line, places)


def leaving(pair: Pair, line: Line, places: Places) -> Line:
    """Return `line` with what comes of the server that was at `places`."""
    number = pair.world.connections_at(places)
    kind, effect, ends = Kind.SAFE, "not in the table now: no connection ends", 0 if number is not None else None
    leaver = pair.world.leaver(places)
    match pair.world.fate(places):
        case Fate.GONE:
            kind, effect, ends = _costs(number), _at_once(number), number
        case Fate.LATER if leaver is not None:
            kind = Kind.DISRUPTIVE
            effect = f"stays until another server is up; then {draining(number, leaver.drain_s)}; {_unanswered(pair)}"
        case Fate.LATER:
            kind, ends = Kind.DISRUPTIVE, number
            effect = "stays until another server is up; " + (
                "then it goes" if number == 0 else f"{ending(number)} then"
            )
            effect += f"; {_unanswered(pair)}"
        case _ if leaver is not None:
            kind, effect = Kind.DRAINS, draining(number, leaver.drain_s)
        case Fate.QUIESCED:
            kind, effect = Kind.DRAINS, f"{count(number, 'connection')}; no new ones"
        case Fate.STAYS | Fate.EDITED | Fate.ADDED:
            effect = "another server has its place now"
    if kind is not Kind.SAFE and pair.world.deserted(pair.keys):
        kind, effect = Kind.DISRUPTIVE, f"{effect}; nobody serves {pair.new.name} then"
    return replace(line, kind=kind, effect=effect, ends=ends)


def _unanswered(pair: Pair) -> str:
    """Return what comes of it if none of the servers that are still to answer does."""
    return f"if none answers, {_deserted(pair)}"


def _moved(pair: Pair, was: RealServer, server: RealServer) -> Line:
    old, new = pair.places_before(was), pair.places(server)
    same_port = was.port == server.port
    what = arrow(was.address, server.address) if same_port else f"{place_words(was)} -> {place_words(server)}"
    line = leaving(pair, _line(pair, server, About.SERVER_MOVED, what, "", places=old), old)
    effect = f"{line.effect}; the new one {joining(pair, server)}"
    return replace(line, effect=effect, changes=(*line.changes, *pair.world.of_places(new)))


def _forwarding(pair: Pair, was: RealServer, server: RealServer) -> Line:
    old, new = pair.places_before(was), pair.places(server)
    line = _line(pair, server, About.FORWARDING, f"forwarding {arrow(was.forwarding, server.forwarding)}", "")
    if old != new:
        # Only NAT can change the port: the entry of the kernel is another one.
        line = leaving(pair, replace(line, changes=pair.world.of_places(old)), old)
        effect = f"{line.effect}; {place_words(server)} {joining(pair, server)}"
        return replace(line, effect=effect, changes=(*line.changes, *pair.world.of_places(new)))
    effect = f"{_in_place(pair, server, new)}; new ones go by {server.forwarding}"
    return replace(line, effect=effect, changes=pair.world.of_places(new))


def _weight(pair: Pair, was: RealServer, server: RealServer) -> Line:
    places = pair.places(server)
    what = f"weight {arrow(was.weight, server.weight)}"
    by_check = server.weighed and server.weight and was.weight
    effect = "in force as far as its check says no other weight" if by_check else _in_place(pair, server, places)
    line = _line(pair, server, About.WEIGHT, what, effect, places=places)
    if pair.world.fate(places) is Fate.LATER:
        effect = f"gets new connections until another server is up; {_unanswered(pair)}"
        return replace(line, kind=Kind.DISRUPTIVE, effect=effect)
    if pair.world.fate(places) is not Fate.QUIESCED:
        return line
    number = pair.world.connections_at(places)
    effect, kind = f"{staying(number)}; no new ones", Kind.DRAINS
    if pair.world.deserted(pair.keys):
        effect, kind = f"{effect}; nobody serves {pair.new.name} then", Kind.DISRUPTIVE
    return replace(line, kind=kind, effect=effect)


def _in_place(pair: Pair, server: RealServer, places: Places) -> str:
    match pair.world.fate(places):
        case Fate.ABSENT:
            return "not in the table now: counts when it is up"
        case Fate.ADDED:
            return "from its first connection" if pair.kept else "with the new service"
        case Fate.STAYS if _quiesced(pair, places):
            drained = pair.verdict(server) is ServerVerdict.DRAINED
            return "gets no new connections now: counts when it is " + ("not drained any more" if drained else "up")
        case Fate.STAYS:
            return "the table has it already"
    return f"edited in place, {staying(pair.world.connections_at(places))}"


def _quiesced(pair: Pair, places: Places) -> bool:
    return not any(serves(pair.world.wanted[key].destinations.get(at)) for key, at in places)


def _rename_effect(pair: Pair, server: RealServer) -> str:
    places = pair.places(server)
    if pair.world.fate(places) is Fate.ABSENT:
        return "only the name; not in the table now"
    return f"only the name; {staying(pair.world.connections_at(places))}"


def _both_active(before: dict[str, RealServer], after: dict[str, RealServer]) -> list[ServerPair]:
    both = ((before.get(name), new) for name, new in after.items())
    return [(was, new) for was, new in both if was is not None and was.active and new.active]


def _stakes(pair: Pair, both: list[ServerPair]) -> Stakes:
    """Return what rests on the checks of servers that stay where they are."""
    staying = [(was, new) for was, new in both if not pair.moves(was, new) and was.address == new.address]
    serving = [(was, new) for was, new in staying if _serves(pair, was, new)]
    judged = {new.name for was, new in serving if harder(was, new)}
    keep = pair.new.keep_active
    others = len(judged) < len(serving) or bool(keep.count or keep.percent)
    return Stakes(serving=judged, others=others, deserted=_deserted(pair))


def _serves(pair: Pair, was: RealServer, new: RealServer) -> bool:
    """Whether a server has new connections now, and goes on."""
    live, wanted = pair.world.live, pair.world.wanted
    before = any(serves(live[key].destinations.get(at)) for key, at in pair.places_before(was) if key in live)
    return before and any(serves(wanted[key].destinations.get(at)) for key, at in pair.places(new) if key in wanted)


def _deserted(pair: Pair) -> str:
    name = pair.new.name
    return f"only the sorry server of {name} serves" if pair.new.sorry_server is not None else f"{name} serves nobody"


def _checks(pair: Pair, both: list[ServerPair]) -> Iterator[Line]:
    anew = {new.name for _, new in both if pair.verdict(new) is ServerVerdict.UNKNOWN}
    yield from check_lines(pair.new.name, both, anew, pair.stakes)


def _line(
    pair: Pair,
    server: RealServer,
    about: About,
    what: str,
    effect: str,
    *,
    sign: Sign = Sign.EDITED,
    places: Places | None = None,
) -> Line:
    changes: tuple[Change, ...] = pair.world.of_places(places) if places is not None else ()
    subject = f"{pair.new.name}/{server.name}"
    return Line(kind=Kind.SAFE, sign=sign, about=about, subject=subject, what=what, effect=effect, changes=changes)


def _costs(number: int | None) -> Kind:
    """Nobody can promise that no connection ends places nobody can count them."""
    return Kind.DRAINS if number == 0 else Kind.DISRUPTIVE


def _at_once(number: int | None) -> str:
    return "no connections: removed at once" if number == 0 else f"{ending(number)}: removed at once"


def same_servers(old: Virtual, new: Virtual) -> bool:
    """Return whether both have the same servers, wherever their blocks stand."""
    return [*map(_MEANING, old.servers)] == [*map(_MEANING, new.servers)]


def _all_differences(was: RealServer, server: RealServer) -> str:
    return differences(was, server, [(f.name, f.name) for f in fields(server) if f.name != "line"])
