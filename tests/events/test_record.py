"""The memory of events: asked while the daemon lives, read from its file when it is dead."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.control.test_state_files import soon

from piranha.control.lines import decode, encode
from piranha.events.event import Event, Level, Record, read_record
from piranha.events.record import Recorder, read_file

SOURCE = Path(__file__).parents[2] / "src"

texts = st.text(max_size=20)
events = st.builds(
    Event,
    when_s=st.floats(0, 1e9),
    subject=texts,
    message=texts,
    before=texts,
    after=texts,
    rule=texts,
    cause=texts,
    level=st.sampled_from(Level),
    facts=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
)


def event(message: str) -> Event:
    return Event(when_s=1.0, subject="www", message=message)


def messages(records: list[Record]) -> list[str]:
    return [record.event.message for record in records]


def written(path: Path, *sentences: str, file_limit: int = 100_000) -> Recorder:
    recorder = Recorder(path, file_limit=file_limit, wall_clock=lambda: 1000.0, monotonic=lambda: 1.0)
    recorder.record_all(event(one) for one in sentences)
    return recorder


@given(events)
def test_an_event_survives_the_way_to_the_disk_and_back(one: Event) -> None:
    record = Record(7, 1000.5, one)
    assert read_record(decode(encode(record.message()), 100_000)) == record


def test_what_is_no_record_is_none() -> None:
    one = Record(1, 1.0, event("a")).message()
    others: list[object] = [{}, [], None, {"seq": "x"}, {**one, "level": "loud"}, {**one, "seq": float("inf")}]
    for other in others:
        assert read_record(other) is None


def test_records_can_be_asked_for_from_where_one_has_read(tmp_path: Path) -> None:
    recorder = written(tmp_path / "e.jsonl", "a", "b", "c")
    assert messages(recorder.after(1)) == ["b", "c"]
    assert messages(recorder.last(2)) == ["b", "c"]
    assert recorder.answer({"after": 1, "limit": 1}) == {"events": [recorder.after(1)[0].message()], "next": 2}
    assert recorder.answer({"after": 3})["next"] == 3
    recorder.close()


def test_the_story_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    written(path, "a", "b").close()
    again = written(path, "c")
    assert [(record.seq, record.event.message) for record in again.last()] == [(1, "a"), (2, "b"), (3, "c")]
    again.close()
    assert messages(read_file(path)) == ["a", "b", "c"]


@pytest.mark.slow
def test_records_outlive_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    program = (
        "import os, pathlib, signal, time\n"
        "from piranha.events.event import Event\n"
        "from piranha.events.record import Recorder, read_file\n"
        f"path = pathlib.Path({str(path)!r})\n"
        "recorder = Recorder(path)\n"
        "recorder.record(Event(when_s=1.0, subject='www', message='last words'))\n"
        "while not read_file(path): time.sleep(0.01)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, timeout=20, check=False)
    assert done.returncode == -9
    assert messages(read_file(path)) == ["last words"]


def test_a_line_that_a_crash_cut_short_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    written(path, "a").close()
    with path.open("ab") as file:
        file.write(b"[" * 10_000 + b"\n")
        file.write(b'{"seq":2,"at":1')
    written(path, "b").close()
    assert messages(read_file(path)) == ["a", "b"]


def test_the_file_is_bounded_and_the_newest_records_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    for number in range(40):
        written(path, f"event {number}", file_limit=1000).close()
    sizes = [one.stat().st_size for one in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 1000
    assert messages(read_file(path))[-2:] == ["event 38", "event 39"]


def test_the_ring_is_bounded() -> None:
    recorder = Recorder(None, ring_length=3)
    recorder.record_all(event(str(number)) for number in range(10))
    assert messages(recorder.last(100)) == ["7", "8", "9"]


@pytest.mark.slow
def test_a_full_disk_is_told_and_what_was_kept_is_written_once_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    written(path, "a").close()
    size = path.stat().st_size
    program = (
        "import pathlib, resource, signal\n"
        "from piranha.events.event import Event\n"
        "from piranha.events.record import Recorder, read_file\n"
        f"path = pathlib.Path({str(path)!r})\n"
        "recorder = Recorder(path, wall_clock=lambda: 1000.0, monotonic=lambda: 1.0)\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        # In the middle of the next line: a disk fills up at any byte.
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size} + 40, resource.RLIM_INFINITY))\n"
        "recorder.record(Event(when_s=1.0, subject='www', message='b'))\n"
        "while not recorder.status()['trouble']: pass\n"
        f"assert path.stat().st_size == {size}, 'half a line was left'\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "recorder.record(Event(when_s=1.0, subject='www', message='c'))\n"
        "while recorder.status()['trouble']: pass\n"
        "print([record.event.message for record in read_file(path)])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, timeout=20, check=False, capture_output=True
    )
    assert (done.returncode, done.stdout) == (0, b"['a', 'b', 'c']\n"), done.stderr


def test_it_is_written_without_another_event_too(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "state" / "events.jsonl", retry_s=0.001)
    recorder.record(event("table read"))
    _wait_until(lambda: recorder.status()["trouble"] != "")
    (tmp_path / "state").mkdir()
    _wait_until(lambda: recorder.status()["trouble"] == "")
    assert [one.event.message for one in read_file(tmp_path / "state" / "events.jsonl")] == ["table read"]
    recorder.close()


def _wait_until(true: Callable[[], bool]) -> None:
    given_up_s = time.monotonic() + 10
    while not true():
        assert time.monotonic() < given_up_s
        time.sleep(0.001)


def test_a_file_that_somebody_else_rotated_or_emptied_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    recorder = written(path, "a")
    until_written(path, "a")
    path.rename(tmp_path / "taken away")
    recorder.record(event("b"))
    until_written(path, "b")
    path.write_bytes(b"")
    recorder.record(event("c"))
    recorder.close()
    assert messages(read_file(path)) == ["c"]


def until_written(path: Path, sentence: str) -> None:
    deadline = time.monotonic() + 10
    while not (path.exists() and sentence in messages(read_file(path))):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_record_that_cannot_be_read_keeps_nobody_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.mkdir()
    recorder = written(path, "a")
    assert messages(recorder.last()) == ["a"]
    assert recorder.status()["trouble"] != ""
    recorder.close()


class Clocks:
    """A machine whose wall clock is set, and which is started again."""

    def __init__(self, path: Path) -> None:
        self.path, self.wall_s, self.monotonic_s, self.boot = path, 5000.0, 100.0, "first"

    def recorder(self) -> Recorder:
        return Recorder(self.path, wall_clock=lambda: self.wall_s, monotonic=lambda: self.monotonic_s, boot=self.boot)

    def passes(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    def event(self, message: str) -> Event:
        return Event(when_s=self.monotonic_s, subject="www", message=message)


def test_a_clock_that_is_set_back_is_an_event_of_its_own(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path / "e.jsonl")
    recorder = clocks.recorder()
    recorder.record(clocks.event("before"))
    clocks.passes(10)
    clocks.wall_s -= 3600
    recorder.record(clocks.event("after"))
    assert messages(recorder.last()) == ["before", "the wall clock was set back", "after"]
    assert recorder.last()[1].event.facts == (("by_s", "3600.0"),)
    clocks.passes(5)
    assert (recorder.status()["clock_step_s"], recorder.status()["clock_step_age_s"]) == (-3600.0, 5.0)
    recorder.close()


def test_a_step_while_nothing_happened_or_the_daemon_was_away_is_found_too(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path / "e.jsonl")
    recorder = clocks.recorder()
    recorder.record(clocks.event("a"))
    clocks.wall_s += 60
    assert recorder.status()["clock_step_s"] == 60.0
    recorder.close()
    clocks.wall_s -= 30
    again = clocks.recorder()
    again.record(clocks.event("b"))
    again.close()
    sentences = ["a", "the wall clock was set forward", "the wall clock was set back", "b"]
    assert messages(read_file(clocks.path)) == sentences


def test_slow_time_and_a_reboot_are_no_steps(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path / "e.jsonl")
    recorder = clocks.recorder()
    recorder.record(clocks.event("a"))
    clocks.passes(100_000)
    clocks.wall_s += 1.5
    recorder.record(clocks.event("b"))
    recorder.close()
    clocks.boot, clocks.monotonic_s = "second", 3.0
    again = clocks.recorder()
    again.record(clocks.event("c"))
    assert messages(again.last()) == ["a", "b", "c"]
    again.close()


def test_a_disk_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    recorder = written(tmp_path / "no such folder" / "e.jsonl", "a", "b")
    assert messages(recorder.last()) == ["a", "b"]
    recorder.close()


def test_listeners_hear_of_each_record() -> None:
    recorder = Recorder(None)
    heard: list[Record] = []
    recorder.on_record(heard.append)
    recorder.record(event("a"))
    assert messages(heard) == ["a"]


def test_threads_may_record_at_the_same_time() -> None:
    recorder = Recorder(None)
    threads = [threading.Thread(target=lambda: [recorder.record(event("a")) for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record.seq for record in recorder.last(1000)] == list(range(1, 401))


def test_a_folder_without_records_has_none(tmp_path: Path) -> None:
    assert read_file(tmp_path / "e.jsonl") == []


def test_a_fifo_in_the_place_of_the_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    os.mkfifo(path)
    with soon():
        recorder = Recorder(path)
    assert recorder.status()["trouble"] == "this is no regular file"
    recorder.close()
