"""Shell: how every daemon logs: `SENTENCE: key=value key="value with blanks"`, never blocking.

Log calls put a record on a queue; one thread writes. In the foreground lines go to stderr with
`2026-11-22T14:02:55.540Z INFO pulse ` before them; under systemd stderr is the journal and lines
carry a priority instead (sd-daemon(3)); else they go to syslog with the daemon's name and pid.
"""

import atexit
import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from piranha.events.event import Event, Level
from piranha.text import printable

QUEUE_LENGTH = 10_000
"""Records that may wait for the disk; more are dropped, and counted, rather than waited for."""

SYSLOG_SOCKET = Path("/dev/log")

_LEVELS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_WORDS = {logging.WARNING: "WARN"}

log = logging.getLogger("piranha")


class Line(logging.Formatter):
    """One line a record; a traceback, which only a defect leaves, follows indented.

    prefix: `time` puts UTC with milliseconds, level and name before the sentence, `journal` a
    priority such as `<6>`, `syslog` nothing.
    """

    def __init__(self, ident: str, prefix: str) -> None:
        super().__init__()
        self._ident = ident
        self._prefix = prefix

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its line break."""
        text = printable(record.getMessage())
        if record.exc_info:
            text += "".join(f"\n    {line}" for line in self.formatException(record.exc_info).splitlines())
        if self._prefix == "time":
            seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            level = _WORDS.get(record.levelno, record.levelname)
            return f"{seconds}.{int(record.created * 1000) % 1000:03d}Z {level} {self._ident} {text}"
        if self._prefix == "journal":
            return f"<{_PRIORITIES.get(record.levelno, 6)}>{text}"
        return text


class _Enqueue(logging.Handler):
    """Hands records to the writing thread; drops, and counts, what it cannot keep up with."""

    def __init__(self, waiting: queue.Queue[logging.LogRecord | None]) -> None:
        super().__init__()
        self._waiting = waiting
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Fix the text now, since arguments may change, and keep the traceback for `Line`."""
        try:
            record.msg, record.args = record.getMessage(), None
            self._waiting.put_nowait(record)
        except (TypeError, ValueError):
            self.handleError(record)  # words that its arguments do not fit
        except queue.Full:
            self._dropped += 1
            return
        if self._dropped and self._waiting.qsize() < QUEUE_LENGTH // 2:
            lost, self._dropped = self._dropped, 0
            log.warning("%s", sentence("log lines lost", [("lines", lost), ("cause", "the log could not keep up")]))


class _Pump:
    """The thread that writes."""

    def __init__(self, waiting: queue.Queue[logging.LogRecord | None], handler: logging.Handler) -> None:
        self._waiting = waiting
        self._handler = handler
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is waiting; give up after a second, since nobody may be reading."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while (record := self._waiting.get()) is not None:
            # Not `handle`: its lock, held by a write that nobody reads, would keep the process from ending.
            self._handler.emit(record)


class _Stderr(logging.Handler):
    """Writes to descriptor 2, without a buffer that the end of the process would wait for."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            data = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            while data:
                data = data[os.write(2, data) :]
        except OSError:
            return  # nobody to tell


def setup(ident: str, verbose: bool = False, foreground: bool = True) -> None:
    """Direct the log of this process; call it once, after the last fork.

    ident: `pulse`, `lvsd`, … verbose: debug lines too. foreground: to stderr, else to syslog
    (and to stderr when there is no syslog).
    """
    root = logging.getLogger()
    for old in tuple(root.handlers):
        root.removeHandler(old)
    waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(QUEUE_LENGTH)
    pump = _Pump(waiting, _writer(ident, foreground))
    root.addHandler(_Enqueue(waiting))
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    # asyncio at debug level reports every selector; nobody can read that.
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    atexit.register(pump.stop)


def log_event(event: Event) -> None:
    """Write `event` as one log line."""
    log.log(_LEVELS[event.level], "%s", event_line(event))


def event_line(event: Event) -> str:
    """Return the log line of `event` without prefix: `SENTENCE: key=value key="two words"`."""
    facts: list[tuple[str, str]] = [("subject", event.subject), *event.facts]
    if event.before or event.after:
        facts += [("from", event.before), ("to", event.after)]
    facts += [("rule", event.rule), ("cause", event.cause)]
    return sentence(event.message, facts)


def sentence(message: str, facts: Iterable[tuple[str, object]]) -> str:
    """Return `message: key=value …`; facts that are empty are left out."""
    words = " ".join(f"{key}={_quoted(str(value))}" for key, value in facts if str(value) != "")
    return f"{message}: {words}" if words else message


def _quoted(value: str) -> str:
    if any(letter in value for letter in ' "=') or not value.isprintable():
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def _writer(ident: str, foreground: bool) -> logging.Handler:
    if not foreground and SYSLOG_SOCKET.exists():
        from logging.handlers import SysLogHandler  # noqa: PLC0415 -- brings `pickle`

        syslog = SysLogHandler(str(SYSLOG_SOCKET), SysLogHandler.LOG_DAEMON)
        syslog.ident = f"{ident}[{os.getpid()}]: "
        syslog.setFormatter(Line(ident, "syslog"))
        return syslog
    handler = _Stderr()
    handler.setFormatter(Line(ident, "journal" if _is_journal() else "time"))
    return handler


def _is_journal() -> bool:
    # JOURNAL_STREAM=DEVICE:INODE names the stream (systemd.exec(5)); stderr may be another one.
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
