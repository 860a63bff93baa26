"""`active_cmd` and `inactive_cmd`: how they are run, and what becomes of those that fail or hang."""

import os
import pwd
import time
from pathlib import Path

import pytest

from piranha.pulse.commands import Command, run

ME = pwd.getpwuid(os.getuid()).pw_name


def shell(text: str, time_limit_s: float = 30.0, environment: tuple[tuple[str, str], ...] = ()) -> Command:
    return Command(words=("/bin/sh", "-c", text), user=ME, time_limit_s=time_limit_s, environment=environment)


def test_output_and_success_are_told() -> None:
    result = run(shell("echo hello; echo world >&2"))

    assert (result.failure, result.output) == ("", "hello\nworld")


@pytest.mark.parametrize(("text", "failure"), [("exit 3", "exit status 3"), ("kill -9 $$", "killed by signal 9")])
def test_a_failure_is_told_in_words(text: str, failure: str) -> None:
    assert run(shell(text)).failure == failure


def test_a_command_that_is_not_there_is_told() -> None:
    assert run(Command(words=("/no/such/program",), user=ME)).failure == "/no/such/program: No such file or directory"


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    result = run(shell(f"sleep 60 & echo $! > {pid_file}; wait", time_limit_s=0.3))

    assert result.failure == "killed after 0.3 s"
    child, until = int(pid_file.read_text()), time.monotonic() + 2
    while Path(f"/proc/{child}").exists() and "State:\tZ" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < until, "the child is still there"


def test_a_daemon_that_a_command_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    begun = time.monotonic()

    assert run(shell(f"sleep 5 & echo $! > {pid_file}")).failure == ""
    assert time.monotonic() - begun < 3
    os.kill(int(pid_file.read_text()), 9)


def test_the_role_is_in_the_environment() -> None:
    assert run(shell("echo $PIRANHA_ROLE", environment=(("PIRANHA_ROLE", "active"),))).output == "active"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_it_runs_as_notify_user() -> None:
    result = run(Command(words=("/usr/bin/id", "-un"), user="nobody"))

    assert result.output == "nobody"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_user_that_does_not_exist_is_told_and_nothing_runs() -> None:
    assert run(Command(words=("/bin/true",), user="no-such-user")).failure == "notify_user no-such-user does not exist"
