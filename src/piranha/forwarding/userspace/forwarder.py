"""Shell: the forwarder: table, holds, listeners and connections brought together, and its control socket."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Callable
from ipaddress import ip_address

from piranha.errors import MISSHAPEN, PiranhaError
from piranha.forwarding.userspace import protocol
from piranha.forwarding.userspace.balancer import Balancer
from piranha.forwarding.userspace.holds import Holds
from piranha.forwarding.userspace.listeners import Listeners
from piranha.forwarding.userspace.live import Phase, Server
from piranha.forwarding.userspace.protocol import Holding
from piranha.forwarding.userspace.relay import RESET, Relay
from piranha.table.key_data import Data
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import Address

LONGEST_REQUEST = 16 * 1024 * 1024
SWEEP_S = 1.0
SYN_RECV_S = 60  # how long IPVS waits for a server's answer (ip_vs_proto_tcp.c)

_log = logging.getLogger("forwarder")


class _Refused(PiranhaError):
    """A request that is understood and not carried out."""


class Forwarder:
    """Forwards what the table says on the VIPs that are held. One per process; needs a running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started_s = time.monotonic()
        self._balancer = Balancer()
        self._holds = Holds()
        self._listeners = Listeners(self._accept)
        # An ordered set by server, so that a removed server finds its connections at once.
        self._relays: dict[Server, dict[Relay, None]] = {}
        self._timeouts_s = {Phase.CONNECTING: SYN_RECV_S, Phase.OPEN: 900, Phase.CLOSING: 120}
        self._udp_s = 300
        self._lapse_timer: asyncio.TimerHandle | None = None
        self._stopped = asyncio.Event()
        self._verbs: dict[str, Callable[[Data], object]] = {
            "dump": self._dump,
            "apply": self._apply,
            "statistics": self._statistics,
            "set_timeouts": self._set_timeouts,
            "hold": self._hold,
            "release": self._release,
            "held": self._held,
            "status": self._status,
            "stop": self._stop,
        }
        self._sweep()

    async def run(self, control: socket.socket, ready: Callable[[], None]) -> None:
        """Answer on the bound Unix socket `control` until told to stop; `ready` is called once it answers."""
        server = await asyncio.start_unix_server(self._serve, sock=control, limit=LONGEST_REQUEST)
        ready()
        await self._stopped.wait()
        server.close()
        self._listeners.want(frozenset())
        for relays in list(self._relays.values()):
            for relay in list(relays):
                relay.reset()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopped.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled when the forwarder ends: asyncio's callback would print what is cancelled as an error.
        with contextlib.suppress(ConnectionError, ValueError, asyncio.CancelledError):
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _answer(self, line: bytes) -> Data:
        number: object = None
        try:
            request = json.loads(line)
            number = request["id"]
            verb = self._verbs.get(request["verb"])
            if request["v"] != protocol.VERSION or verb is None:
                return protocol.refusal(number, f"no verb {request['verb']!r} in version {request['v']}")
            return protocol.answer(number, verb(request["args"]))
        except _Refused as error:
            return protocol.refusal(number, str(error))
        except MISSHAPEN as error:
            return protocol.refusal(number, f"not understood: {type(error).__name__}: {error}")

    def _dump(self, _args: Data) -> object:
        return protocol.table_data(self._balancer.dump())

    def _apply(self, args: Data) -> object:
        changes = [protocol.change_from(item) for item in args["changes"]]
        refusals, removed = self._balancer.apply(changes)
        for server in removed:
            for relay in list(self._relays.get(server, ())):
                relay.reset()
        self._listen()
        return protocol.refusals_data(refusals, changes)

    def _statistics(self, _args: Data) -> object:
        under_way = [(relay.connection, relay.traffic()) for relays in self._relays.values() for relay in relays]
        return protocol.statistics_data(self._balancer.statistics(under_way, self._loop.time()))

    def _set_timeouts(self, args: Data) -> object:
        self._timeouts_s[Phase.OPEN] = int(args["tcp_s"]) or self._timeouts_s[Phase.OPEN]
        self._timeouts_s[Phase.CLOSING] = int(args["tcpfin_s"]) or self._timeouts_s[Phase.CLOSING]
        self._udp_s = int(args["udp_s"]) or self._udp_s
        return None

    def _hold(self, args: Data) -> object:
        now = self._loop.time()
        not_after_s = args["not_after_s"]
        if not_after_s is not None and now > not_after_s:
            raise _Refused(f"the request is {now - not_after_s:.1f} s late: its sender stood still meanwhile")
        vips: dict[Address, float | None] = {ip_address(vip): ttl_s for vip, ttl_s in args["vips"].items()}
        self._holds.hold(vips, now, only_held=bool(args["only_held"]))
        self._listen()
        return protocol.holdings_data({vip: h for vip, h in self._holdings().items() if vip in vips})

    def _release(self, args: Data) -> object:
        self._holds.release(ip_address(vip) for vip in args["vips"])
        self._listen()
        return None

    def _held(self, _args: Data) -> object:
        return protocol.holdings_data(self._holdings())

    def _status(self, _args: Data) -> object:
        return {
            "pid": os.getpid(),
            "started_s": self._started_s,
            "services": len(self._balancer.services()),
            "vips": protocol.holdings_data(self._holdings()),
            "connections": sum(len(relays) for relays in self._relays.values()),
            "timeouts_s": [self._timeouts_s[Phase.OPEN], self._timeouts_s[Phase.CLOSING], self._udp_s],
        }

    def _stop(self, _args: Data) -> object:
        # After the answer has been written.
        self._loop.call_soon(self.stop)
        return None

    def _holdings(self) -> dict[Address, Holding]:
        return {
            vip: Holding(
                remaining_s=remaining_s,
                since_s=since_s,
                listening=self._listeners.listening(vip),
                waiting=self._listeners.waiting(vip),
            )
            for vip, (remaining_s, since_s) in self._holds.held(self._loop.time()).items()
        }

    def _listen(self) -> None:
        """Let lapse what must, make the listeners fit, and come back when the next hold lapses."""
        for vip in self._holds.lapse(self._loop.time()):
            _log.warning("hold lapsed, nobody renewed it: vip=%s", vip)
        matches = (key.match for key in self._balancer.services())
        self._listeners.want({m for m in matches if isinstance(m, AddressMatch) and m.address in self._holds})
        if self._lapse_timer is not None:
            self._lapse_timer.cancel()
        deadline = self._holds.deadline()
        self._lapse_timer = None if deadline is None else self._loop.call_at(deadline, self._listen)

    def _accept(self, match: AddressMatch, client: socket.socket, address: Address) -> None:
        connection = self._balancer.open(ServiceKey(match), address, self._loop.time())
        if connection is None:
            _refuse(client)
            return
        relay = Relay(connection, client, advance=self._advance, ended=self._ended)
        self._relays.setdefault(connection.server, {})[relay] = None
        relay.start(match.port)

    def _advance(self, relay: Relay, phase: Phase) -> None:
        self._balancer.advance(relay.connection, phase)

    def _ended(self, relay: Relay) -> None:
        server = relay.connection.server
        del self._relays[server][relay]
        if not self._relays[server]:
            del self._relays[server]
        self._balancer.close(relay.connection, relay.traffic(), self._loop.time())

    def _sweep(self) -> None:
        """End the connections that were silent for too long."""
        now = self._loop.time()
        for relays in list(self._relays.values()):
            for relay in list(relays):
                if now - relay.touched_s > self._timeouts_s[relay.phase]:
                    relay.reset()
        self._loop.call_later(SWEEP_S, self._sweep)


def _refuse(client: socket.socket) -> None:
    """Reset a client for which there is no server."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()
