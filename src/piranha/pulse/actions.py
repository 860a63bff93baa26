"""What the election wants done, and how the shell says what became of it.

Contract of the shell (docs/failover.md has it with reasons):

- Actions are carried out in the order given. `SendHeartbeat`, `Emit` and `Stopped` at once, in the
  loop; `AskLan` beside everything else; the other kinds, the *effects*, one after the other in one
  effects thread, so that a heartbeat never waits for them. Each effect is answered by exactly one
  `Election.effect_done`.
- A `StepDown` overtakes every effect that has not begun; those are answered `Outcome.LATE`.
- An effect with `not_after` is not begun later than that (monotonic seconds): `Outcome.LATE`. One
  that *ends* later (TakeOver, SetLease, RenewLeases) is undone at once, addresses deleted, and
  answered `Outcome.LATE`: a renewal with REPLACE brings a lapsed address back to life.
"""

from dataclasses import dataclass
from enum import StrEnum

from piranha.events.event import Event
from piranha.pulse.heartbeat import Heartbeat


@dataclass(frozen=True, slots=True)
class SendHeartbeat:
    """Send `heartbeat` now, once on each of `paths` (names of the configured paths)."""

    heartbeat: Heartbeat
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """Serve: make sure of the table, then hold every floating address for `valid_s` (None = no limit).

    Addresses that are there already (adopted from a former `pulse`) get the same lifetime. term is
    to be stored in the state directory and given back at the next start (`Start.term`).
    Outcome.FAILED: at least one address could not be added, or there is no table; what could be
    added stays until StepDown. The election announces when it hears OK, so this does not.
    """

    serial: int
    term: int
    valid_s: int | None
    not_after: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDown:
    """Stop announcing, remove every floating address; the table stays (warm) or goes after them (cold).

    Given without a TakeOver before it when a former `pulse` left addresses behind.
    Outcome.FAILED: an address is still there; the election asks again.
    """

    serial: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLease:
    """Hold exactly the configured addresses, all with lifetime `valid_s` (None = no limit), in one batch.

    Adds what is missing and removes what the file no longer names (reload). FAILED: as TakeOver.
    """

    serial: int
    valid_s: int | None
    not_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewLeases:
    """Give every address its full lifetime `valid_s` again, all in one batch. FAILED: some could not be.

    An address that others removed comes back; the detail of OK says so, and the election announces anew.
    """

    serial: int
    valid_s: int
    not_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Announce every floating address that is held once: gratuitous ARP as request and reply, or unsolicited NA.

    number: 1, 2, … within this role; not_after: drop it when later than this. The only effect whose
    success need not be reported; a failure may be (it becomes an event).
    """

    serial: int
    number: int
    not_after: float


@dataclass(frozen=True, slots=True)
class Emit:
    """Record and log this event."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """What a prepared restart leaves for the next `pulse`: be active with `term` if started before `until_s`."""

    term: int
    until_s: float  # monotonic seconds of this machine's boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The election is over: end the process.

    resume: to be stored for the next start, addresses stay. lvsd_stays: a prepared restart, of a
    standby too: the next pulse adopts the lvs daemon and its table.
    """

    resume: Resume | None = None
    lvsd_stays: bool = False


@dataclass(frozen=True, slots=True)
class AskLan:
    """Ask the LAN once who has the floating addresses, on the devices where they belong.

    Answered by one `Election.lan_asked` when the frames are out or cannot be sent, and by one
    `Election.lan_heard` for each claim that comes. No effect: it waits for none of them.
    """

    serial: int


Effect = TakeOver | StepDown | SetLease | RenewLeases | Announce
Action = SendHeartbeat | Effect | AskLan | Emit | Stopped


class Outcome(StrEnum):
    """What became of an effect."""

    OK = "ok"
    FAILED = "failed"
    LATE = "late"  # not begun, or undone, because `not_after` had passed; or overtaken by StepDown


class Command(StrEnum):
    """What people and the unit ask for over the control socket or by signal."""

    SWITCHOVER = "switchover"  # planned: the partner takes over now
    STOP = "stop"  # SIGTERM: release, hand over, end
    PREPARE_RESTART = "prepare_restart"  # leave the addresses, the next pulse adopts them


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command led to. refusal: one clear line, empty when the command is being carried out."""

    actions: list[Action]
    refusal: str = ""
