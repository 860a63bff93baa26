"""Two routers, their kernels and the network between them, in virtual time: one seed, one history.

The routers run the real `Election` and the real `Session`; only what the shell does is modelled.
What the model takes for granted of the shell is written down in docs/failover.md.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from ipaddress import IPv4Address
from math import inf

from tests.simulation.invariants import LAN, Checker
from tests.simulation.pings import Pings

from piranha.lvscf.config import HeartbeatAuth
from piranha.pulse.actions import (
    Action,
    Announce,
    AskLan,
    Command,
    Effect,
    Emit,
    Outcome,
    RenewLeases,
    Resume,
    SendHeartbeat,
    StepDown,
    Stopped,
    TakeOver,
)
from piranha.pulse.election import Election
from piranha.pulse.heartbeat import Place
from piranha.pulse.inquiry import Claim
from piranha.pulse.keys import KeyRing
from piranha.pulse.packet import Datagram
from piranha.pulse.session import Session
from piranha.pulse.settings import ElectionSettings, Start
from piranha.pulse.verdicts import Accepted, Evidence, Introduced, Rejected, Verdict
from piranha.pulse.watched import LinkState

VIP = IPv4Address("192.0.2.10")  # stands for all
KEYS_DIFFER = Rejected(Evidence.BAD_SIGNATURE, "key 'k1'")
MakeElection = Callable[[ElectionSettings, Start], Election]


@dataclass(slots=True)
class Kernel:
    """The addresses of one router, all as one. lifetime_s: of the last renewal, inf = no limit."""

    held: bool = False
    lifetime_s: float = 0.0
    renewed_at: float = -inf
    expires_at: float = inf
    checked_at: float = inf  # when the model looks next whether they have expired
    lapsed: bool = False  # they went by themselves


class Node:
    """One router: process, effects thread, kernel. Its clock is off by `skew_s`: only differences may matter."""

    def __init__(self, world: "World", place: Place, settings: ElectionSettings, skew_s: float) -> None:
        self.world = world
        self.place = place
        self.settings = settings
        self.skew_s = skew_s
        self.peer: Node = self
        self.kernel = Kernel()
        self.running = False
        self.frozen = False
        self.deaf = False
        self.leftover = False  # addresses of a former process are here
        self.ready = True
        self.impaired = False  # while not ready: the lvs daemon serves all the same, its nannies fail
        self.serves = self.told_ready = False  # what the election was last told
        self.reloaded = False  # the file has changed, the process was told and has not read it yet
        self.force_active = False
        self.booted = True  # no pulse ran since the machine booted
        self.stored_term = 0
        self.stored_resume: Resume | None = None
        self.blocked_until = -inf
        self.failing = False
        self.refused = False  # its kernel did not take the addresses when it was last asked to
        self.election: Election
        self.session: Session
        self.inbox: list[tuple[str, Datagram | None, float]] = []
        self.queue: deque[Effect] = deque()
        self.current: Effect | None = None
        self.results: list[tuple[Effect, Outcome, float]] = []
        self.claims: list[Claim] = []  # heard on the LAN and not read yet
        self.cut_off = False  # the link of its VIPs carries nothing
        self.silent = False  # the hosts of monitor_hosts do not answer this router
        self.silent_since = inf
        self.pings: Pings | None = None
        self.lan_trouble = ""  # why this router cannot ask the LAN
        self.ending = False  # asked to end
        self.added = False  # what the executor believes: it announces only what it has added
        self.life = 0  # counts starts: what was scheduled for a former process is void
        self.wake_at = inf

    def start(self) -> None:
        """Start `pulse`; the lvs daemon reports a little later."""
        world = self.world
        self.life += 1
        self.running, self.frozen, self.added, self.ending = True, False, False, False
        self.leftover, self.serves, self.told_ready, self.reloaded = self.kernel.held, False, False, False
        start = Start(
            now=world.now + self.skew_s,
            machine_booted=self.booted,
            term=self.stored_term,
            holding=self.kernel.held,
            resume=self.stored_resume,
            force_active=self.force_active,
        )
        self.booted = False
        self.stored_resume = None
        self.election = world.make_election(self.settings, start)
        self.session = Session(
            place=self.place,
            cluster="sim",
            keys=KeyRing(),
            auth=HeartbeatAuth.NONE,
            fresh=world.rng.randbytes,
        )
        self.wake_at = inf
        world.check.starts(self)
        self.step()
        world.after(world.rng.uniform(0.0, 0.5), self.report_lvsd, self.life)
        if self.cut_off:
            world.after(0.01, self.report_link, self.life)
        self.pings = Pings(self) if self.settings.monitor_hosts else None
        if self.pings is not None:
            self.pings.step()

    def kill(self, machine: bool) -> None:
        """End the process without a word; with `machine` the addresses go too."""
        self.running = self.frozen = False
        self.life += 1
        self.inbox.clear()
        self.queue.clear()
        self.results.clear()
        self.claims.clear()
        self.current = None
        if machine:
            self.booted = True
            self.drop()

    def freeze(self, deaf: bool = False) -> None:
        """Stop the process and its effects thread; the kernel goes on. deaf: and loses what comes in."""
        if self.running:
            self.frozen, self.deaf = True, deaf

    def thaw(self) -> None:
        """Let it go on: either thread may be the first to run."""
        if self.running and self.frozen:
            self.frozen, self.wake_at = False, inf
            self.world.counts["thaw"] += 1
            if self.world.rng.random() < 0.5:
                self.work(self.life)
                self.step()
            else:
                self.step()
                self.work(self.life)
            if self.pings is not None:
                self.pings.step()

    @property
    def blind(self) -> bool:
        """Whether it is cut off from its clients in a way that it watches for."""
        return (self.cut_off and self.settings.monitor_links) or (self.silent and self.settings.monitor_hosts)

    @property
    def thinks_blind(self) -> bool:
        """Whether it is, or takes itself to be."""
        return self.blind or (self.pings is not None and self.pings.silent)

    def set_silent(self, silent: bool) -> None:
        """Let the hosts of `monitor_hosts` answer this router no more, or again."""
        if silent is not self.silent:
            self.silent, self.silent_since = silent, self.world.now if silent else inf

    def set_link(self, works: bool) -> None:
        """Pull the cable that carries the VIPs, or plug it in; the process hears of it a little later."""
        cuts = {(LAN, place) for place in Place}
        self.cut_off = not works
        if works and not self.peer.cut_off:
            self.world.cut.difference_update(cuts)
        elif not works:
            self.world.cut.update(cuts)
        self.world.after(self.world.rng.uniform(0.001, 0.05), self.report_link, self.life)

    def report_link(self, life: int) -> None:
        """Tell the election how the link is."""
        if life == self.life and self.running:
            if self.frozen:
                self.world.after(0.1, self.report_link, life)
                return
            works = not self.cut_off
            self.dispatch(self.election.links((LinkState(device="eth0", carrier=works),), self.now()))
            self.step()

    def report_lvsd(self, life: int) -> None:
        """Tell the election what the lvs daemon says."""
        if life == self.life and self.running:
            if self.frozen:
                self.world.after(0.1, self.report_lvsd, life)
                return
            self.serves, self.told_ready = self.ready or self.impaired, self.ready
            reasons = () if self.ready else ("nannies fail",) if self.impaired else ("table not loaded",)
            self.dispatch(self.election.lvsd(self.ready, reasons, self.now(), serves=self.serves))
            self.step()

    def now(self) -> float:
        """Return this router's own clock."""
        return self.world.now + self.skew_s

    def arrive(self, path: str, datagram: Datagram | None, sent_at: float) -> None:
        """Take in a datagram as the kernel does: it waits in the socket until it is read."""
        if not self.running:
            return
        if self.frozen:
            if len(self.inbox) < 256 and not self.deaf:
                self.inbox.append((path, datagram, self.world.now))
            return
        self.read(path, datagram, self.world.now, sent_at)
        if self.election.deadline() <= self.world.now + self.skew_s:
            self.step()

    def read(self, path: str, datagram: Datagram | None, at: float, sent_at: float) -> None:
        """Feed one datagram to session and election; None is one that somebody forged."""
        verdict: Verdict = KEYS_DIFFER
        if datagram is not None and not self.world.keys_differ:
            verdict = self.session.judge(path, datagram)
        if type(verdict) is Introduced:
            self.world.check.ears[self.place].unproven_at = at
        elif type(verdict) is Accepted:
            self.world.check.heard(self, verdict, at, sent_at)
        actions = self.election.receive(path, verdict, at + self.skew_s)
        if actions:
            self.dispatch(actions)

    def step(self) -> None:
        """Run the loop of the shell once: read what waits, take results, tick."""
        if not self.running or self.frozen:
            return
        if self.inbox:
            waiting, self.inbox = self.inbox, []
            for path, datagram, at in waiting:
                self.read(path, datagram, at, at)
        now = self.world.now + self.skew_s
        if self.claims:
            claims, self.claims = self.claims, []
            for claim in claims:
                self.dispatch(self.election.lan_heard(claim, now))
        if self.results:
            for effect, outcome, began in self.results:
                detail = "no such device" if outcome is Outcome.FAILED else ""
                self.dispatch(self.election.effect_done(effect, outcome, now, began_s=began, detail=detail))
            self.results.clear()
        if self.reloaded:
            self.reloaded = False
            self.dispatch(self.election.reconfigure(self.settings, now))
        self.dispatch(self.election.tick(now))
        if self.running:
            self.schedule()

    def schedule(self) -> None:
        """Set the timer, unless it is set for an earlier time already."""
        world = self.world
        due = self.election.deadline() - self.skew_s + 1e-9
        due = max(due, world.now)
        if due < self.wake_at:
            self.wake_at = due
            world.at(due + world.timer_lateness(), self.wake, self.life, due)

    def wake(self, life: int, due: float) -> None:
        """Run when the timer fires; a frozen process runs when it is thawed."""
        if life != self.life or due != self.wake_at or not self.running or self.frozen:
            return
        self.wake_at = inf
        if self.election.deadline() > self.world.now + self.skew_s:
            self.schedule()
        else:
            self.step()

    def ask(self, command: Command) -> None:
        """Give a command, as the control socket or a signal would."""
        if self.running and not self.frozen:
            answer = self.election.command(command, self.now())
            self.world.counts["refused" if answer.refusal else command.value] += 1
            if answer.refusal and self.world.trace is not None:
                self.world.trace(f"{self.world.now:9.3f} {self.place:7} refused: {answer.refusal}")
            if not answer.refusal and command is Command.PREPARE_RESTART:
                self.world.check.waiting_for.add(self.place)
            self.ending = self.ending or (not answer.refusal and command is not Command.SWITCHOVER)
            self.dispatch(answer.actions)
            self.step()

    def reload(self, settings: ElectionSettings) -> None:
        """Take in a new configuration."""
        self.settings = settings
        self.reloaded = True
        self.step()
        if self.pings is not None:
            self.pings.reconfigure()

    def dispatch(self, actions: list[Action]) -> None:
        """Carry out actions as the shell does: heartbeats at once, effects in their thread."""
        if not actions:
            return
        world = self.world
        for action in actions:
            if type(action) is SendHeartbeat:
                world.check.sends(self, action.heartbeat)
                for path in action.paths:
                    world.carry(self, path, self.session.stamp(path, action.heartbeat))
            elif type(action) is Emit:
                if world.trace is not None:
                    world.log(self, action)
            elif type(action) is AskLan:
                world.after(0.0005 + 0.0035 * world.rng.random(), self.ask_lan, self.life, action)
            elif type(action) is Stopped:
                self.stored_resume = action.resume
                self.kill(False)
                world.check.stopped(self, action)
            else:
                if type(action) is StepDown:
                    world.check.steps_down(self, actions)
                    world.counts["abort"] += sum(isinstance(waiting, TakeOver) for waiting in self.queue)
                    self.results += [(waiting, Outcome.LATE, self.now()) for waiting in self.queue]
                    self.queue.clear()
                elif type(action) is TakeOver:
                    world.check.takes_over(self, action, actions)
                    self.stored_term = max(self.stored_term, action.term)
                self.queue.append(action)  # type: ignore[arg-type]  # every other action is an effect
        if self.queue and self.current is None:
            self.work(self.life)

    def ask_lan(self, life: int, question: AskLan) -> None:
        """Send a probe for the VIPs, in a thread of its own."""
        world = self.world
        if life != self.life:
            return
        if self.frozen:
            world.after(0.05, self.ask_lan, life, question)
            return
        world.counts["question"] += 1
        trouble = "no carrier" if self.cut_off else self.lan_trouble
        self.dispatch(self.election.lan_asked(question, self.now(), trouble))
        if not trouble and not world.lost(self):
            world.after(world.delay_s, self.peer.is_asked)
        self.step()

    def is_asked(self) -> None:
        """Hear a probe: the kernel answers it if it holds the VIPs, whatever the process does."""
        if self.kernel.held and not self.world.lost(self):
            self.world.after(self.world.delay_s, self.peer.hear_claim, True)
        self.hear_claim(False)

    def hear_claim(self, holds: bool) -> None:
        """Hear of a hardware address that answers or asks for the VIPs."""
        if not self.running or (self.frozen and self.deaf):
            return
        claim = Claim(address=VIP, mac=f"of the {self.place.other}", device=LAN, holds=holds)
        self.claims.append(claim)
        self.step()

    def work(self, life: int) -> None:
        """Begin the next effect, unless the thread is frozen, blocked or busy."""
        if life != self.life or self.frozen or self.current is not None or not self.queue:
            return
        world = self.world
        if world.now < self.blocked_until:
            world.at(self.blocked_until, self.work, life)
            return
        effect = self.queue.popleft()
        if not isinstance(effect, StepDown) and self.now() > effect.not_after:
            self.finish(effect, Outcome.LATE, self.now())
            return
        if isinstance(effect, Announce):
            # One send, its time compared just before: nothing can come in between.
            self.finish(effect, self.apply(effect), self.now())
            return
        self.current = effect
        world.after(0.0005 + 0.0035 * world.rng.random(), self.complete, life, effect, self.now())

    def complete(self, life: int, effect: Effect, began: float) -> None:
        """End an effect: only now the kernel has done it (the worst case for a call that blocks)."""
        if life != self.life:
            return
        world = self.world
        if self.frozen:
            world.after(0.05, self.complete, life, effect, began)
            return
        if world.now < self.blocked_until:
            world.at(self.blocked_until, self.complete, life, effect, began)
            return
        self.current = None
        self.finish(effect, self.apply(effect), began)

    def apply(self, effect: Effect) -> Outcome:
        """Do to the kernel what the effect says."""
        if isinstance(effect, StepDown):
            self.added = False
            self.drop()
            return Outcome.OK
        if isinstance(effect, Announce):
            if self.added:
                self.world.check.announces(self)
            return Outcome.OK
        if self.failing and not (self.kernel.held and effect.valid_s == self.kernel.lifetime_s):
            self.refused = True
            return Outcome.FAILED
        if self.now() > effect.not_after:
            # The call brought them back to life; the executor compares clocks and deletes them.
            self.added = False
            self.drop()
            return Outcome.LATE
        self.added = True
        if isinstance(effect, RenewLeases):
            self.world.check.renews(self)
        self.hold(inf if effect.valid_s is None else float(effect.valid_s))
        return Outcome.OK

    def finish(self, effect: Effect, outcome: Outcome, began: float) -> None:
        """Hand a result to the loop and begin the next effect."""
        if isinstance(effect, TakeOver) and outcome is not Outcome.OK:
            self.world.counts["abort"] += 1
        self.results.append((effect, outcome, began))
        self.step()
        if self.queue and self.current is None:
            self.work(self.life)

    def hold(self, lifetime_s: float) -> None:
        """Add or renew the addresses: they may outlive their lifetime by up to 1.5 s."""
        world, kernel = self.world, self.kernel
        was, kernel.held = kernel.held, True
        self.leftover = kernel.lapsed = self.refused = False
        kernel.lifetime_s, kernel.renewed_at = lifetime_s, world.now
        kernel.expires_at = world.now + lifetime_s + 1.5 * world.rng.random()
        if kernel.expires_at < kernel.checked_at:
            kernel.checked_at = kernel.expires_at
            world.at(kernel.expires_at, self.expire, kernel.expires_at)
        if not was:
            world.check.holders_changed()

    def expire(self, checked_at: float) -> None:
        """Let the kernel take the addresses away, unless they were renewed; then look again."""
        kernel = self.kernel
        if checked_at != kernel.checked_at:
            return
        kernel.checked_at = inf
        if kernel.expires_at > checked_at:
            if kernel.expires_at < inf:
                kernel.checked_at = kernel.expires_at
                self.world.at(kernel.expires_at, self.expire, kernel.expires_at)
        elif kernel.held:
            self.drop()
            kernel.lapsed = True

    def drop(self) -> None:
        """Remove the addresses."""
        self.leftover = self.kernel.lapsed = False
        if self.kernel.held:
            self.kernel.held = False
            self.kernel.expires_at = inf
            self.world.check.holders_changed()


class World:
    """Virtual time, the network, and the two routers."""

    def __init__(self, seed: int, make_election: MakeElection = Election, trace: Callable[[str], None] | None = None):
        self.seed = seed
        self.rng = random.Random(seed)
        self.make_election = make_election
        self.trace = trace
        self.now = 0.0
        self.heap: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self.count = 0
        self.counts: dict[str, int] = {}
        self.cut: set[tuple[str, Place]] = set()  # path and sender
        self.filtered: set[tuple[str, Place]] = set()  # the same for heartbeats only: a firewall
        self.loss = 0.0
        self.delay_s = 0.001
        self.jitter_s = 0.0
        self.doubling = 0.0
        self.lateness_s = 0.0
        self.keys_differ = False  # each router's heartbeats fail their signature at the other
        self.nodes: tuple[Node, Node]
        self.check: Checker

    def add_nodes(self, primary: ElectionSettings, backup: ElectionSettings) -> None:
        """Set up both routers; they do not run yet."""
        first = Node(self, Place.PRIMARY, primary, self.rng.uniform(0, 1e4))
        second = Node(self, Place.BACKUP, backup, self.rng.uniform(0, 1e4))
        first.peer, second.peer = second, first
        self.nodes = (first, second)
        self.check = Checker(self)

    def at(self, when: float, call: Callable[..., None], *arguments: object) -> None:
        """Call `call` at virtual time `when`; what should have been is now."""
        self.count += 1
        heappush(self.heap, (when if when > self.now else self.now, self.count, call, arguments))

    def after(self, delay_s: float, call: Callable[..., None], *arguments: object) -> None:
        """Call `call` in `delay_s` seconds."""
        self.at(self.now + delay_s, call, *arguments)

    def run(self, until: float) -> None:
        """Let virtual time pass; the checker raises `Violation`."""
        heap, check = self.heap, self.check
        while heap and heap[0][0] <= until:
            self.now, _, call, arguments = heappop(heap)
            call(*arguments)
            if check.both_since is not None:
                check.both_hold()
        self.now = until

    def timer_lateness(self) -> float:
        """Return how late a timer fires."""
        return self.rng.random() * self.lateness_s if self.lateness_s else 0.0

    def carry(self, sender: Node, path: str, datagram: Datagram) -> None:
        """Carry a datagram to the other router, or lose it."""
        rng = self.rng
        if self.lost(sender, path) or (path, sender.place) in self.filtered:
            return
        delay_s = self.delay_s + rng.random() * self.jitter_s
        self.after(delay_s, sender.peer.arrive, path, datagram, self.now)
        if self.doubling and rng.random() < self.doubling:
            self.after(delay_s + rng.random() * 3 * self.jitter_s, sender.peer.arrive, path, datagram, self.now)

    def lost(self, sender: Node, path: str = LAN) -> bool:
        """Whether what `sender` sends now does not arrive."""
        return (path, sender.place) in self.cut or (self.loss > 0 and self.rng.random() < self.loss)

    def forge(self, victim: Node, every_s: float, until: float) -> None:
        """Send what looks as if it came from the victim's partner, but for its signature."""
        victim.arrive(LAN, None, self.now)
        if self.now < until:
            self.after(every_s, self.forge, victim, every_s, until)

    def log(self, node: Node, emit: Emit) -> None:
        """Show an event when somebody looks."""
        assert self.trace is not None
        event = emit.event
        why = f"{event.cause} [{event.rule}]"
        self.trace(f"{self.now:9.3f} {node.place:7} {event.subject}: {event.message} | {why}")
