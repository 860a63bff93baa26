"""The kept form of the file in force: used by the next start if it can be trusted, checked when the table is in."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.control.test_state_files import soon
from tests.lvsd.running import until

from piranha.change.order import Act
from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.lvscf.config import Config
from piranha.lvscf.load import load
from piranha.lvscf.loaded import Loaded
from piranha.lvsd.compiled import PIECE, Compiled, keep_compiled, read_compiled
from piranha.lvsd.source import COMPILED, Source

DATA = b"""primary = 192.0.2.2
virtual www {
    active = 1
    address = 192.0.2.10 eth0
    load_monitor = rup
    server one {
        active = 1
        address = 10.0.0.1
    }
}
"""


@pytest.fixture
def kept(tmp_path: Path) -> StateFiles:
    state, run = tmp_path / "state", tmp_path / "run"
    for folder in (state, run):
        folder.mkdir(mode=0o750)
    return StateFiles(state, run)


def keep(kept: StateFiles, data: bytes = DATA) -> Path:
    keep_compiled(kept, load(data, "lvs.cf"))
    return kept.state / COMPILED


def test_a_start_has_meaning_and_findings_without_reading_the_file(kept: StateFiles, tmp_path: Path) -> None:
    keep(kept)
    path = tmp_path / "lvs.cf"
    path.write_bytes(DATA)

    loaded, problems = Source(kept, path).read_at_start()

    read = load(DATA, str(path))
    assert problems == []
    assert loaded == read
    assert loaded is not None
    assert loaded.again is None
    assert loaded.render() == read.render() != ""


def test_a_large_file_is_kept_in_pieces_and_comes_back_whole(kept: StateFiles) -> None:
    blocks = (DATA[20:].replace(b"www", b"www%d" % n).replace(b".2.10", b".3.%d" % n) for n in range(1, 41))
    data = b"primary = 192.0.2.2\n" + b"".join(blocks)
    pieces = keep(kept, data).read_bytes().split(b"\n")[1:]
    assert [len(json.loads(one)) for one in pieces[:-1]] == [PIECE] * (len(pieces) - 1)
    assert len(pieces) > 1
    read = load(data, "lvs.cf")
    assert read.config is not None
    assert read_compiled(kept, data, "lvs.cf") == read


def test_a_file_that_differs_by_one_byte_is_read(kept: StateFiles, tmp_path: Path) -> None:
    keep(kept)
    path = tmp_path / "lvs.cf"
    path.write_bytes(DATA + b"#")

    loaded, _ = Source(kept, path).read_at_start()

    assert loaded is not None
    assert loaded.again is not None


def test_nobody_else_may_read_it(kept: StateFiles) -> None:
    assert keep(kept).stat().st_mode & 0o777 == 0o600


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def another_address(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"167772161", b"167772162"))


def another_program(path: Path) -> None:
    head, _, body = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps({**json.loads(head), "program": "0"}).encode() + b"\n" + body)


def garbage(path: Path) -> None:
    path.write_bytes(b"\xff[[[[")


def a_file_that_others_write(path: Path) -> None:
    path.chmod(0o620)


def a_folder_that_others_write(path: Path) -> None:
    path.parent.chmod(0o770)


@pytest.mark.parametrize(
    "harm",
    [cut_short, another_address, another_program, garbage, fifo, a_file_that_others_write, a_folder_that_others_write],
)
def test_what_is_damaged_or_not_ours_is_as_none(harm: Callable[[Path], None], kept: StateFiles) -> None:
    path = keep(kept)
    assert read_compiled(kept, DATA, "lvs.cf") is not None
    harm(path)
    with soon():
        assert read_compiled(kept, DATA, "lvs.cf") is None


def test_of_a_file_with_host_names_nothing_is_kept_for_they_may_move(kept: StateFiles) -> None:
    keep_compiled(kept, replace(load(DATA, "lvs.cf"), resolved="with addresses"))
    assert not (kept.state / COMPILED).exists()


class Running:
    """A daemon, as far as the kept form sees it."""

    def __init__(self, kept: StateFiles, loaded: Loaded) -> None:
        self.loaded = loaded
        self.recorder = Recorder(None)
        self.reloaded: list[Act] = []
        teller = Teller("lvsd", self.recorder)
        self.compiled = Compiled(
            kept, teller, loaded=lambda: self.loaded, put=self.put, reload=self.reload, rest_s=0.001
        )

    def put(self, loaded: Loaded) -> None:
        self.loaded = loaded

    async def reload(self, act: Act) -> None:
        self.reloaded.append(act)
        self.loaded = load(DATA, "lvs.cf")

    def until(self, fact: Callable[[], bool]) -> None:
        async def run() -> None:
            watch = asyncio.create_task(self.compiled.watch())
            await asyncio.to_thread(until, fact)
            watch.cancel()

        asyncio.run(run())


def test_at_rest_the_form_of_the_file_in_force_is_kept(kept: StateFiles) -> None:
    Running(kept, load(DATA, "lvs.cf")).until((kept.state / COMPILED).exists)
    assert read_compiled(kept, DATA, "lvs.cf") == load(DATA, "lvs.cf")


def test_at_rest_what_a_start_took_from_it_is_read_for_the_next_reload(kept: StateFiles) -> None:
    running = Running(kept, replace(load(DATA, "lvs.cf"), again=None))
    running.until(lambda: running.loaded.again is not None)
    assert running.reloaded == []


def test_a_form_that_says_something_else_is_told_and_thrown_away_and_the_file_put_in_force(kept: StateFiles) -> None:
    keep(kept)
    read = load(DATA, "lvs.cf")
    assert isinstance(read.config, Config)
    running = Running(kept, replace(read, config=replace(read.config, serial_no=99), again=None))
    running.until(lambda: running.reloaded != [])
    assert running.loaded.config == read.config
    assert "the file is read afresh" in [one.event.message for one in running.recorder.last()]
