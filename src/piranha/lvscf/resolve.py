"""Shell: looks host names of lvs.cf up, within a limit, before the file is elaborated."""

import socket
import threading
from collections.abc import Iterable
from ipaddress import ip_address

from piranha.terms import Address

LIMIT_S = 5.0  # for all names together: a dead name service must not hold a reload for minutes


def resolve(names: Iterable[str], limit_s: float = LIMIT_S) -> dict[str, Address]:
    """Return the address of each name that is known within `limit_s`; IPv4 where there is one, as ever.

    Names that cannot be resolved are left out.
    """
    found: dict[str, Address] = {}
    threads = [threading.Thread(target=_look_up, args=(name, found), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    # One time limit for all: each thread gets what the ones before it have left.
    waiter = threading.Thread(target=_join_all, args=(threads,), daemon=True)
    waiter.start()
    waiter.join(limit_s)
    return dict(found)


def _join_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def _look_up(name: str, found: dict[str, Address]) -> None:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    texts = {family: str(where[0]) for family, _, _, _, where in reversed(answers)}
    text = texts.get(socket.AF_INET) or texts.get(socket.AF_INET6)
    if text:
        found[name] = ip_address(text.partition("%")[0])
