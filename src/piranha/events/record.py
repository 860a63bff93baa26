"""Shell: the memory of events: a ring for the control socket, a file that outlives a crash for `why`.

The file holds one JSON object a line: the fields of Event, `at` (wall clock, seconds since the
epoch) and `seq` (which goes on growing over restarts). It is appended to by a thread of its own,
so that a slow disk delays nobody, and rotated once to `NAME.1` when it reaches `file_limit` bytes.
"""

import collections
import dataclasses
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from piranha.events.event import Event, Level
from piranha.events.log import log, log_event, sentence

RING_LENGTH = 2000
FILE_LIMIT = 4 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """An event with its place in the story. seq: 1, 2, …; at_s: wall clock, seconds since the epoch."""

    seq: int
    at_s: float
    event: Event

    def message(self) -> dict[str, object]:
        """Return the object that the file and the control socket carry."""
        event = dataclasses.asdict(self.event)
        event["level"] = str(self.event.level)
        event["facts"] = [list(fact) for fact in self.event.facts]
        return {"seq": self.seq, "at": round(self.at_s, 3), **event}


def read_record(message: object) -> Record | None:
    """Read what `Record.message` wrote; None for anything else."""
    try:
        members = dict(message) if isinstance(message, dict) else {}
        facts = tuple((str(key), str(value)) for key, value in members.get("facts", []))
        words = {name: str(members[name]) for name in ("subject", "message", "before", "after", "rule", "cause")}
        event = Event(when_s=float(members["when_s"]), level=Level(members["level"]), facts=facts, **words)
        return Record(int(members["seq"]), float(members["at"]), event)
    except (KeyError, TypeError, ValueError):
        return None


class Recorder:
    """Takes in events of one daemon: logs each as one line, keeps it, writes it down.

    path: the file, such as STATE/lvsd-events.jsonl; None keeps events in memory only.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        ring_length: int = RING_LENGTH,
        file_limit: int = FILE_LIMIT,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        past = read_file(path, ring_length) if path else []
        self._ring: collections.deque[Record] = collections.deque(past, ring_length)
        self._next = past[-1].seq + 1 if past else 1
        self._wall_clock = wall_clock
        self._listeners: list[Callable[[Record], None]] = []
        self._lock = threading.Lock()
        self._writer = _Writer(path, file_limit) if path else None

    def record(self, event: Event) -> Record:
        """Log and keep one event; never waits for a disk. Any thread may call it."""
        log_event(event)
        with self._lock:
            entry = Record(self._next, self._wall_clock(), event)
            self._next += 1
            self._ring.append(entry)
            if self._writer:
                self._writer.put(entry)
        for listener in self._listeners:
            listener(entry)
        return entry

    def record_all(self, events: Iterable[Event]) -> None:
        """Record each of `events` in order."""
        for event in events:
            self.record(event)

    def on_record(self, listener: Callable[[Record], None]) -> None:
        """Call `listener` with each further record; it must not block."""
        self._listeners.append(listener)

    def after(self, seq: int, limit: int = 200) -> list[Record]:
        """Return at most `limit` records that follow `seq`, oldest first."""
        with self._lock:
            return [entry for entry in self._ring if entry.seq > seq][: max(0, limit)]

    def last(self, limit: int = 200) -> list[Record]:
        """Return the last `limit` records, oldest first."""
        with self._lock:
            return list(self._ring)[-limit:] if limit > 0 else []

    def answer(self, args: dict[str, object] | collections.abc.Mapping[str, object]) -> dict[str, object]:
        """Answer the control verb `events`: `{"after": N, "limit": N}`, without `after` the last ones."""
        after, limit = args.get("after"), args.get("limit")
        count = limit if isinstance(limit, int) else 200
        found = self.after(after, count) if isinstance(after, int) else self.last(count)
        return {"events": [entry.message() for entry in found], "next": found[-1].seq if found else after or 0}

    def close(self) -> None:
        """Write what is waiting, at most for a second, and let go of the file."""
        if self._writer:
            self._writer.close()


class _Writer:
    """The thread that appends records to the file."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._waiting: queue.Queue[Record | None] = queue.Queue(RING_LENGTH)
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def put(self, entry: Record) -> None:
        try:
            self._waiting.put_nowait(entry)
        except queue.Full:
            self._complain("the disk cannot keep up")

    def close(self) -> None:
        try:
            self._waiting.put(None, timeout=1.0)
        except queue.Full:
            return
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        # A crash may have cut the last line short; ours must not become its end.
        if self._path.exists() and not _ends_with_newline(self._path):
            self._write(b"\n")
        while (entry := self._waiting.get()) is not None:
            batch = [entry]
            stop = False
            while not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    stop = True
                    break
                batch.append(more)
            self._write(b"".join(json.dumps(e.message(), separators=(",", ":")).encode() + b"\n" for e in batch))
            if stop:
                return

    def _write(self, lines: bytes) -> None:
        try:
            with self._path.open("ab") as file:
                if not file.tell() or file.tell() + len(lines) <= self._limit:
                    file.write(lines)
                    self._failing = False
                    return
            self._path.replace(_rotated(self._path))
            self._path.write_bytes(lines)
        except OSError as error:
            self._complain(error.strerror or str(error))
        else:
            self._failing = False

    def _complain(self, cause: str) -> None:
        # Once until it works again: a full disk must not fill the log as well.
        if not self._failing:
            self._failing = True
            log.error("%s", sentence("events cannot be written", [("file", self._path), ("cause", cause)]))


def read_file(path: Path, limit: int = RING_LENGTH) -> list[Record]:
    """Return the last `limit` records of `path` and what it was rotated to, oldest first.

    A line cut short by a crash is skipped. Missing files are empty; other failures raise OSError.
    """
    found: collections.deque[Record] = collections.deque(maxlen=limit)
    for part in (_rotated(path), path):
        try:
            with part.open("rb") as file:
                for line in file:
                    entry = _read_line(line)
                    if entry is not None:
                        found.append(entry)
        except FileNotFoundError:
            continue
    return list(found)


def _read_line(line: bytes) -> Record | None:
    try:
        return read_record(json.loads(line))
    except ValueError:
        return None


def _ends_with_newline(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) == 0:
                return True
            file.seek(-1, 2)
            return file.read(1) == b"\n"
    except OSError:
        return True


def _rotated(path: Path) -> Path:
    return path.with_name(path.name + ".1")
