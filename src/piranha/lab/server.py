"""Shell: a small real server that answers every request with its own name.

`python -m piranha.lab.server --name rs1 [--bind ADDRESS] PORT…` speaks just enough HTTP/1.0 for the
recording client, for curl and for a check of the kind lvs.cf makes by default on port 80. One epoll
loop, few system calls: in the user-mode kernel it shares its only CPU with the whole cluster.
"""

import argparse
import select
import socket
import sys
from contextlib import suppress

ASKED_AT_MOST = 4096  # a request longer than this is answered after its first part


def answer(name: str) -> bytes:
    """Return the whole answer of a server: a status line, two header lines, its name."""
    body = f"{name}\n".encode()
    return b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket for IPv4 and, where the address is `::`, for IPv6 as well."""
    version6 = ":" in address
    listener = socket.socket(socket.AF_INET6 if version6 else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if version6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    # Woken once a request, when it is there, and not for the connection before it as well.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
    listener.bind((address, port))
    listener.listen(1024)
    listener.setblocking(False)
    return listener


class Server:
    """Answers on all its listening sockets until the process ends."""

    def __init__(self, name: str, listeners: list[socket.socket]) -> None:
        self._answer = answer(name)
        self._poll = select.epoll()
        self._listeners = {listener.fileno(): listener for listener in listeners}
        self._clients: dict[int, socket.socket] = {}
        for descriptor in self._listeners:
            self._poll.register(descriptor, select.EPOLLIN)

    def run(self) -> None:
        """Serve for ever."""
        while True:
            for descriptor, _ in self._poll.poll():
                listener = self._listeners.get(descriptor)
                if listener is not None:
                    self._accept(listener)
                else:
                    self._serve(self._clients.pop(descriptor))

    def _accept(self, listener: socket.socket) -> None:
        # One at a time: epoll tells again while more are waiting, and mostly there is one.
        with suppress(BlockingIOError, ConnectionAbortedError):
            client, _ = listener.accept()
            client.setblocking(False)
            if not self._serve(client):
                self._clients[client.fileno()] = client
                self._poll.register(client.fileno(), select.EPOLLIN)

    def _serve(self, client: socket.socket) -> bool:
        """Answer and close; return False if the request is not there yet."""
        try:
            if client.recv(ASKED_AT_MOST):
                client.send(self._answer)
        except BlockingIOError:
            return False
        except OSError:
            pass  # the client went away: nothing to answer
        client.close()
        return True


def main() -> None:
    """Run one real server; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="piranha.lab.server", description="a real server that answers its name")
    parser.add_argument("--name", required=True)
    parser.add_argument("--bind", default="::", help="address to listen on (default: all, IPv4 and IPv6)")
    parser.add_argument("ports", type=int, nargs="+", metavar="PORT")
    options = parser.parse_args()
    try:
        listeners = [listen(options.bind, port) for port in options.ports]
    except OSError as error:
        sys.exit(f"piranha.lab.server: cannot listen on {options.bind}: {error.strerror}")
    with suppress(KeyboardInterrupt):
        Server(options.name, listeners).run()


if __name__ == "__main__":
    main()
