"""Killed at any step, a change leaves the old lvs.cf or the new one, and never loses its way back."""

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.change.dying import MOMENTS, Died, DyingDisk, FullDisk

from piranha.change import journal
from piranha.change.disk import Disk
from piranha.change.disk import replace as put
from piranha.change.ground import FILE, Ground, leftovers, tidy
from piranha.change.journal import Settled, settle
from piranha.change.kept import digest
from piranha.change.pending import Moment, Pending

OLD, NEW, OTHER = b"serial_no = 1\n# old \xff\n", b"serial_no = 2\n", b"serial_no = 3\n"
BEGAN = Moment(boot="b1", boottime_s=100.0, wall_s=1_000_000.0)
CHANGE = Pending(
    id="1",
    old=digest(OLD),
    new=digest(NEW),
    confirm_s=60.0,
    began=BEGAN,
    who="alice",
    how="apply",
    generation=2,
    old_serial_no=1,
    serial_no=2,
)


def later(seconds: float, *, boot: str = "b1", clock_step_s: float = 0.0) -> Moment:
    up = BEGAN.boottime_s + seconds if boot == "b1" else 5.0
    return Moment(boot=boot, boottime_s=up, wall_s=BEGAN.wall_s + seconds + clock_step_s)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    (tmp_path / "lvs.cf").write_bytes(OLD)
    return Ground(tmp_path / "lvs.cf", tmp_path, tmp_path)


def begin(ground: Ground, *, waits: bool = True, found: bytes = OLD) -> None:
    journal.begin(ground, NEW, found=found, aside=False, pending=CHANGE if waits else None, old=OLD)


def go_back(ground: Ground) -> None:
    journal.mark(ground, CHANGE.taken_back("not confirmed"), OLD)
    journal.restore(ground, CHANGE, OLD)
    journal.end(ground)


def steps_of(ground: Ground, work: str) -> list[tuple[int, str]]:
    disk = DyingDisk()
    do(replace(ground, disk=disk), work)
    return [(step, moment) for step in range(disk.steps) for moment in MOMENTS]


def do(ground: Ground, work: str) -> None:
    if work == "apply":
        begin(ground, waits=False)
    else:
        begin(ground)
    if work == "go back":
        go_back(ground)
    if work == "confirm":
        journal.end(ground)
    if work == "abandon":
        journal.abandon(ground, OLD)


@pytest.mark.parametrize("work", ["apply", "apply and wait", "confirm", "go back", "abandon"])
def test_a_death_at_any_step_leaves_the_old_file_or_the_new_one(tmp_path: Path, work: str) -> None:
    seen = set()
    (tmp_path / "count").mkdir()
    (tmp_path / "count" / "lvs.cf").write_bytes(OLD)
    for step, moment in steps_of(Ground(tmp_path / "count" / "lvs.cf", tmp_path, tmp_path), work):
        folder = tmp_path / f"{step}-{moment}"
        folder.mkdir()
        (folder / "lvs.cf").write_bytes(OLD)
        dead = Ground(folder / "lvs.cf", folder, folder, DyingDisk(step, moment))
        with pytest.raises(Died):
            do(dead, work)
        left = (folder / "lvs.cf").read_bytes()
        assert left in (OLD, NEW)

        # The next start, in time: what is in lvs.cf either waits on or needs nobody's confirmation.
        alive = replace(dead, disk=Disk())
        started = settle(alive, later(10))
        assert (folder / "lvs.cf").read_bytes() in (OLD, NEW)
        waits = started.pending is not None
        new_stays = (folder / "lvs.cf").read_bytes() == NEW and not waits
        assert not new_stays or work in ("apply", "confirm")
        # And one after the deadline: whatever waited is taken back.
        settle(alive, later(61))
        after = (folder / "lvs.cf").read_bytes()
        assert after == (NEW if new_stays else OLD)
        assert not (folder / FILE).exists()
        seen.add((left, waits))
    assert (OLD, False) in seen
    assert (NEW, work not in ("apply",)) in seen or work == "abandon"


def test_a_start_before_the_deadline_waits_on(ground: Ground) -> None:
    begin(ground)
    started = settle(ground, later(59))
    assert started.pending == CHANGE
    assert started.old == OLD
    assert ground.file.read_bytes() == NEW


def test_a_start_after_the_deadline_goes_back_first(ground: Ground) -> None:
    begin(ground)
    started = settle(ground, later(60))
    assert (started.went_back, started.outcome) == (True, "not confirmed within 60 s")
    assert ground.file.read_bytes() == OLD


def test_a_start_that_cannot_use_the_new_file_goes_back_at_once(ground: Ground) -> None:
    begin(ground)
    started = settle(ground, later(1), usable=False)
    assert (started.went_back, started.outcome) == (True, "a start could not use the new file")
    assert ground.file.read_bytes() == OLD


def test_a_deadline_that_passed_while_the_machine_was_off_is_kept(ground: Ground) -> None:
    begin(ground)
    assert settle(ground, later(3600, boot="b2")).went_back
    assert ground.file.read_bytes() == OLD


def test_a_clock_that_is_set_moves_no_deadline_while_the_machine_runs() -> None:
    for step_s in (-86400.0, 86400.0):
        assert CHANGE.left_s(later(10, clock_step_s=step_s)) == 50.0


def test_after_a_boot_a_clock_that_was_set_back_gives_no_more_than_the_whole_time() -> None:
    assert CHANGE.left_s(later(10, boot="b2")) == 50.0
    assert CHANGE.left_s(later(10, boot="b2", clock_step_s=-86400.0)) == 60.0
    assert CHANGE.left_s(later(10, boot="b2", clock_step_s=86400.0)) == 0.0


def test_a_file_that_somebody_wrote_before_the_start_counts(ground: Ground) -> None:
    begin(ground)
    ground.file.write_bytes(OTHER)
    started = settle(ground, later(61))
    assert (started.went_back, started.pending) == (False, None)
    assert ground.file.read_bytes() == OTHER


def test_what_somebody_wrote_meanwhile_is_kept_beside_when_it_goes_back(ground: Ground) -> None:
    begin(ground)
    ground.file.write_bytes(OTHER)
    journal.restore(ground, CHANGE, OLD)
    assert ground.file.read_bytes() == OLD
    assert (ground.file.parent / "lvs.cf.unused").read_bytes() == OTHER


def test_a_damaged_way_back_is_told_once_and_put_aside(ground: Ground) -> None:
    begin(ground)
    damaged = ground.pending.read_bytes()[:-3]
    ground.pending.write_bytes(damaged)
    started = settle(ground, later(61))
    kept = ground.state / "pending.cf.damaged"
    assert started.trouble == (
        f"{ground.pending}: it was cut off or changed after it was kept; "
        f"it is kept as {kept}, and lvs.cf stays as it is"
    )
    assert kept.read_bytes() == damaged
    assert ground.file.read_bytes() == NEW
    assert settle(ground, later(62)) == Settled()


def test_what_a_crash_left_of_a_file_that_was_being_written_is_removed_at_the_next_start(ground: Ground) -> None:
    (ground.state / "history").mkdir()
    left = [".lvs.cf", ".lvs.cf.unused-2", ".pending.cf", "history/.000007.cf"]
    for name in left:
        (ground.state / f"{name}.piranha-new").write_bytes(OLD[:3])
    tidy(ground)
    assert [path.name for path in ground.state.rglob("*piranha-new")] == []
    assert ground.file.read_bytes() == OLD


@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "FIFO"])
def test_what_is_no_leftover_of_ours_stays(ground: Ground, tmp_path: Path, kind: str) -> None:
    path, theirs = tmp_path / ".lvs.cf.piranha-new", tmp_path / "theirs"
    theirs.write_bytes(OTHER)
    match kind:
        case "link":
            path.symlink_to(theirs)
        case "hard link":
            path.hardlink_to(theirs)
        case "folder":
            path.mkdir()
        case _:
            os.mkfifo(path)
    tidy(ground)
    assert os.path.lexists(path)
    assert theirs.read_bytes() == OTHER


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_leftover_of_somebody_else_stays(ground: Ground, tmp_path: Path) -> None:
    path = tmp_path / ".lvs.cf.piranha-new"
    path.write_bytes(OLD)
    os.chown(path, 12, 34)
    assert leftovers(ground) == []


def test_a_file_that_is_just_being_written_stays(ground: Ground, tmp_path: Path) -> None:
    path = tmp_path / ".lvs.cf.piranha-new"
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert leftovers(ground) == []
    assert leftovers(ground) == [path]


@pytest.mark.parametrize("name", [".pending.cf", ".lvs.cf"])
def test_a_full_disk_changes_nothing(ground: Ground, name: str) -> None:
    with pytest.raises(OSError, match="No space left") as failed:
        begin(replace(ground, disk=FullDisk(name)))
    assert str(failed.value.filename) == str(ground.file.parent / name[1:])
    assert ground.file.read_bytes() == OLD
    assert sorted(path.name for path in ground.file.parent.iterdir()) == ["changes.lock", "lvs.cf"]


def test_a_start_that_cannot_go_back_says_so_and_goes_on_trying(ground: Ground) -> None:
    begin(ground)
    started = settle(replace(ground, disk=FullDisk(".lvs.cf")), later(61))
    assert started.pending is not None
    assert started.pending.left_s(later(61)) == 0
    assert started.trouble == f"{ground.file}: No space left on device"


def test_a_link_stays_and_mode_and_owner_too(tmp_path: Path) -> None:
    real, link = tmp_path / "real.cf", tmp_path / "lvs.cf"
    real.write_bytes(OLD)
    real.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(real, 12, 34)
    before = real.stat()
    link.symlink_to("real.cf")
    put(Disk(), link, NEW)
    after = real.stat()
    assert link.is_symlink()
    assert real.read_bytes() == NEW
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
