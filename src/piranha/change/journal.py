"""Shell: the steps by which a change reaches lvs.cf and leaves it again; each may be the last one before a crash.

The order is what keeps the promise: the way back is on the disk before lvs.cf changes, and is removed
only when it is not needed any more. `settle` is what a start makes of whatever it finds.
"""

import contextlib
import os
import stat
import time
from pathlib import Path

from piranha.change.disk import alone, remove, replace
from piranha.change.ground import FILE, UNUSED, Ground
from piranha.change.kept import Damaged, digest, pack, unpack
from piranha.change.order import Act
from piranha.change.pending import Moment, Pending, read_pending
from piranha.dataclass import dataclass
from piranha.lvscf.syntax.limits import SIZE_LIMIT
from piranha.regular import read_regular

DAMAGED = ".damaged"
MOST_UNUSED = 20
"""Such copies kept; the oldest go."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Settled:
    """What a start found. pending: still to be confirmed. over: the one that is not, and what came of it."""

    pending: Pending | None = None
    old: bytes = b""
    over: Pending | None = None
    outcome: str = ""
    went_back: bool = False
    trouble: str = ""

    @property
    def act(self) -> Act:
        """Return what the history says of the file that the start puts in force."""
        if self.over is not None and self.went_back:
            return Act(who=self.over.who, how="taken back", reason=self.outcome)
        return Act(how="start")


def now() -> Moment:
    """Return the moment by all clocks."""
    boot = ""
    with contextlib.suppress(OSError):
        boot = BOOT_ID.read_text(encoding="ascii").strip()
    return Moment(boot=boot, boottime_s=time.clock_gettime(time.CLOCK_BOOTTIME), wall_s=time.time())


def on_disk(ground: Ground) -> bytes | None:
    """Return what lvs.cf holds, None when it cannot be read."""
    try:
        descriptor = os.open(ground.file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(SIZE_LIMIT + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None


def begin(ground: Ground, new: bytes, *, found: bytes | None, aside: bool, pending: Pending | None, old: bytes) -> None:
    """Put `new` into lvs.cf, after the way back is on the disk, if one is asked for.

    found: what lvs.cf holds; with `aside` it is kept beside it first. Raises OSError; then lvs.cf is as it was.
    """
    with alone(ground.run):
        if pending is not None:
            replace(ground.disk, ground.pending, pack(pending.facts(), old))
        try:
            if aside and found is not None:
                set_aside(ground, found)
            if new != found:
                replace(ground.disk, ground.file, new)
        except OSError:
            with contextlib.suppress(OSError):
                remove(ground.disk, ground.pending)
            raise


def unused(ground: Ground, found: bytes) -> Path:
    """Return where `found` is kept, which is in lvs.cf, but was never in force, when another file comes.

    `lvs.cf.unused`, then `lvs.cf.unused-2`, …: no copy takes the place of another.
    """
    copies = _copies(ground)
    newest = max(copies, default=0)
    if newest and _read_copy(copies[newest]) == found:
        return copies[newest]
    return ground.file.with_name(ground.file.name + UNUSED + (f"-{newest + 1}" if newest else ""))


def set_aside(ground: Ground, found: bytes) -> Path:
    """Keep `found` beside lvs.cf; return where. Raises OSError."""
    path = unused(ground, found)
    if _read_copy(path) != found:
        replace(ground.disk, path, found)
    copies = _copies(ground)
    for number in sorted(copies)[:-MOST_UNUSED]:
        remove(ground.disk, copies[number])
    return path


def _copies(ground: Ground) -> dict[int, Path]:
    """Return the copies by their numbers; the higher, the newer."""
    first = ground.file.name + UNUSED
    found = {}
    with contextlib.suppress(OSError):
        for path in ground.file.parent.iterdir():
            number = path.name.removeprefix(f"{first}-")
            if path.name == first:
                found[1] = path
            elif number != path.name and number.isascii() and number.isdecimal() and int(number) > 1:
                found[int(number)] = path
    return found


def _read_copy(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except OSError:
        return None


def abandon(ground: Ground, found: bytes | None) -> None:
    """Undo `begin`, after the daemon could not follow. Raises OSError."""
    with alone(ground.run):
        if found is not None and on_disk(ground) != found:
            replace(ground.disk, ground.file, found)
        remove(ground.disk, ground.pending)


def mark(ground: Ground, pending: Pending, old: bytes) -> None:
    """Write down that the change is being taken back, so that no restart waits for the deadline. Raises OSError."""
    with alone(ground.run):
        replace(ground.disk, ground.pending, pack(pending.facts(), old))


def restore(ground: Ground, pending: Pending, old: bytes) -> str:
    """Put the old file back; return where that is kept which somebody wrote into lvs.cf meanwhile. Raises OSError."""
    with alone(ground.run):
        found = on_disk(ground)
        if found == old:
            return ""
        foreign = found is not None and digest(found) != pending.new
        aside = str(set_aside(ground, found)) if found is not None and foreign else ""
        replace(ground.disk, ground.file, old)
        return aside


def end(ground: Ground) -> None:
    """Forget the way back: the change is confirmed, or taken back. Raises OSError."""
    with alone(ground.run):
        remove(ground.disk, ground.pending)


def settle(ground: Ground, moment: Moment, *, usable: bool = True) -> Settled:
    """Look for a change that waited when the last daemon ended; take it back if its time is over.

    usable: whether a start can use lvs.cf as it is; one that it cannot use goes back at once.
    Never raises: what cannot be done is told in `trouble`, and tried again by the daemon.
    """
    try:
        pending, old = read(ground.pending)
    except FileNotFoundError:
        return Settled()
    except OSError as error:
        return Settled(trouble=f"{ground.pending}: {error.strerror}")
    except Damaged as error:
        return Settled(trouble=f"{ground.pending}: {error}{_out_of_the_way(ground)}")
    found = on_disk(ground)
    held = digest(found) if found is not None else ""
    left_s = pending.left_s(moment) if usable else 0.0
    if held == pending.new and left_s > 0 and pending.new != pending.old:
        return Settled(pending, old)
    try:
        if held == pending.old:
            outcome, went_back = pending.going_back or "it had not reached lvs.cf when the daemon ended", True
        elif held == pending.new or found is None:
            outcome, went_back = pending.going_back or _why(pending, usable=usable), True
            restore(ground, pending, old)
        else:
            outcome, went_back = "lvs.cf was changed by hand and the daemon started anew: that file counts", False
        end(ground)
    except OSError as error:
        trouble = f"{error.filename}: {error.strerror}"
        return Settled(pending.taken_back(pending.going_back or _why(pending, usable=usable)), old, trouble=trouble)
    return Settled(over=pending, outcome=outcome, went_back=went_back)


def _out_of_the_way(ground: Ground) -> str:
    """Put a way back that nobody can use where no start looks for it again; return what to say of that."""
    kept = ground.pending.with_name(FILE + DAMAGED)
    try:
        ground.disk.rename(ground.pending, kept)
        ground.disk.sync(kept.parent)
    except OSError as error:
        return f"; it cannot be put aside: {error.strerror}"
    return f"; it is kept as {kept}, and lvs.cf stays as it is"


def _why(pending: Pending, *, usable: bool) -> str:
    return f"not confirmed within {pending.confirm_s:g} s" if usable else "a start could not use the new file"


def read(path: Path) -> tuple[Pending, bytes]:
    """Return the change that waits and the file it goes back to. Raises Damaged, OSError."""
    facts, old = unpack(read_regular(path))
    try:
        return read_pending(facts), old
    except ValueError as error:
        raise Damaged(str(error)) from error
