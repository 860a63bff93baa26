"""The files that were in force are kept, bounded, byte for byte; what is damaged is named."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.change.dying import FullDisk

from piranha.change import history
from piranha.change.disk import Disk
from piranha.change.history import Entry, before, keep, newest_generation, path_of, read_all, read_one
from piranha.change.kept import Damaged
from piranha.events.record import Recorder
from piranha.events.teller import Teller

DATA = b"# not text: \xff\r\nserial_no = 7"
ENTRY = Entry(
    generation=1, at_s=1e9, who="alice, uid 0, process 7", how="apply", serial_no=7, meaning="m1", reason="why"
)


def test_a_file_comes_back_byte_for_byte_with_who_and_why(tmp_path: Path) -> None:
    assert keep(Disk(), tmp_path, ENTRY, DATA) == ""
    assert read_one(tmp_path, 1) == (ENTRY, DATA)
    assert path_of(tmp_path, 1).stat().st_mode & 0o777 == 0o640


def test_a_restart_changes_nobodys_name(tmp_path: Path) -> None:
    keep(Disk(), tmp_path, ENTRY, DATA)
    keep(Disk(), tmp_path, replace(ENTRY, who="", how="start", at_s=2e9), DATA)
    assert read_one(tmp_path, 1)[0] == ENTRY


def test_another_layout_of_the_same_generation_takes_its_place(tmp_path: Path) -> None:
    keep(Disk(), tmp_path, ENTRY, DATA)
    keep(Disk(), tmp_path, replace(ENTRY, how="reload"), DATA + b"\n")
    assert read_one(tmp_path, 1) == (replace(ENTRY, how="reload"), DATA + b"\n")


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    for generation in range(1, history.MOST + 4):
        keep(Disk(), tmp_path, replace(ENTRY, generation=generation), DATA)
    kept = [entry.generation for entry in read_all(tmp_path).entries]
    assert kept == list(range(4, history.MOST + 4))
    assert newest_generation(tmp_path) == history.MOST + 3


@pytest.mark.parametrize("damage", [b"", b"nothing of ours\n", b"# piranha: {}\n", b"# piranha: [\n"])
def test_a_damaged_file_is_named_and_the_others_are_listed(tmp_path: Path, damage: bytes) -> None:
    keep(Disk(), tmp_path, ENTRY, DATA)
    keep(Disk(), tmp_path, replace(ENTRY, generation=2), DATA)
    path_of(tmp_path, 1).write_bytes(damage)
    found = read_all(tmp_path)
    assert [entry.generation for entry in found.entries] == [2]
    assert [words.startswith(f"{path_of(tmp_path, 1)}: it") for words in found.damaged] == [True]
    with pytest.raises(Damaged):
        read_one(tmp_path, 1)


def test_a_full_disk_is_said_and_no_reason_to_stop(tmp_path: Path) -> None:
    assert keep(FullDisk(), tmp_path, ENTRY, DATA) == f"{path_of(tmp_path, 1)}: No space left on device"
    assert read_all(tmp_path).entries == ()


def test_a_rollback_leads_to_the_newest_file_that_means_something_else(tmp_path: Path) -> None:
    entries = [replace(ENTRY, generation=n, meaning=m) for n, m in ((1, "a"), (2, "b"), (3, "c"), (4, "c"))]
    assert before(entries, "c") == entries[1]
    assert before(entries[3:], "c") is None


def test_what_a_full_disk_kept_out_is_kept_as_soon_as_there_is_room(tmp_path: Path) -> None:
    async def on_disk(work: Callable[[], str]) -> str:
        return work()

    disk = FullDisk()
    keeping = history.Keeping(Teller("pulse", Recorder(None)), tmp_path, on_disk, disk)
    back = replace(ENTRY, generation=2, how="taken back", reason="not confirmed within 60 s")
    asyncio.run(keeping.keep(ENTRY, DATA))
    asyncio.run(keeping.keep(back, DATA))
    assert read_all(tmp_path).entries == ()
    disk.full = False
    asyncio.run(keeping.catch_up())
    assert read_all(tmp_path).entries == (ENTRY, back)


def test_a_file_is_never_written_by_two_at_once(tmp_path: Path) -> None:
    """The clock looks for what could not be kept while a change keeps its file."""
    writing: list[int] = []

    async def on_disk(work: Callable[[], str]) -> str:
        writing.append(len(writing))
        await asyncio.sleep(0)
        assert writing == [0]
        trouble = work()
        writing.pop()
        return trouble

    async def change_and_clock() -> None:
        keeping = history.Keeping(Teller("pulse", Recorder(None)), tmp_path, on_disk)
        await asyncio.gather(keeping.keep(ENTRY, DATA), keeping.catch_up())

    asyncio.run(change_and_clock())
    assert read_all(tmp_path).entries == (ENTRY,)
