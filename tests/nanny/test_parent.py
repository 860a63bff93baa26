"""The nanny parent: who takes in a lot of work is alive meanwhile."""

import select
import socket
from ipaddress import ip_address

from piranha.control.lines import encode
from piranha.lvscf.check_values import CheckTiming, Exchange
from piranha.nanny.channel import Channel
from piranha.nanny.parent import Parent
from piranha.nanny.placement import Placement
from piranha.nanny.protocol import Alive, Assign, read_upward, to_object
from piranha.nanny.results import Assignment

TIMING = CheckTiming(interval_s=60.0, check_timeout_s=1.0, fast_interval_s=60.0)


def work(batch: int) -> bytes:
    checks = (
        Assignment(id=f"shop{batch}/web{n}", address=ip_address("127.0.0.1"), port=9, check=Exchange(), timing=TIMING)
        for n in range(100)
    )
    return encode(to_object(Assign(tuple(checks))))


def test_who_takes_in_the_work_of_a_large_file_says_all_the_while_that_it_is_alive() -> None:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
    lvsd = Channel(ours)
    parent = Parent(Channel(theirs), Placement(32, 20), processes=32, interval_s=1e-6)
    for batch in range(8):
        lvsd.send_line(work(batch), must_arrive=True)

    parent.ready(theirs.fileno(), select.EPOLLIN, 0.0)

    heard = [read_upward(message) for message in lvsd.receive()]
    assert len(heard) > 1
    assert set(heard) == {Alive(0)}
    lvsd.close()
    parent.up.close()
