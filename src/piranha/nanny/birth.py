"""Shell: how a nanny comes into being: what it does between the fork and its work."""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import NoReturn

from piranha.control.lines import encode
from piranha.events.event import Level
from piranha.lvscf.check_values import CheckTiming, Exchange
from piranha.nanny.channel import Channel
from piranha.nanny.privilege import die_with_parent, keep_capabilities, name_process
from piranha.nanny.protocol import Assign, Said, to_object
from piranha.nanny.results import Assignment
from piranha.nanny.worker import work

WARM_UPS = 10
WARM_UP_CHECKS = 5


def be_a_nanny(parent: int, connection: socket.socket, run: Callable[[], None]) -> NoReturn:
    """In a child just forked by process `parent`: close all but `connection`, `run` and exit: 0, or 1 after a defect.

    Never returns: the objects of the parent stay as they are, with descriptors that are gone.
    """
    status = 1
    try:
        fd = connection.fileno()
        os.closerange(3, fd)
        os.closerange(fd + 1, 1 << 20)
        keep_capabilities(0)
        name_process("nanny")
        die_with_parent(parent, signal.SIGTERM)
        run()
        status = 0
    except SystemExit:
        status = 0
    except BaseException as error:
        # The end of this process: its last words name the defect.
        _last_words(connection, error)
    finally:
        os._exit(status)


def _last_words(connection: socket.socket, error: BaseException) -> None:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename.rpartition('/')[2]}:{place.tb_lineno}" if place else "?"
    said = Said("nanny met a defect", f"{where}: {type(error).__name__}: {error}", Level.ERROR)
    with suppress(OSError):
        Channel(connection).send(to_object(said))


def warm_up() -> None:
    """Be a nanny some times over, for checks of a port of our own on loopback.

    The interpreter rewrites byte code where it runs often, and fills caches. Done before the first
    fork, nannies share what comes of it (bench/nanny_memory.py), for some milliseconds of work.
    """
    timing = CheckTiming(interval_s=60.0, check_timeout_s=1.0, fast_interval_s=60.0)
    for _ in range(WARM_UPS):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address, port = listener.getsockname()
            checks = tuple(
                Assignment(id=str(n), address=ip_address(address), port=port, check=Exchange(), timing=timing)
                for n in range(WARM_UP_CHECKS)
            )
            ours, theirs = socket.socketpair()
            with ours:
                ours.sendall(encode(to_object(Assign(checks))))
                ours.shutdown(socket.SHUT_WR)
                work(theirs, checks, offset=0.0, program_limit=1, interval_s=0.0)
