"""What must hold in every history (spec: takeover, invariants 1 to 6, 9 and 10), checked as it unfolds."""

from math import inf
from typing import TYPE_CHECKING

from piranha.pulse.actions import Action, Emit, StepDown, Stopped, TakeOver
from piranha.pulse.heartbeat import NO_LIMIT, Heartbeat, Place, Role
from piranha.pulse.inquiry import ANSWER_WITHIN_S, QUESTIONS
from piranha.pulse.lease_terms import KERNEL_LATENESS_S, SAFE_DEADTIME_S, lease_for
from piranha.pulse.reasons import Phase
from piranha.pulse.verdicts import Accepted

if TYPE_CHECKING:
    from tests.simulation.world import Node, World

LAN = "public"  # the path whose cables carry the VIPs too
SLACK_S = 0.3  # effects and packets on their way


class Violation(AssertionError):
    """An invariant was broken; the text names it, the time and the seed."""


class Ear:
    """What one router has heard of the other, as the network knows it."""

    def __init__(self) -> None:
        self.at = -inf  # arrival of the last accepted heartbeat
        self.active_at = -inf  # and of the last that said active, unless it said standby later
        self.unproven_at = -inf  # last datagram of a session that was not proven
        self.deadtime_s = 0.0  # that it announced
        self.highest_term = 0
        self.both_first = inf  # first heartbeat that said active while both held
        self.both_again = inf  # and the first one at least 0.9 keepalive later


class Checker:
    """Watches one world."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.ears = {node.place: Ear() for node in world.nodes}
        self.both_since: float | None = None
        self.stale: Node | None = None
        self.nobody_since: float | None = 0.0
        self.perhaps_held_at = -inf  # last said by a router whose call, not back yet, may have taken the limit off
        self.changed_at = 0.0  # last fault, or end of one
        self.calm_before_s = 0.0  # how long nothing had happened then
        self.others_changed_at = {node.place: 0.0 for node in world.nodes}  # last change that was not its own
        self.transition_at = 0.0
        self.takeovers = 0
        self.owed = True  # the primary has failed, or something happened, since the backup took over
        self.faults = 0
        self.failed_once = False
        self.forged_once = False
        self.asked: set[str] = set()  # routers that took over because the LAN did not answer
        self.held_since = {node.place: inf for node in world.nodes}
        self.waiting_for: set[str] = set()  # routers that have announced a restart and not come back

    def fail(self, invariant: str, text: str) -> None:
        """Raise the violation."""
        raise Violation(f"invariant {invariant}: {text} (seed {self.world.seed}, at {self.world.now:.3f} s)")

    def fault(self, node: "Node | None" = None) -> None:
        """Note that something has changed; node: it happened to this router alone."""
        self.before_change()
        self.leases_fit()
        self.faults += 1
        self.owed = True
        if self.world.now > self.changed_at:
            self.calm_before_s = self.world.now - self.changed_at
        self.changed_at = self.world.now
        for each in self.world.nodes:
            if each is not node:
                self.others_changed_at[each.place] = self.world.now

    def starts(self, node: "Node") -> None:
        """Note that `node` begins a new life: it has heard nothing yet."""
        self.ears[node.place] = Ear()
        self.waiting_for.discard(node.place)

    # inputs and actions

    def heard(self, node: "Node", verdict: Accepted, at: float, sent_at: float) -> None:
        """Note what `node` reads and accepts; `at` never goes back."""
        ear, heartbeat = self.ears[node.place], verdict.heartbeat
        ear.at = at
        if heartbeat.role is Role.ACTIVE:
            ear.active_at = at
            ear.deadtime_s = heartbeat.deadtime_s
        elif verdict.newest:
            ear.active_at = -inf  # it has let go since
        ear.highest_term = max(ear.highest_term, heartbeat.term)
        if self.both_since is not None and heartbeat.role is Role.ACTIVE and sent_at >= self.both_since:
            if self.world.now >= ear.both_first + 0.9 * heartbeat.keepalive_s + 0.001:
                ear.both_again = min(ear.both_again, self.world.now)
            ear.both_first = min(ear.both_first, self.world.now)

    def steps_down(self, node: "Node", actions: list[Action]) -> None:
        """Judge that `node` lets go."""
        if node.election.phase is Phase.STEPPING_DOWN:
            self.explained(node, actions)
            events = [action.event for action in actions if isinstance(action, Emit)]
            self.world.counts["unplugged"] += any(event.rule.startswith("monitor_links") for event in events)
            if any(event.rule.startswith("failback") for event in events):
                self.fails_back(node)
            if any(event.rule == "monitor_hosts" and event.subject == "router" for event in events):
                self.flees(node)

    def flees(self, node: "Node") -> None:
        """Where the hosts have fallen silent for both routers nothing moves."""
        self.world.counts["silent"] += 1
        peer = node.peer
        both = peer.blind and peer.silent_since <= node.silent_since and self.changed_at <= node.silent_since
        beats = [each.settings.heartbeat for each in self.world.nodes]
        answered_s = max(beat.deadtime_s for beat in beats) + max(beat.keepalive_s for beat in beats)
        if both and self.calm_before_s >= answered_s and not self.world.loss:
            self.fail("hosts", f"{node.place} hands over to {peer.place}, which is cut off for as long")

    def fails_back(self, node: "Node") -> None:
        """Invariant 12: only the backup gives back, as the file says, and once for a failure of the primary."""
        self.world.counts["failback"] += 1
        if node.place is not Place.BACKUP or node.settings.failback_s is None:
            self.fail("12", f"{node.place} fails back with failback_s = {node.settings.failback_s}")
        if not self.owed:
            self.fail("12", "the primary gets back what it let go of on purpose, or did not take")
        self.owed = False

    def explained(self, node: "Node", actions: list[Action]) -> None:
        """Invariant 4: every change of role comes with an event that names rule and cause."""
        self.transition_at = self.world.now
        events = [action.event for action in actions if isinstance(action, Emit)]
        if not any(event.subject == "router" and event.rule and event.cause for event in events):
            retry = any(isinstance(action, StepDown) for action in actions)
            if not retry:
                self.fail("4", f"{node.place} changes its role without rule and cause")

    def takes_over(self, node: "Node", action: TakeOver, actions: list[Action]) -> None:
        """Invariants 4, 6 and 10."""
        self.explained(node, actions)
        world, ear, peer = self.world, self.ears[node.place], node.peer
        self.takeovers += 1
        if node.place is Place.BACKUP:
            rules = [one.event.rule for one in actions if isinstance(one, Emit)]
            failed = not peer.ready or peer.cut_off or peer.thinks_blind or peer.refused
            self.owed = "hand-over" not in rules or failed or world.loss > 0
        world.counts["takeover"] += 1
        if action.term <= ear.highest_term and "restarted" not in action.reason:
            self.fail("10", f"{node.place} takes over with term {action.term}, has heard {ear.highest_term}")
        if not node.serves and "restarted" not in action.reason:
            self.fail("2", f"{node.place} takes over although its lvs daemon cannot serve")
        self.judge_question(node, actions)
        deadtime_s = max(node.settings.heartbeat.deadtime_s, ear.deadtime_s)
        if not self.healthy(peer) or "Forced" in action.reason:
            return
        if "restarted" in action.reason and node.kernel.held:
            return  # it goes on with what it holds; terms decide as soon as it has heard
        if world.now - ear.active_at < deadtime_s - 0.001:
            self.fail("6", f"{node.place} takes over although it heard its healthy active partner: {action.reason}")
        since = self.others_changed_at[node.place]
        both = (node.place, peer.place)  # both ways: a session that is new has to be proven
        missing = world.cut | world.filtered
        heard = any(all((path, sender) not in missing for sender in both) for path in node.settings.paths)
        if world.keys_differ:
            heard = heard and self.lan_whole()  # it hears nothing it could trust, but may ask
        # Each side has to hear the other before a session is proven: two heartbeats each.
        proven_s = 2 * max(each.settings.heartbeat.keepalive_s for each in world.nodes) + SLACK_S
        if heard and not world.loss and world.now - since > proven_s:
            self.fail("6", f"{node.place} takes over from a healthy active partner: {action.reason}")

    def judge_question(self, node: "Node", actions: list[Action]) -> None:
        """Invariant 1: who asks the LAN and gets no answer must not have a partner that could answer."""
        world, peer = self.world, node.peer
        self.asked.discard(node.place)
        if any(isinstance(action, Emit) and "nobody answers" in action.event.rule for action in actions):
            world.counts["doubt"] += 1
            self.asked.add(node.place)
        else:
            ear = self.ears[node.place]
            if not max(ear.at, world.now - node.settings.heartbeat.deadtime_s) < ear.unproven_at:
                return
        undisturbed = world.now - max(self.changed_at, self.held_since[peer.place]) > 2 * ANSWER_WITHIN_S * QUESTIONS
        if peer.kernel.held and undisturbed and self.lan_whole():
            self.fail("1", f"{node.place} takes over although {peer.place} holds and answers")

    def lan_whole(self) -> bool:
        """Whether a question to the LAN is answered by who holds the addresses."""
        return not self.world.loss and not any(path == LAN for path, _ in self.world.cut)

    def healthy(self, node: "Node") -> bool:
        """Whether `node` is active and able to be."""
        return (
            node.running
            and not node.frozen
            and node.kernel.held
            and node.ready
            and not node.thinks_blind
            and not node.failing
            and node.blocked_until < self.world.now
            and node.election.phase is Phase.ACTIVE
        )

    def sends(self, node: "Node", heartbeat: Heartbeat) -> None:
        """What a holder says of its lease is never shorter than what its kernel holds."""
        kernel = node.kernel
        if not kernel.held:
            self.believes(node, heartbeat)
            return
        if heartbeat.lease_s < kernel.lifetime_s:
            self.fail("lease", f"{node.place} tells {heartbeat.lease_s:g} s, its kernel holds {kernel.lifetime_s:g} s")
        if heartbeat.role is Role.STANDBY and not node.leftover:
            self.fail("1", f"{node.place} says standby and still holds the addresses")

    def believes(self, node: "Node", heartbeat: Heartbeat) -> None:
        """Note that `node` cannot know that nothing is held: its call may have taken the limit off."""
        if heartbeat.role is Role.ACTIVE and heartbeat.lease_s == NO_LIMIT and node.blocked_until > self.world.now:
            self.perhaps_held_at = self.world.now

    def renews(self, node: "Node") -> None:
        """Invariant 9: an address that has lapsed is not renewed back to life."""
        if node.kernel.lapsed:
            self.fail("9", f"{node.place} renews a lapsed lease")

    def announces(self, node: "Node") -> None:
        """Invariant 3: only a holder announces."""
        if not node.kernel.held:
            self.fail("3", f"{node.place} announces addresses that it does not hold")

    def stopped(self, node: "Node", action: Stopped) -> None:
        """Note a clean end."""
        self.fault()
        if action.resume is None and node.kernel.held and node.blocked_until < self.world.now - SLACK_S:
            self.fail("stop", f"{node.place} ended cleanly and still holds the addresses")

    # who holds

    def holders_changed(self) -> None:
        """Follow who holds the addresses."""
        world = self.world
        first, second = world.nodes
        for node in world.nodes:
            if not node.kernel.held:
                self.held_since[node.place] = inf
                self.asked.discard(node.place)
            elif self.held_since[node.place] == inf:
                self.held_since[node.place] = world.now
        if first.kernel.held and second.kernel.held:
            if self.both_since is None:
                world.counts["split"] += 1
                self.both_begin()
            return
        self.both_since = None
        if first.kernel.held or second.kernel.held:
            self.somebody()
        elif self.nobody_since is None:
            self.nobody_since = world.now

    def both_begin(self) -> None:
        """Begin to watch two holders; a dead or frozen one must have lapsed unless an exception applies."""
        world = self.world
        self.both_since = world.now
        self.reset_ears()
        for node in world.nodes:
            if node.running and not node.frozen:
                continue
            taker, kernel = node.peer, node.kernel
            deadtime_s = min(each.settings.heartbeat.deadtime_s for each in world.nodes)
            derived = node.settings.vips.lease_s is None
            if kernel.lifetime_s == inf or not derived or deadtime_s < SAFE_DEADTIME_S:
                continue
            unheard_s = kernel.renewed_at - self.ears[taker.place].at
            if unheard_s <= deadtime_s - lease_for(deadtime_s) - KERNEL_LATENESS_S:
                self.fail("1", f"{taker.place} holds although the lease of {node.place} still runs")

    def reset_ears(self) -> None:
        """Begin anew to watch who hears whom while both hold."""
        for ear in self.ears.values():
            ear.both_first = ear.both_again = inf

    def both_hold(self) -> None:
        """Invariant 1: two holders that run and hear of each other end it."""
        world = self.world
        if any(not node.running or node.frozen for node in world.nodes):
            self.reset_ears()
            return
        knows = min(ear.both_again for ear in self.ears.values())
        excused = max(knows, self.changed_at, *(node.blocked_until for node in world.nodes))
        if world.now > excused + SLACK_S + 4 * world.jitter_s:
            self.fail("1", "two holders although a heartbeat told of it")
        if world.keys_differ and self.asked and self.lan_whole():
            keepalive_s = max(node.settings.heartbeat.keepalive_s for node in world.nodes)
            told = max(self.changed_at, self.both_since or 0.0, *(node.blocked_until for node in world.nodes))
            if world.now > told + 2 * (keepalive_s + QUESTIONS * ANSWER_WITHIN_S) + SLACK_S:
                self.fail("1", "two holders although the LAN answers who took over in doubt")

    def somebody(self) -> None:
        """Invariant 2, judged when somebody holds again."""
        if self.nobody_since is not None:
            self.before_change()
            self.nobody_since = None

    def before_change(self) -> None:
        """Invariant 2: nobody holds for longer than the bound, although somebody could."""
        world = self.world
        if self.nobody_since is None or not any(self.able(node) for node in world.nodes):
            return
        since = max(self.nobody_since, self.changed_at, self.perhaps_held_at)
        beats = [node.settings.heartbeat for node in world.nodes]
        keepalive_s = max(beat.keepalive_s for beat in beats)
        bound_s = max(max(beat.deadtime_s, beat.initdead_s) for beat in beats) + 2 * keepalive_s + 2 * SLACK_S
        if world.loss:
            bound_s += 4 * keepalive_s
        if self.failed_once:
            bound_s += 6.0
        if self.waiting_for:
            bound_s += 30.0
        if world.keys_differ or self.forged_once:
            bound_s += keepalive_s + QUESTIONS * ANSWER_WITHIN_S
        if world.now - since > bound_s:
            self.fail("2", f"nobody held the addresses for {world.now - since:.2f} s, bound {bound_s:.2f} s")

    def able(self, node: "Node") -> bool:
        """Whether `node` could take over."""
        return (
            node.running
            and not node.frozen
            and node.ready
            and not node.failing
            and node.blocked_until < self.world.now
            and not node.thinks_blind
            and not node.ending
            and node.told_ready
            and (not self.failed_once or node.election.view(node.now()).ready)  # it may not try again yet
        )

    def leases_fit(self) -> None:
        """A limit while a ready partner is heard, and none while nobody could take over."""
        world = self.world
        for node in world.nodes:
            beat = node.settings.heartbeat
            self.connected_serves(node)
            if not self.healthy(node) or node.settings.vips.lease_s == 0:
                continue
            if world.now - self.changed_at < max(beat.deadtime_s, beat.initdead_s) + 2 * beat.keepalive_s + SLACK_S:
                continue
            wrong = self.wrong_lease(node)
            if wrong:
                self.fail("lease", wrong)

    def connected_serves(self, node: "Node") -> None:
        """A holder that is cut off from its clients does not keep the addresses from a partner that is not."""
        world, peer = self.world, node.peer
        if not (node.blind and node.kernel.held) or peer.cut_off or peer.silent:
            return
        if not self.able(peer) or not node.running or node.frozen or world.loss or world.keys_differ:
            return
        broken = {path for path, _ in world.cut | world.filtered}
        if broken.issuperset(node.settings.paths) or node.blocked_until > self.changed_at:
            return
        beats = [each.settings.heartbeat for each in world.nodes]
        bound_s = max(beat.deadtime_s for beat in beats) + max(beat.keepalive_s for beat in beats) + 3 * SLACK_S
        if not (node.cut_off and node.settings.monitor_links):
            bound_s *= 2  # silence is noticed after a deadtime
        if world.now - self.changed_at > bound_s:
            self.fail("link", f"{node.place} is cut off and keeps the addresses from {peer.place}")

    def wrong_lease(self, node: "Node") -> str:
        """Return what is wrong with the lifetime of the addresses of an active router."""
        world, peer = self.world, node.peer
        limited = node.kernel.lifetime_s < NO_LIMIT
        if limited and not peer.running and peer.place not in self.waiting_for:
            return f"{node.place} is alone and its addresses have a time limit"
        whole = not world.cut and not world.filtered and not world.loss and not world.keys_differ
        if not limited and whole and node.settings.vips.lease_s != 0 and self.able(peer):
            return f"{node.place} has no time limit although a ready partner is heard"
        return ""

    # the end

    def unsettled(self) -> str:
        """Return what is missing: one holder, the other standby, the lease as it should be."""
        holders = [node for node in self.world.nodes if node.kernel.held]
        if len(holders) != 1:
            return f"{len(holders)} holders after the last fault"
        holder = holders[0]
        phases = [node.election.phase for node in (holder, holder.peer)]
        if phases != [Phase.ACTIVE, Phase.STANDBY]:
            return f"the holder is {phases[0]}, the other {phases[1]}"
        return self.wrong_lease(holder)

    def calm_since(self) -> float:
        """Return when a router last changed its role, or something happened to it."""
        return max(self.transition_at, self.changed_at)

    def settled(self, quiet_since: float) -> None:
        """Invariant 5: the pair has settled, and nothing changes any more."""
        missing = self.unsettled()
        if missing:
            self.fail("5", missing)
        if self.transition_at > quiet_since:
            self.fail("5", f"a router changed its role at {self.transition_at:.3f} s, long after the last fault")
