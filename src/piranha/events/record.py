"""Shell: the memory of events: a ring for the control socket, a file that outlives a crash for `why`.

The file holds one JSON object a line: the fields of Event, `at` (wall clock, seconds since the
epoch), `boot` (which run of the machine: `when_s` counts from its start) and `seq` (which goes on
growing over restarts). It is appended to by a thread of its own, so that a slow disk delays nobody,
and rotated once to `NAME.1` when it reaches `file_limit` bytes.
"""

import collections
import contextlib
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from piranha.dataclass import replace
from piranha.events.event import CLOCK, Event, Level, Record, read_record
from piranha.events.log import log, log_event, sentence
from piranha.regular import open_regular

RING_LENGTH = 2000
FILE_LIMIT = 4 * 1024 * 1024
STEP_S = 2.0
"""A wall clock that moved by so much against the monotonic one was set; less may be a late reading."""
RETRY_S = 30.0
"""After so long without an event what could not be written is tried again."""
LATELY_S = 3600.0
"""How long `status` names a step of the clock."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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
        monotonic: Callable[[], float] = time.monotonic,
        boot: str | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        self._boot = boot_id() if boot is None else boot
        self._wall_clock, self._monotonic = wall_clock, monotonic
        self._writer = _Writer(path, file_limit, retry_s) if path else None
        past = self._writer.past(ring_length) if self._writer else []
        self._ring: collections.deque[Record] = collections.deque(past, ring_length)
        self._next = past[-1].seq + 1 if past else 1
        last = past[-1] if past and past[-1].boot == self._boot else None
        self._wall_ahead_s = last.at_s - last.event.when_s if last else None
        self._step: tuple[float, float] | None = None  # how far, and when, monotonic
        self._listeners: list[Callable[[Record], None]] = []
        self._lock = threading.Lock()
        if self._writer:
            self._writer.start()

    def record(self, event: Event) -> Record:
        """Log and keep one event; never waits for a disk. Any thread may call it."""
        log_event(event)
        with self._lock:
            at_s = self._wall_clock()
            entries = [Record(0, at_s, one, self._boot) for one in (self._clock_step(at_s), event) if one is not None]
            for place, entry in enumerate(entries):
                entries[place] = numbered = replace(entry, seq=self._next)
                self._next += 1
                self._ring.append(numbered)
                if self._writer:
                    self._writer.put(numbered)
        for listener in self._listeners:
            for entry in entries:
                listener(entry)
        return entries[-1]

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

    def status(self) -> dict[str, object]:
        """Return what `status` shows of the record: why it cannot be written, a step of the clock of late."""
        with self._lock:
            at_s, now = self._wall_clock(), self._monotonic()
            event = self._clock_step(at_s)
            step = self._step if self._step and now - self._step[1] < LATELY_S else None
        if event is not None:
            self.record(event)  # found by looking, before the next event would have shown it
        return {
            "trouble": self._writer.trouble if self._writer else "",
            "clock_step_s": round(step[0], 3) if step else None,
            "clock_step_age_s": round(now - step[1], 3) if step else None,
        }

    def _clock_step(self, at_s: float) -> Event | None:
        """Compare the clocks; return the event that tells of a step since the last time."""
        now = self._monotonic()
        before, self._wall_ahead_s = self._wall_ahead_s, at_s - now
        if before is None or abs(step_s := self._wall_ahead_s - before) < STEP_S:
            return None
        self._step = (step_s, now)
        return Event(
            when_s=now,
            subject=CLOCK,
            message=f"the wall clock was set {'back' if step_s < 0 else 'forward'}",
            cause="set by a person or a time daemon, or the machine slept",
            level=Level.WARNING,
            facts=(("by_s", f"{abs(step_s):.1f}"),),
        )

    def close(self) -> None:
        """Write what is waiting, at most for a second, and let go of the file."""
        if self._writer:
            self._writer.close()


class _Writer:
    """The thread that appends records to the file. trouble: why it cannot, empty while it can."""

    def __init__(self, path: Path, limit: int, retry_s: float) -> None:
        self._path = path
        self._limit = limit
        self._retry_s = retry_s
        self._waiting: queue.Queue[Record | None] = queue.Queue(RING_LENGTH)
        self._unwritten: collections.deque[bytes] = collections.deque(maxlen=RING_LENGTH)
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def past(self, limit: int) -> list[Record]:
        """Return what is there; a file that cannot be read is told of, and must not keep a router from serving."""
        try:
            return read_file(self._path, limit)
        except OSError as error:
            self._complain(error.strerror or str(error))
            return []

    def start(self) -> None:
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
        stop = False
        while not stop:
            batch = []
            with contextlib.suppress(queue.Empty):
                batch = [self._waiting.get(timeout=self._retry_s if self._unwritten else None)]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            stop = None in batch
            self._unwritten += [_line(entry) for entry in batch if entry is not None]
            if self._unwritten:
                self._write(b"".join(self._unwritten))

    def _write(self, lines: bytes) -> None:
        try:
            size = self._path.stat().st_size if self._path.exists() else 0
            if size and size + len(lines) > self._limit:
                self._path.replace(_rotated(self._path))
            _append(self._path, lines)
        except OSError as error:
            self._complain(error.strerror or str(error))
        else:
            self.trouble = ""
            self._unwritten.clear()

    def _complain(self, cause: str) -> None:
        # Once until it works again: a full disk must not fill the log as well.
        if not self.trouble:
            log.error("%s", sentence("events cannot be written", [("file", self._path), ("cause", cause)]))
        self.trouble = cause


def boot_id() -> str:
    """Return what names this run of the machine, empty where the kernel does not tell."""
    try:
        return BOOT_ID.read_text().strip().replace("-", "")[:12]
    except OSError:
        return ""


def _line(entry: Record) -> bytes:
    return json.dumps(entry.message(), separators=(",", ":")).encode() + b"\n"


def _append(path: Path, lines: bytes) -> None:
    """Append all of `lines` or nothing. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        # A crash may have cut the last line short; ours must not become its end.
        data = lines if not size or os.pread(descriptor, 1, size - 1) == b"\n" else b"\n" + lines
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except OSError:
            os.ftruncate(descriptor, size)  # half a line on a full disk
            raise
    finally:
        os.close(descriptor)


def read_file(path: Path, limit: int = RING_LENGTH) -> list[Record]:
    """Return the last `limit` records of `path` and what it was rotated to, oldest first.

    A line cut short by a crash is skipped. Missing files are empty; other failures raise OSError.
    """
    # The newer file first: one that is rotated in between is read twice then, rather than not at all.
    newer = _read_part(path, limit)
    known = {(entry.seq, entry.at_s) for entry in newer}
    older = [entry for entry in _read_part(_rotated(path), limit) if (entry.seq, entry.at_s) not in known]
    return [*older, *newer][-limit:]


def _read_part(path: Path, limit: int) -> list[Record]:
    found: collections.deque[Record] = collections.deque(maxlen=limit)
    try:
        with open_regular(path) as file:
            for line in file:
                entry = _read_line(line)
                if entry is not None:
                    found.append(entry)
    except FileNotFoundError:
        return []
    return list(found)


def _read_line(line: bytes) -> Record | None:
    try:
        return read_record(json.loads(line))
    except (ValueError, RecursionError):
        return None


def _rotated(path: Path) -> Path:
    return path.with_name(path.name + ".1")
