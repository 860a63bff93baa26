"""Decides which of two routers is active. It holds no socket, reads no clock, touches no address.

The shell feeds it what happens and carries out the actions it returns, in order:

    for path, data, at in inbox.drain():                 # read before judging
        dispatch(election.receive(path, session.read(path, data), at))
    dispatch(election.tick(clock()))
    wait until inbox, an effect result, a command, or election.deadline()

`now` is monotonic time in seconds everywhere and never goes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from piranha.pulse.actions import Action, Answer, Command, Effect, Outcome
from piranha.pulse.heartbeat import Heartbeat, Place, Role
from piranha.pulse.settings import ElectionSettings, Start
from piranha.pulse.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PathView:
    """One heartbeat path for `status`: age_s of the last good heartbeat (None = never), late and lost count."""

    name: str
    age_s: float | None
    alive: bool
    late: int
    evidence: str  # what else came from there lately, empty = nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The election for `status`, all ages in seconds.

    lease_s: confirmed lifetime, `NO_LIMIT`, 0 = holds none. partner: its last heartbeat, None =
    never heard; partner_alive: it counts as alive. why: the sentence of the last change of role.
    """

    place: Place
    role: Role
    phase: str  # standby, taking over, active, stepping down
    since_s: float
    term: int
    ready: bool
    reasons: tuple[str, ...]
    holding: bool
    lease_s: float
    partner: Heartbeat | None
    partner_alive: bool
    partner_age_s: float | None
    paths: tuple[PathView, ...]
    why: str


class Election:
    """The state machine of one router; see the module's docstring for how to drive it."""

    def __init__(self, settings: ElectionSettings, start: Start) -> None:
        """Begin as `start` says. Call `tick` next."""
        raise NotImplementedError

    def receive(self, path: str, verdict: Verdict, now: float) -> list[Action]:
        """Take in one datagram of the partner's address, or ICMP unreachable as `Rejected(UNREACHABLE)`.

        now: when the kernel received it, if that is known.
        """
        raise NotImplementedError

    def lvsd(self, ready: bool, reasons: Sequence[str], now: float) -> list[Action]:
        """Take in that the lvs daemon can serve (its table is loaded), or why not. Until told: not ready."""
        raise NotImplementedError

    def effect_done(
        self, effect: Effect, outcome: Outcome, now: float, *, began_s: float | None = None, detail: str = ""
    ) -> list[Action]:
        """Take in what became of an effect. began_s: when its first system call began (None = now)."""
        raise NotImplementedError

    def command(self, command: Command, now: float) -> Answer:
        """Take in a command; a refusal changes nothing."""
        raise NotImplementedError

    def reconfigure(self, settings: ElectionSettings, now: float) -> list[Action]:
        """Take in a reloaded configuration. An active router makes its addresses what the file says (SetLease)."""
        raise NotImplementedError

    def tick(self, now: float) -> list[Action]:
        """Do what is due; to be called after everything that waited was read, no later than `deadline`."""
        raise NotImplementedError

    def deadline(self) -> float:
        """Return when `tick` must be called next."""
        raise NotImplementedError

    def view(self, now: float) -> View:
        """Return the present state for `status`."""
        raise NotImplementedError
