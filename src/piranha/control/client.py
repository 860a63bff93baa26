"""Shell: the asking side of the control socket."""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from piranha.control.daemon import LOOKERS_GROUP
from piranha.control.lines import decode, encode
from piranha.control.messages import MAX_ANSWER_BYTES, BadMessage, Refused, Request, read_answer
from piranha.errors import PiranhaError


class NoAnswer(PiranhaError):
    """The daemon does not answer: not running, frozen, or not ours to ask."""


class NobodyListens(NoAnswer):
    """No process has this control socket open: the daemon does not run, or has not come so far yet."""


class NotPermitted(NoAnswer):
    """The daemon may be there, but its socket is not for who asks."""


def ask(
    path: Path | str, verb: str, args: Mapping[str, object] | None = None, timeout_s: float = 2.0
) -> dict[str, object]:
    """Ask the daemon behind `path` and wait for its answer; blocks at most `timeout_s` seconds.

    Raises NoAnswer when there is none in time, `messages.Refused` when the daemon says no.
    """
    deadline = time.monotonic() + timeout_s
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout_s)
            sock.connect(str(path))
            sock.sendall(encode(Request(verb, args or {}, 1).message()))
            return _data(path, _read_line(sock, deadline))
    except TimeoutError as error:
        raise NoAnswer(f"{path}: no answer within {timeout_s:g} s") from error
    except OSError as error:
        raise _no_answer(path, error) from error


async def ask_async(
    path: Path | str, verb: str, args: Mapping[str, object] | None = None, timeout_s: float = 2.0
) -> dict[str, object]:
    """Do what `ask` does, without blocking the event loop."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_ANSWER_BYTES)
            try:
                writer.write(encode(Request(verb, args or {}, 1).message()))
                await writer.drain()
                return _data(path, await reader.readline())
            finally:
                writer.close()
    except TimeoutError as error:
        raise NoAnswer(f"{path}: no answer within {timeout_s:g} s") from error
    except (OSError, ValueError) as error:
        raise _no_answer(path, error) from error


def _read_line(sock: socket.socket, deadline: float) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        piece = sock.recv(1 << 16)
        if not piece or len(received) > MAX_ANSWER_BYTES:
            break
        received += piece
    return bytes(received)


def _data(path: Path | str, line: bytes) -> dict[str, object]:
    if not line.endswith(b"\n"):
        raise NoAnswer(f"{path}: the daemon hung up before it had answered")
    try:
        answer = read_answer(decode(line, MAX_ANSWER_BYTES))
    except BadMessage as error:
        raise NoAnswer(f"{path}: {error}") from error
    if not answer.ok:
        raise Refused(answer.error)
    return answer.data if isinstance(answer.data, dict) else {"answer": answer.data}


def _no_answer(path: Path | str, error: Exception) -> NoAnswer:
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        return NobodyListens(f"{path}: nobody listens there")
    if isinstance(error, PermissionError):
        return NotPermitted(f"{path}: not permitted: looking needs root or the group {LOOKERS_GROUP}")
    if isinstance(error, OSError) and error.errno:
        return NoAnswer(f"{path}: {os.strerror(error.errno)}")
    return NoAnswer(f"{path}: {error}")
