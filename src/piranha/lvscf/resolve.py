"""Shell: looks host names of lvs.cf up, within a limit, before the file is elaborated."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from queue import Empty, Queue

from piranha.terms import Address

THREADS = 32  # look-ups at the same time
LIMIT_S = 5.0  # for all names together: a dead name service must not hold a reload for minutes


def ask_system(name: str) -> Address | None:
    """Return the address of a name as getaddrinfo(3) knows it, IPv4 where there is one; None if there is none."""
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    texts = {family: str(where[0]) for family, _, _, _, where in reversed(answers)}
    text = texts.get(socket.AF_INET) or texts.get(socket.AF_INET6)
    return ip_address(text.partition("%")[0]) if text else None


def resolve(
    names: Iterable[str], limit_s: float = LIMIT_S, ask: Callable[[str], Address | None] = ask_system
) -> dict[str, Address]:
    """Return the addresses of the names that are known within `limit_s`; the others are left out."""
    answers: Queue[tuple[str, Address | None]] = Queue()
    waiting = list(dict.fromkeys(names))
    end = time.monotonic() + limit_s
    questions = iter(waiting)

    def work() -> None:
        # `next` of a list's iterator is one step to other threads.
        while time.monotonic() < end and (name := next(questions, None)) is not None:
            answers.put((name, ask(name)))

    for _ in waiting[:THREADS]:
        # Daemon threads: a look-up cannot be ended, and must not keep the process from ending.
        threading.Thread(target=work, daemon=True).start()
    found: dict[str, Address] = {}
    for _ in waiting:
        try:
            name, address = answers.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            break
        if address is not None:
            found[name] = address
    return found
