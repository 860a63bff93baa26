"""From a seed to a history: settings, network and faults, all drawn from one random generator."""

from collections.abc import Callable
from dataclasses import replace

from tests.simulation.invariants import LAN
from tests.simulation.world import Node, World

from piranha.lvscf.config import HeartbeatSettings, VipSettings
from piranha.pulse.actions import Command
from piranha.pulse.heartbeat import Place
from piranha.pulse.settings import ElectionSettings

TIMINGS = ((6.0, 18.0), (6.0, 18.0), (4.0, 12.0), (3.0, 9.0), (2.0, 6.0), (2.0, 5.0), (1.0, 4.0), (1.0, 3.0))


def draw(world: World) -> float:
    """Set up `world` from its generator; return when the last fault is over."""
    rng = world.rng
    keepalive_s, deadtime_s = rng.choice(TIMINGS)
    paths = ("public", "private") if rng.random() < 0.4 else ("public",)
    beat = HeartbeatSettings(
        keepalive_s=keepalive_s,
        deadtime_s=deadtime_s,
        initdead_s=deadtime_s * rng.choice((1, 1, 1, 2)),
        warntime_s=deadtime_s / 2,
    )
    vips = VipSettings(lease_s=rng.choice((None, None, None, None, 0, 1)), arp_count=2, arp_refresh_s=2 * deadtime_s)
    settings = ElectionSettings(
        place=Place.PRIMARY, paths=paths, heartbeat=beat, vips=vips, monitor_links=rng.random() < 0.6
    )
    if world.seed % 8 == 1:  # of the seed, so that all other histories stay what they were
        wait_s = (0.0, deadtime_s, 3 * deadtime_s)[world.seed // 8 % 3]
        settings = replace(settings, failback_s=wait_s)
    if world.seed % 5 == 3:
        settings = replace(settings, monitor_hosts=True)
    world.loss = rng.choice((0.0, 0.0, 0.0, 0.03, 0.1, 0.25))
    world.delay_s = rng.choice((0.0005, 0.002))
    world.jitter_s = rng.choice((0.0, 0.003, 0.03))
    world.doubling = rng.choice((0.0, 0.02))
    world.lateness_s = rng.choice((0.0, 0.0, 0.01))
    world.counts = dict.fromkeys(COUNTED, 0)
    world.add_nodes(settings, replace(settings, place=Place.BACKUP))
    together = rng.random() < 0.7
    for node in world.nodes:
        world.at(0.0 if together else rng.uniform(0, deadtime_s), start, node)
    last = 0.0
    begin = 1.0 + keepalive_s if together else deadtime_s + beat.initdead_s
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        when = begin + rng.uniform(0, 1.5 * deadtime_s)
        lasts_s = deadtime_s * rng.choice((0.2, 0.7, 0.95, 1.0, 1.2, 2.0)) * rng.uniform(0.8, 1.2)
        last = max(last, rng.choice(FAULTS)(world, rng.choice(world.nodes), when, lasts_s))
    if settings.monitor_hosts:
        when = begin + rng.uniform(0, 3 * deadtime_s)
        fault = rng.choice((silence, silence, flapping))
        last = max(last, fault(world, rng.choice(world.nodes), when, deadtime_s * rng.uniform(0.5, 4.0)))
    return last or begin


def changed(
    world: World, call: Callable[..., object], *arguments: object, node: Node | None = None
) -> Callable[[], None]:
    """Return what makes a change that the checker knows of; node: it concerns this one alone."""

    def make() -> None:
        world.check.fault(node)
        call(*arguments)

    return make


def start(node: Node) -> None:
    """Start a router that does not run; one that is about to end comes later."""
    if node.running and node.ending:
        node.world.after(0.5, start, node)
    elif not node.running:
        node.world.check.fault(node)
        node.start()


def crash(world: World, node: Node, when: float, lasts_s: float) -> float:
    """SIGKILL of `pulse`, or a power cut; later it starts again."""
    machine = world.rng.random() < 0.4
    world.at(when, changed(world, node.kill, machine, node=node))
    world.at(when + lasts_s, start, node)
    return when + lasts_s


def freeze(world: World, node: Node, when: float, lasts_s: float) -> float:
    """SIGSTOP, or a virtual machine that stands still and gets no packets either."""
    deaf = world.rng.random() < 0.3
    world.at(when, changed(world, node.freeze, deaf, node=node))
    world.at(when + lasts_s, changed(world, node.thaw, node=node))
    return when + lasts_s


def cut(world: World, node: Node, when: float, lasts_s: float) -> float:
    """Cut one path or all of them, in one direction or both."""
    rng = world.rng
    paths = node.settings.paths if rng.random() < 0.7 else (rng.choice(node.settings.paths),)
    senders = rng.choice(((Place.PRIMARY, Place.BACKUP), (Place.PRIMARY, Place.BACKUP), (node.place,)))
    cuts = {(path, sender) for path in paths for sender in senders}
    world.at(when, changed(world, world.cut.update, cuts))
    world.at(when + lasts_s, changed(world, world.cut.difference_update, cuts))
    return when + lasts_s


def block(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A netlink call that does not come back for a while."""

    def begin() -> None:
        world.check.fault()
        node.blocked_until = max(node.blocked_until, when + lasts_s)

    world.at(when, begin)
    world.at(when + lasts_s, world.check.fault)
    return when + lasts_s


def unready(world: World, node: Node, when: float, lasts_s: float) -> float:
    """The lvs daemon is not ready for a while; it may serve all the same."""
    impaired = world.rng.random() < 0.4

    def turn(ready: bool) -> None:
        world.check.fault()
        node.ready, node.impaired = ready, impaired and not ready
        node.report_lvsd(node.life)

    world.at(when, turn, False)
    world.at(when + lasts_s, turn, True)
    return when + lasts_s


def failing(world: World, node: Node, when: float, lasts_s: float) -> float:
    """Addresses cannot be added."""

    def turn(fails: bool) -> None:
        world.check.fault()
        world.check.failed_once = True
        node.failing = fails

    world.at(when, turn, True)
    world.at(when + lasts_s, turn, False)
    return when + lasts_s


def stop(world: World, node: Node, when: float, lasts_s: float) -> float:
    """SIGTERM, and a start later."""
    world.at(when, changed(world, node.ask, Command.STOP))
    world.at(when + lasts_s + 0.5, start, node)
    return when + lasts_s + 0.5


def switchover(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A person asks for it, on whichever router is active."""
    for each in world.nodes:
        world.at(when, changed(world, each.ask, Command.SWITCHOVER))
    return when


def restart(world: World, node: Node, when: float, lasts_s: float) -> float:
    """`prepare restart`, and a start a little later."""
    world.at(when, changed(world, node.ask, Command.PREPARE_RESTART))
    world.at(when + lasts_s + 10.5, start, node)
    return when + lasts_s + 10.5


def slower(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A reload with other timers, first on one router, then on the other."""
    factor = world.rng.choice((0.5, 2.0, 4.0))
    beat = node.settings.heartbeat
    other = replace(
        beat,
        keepalive_s=max(0.1, beat.keepalive_s * factor),
        deadtime_s=beat.deadtime_s * factor,
        initdead_s=beat.initdead_s * factor,
    )
    end = when + 2 * lasts_s
    for each, at in ((node, when), (node.peer, end)):
        world.at(at, changed(world, each.reload, replace(each.settings, heartbeat=other)))
    return end


def half_heal(world: World, node: Node, when: float, lasts_s: float) -> float:
    """Cut every path both ways; one direction comes back long before the other."""
    cuts = [{(path, sender) for path in node.settings.paths} for sender in (node.place, node.place.other)]
    world.at(when, changed(world, world.cut.update, cuts[0] | cuts[1]))
    healed = when + 1.5 * node.settings.heartbeat.deadtime_s
    world.at(healed, changed(world, world.cut.difference_update, cuts[0]))
    world.at(healed + lasts_s, changed(world, world.cut.difference_update, cuts[1]))
    return healed + lasts_s


def offer_to_the_frozen(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A switchover to a partner that stands still."""
    freeze(world, node, when, 2 * lasts_s)
    world.at(when + 0.01, changed(world, node.peer.ask, Command.SWITCHOVER))
    return when + 2 * lasts_s


def crash_while_blocked(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A router dies, and the effects of the other do not come back for a while."""
    block(world, node.peer, when, 2 * lasts_s)
    return crash(world, node, when, 3 * lasts_s)


def reborn_while_frozen(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A router stands still; meanwhile its partner says goodbye, starts again and becomes active."""
    lasts_s += 2 * node.settings.heartbeat.deadtime_s
    freeze(world, node, when, lasts_s)
    stop(world, node.peer, when + 0.1, 0.5)
    return when + lasts_s


def new_key(world: World, node: Node, when: float, lasts_s: float) -> float:
    """One router has a new key and the other not yet: each lives, and none can verify the other."""

    def differ(keys_differ: bool) -> None:
        world.check.fault()
        world.keys_differ = keys_differ

    end = when + 2 * lasts_s + node.settings.heartbeat.deadtime_s
    world.at(when, differ, True)
    world.at(end, differ, False)
    return end


def new_key_and_more(world: World, node: Node, when: float, lasts_s: float) -> float:
    """While the keys differ something else happens, too."""
    end = new_key(world, node, when, 2 * lasts_s)
    other = world.rng.choice((crash, freeze, cut, stop, restart, block, switchover))
    begin = when + world.rng.uniform(0.0, 2.0) * node.settings.heartbeat.deadtime_s
    return max(end, other(world, world.rng.choice(world.nodes), begin, lasts_s))


def forged_while_dead(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A router loses its power, and somebody goes on sending in its name, without its key."""
    lasts_s += node.settings.heartbeat.deadtime_s

    def forge() -> None:
        world.check.forged_once = True
        every_s = node.settings.heartbeat.keepalive_s * world.rng.choice((0.2, 1.0))
        world.forge(node.peer, every_s, when + lasts_s)

    world.at(max(0.0, when - world.rng.random()), forge)
    world.at(when, changed(world, node.kill, True, node=node))
    world.at(when + lasts_s, start, node)
    return when + lasts_s


def unplug(world: World, node: Node, when: float, lasts_s: float) -> float:
    """The cable of the VIPs of one router is pulled; or the switch of both dies, and comes back."""
    if "private" not in node.settings.paths:
        return cut(world, node, when, lasts_s)  # then nobody could be told
    both = world.rng.random() < 0.4

    def turn(works: bool) -> None:
        world.check.fault()
        for each in (node, node.peer) if both else (node,):
            each.set_link(works)

    world.at(when, turn, False)
    world.at(when + lasts_s, turn, True)
    return when + lasts_s


def silence(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A dead switch whose links are up: no host answers one router, or none of them; it may carry heartbeats too."""
    both = world.rng.random() < 0.4
    cuts = {(LAN, place) for place in Place} if "private" in node.settings.paths and world.rng.random() < 0.5 else set()

    def turn(silent: bool) -> None:
        world.check.fault()
        for each in (node, node.peer) if both else (node,):
            each.set_silent(silent)
        (world.cut.update if silent else world.cut.difference_update)(cuts)

    world.at(when, turn, True)
    world.at(when + lasts_s, turn, False)
    return when + lasts_s


def flapping(world: World, node: Node, when: float, lasts_s: float) -> float:
    """The same, again and again, now this router and now the other."""
    end = when
    for _ in range(world.rng.choice((2, 3, 5))):
        end = silence(world, world.rng.choice(world.nodes), end, lasts_s * world.rng.uniform(0.05, 0.6))
        end += lasts_s * world.rng.uniform(0.0, 0.5)
    return end


def firewall(world: World, node: Node, when: float, lasts_s: float) -> float:
    """A firewall keeps the heartbeats of one router from the other, which is restarted meanwhile."""
    lasts_s += 2 * node.settings.heartbeat.deadtime_s
    cuts = {(path, node.place) for path in node.settings.paths}
    world.at(when, changed(world, world.filtered.update, cuts))
    world.at(when + lasts_s, changed(world, world.filtered.difference_update, cuts))
    begin = when + world.rng.random() * node.settings.heartbeat.deadtime_s
    return max(when + lasts_s, crash(world, world.rng.choice(world.nodes), begin, 0.5))


FAULTS: tuple[Callable[[World, Node, float, float], float], ...] = (
    crash,
    crash,
    freeze,
    freeze,
    cut,
    cut,
    block,
    unready,
    failing,
    stop,
    switchover,
    restart,
    slower,
    half_heal,
    offer_to_the_frozen,
    crash_while_blocked,
    reborn_while_frozen,
    new_key,
    new_key_and_more,
    forged_while_dead,
    unplug,
    unplug,
    firewall,
)
COUNTED = (
    "takeover", "split", "abort", "thaw", "refused", "switchover", "stop", "prepare_restart", "question", "doubt",
    "unplugged", "silent", "failback",
)  # fmt: skip
