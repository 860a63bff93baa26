"""What is asked of a daemon when a file is to be put in force, and who asks."""

from enum import IntEnum

from piranha.dataclass import dataclass


class Allow(IntEnum):
    """The highest kind of change that is accepted (`--allow`): the kinds of a plan, and more than `change_limit`."""

    SAFE = 0
    DRAINS = 1
    DISRUPTIVE = 2
    MASS = 3

    @property
    def word(self) -> str:
        """As the operator writes it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something, and how; goes into the history. See `history.Entry`."""

    who: str = ""
    how: str
    reason: str = ""

    def words(self) -> str:
        """Return `apply by alice, uid 0, process 4711: kernel update`."""
        words = f"{self.how} by {self.who}" if self.who else self.how
        return f"{words}: {self.reason}" if self.reason else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Put `data` in force.

    name: of the file, for findings. confirm_s: take it back after so long unless it is confirmed, None = it stays.
    base: what the operator saw when deciding, see `Changes.base`; empty = whatever is there. seen: digest of
    lvs.cf if `data` was made from what lies there; empty = it was not.
    """

    data: bytes
    name: str
    act: Act
    allow: Allow = Allow.DRAINS
    confirm_s: float | None = None
    base: str = ""
    seen: str = ""
