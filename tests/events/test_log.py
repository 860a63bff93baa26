"""The log line: a sentence to search for, then facts; whatever was said stays on its line."""

import io
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from piranha.events.event import Event, Level
from piranha.events.log import Line, event_line, sentence

SOURCE = Path(__file__).parents[2] / "src"

DOWN = Event(
    when_s=12.5,
    subject="www/web3",
    message="[inactive] shutting down 10.0.0.3:80 due to connection failure",
    before="up",
    after="down",
    rule="fall = 2",
    cause='answered "503"',
    level=Level.WARNING,
    facts=(("fails", "2"),),
)


def logged(program: str) -> str:
    """Run a program that logs, return what it wrote to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", "from piranha.events import log\n" + program],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stderr


def formatted(prefix: str, *args: object, message: str = "%s") -> str:
    record = logging.LogRecord("piranha", logging.WARNING, "", 0, message, args, None)
    record.created = 1795356175.5409
    return Line("lvsd", prefix).format(record)


def test_an_event_is_one_line_with_its_reasons() -> None:
    assert event_line(DOWN) == (
        "[inactive] shutting down 10.0.0.3:80 due to connection failure: subject=www/web3 fails=2 from=up to=down "
        'rule="fall = 2" cause="answered \\"503\\""'
    )


def test_facts_that_are_empty_are_left_out() -> None:
    assert sentence("table repaired", [("subject", "www"), ("cause", "")]) == "table repaired: subject=www"
    assert sentence("table repaired", []) == "table repaired"


def test_in_the_foreground_time_level_and_name_come_first() -> None:
    assert formatted("time", "table repaired") == "2026-11-22T14:02:55.540Z WARN lvsd table repaired"


def test_the_journal_gets_a_priority_and_syslog_the_sentence_alone() -> None:
    assert formatted("journal", "table repaired") == "<4>table repaired"
    assert formatted("syslog", "table repaired") == "table repaired"


def test_what_a_server_answered_cannot_forge_a_line_or_drive_a_terminal() -> None:
    assert formatted("syslog", "got 'a\nb\x1b[31m'") == "got 'a\\nb\\x1b[31m'"
    assert "\n" not in sentence("x", [("cause", "a\nb")]).encode("unicode_escape").decode()


@pytest.mark.slow
def test_every_line_is_written_before_the_process_ends() -> None:
    lines = logged("log.setup('lvsd')\nfor n in range(500): log.log.info('line %d', n)").splitlines()
    assert len(lines) == 500
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO lvsd line 499", lines[-1])


@pytest.mark.slow
def test_debug_lines_need_verbose() -> None:
    program = "log.setup('lvsd', verbose={})\nlog.log.debug('detail')"
    assert logged(program.format(False)) == ""
    assert logged(program.format(True)).endswith("DEBUG lvsd detail\n")


@pytest.mark.slow
def test_a_defect_keeps_its_traceback_indented() -> None:
    program = "log.setup('lvsd')\ntry: 1/0\nexcept Exception: log.log.exception('control request failed')"
    first, *rest = logged(program).splitlines()
    assert first.endswith("ERROR lvsd control request failed")
    assert rest
    assert all(line.startswith("    ") for line in rest)


@pytest.mark.slow
def test_logging_never_waits_for_who_reads() -> None:
    program = (
        "import os, sys, time\n"
        "read, write = os.pipe()\n"
        "os.dup2(write, 2)\n"
        "sys.stderr = os.fdopen(write, 'w')\n"
        "log.setup('lvsd')\n"
        "begun = time.monotonic()\n"
        "for n in range(20000): log.log.info('x' * 200)\n"
        "took = time.monotonic() - begun\n"
        "os.write(1, b'%f' % took)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "from piranha.events import log\n" + program],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        timeout=20,
        check=False,
    )
    assert float(done.stdout) < 10  # nobody reads that pipe: waiting for it would be for ever


def test_the_formatter_works_with_any_handler() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Line("pulse", "syslog"))
    handler.handle(logging.LogRecord("piranha", logging.INFO, "", 0, "partner %s", ("dead",), None))
    assert stream.getvalue() == "partner dead\n"
