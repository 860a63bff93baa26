"""A change that goes back by itself unless somebody confirms it, and when.

Within one run of the machine its own clock counts, which nobody can set and which goes on while the
machine sleeps. After a boot only the wall clock is left: the time that remains by it counts, but never
more than was given at first, so that a clock that was set back cannot keep a change for ever.
"""

from dataclasses import asdict

from piranha.dataclass import dataclass, replace
from piranha.errors import MISSHAPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now. boot: run of the machine. boottime_s: since it booted, CLOCK_BOOTTIME. wall_s: since the epoch."""

    boot: str
    boottime_s: float
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A change that waits for its confirmation.

    id: tells it from others. old, new: digests of both files. confirm_s: time given. began: when.
    who, how, reason: as in `history.Entry`. generation: of the new file; old_serial_no, serial_no: of
    both. going_back: why it is being taken back already, empty while it waits.
    """

    id: str
    old: str
    new: str
    confirm_s: float
    began: Moment
    who: str
    how: str
    generation: int
    old_serial_no: int
    serial_no: int
    reason: str = ""
    going_back: str = ""

    def left_s(self, now: Moment) -> float:
        """Return how much time is left to confirm, 0 when it is over."""
        if self.going_back:
            return 0.0
        same = bool(now.boot) and now.boot == self.began.boot
        passed_s = now.boottime_s - self.began.boottime_s if same else now.wall_s - self.began.wall_s
        return self.confirm_s - min(max(passed_s, 0.0), self.confirm_s)

    def until_s(self, now: Moment) -> float:
        """Return the wall clock at its end, for people."""
        return now.wall_s + self.left_s(now)

    def taken_back(self, why: str) -> "Pending":
        """Return it with the time ended."""
        return replace(self, going_back=why)

    def shown(self, now: Moment) -> dict[str, object]:
        """Return what `status` shows of it."""
        return {
            "id": self.id,
            "who": self.who,
            "how": self.how,
            "reason": self.reason,
            "left_s": round(self.left_s(now), 3),
            "until": round(self.until_s(now), 3),
            "age_s": round(max(0.0, self.confirm_s - self.left_s(now)), 3),
            "generation": self.generation,
            "serial_no": self.serial_no,
            "back_to_serial_no": self.old_serial_no,
            "going_back": self.going_back,
        }

    def facts(self) -> dict[str, object]:
        """Return what goes to the disk."""
        return asdict(self)


def read_pending(facts: dict[str, object]) -> Pending:
    """Return what `facts` came from. Raises ValueError when something is not as it was written."""
    try:
        began = facts["began"]
        if not isinstance(began, dict):
            raise ValueError("began")
        return Pending(
            id=str(facts["id"]),
            old=str(facts["old"]),
            new=str(facts["new"]),
            confirm_s=float(str(facts["confirm_s"])),
            began=Moment(boot=str(began["boot"]), boottime_s=float(began["boottime_s"]), wall_s=float(began["wall_s"])),
            who=str(facts["who"]),
            how=str(facts["how"]),
            generation=int(str(facts["generation"])),
            old_serial_no=int(str(facts["old_serial_no"])),
            serial_no=int(str(facts["serial_no"])),
            reason=str(facts["reason"]),
            going_back=str(facts["going_back"]),
        )
    except MISSHAPEN as error:
        raise ValueError(f"its first line lacks something: {error}") from error
