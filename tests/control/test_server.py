"""The control socket: who asks, what is answered, and what never ends the daemon."""

import asyncio
import contextlib
import io
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from piranha.control.client import NoAnswer, ask, ask_async
from piranha.control.messages import MAX_REQUEST_BYTES, Refused
from piranha.control.server import MAX_CONNECTIONS, ControlServer, Peer, require_admin


async def echo(args: Mapping[str, object], peer: Peer) -> object:
    return {"args": dict(args), "pid": peer.pid, "uid": peer.uid}


async def refuse(_args: Mapping[str, object], _peer: Peer) -> object:
    raise Refused("not\nnow")


async def fail(_args: Mapping[str, object], _peer: Peer) -> object:
    raise ZeroDivisionError


async def hang(_args: Mapping[str, object], _peer: Peer) -> object:
    await asyncio.Event().wait()
    return {}


HANDLERS = {"echo": echo, "refuse": refuse, "fail": fail, "hang": hang}


def with_server(path: Path, talk: Callable[[], Awaitable[None]]) -> None:
    """Run `talk` while a server listens on `path`."""

    async def run() -> None:
        server = ControlServer(path, HANDLERS)
        await server.start()
        try:
            await talk()
        finally:
            await server.close()

    asyncio.run(run())


def test_a_verb_is_answered_and_knows_who_asks(tmp_path: Path) -> None:
    path = tmp_path / "sock"

    async def talk() -> None:
        answer = await ask_async(path, "echo", {"a": 1})
        assert answer == {"args": {"a": 1}, "pid": os.getpid(), "uid": os.getuid()}
        assert await asyncio.to_thread(ask, path, "echo") == {"args": {}, "pid": os.getpid(), "uid": os.getuid()}

    with_server(path, talk)


def test_a_refusal_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "sock"

    async def talk() -> None:
        with pytest.raises(Refused, match="not now"):
            await ask_async(path, "refuse")
        with pytest.raises(Refused, match="unknown verb 'stauts'; known: echo, fail, hang, refuse"):
            await ask_async(path, "stauts")

    with_server(path, talk)


def test_a_verb_that_fails_is_logged_and_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    log = logging.getLogger("piranha.control.server")

    async def talk() -> None:
        with pytest.raises(Refused, match="internal error, see the log"):
            await ask_async(path, "fail")
        assert await ask_async(path, "echo")

    log.addHandler(handler)
    try:
        with_server(path, talk)
    finally:
        log.removeHandler(handler)
    assert "ZeroDivisionError" in told.getvalue()


def test_verbs_side_by_side_do_not_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "sock"

    async def talk() -> None:
        slow = asyncio.create_task(ask_async(path, "hang", timeout_s=0.3))
        assert await ask_async(path, "echo")
        with pytest.raises(NoAnswer, match=r"no answer within 0\.3 s"):
            await slow

    with_server(path, talk)


def test_a_line_without_end_is_answered_once_and_hung_up(tmp_path: Path) -> None:
    path = tmp_path / "sock"

    async def talk() -> None:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"x" * (2 * MAX_REQUEST_BYTES + 1))
        assert b"longer than" in await reader.readline()
        writer.close()
        assert await ask_async(path, "echo")

    with_server(path, talk)


@pytest.mark.slow
def test_silent_connections_keep_nobody_from_asking(tmp_path: Path) -> None:
    path = tmp_path / "sock"

    async def talk() -> None:
        slow = asyncio.create_task(ask_async(path, "hang", timeout_s=1.0))
        silent = [await asyncio.open_unix_connection(str(path)) for _ in range(MAX_CONNECTIONS + 20)]
        assert await ask_async(path, "echo")
        assert await silent[0][0].read() == b""  # hung up on: silent for longest
        assert not slow.done()  # who is being answered is not
        for _, writer in silent:
            writer.close()
        with pytest.raises(NoAnswer, match="no answer within"):
            await slow

    with_server(path, talk)


def test_who_does_not_read_the_answers_costs_no_memory_without_end(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    request = b'{"v":1,"id":1,"verb":"echo","args":{"text":"' + b"x" * 1000 + b'"}}\n'

    async def talk() -> None:
        greedy = socket.socket(socket.AF_UNIX)
        greedy.setblocking(False)
        greedy.connect(str(path))
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 100_000_000:
                sent += greedy.send(request)
                await asyncio.sleep(0)
        assert sent < 10_000_000  # who is not read from blocks
        greedy.close()
        assert await ask_async(path, "echo")

    with_server(path, talk)


@pytest.mark.slow
def test_a_socket_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "sock"

    async def talk() -> None:
        path.unlink()
        async with asyncio.timeout(5):
            while not path.exists():  # noqa: ASYNC110 -- a file has no event
                await asyncio.sleep(0.05)
        assert await ask_async(path, "echo")

    with_server(path, talk)


def test_nobody_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match="nobody listens there"):
        ask(tmp_path / "sock", "echo")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "sock"))
    with pytest.raises(NoAnswer, match="nobody listens there"):
        ask(tmp_path / "sock", "echo")


def test_what_a_dead_daemon_left_is_replaced_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def talk() -> None:
        assert await ask_async(path, "echo")
        assert path.stat().st_mode & 0o777 == 0o660

    with_server(path, talk)
    assert not path.exists()


def test_root_and_the_daemons_own_user_may_act_and_others_may_not() -> None:
    require_admin(Peer(uid=0, gid=0, pid=1))
    require_admin(Peer(uid=os.geteuid(), gid=0, pid=1))
    with pytest.raises(Refused, match="not permitted"):
        require_admin(Peer(uid=54321, gid=54321, pid=1))
