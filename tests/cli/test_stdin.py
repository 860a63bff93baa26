"""Commands that read standard input, whatever whoever started them has put there."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.cli.answers import lvsd, partner, pulse
from tests.cli.daemons import Daemons

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).resolve().parents[2] / "src"
GOOD = b"primary = 192.0.2.2\nvirtual web {\n active = 1\n address = 192.0.2.10 eth0\n}\n"


def run(*words: str, given: str = "", stdin: int | None = None) -> tuple[int, str]:
    """Exit status, and what was said, of `piranha` with this standard input; given: as a shell says it."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {given}', sys.executable, "-m", "piranha.cli.main", *words],
        stdin=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("verb", "status"), [("check", 2), ("plan", 1), ("fmt", 2)])
@pytest.mark.parametrize(("given", "why"), [("<&-", "it is closed"), ("0>/dev/null", "Bad file descriptor")])
def test_what_cannot_be_read_is_one_line(verb: str, status: int, given: str, why: str) -> None:
    assert run(verb, "-", given=given) == (status, f"piranha: standard input: {why}\n")


def test_a_socket_that_leads_nowhere_is_one_line() -> None:
    with socket.socket() as nowhere:
        said = run("check", "-", stdin=nowhere.fileno())
    assert said == (2, "piranha: standard input: Transport endpoint is not connected\n")


def test_one_that_does_not_wait_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    writer = threading.Thread(target=_write, args=(reading, writing))
    writer.start()
    try:
        status, said = run("check", "-", stdin=reading)
        assert (status, said.partition(",")[0]) == (0, "standard input: valid")
    finally:
        writer.join()
        os.close(reading)


def _write(reading: int, writing: int) -> None:
    """Write the rest when the command has come to read: its end of the pipe is ours, and waits then."""
    os.write(writing, GOOD[:30])
    given_up_s = time.monotonic() + 20
    while not os.get_blocking(reading) and time.monotonic() < given_up_s:
        time.sleep(0.01)
    os.write(writing, GOOD[30:])
    os.close(writing)


def test_where_nobody_can_be_asked_a_closed_one_is_no_defect(daemons: Daemons) -> None:
    left = {"put_back": ["server 10.0.0.1:80 of tcp 192.0.2.10:80: weight 3 by hand"], "refused": []}
    daemons.add("lvsd", lvsd(), repair=lambda: left)
    daemons.add("pulse", pulse(partner=partner()))
    folder = ("--run-dir", str(daemons.folder))
    assert run("repair", *folder, given="<&-")[0] == 0
    assert run("apply", "-", *folder, given="<&-") == (
        1,
        "piranha: standard input: it is closed; nothing was changed\n",
    )
    status, said = run("switchover", *folder, given="<&-")
    assert (status, "say --yes" in said) == (64, True)
    status, said = run("edit", *folder, given="<&-")
    assert (status, "edit needs a terminal" in said) == (1, True)
