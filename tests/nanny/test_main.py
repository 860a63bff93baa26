"""The command `nanny`: one server, in the foreground."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.nanny.servers import alive, answering, closed_port, serving, silent, wait_for

from piranha.lvscf.check_values import Exchange, Expect, Program
from piranha.nanny.main import Request, WrongArguments, main, parse
from piranha.terms import Protocol

pytestmark = pytest.mark.slow


def request(*argv: str) -> Request:
    parsed = parse(["-h", "127.0.0.1", *argv])
    assert isinstance(parsed, Request)
    return parsed


def test_a_good_server_is_one_line_and_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(answering(b"+PONG\r\n")) as port:
        status = main(["--server", "127.0.0.1", "--port", str(port), "-s", r"PING\r\n", "-x", "+PONG", "--count", "1"])

    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    assert f"Z ok 127.0.0.1:{port} answer: as expected (connect " in out
    assert out.count("\n") == 1


def test_a_dead_server_is_status_1_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    port = closed_port()

    assert main(["-h", "127.0.0.1", "-p", str(port), "--count", "2", "-t", "0.05"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.endswith(f"FAILED (refused) 127.0.0.1:{port} connect: refused") for line in lines)


def test_a_pasted_command_line_of_the_original_works_and_says_what_has_no_meaning_any_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with silent() as port:
        old = ["-c", "-h", "127.0.0.1", "-p", "25", "-r", str(port), "-a", "15", "-I", "/sbin/ipvsadm", "-t", "6"]
        status = main([*old, "-w", "32", "-V", "192.0.2.10", "-M", "m", "-U", "none", "--lvs", "--count", "1"])

    err = capsys.readouterr().err
    assert status == 0
    assert err == (
        "nanny: without effect: -c -a -I -w -V -M -U --lvs: nanny does not touch the table any more, lvsd does\n"
    )


def test_port_80_without_any_check_is_taken_for_a_web_service() -> None:
    web = request("--rport", "8080")

    assert web.assignment.check == Exchange(send=b"GET / HTTP/1.0\r\n\r\n", expect=Expect(text=b"HTTP"))
    assert web.assignment.port == 8080
    assert web.remarks == ("no monitor configured, assuming web service on port 80",)
    assert request("-p", "8080").assignment.check == Exchange()


@pytest.mark.parametrize(
    ("argv", "check"),
    [
        (["-p", "53", "-u"], Exchange(transport=Protocol.UDP)),
        (["-s", r"a\n", "-x", r"b\r"], Exchange(send=b"a\n", expect=Expect(text=b"b\r"))),
        (["-s", r"a\n", "-x", r"b\r", "-T"], Exchange(send=rb"a\n", expect=Expect(text=rb"b\r"))),
        (["-x", "*"], Exchange(expect=Expect(text=b"*", anything=True))),
        (["-x", "-OK"], Exchange(expect=Expect(text=b"-OK"))),
        (["-x", "o+k", "--regex"], Exchange(expect=Expect(text=b"o+k", regex=True))),
        (["-e", "check '%h %p'"], Program(command=("check", "'%h", "%p'"))),
        (
            ["-e", "check", "-x", "OK", "--ignore-status"],
            Program(command=("check",), expect=Expect(text=b"OK"), honour_status=False),
        ),
    ],
)
def test_options_make_the_check(argv: list[str], check: Exchange | Program) -> None:
    assert request(*argv).assignment.check == check


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["-p", "80"], "No address supplied. Use '--help' for help."),
        (["-h", "web1"], "bad IP address -- web1"),
        (["-h", "10.0.0.1", "web"], "unexpected arguments"),
        (["-h", "10.0.0.1", "--frob"], "bad argument frob: option --frob not recognized"),
        (["-h", "10.0.0.1", "-p", "0"], "bad argument --port: 0 is not a number from 1 to 65535"),
        (["-h", "10.0.0.1", "-p", "http"], "bad argument --port: http is not a number from 1 to 65535"),
        (["-h", "10.0.0.1", "-t", "0"], "bad argument --interval: 0 is not a number of seconds from 0.001 to 86400"),
        (
            ["-h", "10.0.0.1", "-t", "nan"],
            "bad argument --interval: nan is not a number of seconds from 0.001 to 86400",
        ),
        (
            ["-h", "10.0.0.1", "-x", "(", "--regex"],
            "bad argument --expect_string: no regular expression: ( without ), at character 1",
        ),
        (["-h", "10.0.0.1", "-e", " "], "bad argument --send_program: it is empty"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(
    argv: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An interval of 0 crashed the original (reference 4.1)."""
    with pytest.raises(WrongArguments) as raised:
        parse(argv)

    assert str(raised.value) == line
    assert main(argv) == 2
    assert capsys.readouterr().err == f"nanny: {line}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_count_it_goes_on_until_a_signal_and_leaves_nothing_behind(
    number: signal.Signals, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    script = tmp_path / "script"
    script.write_text(f"echo $$ >> {runs}; test $(wc -l < {runs}) -lt 2 || sleep 60\n")
    command = [sys.executable, "-m", "piranha.nanny.main", "-h", "127.0.0.1", "-p", "1", "-t", "0.5"]
    command += ["-e", f"sh {script}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as nanny:
        wait_for(lambda: runs.exists() and runs.read_text().count("\n") == 2)
        nanny.send_signal(number)
        assert nanny.wait(5) == 0
    wait_for(lambda: not any(alive(int(pid)) for pid in runs.read_text().split()))


def test_what_is_checked_is_said_before_the_first_check() -> None:
    words = ["-v", "-h", "127.0.0.1", "-p", "1", "-t", "30"]
    with subprocess.Popen(
        [sys.executable, "-m", "piranha.nanny.main", *words],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as nanny:
        assert nanny.stderr is not None
        ready, _, _ = select.select([nanny.stderr], [], [], 5)
        said = nanny.stderr.readline() if ready else b""
        nanny.terminate()

    assert said == b"nanny: checking 127.0.0.1 port 1: tcp; every 30 s\n"


def test_help_and_version_are_for_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "exit status: 0" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("nanny ")


def test_a_reader_that_went_away_ends_it_quietly() -> None:
    command = f"{sys.executable} -m piranha.nanny.main -h 127.0.0.1 -p 1 -t 0.01 | head -1"
    began = time.monotonic()
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=10)

    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert time.monotonic() - began < 5
