"""The pinger of one router, as its shell would drive it: the real `Hosts`, and a gateway that may be silent."""

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from piranha.pulse.hosts import Hosts, LineState

if TYPE_CHECKING:
    from tests.simulation.world import Node

GATEWAY = IPv4Address("192.0.2.1")
LINES = ((GATEWAY,),)


class Pings:
    """One life of it."""

    def __init__(self, node: "Node") -> None:
        beat = node.settings.heartbeat
        self.node = node
        self.life = node.life
        self.hosts = Hosts(LINES, beat.keepalive_s, beat.deadtime_s, node.now())
        self.told: tuple[LineState, ...] = ()
        self.waiting: list[float] = []  # answers in the socket of a router that stands still
        self.wake_at = -1.0

    @property
    def silent(self) -> bool:
        """Whether this router takes itself for cut off."""
        return any(line.silent for line in self.hosts.states)

    def step(self) -> None:
        """Run the loop once: read what waits, judge, ask."""
        node, world = self.node, self.node.world
        if node.life != self.life or not node.running or node.frozen:
            return
        for came in self.waiting:
            self.hosts.answered(GATEWAY, came)
        self.waiting.clear()
        for _ in self.hosts.tick(node.now()):
            if not node.silent and not (world.loss and world.rng.random() < world.loss):
                world.after(2 * world.delay_s + world.rng.random() * world.jitter_s, self.arrive)
        if self.hosts.states != self.told:
            self.told = self.hosts.states
            node.dispatch(node.election.hosts(self.told, node.now()))
            node.step()
        self.schedule()

    def schedule(self) -> None:
        """Set the timer."""
        world, due = self.node.world, self.hosts.deadline() - self.node.skew_s + 1e-9
        if due != self.wake_at:
            self.wake_at = due
            world.at(due + world.timer_lateness(), self.wake, due)

    def wake(self, due: float) -> None:
        """Run when the timer fires; what stands still runs when it is thawed."""
        if due == self.wake_at and not self.node.frozen:
            self.wake_at = -1.0
            self.step()

    def arrive(self) -> None:
        """Take in an answer as the kernel does."""
        node = self.node
        if not node.frozen or not node.deaf:
            self.waiting.append(node.now())
        self.step()

    def reconfigure(self) -> None:
        """Take in other timers."""
        beat = self.node.settings.heartbeat
        self.hosts.reconfigure(LINES, beat.keepalive_s, beat.deadtime_s, self.node.now())
        self.step()
