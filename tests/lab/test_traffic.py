"""The recording client and the small real server, on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from piranha.lab.build import SOURCE
from piranha.lab.timeline import Outcome, Record, parse_record
from piranha.lab.traffic import Target

pytestmark = pytest.mark.slow

LIMIT_S = 10.0


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run one of our programs for the length of a `with`."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    process = subprocess.Popen([sys.executable, "-m", *arguments], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answer(port: int) -> bytes:
    """Ask the server once; b"" while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(4096), b""))
    except ConnectionRefusedError:
        return b""


@contextmanager
def server(name: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Run a real server and wait until it answers."""
    port = free_port()
    with program("piranha.lab.server", "--name", name, "--bind", "127.0.0.1", str(port)) as process:
        deadline = time.monotonic() + LIMIT_S
        while not answer(port):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield port, process


def record_until(path: Path, enough: int, *targets: str, rate: int = 200) -> Record:
    """Run the client until its record holds `enough` requests, then stop it."""
    arguments = ("--record", str(path), "--rate", str(rate), "--limit", "0.3", *targets)
    with program("piranha.lab.traffic", *arguments) as client:
        deadline = time.monotonic() + LIMIT_S
        while not path.exists() or len(parse_record(path.read_text()).requests) < enough:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        client.send_signal(signal.SIGTERM)
        assert client.wait(LIMIT_S) == 0
    return parse_record(path.read_text())


def test_a_real_server_answers_its_name_over_http() -> None:
    with server("rs7") as (port, _):
        head, _, body = answer(port).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert body == b"rs7\n"


def test_every_request_is_recorded_with_the_server_that_answered(tmp_path: Path) -> None:
    with server("a") as (first, _), server("b") as (second, _):
        record = record_until(tmp_path / "record", 60, f"127.0.0.1:{first}", f"127.0.0.1:{second}")
    assert record.failures == ()
    counts = record.by_server()
    assert abs(counts["a"] - counts["b"]) <= 1
    assert all(0 <= request.end_s - request.start_s < LIMIT_S for request in record.requests)


def test_the_rate_is_kept(tmp_path: Path) -> None:
    with server("a") as (port, _):
        record = record_until(tmp_path / "record", 100, f"127.0.0.1:{port}")
    length_s = record.requests[-1].start_s - record.requests[0].start_s
    assert len(record.requests) - 1 == pytest.approx(length_s * 200, rel=0.1, abs=3)


def test_a_port_without_listener_is_refused_and_a_mute_server_times_out(tmp_path: Path) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(100)
        targets = (f"127.0.0.1:{free_port()}", f"127.0.0.1:{mute.getsockname()[1]}")
        record = record_until(tmp_path / "record", 30, *targets, rate=50)
    assert set(record.to(targets[0]).by_outcome()) == {Outcome.REFUSED}
    assert set(record.to(targets[1]).by_outcome()) == {Outcome.TIMEOUT}
    assert all(0.3 <= request.end_s - request.start_s < 1 for request in record.to(targets[1]).requests)


def test_a_client_that_was_frozen_records_a_gap_and_no_burst(tmp_path: Path) -> None:
    path = tmp_path / "record"
    with (
        server("a") as (port, _),
        program("piranha.lab.traffic", "--record", str(path), "--rate", "100", f"127.0.0.1:{port}") as client,
    ):
        deadline = time.monotonic() + LIMIT_S
        while not path.exists() or not parse_record(path.read_text()).requests:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        client.send_signal(signal.SIGSTOP)
        time.sleep(0.6)  # the length of the stall under test
        client.send_signal(signal.SIGCONT)
        thawed_s = time.monotonic()
        while not parse_record(path.read_text()).gaps:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        client.send_signal(signal.SIGTERM)
        assert client.wait(LIMIT_S) == 0
    record = parse_record(path.read_text())
    (gap,) = record.gaps
    assert gap.until_s - gap.from_s >= 0.5
    assert len(record.between(thawed_s - 0.05, thawed_s + 0.1).requests) <= 25


def test_targets_are_read_for_both_families() -> None:
    assert Target.parse("192.0.2.10:80").address == ("192.0.2.10", 80)
    six = Target.parse("[2001:db8::10]:443")
    assert (six.family, six.address) == (socket.AF_INET6, ("2001:db8::10", 443))
    for wrong in ("192.0.2.10", "192.0.2.10:", "192.0.2.10:http"):
        with pytest.raises(ValueError, match="not an address and port"):
            Target.parse(wrong)


def test_a_record_that_cannot_be_written_is_one_clear_line() -> None:
    with program("piranha.lab.traffic", "--record", "/nowhere/record", "127.0.0.1:1") as client:
        assert client.wait(LIMIT_S) == 1
        assert client.stderr is not None
        assert client.stderr.read() == "piranha.lab.traffic: /nowhere/record: No such file or directory\n"
