"""Which of two keepalived routers is the primary, whether one of them has it all, and how they reach each other."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from piranha.change.import_keepalived_servers import VirtualServer
from piranha.change.import_keepalived_tree import Statement
from piranha.change.import_keepalived_vrrp import Instance
from piranha.change.imported import Draft, Origin
from piranha.terms import Address

PRIMARY, BACKUP = "primary", "backup"


@dataclass(frozen=True, slots=True)
class Side:
    """One router's configuration. name: its file, with `@ID` behind it where one file serves both routers."""

    name: str
    top: tuple[Statement, ...]
    instances: tuple[Instance, ...]
    router_id: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """Addresses of both routers on one network; None where the files do not say."""

    origin: Origin
    primary: Address | None
    backup: Address | None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Both routers.

    side: whose configuration counts. names: `router_id` of the primary and of the backup, empty where it is not
    known. instance: the one whose timing counts, None without VRRP. paths: the first is the public one.
    """

    side: Side
    names: tuple[str, str]
    instance: Instance | None
    paths: tuple[Path, ...]


def decide(sides: Sequence[Side], roles: Sequence[str], virtuals: Collection[VirtualServer], draft: Draft) -> Cluster:
    """Return who is primary and who is backup. roles: said by whoever imports, one for each side or none."""
    if len(sides) == 1:
        return _alone(sides[0], roles[0] if roles else "", virtuals, draft)
    first, second = sides
    if roles[:1] == [BACKUP] or (not roles and _rank(second) > _rank(first)):
        first, second = second, first
    if not roles and _rank(first) == _rank(second) and first.instances:
        message = f"state and priority do not say who is primary: {first.name} is taken; --router says it"
        draft.warn(draft.whole, message)
    _one_master(first, second, draft)
    _same(first, second, draft)
    main = _main(first.instances, virtuals)
    paths = []
    for instance in _ordered(first.instances, main):
        other = _counterpart(instance, second)
        backup = other.own if other is not None else None
        backup = backup or (instance.peers[0] if len(instance.peers) == 1 else None)
        primary = instance.own or (other.peers[0] if other is not None and len(other.peers) == 1 else None)
        paths.append(Path(instance.origin, primary, backup))
    _peers(first.instances, draft)
    return Cluster(first, (first.router_id, second.router_id), main, _distinct(paths))


def _alone(side: Side, role: str, virtuals: Collection[VirtualServer], draft: Draft) -> Cluster:
    """Return the cluster that one router's file tells of."""
    main = _main(side.instances, virtuals)
    if main is None:
        return Cluster(side, (side.router_id, ""), None, ())
    if not role:
        role = PRIMARY if main.master or not main.preempts else BACKUP
        if not main.master and not main.preempts:
            draft.warn(main.origin, "taken for the primary's (state BACKUP, nopreempt); --router backup says otherwise")
    masters = {instance.master for instance in side.instances}
    if len(masters) > 1:
        first = next(instance for instance in side.instances if instance.master is not main.master)
        draft.fail(first.origin, _ACTIVE_ACTIVE)
    elif len({instance.priority for instance in side.instances}) > 1:
        odd = next(instance for instance in side.instances if instance.priority != main.priority)
        message = (
            "priorities differ between instances: import the other router's file, too, to see who is master of each"
        )
        draft.warn(odd.origin, message)
    paths = []
    for instance in _ordered(side.instances, main):
        peer = instance.peers[0] if len(instance.peers) == 1 else None
        ends = (instance.own, peer) if role == PRIMARY else (peer, instance.own)
        paths.append(Path(instance.origin, *ends))
    _peers(side.instances, draft)
    names = (side.router_id, "") if role == PRIMARY else ("", side.router_id)
    return Cluster(side, names, main, _distinct(paths))


_ACTIVE_ACTIVE = (
    "the master of this instance is the other router: in Piranha one router is active for all VIPs. "
    "Make two clusters: import once for each set of instances, each with its own heartbeat_port, primary and backup"
)


def _rank(side: Side) -> tuple[int, bool]:
    return (side.instances[0].priority, side.instances[0].master) if side.instances else (0, False)


def _one_master(first: Side, second: Side, draft: Draft) -> None:
    """Note instances whose master is another router than that of the first of them."""
    pairs = [(instance, _counterpart(instance, second)) for instance in first.instances]
    loses = [(other.priority, other.master) > (one.priority, one.master) for one, other in pairs if other is not None]
    for instance, other in pairs:
        if other is None:
            draft.warn(instance.origin, f"'{instance.name}' has no counterpart in {second.name}")
        elif ((other.priority, other.master) > (instance.priority, instance.master)) is not loses[0]:
            draft.fail(instance.origin, _ACTIVE_ACTIVE)
        elif {vip.address for vip in instance.vips} != {vip.address for vip in other.vips}:
            draft.warn(instance.origin, f"the VIPs differ from those in {second.name}: these are taken")
    for instance in second.instances:
        if _counterpart(instance, first) is None:
            draft.warn(instance.origin, f"'{instance.name}' has no counterpart in {first.name}: left out")


def _same(first: Side, second: Side, draft: Draft) -> None:
    """Note virtual servers that the two files see differently; lvs.cf has one answer for both routers."""
    for keyword in ("virtual_server", "virtual_server_group"):
        theirs = {one.words: one for one in second.top if one.keyword == keyword}
        for one in first.top:
            if one.keyword != keyword:
                continue
            other = theirs.pop(one.words, None)
            if other is None:
                draft.warn(one.origin, f"'{' '.join(one.words)}' is not in {second.name}")
            elif other.says != one.says:
                message = f"'{' '.join(one.words)}' differs from {other.origin}: this one is taken"
                draft.warn(one.origin, message)
        for other in theirs.values():
            draft.fail(other.origin, f"'{' '.join(other.words)}' is not in {first.name}: left out")


def _counterpart(instance: Instance, side: Side) -> Instance | None:
    """Return the instance of the other router that takes over from this one: by its name, else by its number."""
    named = [one for one in side.instances if one.name == instance.name]
    numbered = [one for one in side.instances if one.router_id == instance.router_id and one.router_id]
    return next(iter(named or numbered), None)


def _main(instances: Sequence[Instance], virtuals: Collection[VirtualServer]) -> Instance | None:
    """Return the instance of the public side: the first with a VIP of some virtual server, else the first."""
    served = {service.address for virtual in virtuals for service in virtual.services}
    public = [one for one in instances if any(vip.address in served for vip in one.vips)]
    return next(iter(public or instances), None)


def _ordered(instances: Sequence[Instance], main: Instance | None) -> list[Instance]:
    return sorted(instances, key=lambda instance: instance is not main)


def _distinct(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the paths that have both ends, each once; the first comes first even without."""
    found: list[Path] = list(paths[:1])
    for path in paths[1:]:
        taken = {end for one in found for end in (one.primary, one.backup)}
        if path.primary and path.backup and not {path.primary, path.backup} & taken:
            found.append(path)
    return tuple(found)


def _peers(instances: Sequence[Instance], draft: Draft) -> None:
    for instance in instances:
        if len(instance.peers) > 1:
            message = f"{len(instance.peers)} unicast peers: a Piranha cluster has two routers"
            draft.fail(instance.origin, f"{message}; write the address of the one that stays as backup")
