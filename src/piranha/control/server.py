"""Shell: the listening side of the control socket."""

import asyncio
import contextlib
import grp
import logging
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from piranha.control.daemon import share
from piranha.control.lines import decode, encode
from piranha.control.messages import MAX_REQUEST_BYTES, Answer, Refused, Request, read_request
from piranha.dataclass import dataclass
from piranha.errors import PiranhaError

log = logging.getLogger(__name__)

UCRED = struct.Struct("iII")  # pid, uid, gid (struct ucred, unix(7))

MAX_CONNECTIONS = 64
LOOK_S = 1.0  # between two looks whether the socket is still there

ADMIN_GROUP = "piranha-admin"
NOT_PERMITTED_WORDS = "not permitted"
"""How a refusal begins that is about who asks."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who asks, as the kernel knows it (SO_PEERCRED)."""

    uid: int
    gid: int
    pid: int


Handler = Callable[[Mapping[str, object], Peer], Awaitable[object]]
"""Answers one verb with what JSON knows; raises `messages.Refused` for a clear error."""


class ControlServer:
    """Answers verbs on a UNIX stream socket, each connection in turn, connections side by side.

    path: of the socket; what a dead daemon left there is replaced (the caller holds the lock that
    proves it dead). mode: permissions of the socket.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler], mode: int = 0o660) -> None:
        self._path = path
        self._handlers = handlers
        self._mode = mode
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._keeper: asyncio.Task[None] | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._idle: dict[asyncio.Task[None], None] = {}  # those that are not being answered, longest first

    async def start(self) -> None:
        """Listen. Raises OSError when the socket cannot be made."""
        await self._listen()
        self._keeper = asyncio.create_task(self._keep_listening())

    async def close(self) -> None:
        """Stop listening, end open connections and remove the socket."""
        if self._server is None:
            return
        if self._keeper is not None:
            self._keeper.cancel()
        self._path.unlink(missing_ok=True)
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._server = None

    async def _listen(self) -> None:
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # Nobody may connect between bind and chmod.
            mask = os.umask(0o777 & ~self._mode)
            try:
                listener.bind(str(self._path))
            finally:
                os.umask(mask)
            share(self._path)
            self._inode = self._path.stat().st_ino
            server = await asyncio.start_unix_server(self._accept, sock=listener, limit=MAX_REQUEST_BYTES)
        except BaseException:
            listener.close()
            raise
        before, self._server = self._server, server
        if before is not None:
            before.close()

    async def _keep_listening(self) -> None:
        """Make the socket again when somebody has removed it: without it nobody can ask this daemon any more."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                gone = self._path.stat().st_ino != self._inode
            except OSError:
                gone = True
            if gone:
                try:
                    await self._listen()
                except OSError as error:
                    log.debug("control socket %s: %s", self._path, error.strerror)
                else:
                    log.warning("control socket %s was removed by somebody else and is made again", self._path)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or not self._make_room():
            writer.close()
            return
        self._connections.add(task)
        self._idle[task] = None
        try:
            with contextlib.suppress(ConnectionError):
                await self._converse(reader, writer, task)
        except asyncio.CancelledError:
            # Not close: that waits for somebody who may never read.
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            self._idle.pop(task, None)
            writer.close()

    def _make_room(self) -> bool:
        """Hang up on who was silent longest, when there are too many: silence must not keep others from asking."""
        if len(self._connections) >= MAX_CONNECTIONS:
            longest = next(iter(self._idle), None)
            if longest is None:
                return False
            del self._idle[longest]
            self._connections.discard(longest)
            longest.cancel()
        return True

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        peer = _peer(writer)
        while True:
            try:
                line = await reader.readline()
            except ValueError:  # longer than the limit: where the next request begins is unknown
                writer.write(encode(Answer(0, False, error=f"longer than {MAX_REQUEST_BYTES} bytes").message()))
                await writer.drain()
                return
            if not line:
                return
            self._idle.pop(task, None)
            answer = await self._answer(line, peer)
            self._idle[task] = None
            writer.write(answer)
            await writer.drain()

    async def _answer(self, line: bytes, peer: Peer) -> bytes:
        number = 0
        try:
            request = read_request(decode(line, MAX_REQUEST_BYTES))
            number = request.id
            return encode(Answer(number, True, await self._handle(request, peer)).message())
        except PiranhaError as error:
            return encode(Answer(number, False, error=str(error)).message())
        except Exception:
            # One verb that fails must not end a daemon that holds addresses or a table.
            log.exception("control request failed")
            return encode(Answer(number, False, error="internal error, see the log").message())

    async def _handle(self, request: Request, peer: Peer) -> object:
        handler = self._handlers.get(request.verb)
        if handler is None:
            raise Refused(f"unknown verb {request.verb!r}; known: {', '.join(sorted(self._handlers))}")
        return await handler(request.args, peer)


def _peer(writer: asyncio.StreamWriter) -> Peer:
    sock = writer.get_extra_info("socket")
    pid, uid, gid = UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size))
    return Peer(uid=uid, gid=gid, pid=pid)


def require_admin(peer: Peer) -> None:
    """Let root, the daemon's own user and members of group `piranha-admin` act.

    Raises Refused for everyone else; looking needs no more than to reach the socket.
    """
    if peer.uid in (0, os.geteuid()):
        return
    try:
        admins = grp.getgrnam(ADMIN_GROUP)
        user = pwd.getpwuid(peer.uid).pw_name
    except KeyError:
        admins, user = None, ""
    if admins is None or (peer.gid != admins.gr_gid and user not in admins.gr_mem):
        raise Refused(f"{NOT_PERMITTED_WORDS}: acting needs root or the group {ADMIN_GROUP}")
