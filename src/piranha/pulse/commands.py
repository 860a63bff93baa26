"""Shell: run `active_cmd` and `inactive_cmd`; called in a helper process, one after the other.

The command runs as `notify_user` in a session of its own, with its output in the log and at most
30 s; then it is killed with everything it started.
"""

import contextlib
import os
import pwd
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO

TIME_LIMIT_S = 30.0
OUTPUT_LIMIT = 2000  # bytes kept for the log


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run: words, not a shell line. user: its name; as who pulse runs if that is not root."""

    words: tuple[str, ...]
    user: str = "root"
    time_limit_s: float = TIME_LIMIT_S
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How it ended. failure: empty for exit status 0, else one line. output: its first bytes."""

    words: tuple[str, ...]
    failure: str = ""
    output: str = ""


def run(command: Command) -> CommandResult:
    """Run `command` to its end. Never raises: a failure is a result."""
    try:
        identity = _identity(command.user)
    except KeyError:
        return CommandResult(words=command.words, failure=f"notify_user {command.user} does not exist")
    # A file, not a pipe: what the command leaves running may keep its output open for ever.
    with tempfile.TemporaryFile() as output:
        failure = _run(command, identity, output)
        output.seek(0)
        text = output.read(OUTPUT_LIMIT).decode("utf-8", "backslashreplace").strip()
    return CommandResult(words=command.words, failure=failure, output=text)


def _run(command: Command, identity: tuple[int, int] | None, output: IO[bytes]) -> str:
    try:
        child = subprocess.Popen(
            command.words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **dict(command.environment)},
            user=identity[0] if identity else None,
            group=identity[1] if identity else None,
            extra_groups=[identity[1]] if identity else None,
        )
    except OSError as error:
        return f"{command.words[0]}: {error.strerror}"
    try:
        return _failure(child.wait(command.time_limit_s))
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return f"killed after {command.time_limit_s:g} s"


def _identity(user: str) -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(user)
    return None if entry.pw_uid == 0 else (entry.pw_uid, entry.pw_gid)


def _failure(status: int) -> str:
    if status == 0:
        return ""
    return f"exit status {status}" if status > 0 else f"killed by signal {-status}"
