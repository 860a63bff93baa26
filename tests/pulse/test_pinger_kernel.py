"""Pings on a real kernel: who answers, who does not, and what this machine has against asking."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.pulse.far_end import beyond, ip

from piranha.lvscf.config import Config, FloatingAddress, Router
from piranha.pulse.hosts import Answers, Hosts, LineState
from piranha.pulse.pinger import Pinger
from piranha.pulse.placement import asking_address
from piranha.terms import Address

pytestmark = pytest.mark.lab

OWN, VIP = ip_address("192.0.2.2"), ip_address("192.0.2.10")
FAR4, FAR6, NOBODY, ELSEWHERE = map(ip_address, ("192.0.2.1", "2001:db8:2::1", "192.0.2.99", "198.51.100.1"))
KEEPALIVE_S, DEADTIME_S = 0.1, 0.5
ROUTER = Router(public=OWN)
FORGE = """
import os, socket, struct, sys
from piranha.pulse.arp import internet_checksum
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as one:
    one.bind((sys.argv[1], 0))
    print(flush=True)
    while True:
        body = struct.pack("!HH", int.from_bytes(os.urandom(2)), 1) + os.urandom(16)
        checksum = internet_checksum(bytes(4) + body)
        one.sendto(struct.pack("!BBH", 0, 0, checksum) + body, ("192.0.2.2", 0))
"""


def usual(_host: Address, _own: Address) -> Address | None:
    return None


async def lines(
    *wanted: tuple[Address, ...],
    until: Callable[[tuple[LineState, ...]], bool],
    source: Callable[[Address, Address], Address | None] = usual,
    limit_s: float = 10.0,
) -> tuple[LineState, ...]:
    """Ask until the lines are as wanted; return them."""
    hosts = Hosts(wanted, KEEPALIVE_S, DEADTIME_S, time.monotonic())
    seen: asyncio.Queue[tuple[LineState, ...]] = asyncio.Queue()
    asking = asyncio.create_task(Pinger(hosts, seen.put_nowait, source).run())
    try:
        async with asyncio.timeout(limit_s):
            while not until(states := await seen.get()):
                pass
        return states
    finally:
        asking.cancel()


def all_are(answers: Answers) -> Callable[[tuple[LineState, ...]], bool]:
    return lambda states: all(state.answers is answers for state in states)


@pytest.fixture
def answering(far: int) -> int:
    beyond(far, f"address add {FAR4}/24 dev pub1")
    beyond(far, f"address add {FAR6}/64 dev pub1 nodad")
    return far


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize("groups", ["1 0", "0 2147483647"], ids=["raw socket", "ping socket"])
def test_hosts_of_both_families_answer(groups: str) -> None:
    Path("/proc/sys/net/ipv4/ping_group_range").write_text(groups)
    states = asyncio.run(lines((NOBODY, FAR4), (FAR6,), until=all_are(Answers.YES)))
    assert [state.addresses for state in states] == [(NOBODY, FAR4), (FAR6,)]


@pytest.mark.usefixtures("answering")
def test_who_is_not_there_does_not_answer_and_what_cannot_be_asked_says_why() -> None:
    states = asyncio.run(lines((NOBODY,), (ELSEWHERE,), until=all_are(Answers.NO)))
    assert [state.why for state in states] == ["", "Network is unreachable"]


def test_a_link_that_is_up_with_nobody_behind_it_is_silent(far: int) -> None:
    beyond(far, f"address add {FAR4}/24 dev pub1")

    async def cut() -> None:
        hosts = Hosts(((FAR4,),), KEEPALIVE_S, DEADTIME_S, time.monotonic())
        seen: asyncio.Queue[tuple[LineState, ...]] = asyncio.Queue()
        asking = asyncio.create_task(Pinger(hosts, seen.put_nowait, usual).run())
        answers = [(await seen.get())[0].answers]
        answers.append((await seen.get())[0].answers)
        beyond(far, f"address del {FAR4}/24 dev pub1")
        begun = time.monotonic()
        answers.append((await seen.get())[0].answers)
        took_s = time.monotonic() - begun
        beyond(far, f"address add {FAR4}/24 dev pub1")
        answers.append((await seen.get())[0].answers)
        asking.cancel()
        assert answers == [Answers.UNKNOWN, Answers.YES, Answers.NO, Answers.YES]
        assert took_s > DEADTIME_S - KEEPALIVE_S - 0.1

    asyncio.run(asyncio.wait_for(cut(), 20))


def test_a_vip_does_not_ask(answering: int) -> None:
    ip(f"address add {VIP}/32 dev pub0")
    ip(f"route replace 192.0.2.0/24 dev pub0 src {VIP}")
    beyond(answering, f"route add blackhole {VIP}/32")
    vip = FloatingAddress(address=VIP, prefix=32, device="pub0")
    source = partial(asking_address, router=ROUTER, config=Config(primary=ROUTER, nat_router=vip))
    asyncio.run(lines((FAR4,), until=all_are(Answers.YES), source=source))
    asyncio.run(lines((FAR4,), until=all_are(Answers.NO)))  # the kernel by itself would have taken the VIP


def test_forged_answers_prove_nothing_and_keep_nobody_from_being_heard(answering: int) -> None:
    beyond(answering, f"address add {NOBODY}/32 dev pub1")
    command = ["nsenter", "--net", f"--target={answering}", sys.executable, "-c", FORGE, str(NOBODY)]
    drop = ["nsenter", "--net", f"--target={answering}", "sh", "-c"]
    subprocess.run([*drop, "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all"], check=True)
    forger = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert forger.stdout is not None
        forger.stdout.readline()
        asyncio.run(lines((NOBODY,), until=all_are(Answers.NO)))
        subprocess.run([*drop, "echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_all"], check=True)
        asyncio.run(lines((FAR4,), until=all_are(Answers.YES)))
    finally:
        forger.kill()
        forger.wait()
        if forger.stdout is not None:
            forger.stdout.close()
