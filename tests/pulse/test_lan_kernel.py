"""The question to the LAN on a real kernel: a far end that holds a VIP answers, one that does not is silent."""

import asyncio
import contextlib
import subprocess
import sys
import time
from ipaddress import ip_address

import pytest
from tests.pulse.far_end import beyond

from piranha.lvscf.config import FloatingAddress, Router
from piranha.pulse.inquiry import Claim
from piranha.pulse.lan import LinkLan

pytestmark = pytest.mark.lab

ASK_FROM_FAR = """
import socket, sys, time
from ipaddress import ip_address
from piranha.pulse.arp import question
mac = bytes.fromhex("02005e005399")
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as one:
    for _ in range(20):
        one.sendto(question(ip_address(sys.argv[1]), mac), ("pub1", 0))
        time.sleep(0.1)
"""
ROUTER = Router(public=ip_address("192.0.2.2"))
VIP4 = FloatingAddress(address=ip_address("192.0.2.10"), prefix=32, device="public")
VIP6 = FloatingAddress(address=ip_address("2001:db8:2::20"), prefix=128, device="public")


async def claims(vip: FloatingAddress, limit_s: float = 3.0) -> list[Claim]:
    """Ask until somebody claims the VIP, or the time is up."""
    came = asyncio.Event()
    found: list[Claim] = []
    until_s = time.monotonic() + limit_s
    with contextlib.closing(LinkLan(came.set)) as lan:
        while not found and time.monotonic() < until_s:
            came.clear()
            assert await lan.ask([vip], ROUTER) == ""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await came.wait()
            found = [claim for claim, _ in lan.drain()]
    return found


@pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["IPv4", "IPv6"])
def test_who_holds_a_vip_answers(far: int, vip: FloatingAddress) -> None:
    beyond(far, f"address add {vip.address}/{vip.prefix} dev pub1" + (" nodad" if vip.address.version == 6 else ""))
    claim = asyncio.run(claims(vip))[0]
    assert (claim.address, claim.device, claim.holds) == (vip.address, "pub0", True)
    addresses = subprocess.run(
        ["nsenter", "--net", f"--target={far}", "ip", "link"], capture_output=True, text=True, check=True
    )
    assert claim.mac in addresses.stdout


@pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["IPv4", "IPv6"])
def test_a_vip_that_nobody_holds_stays_without_an_answer(far: int, vip: FloatingAddress) -> None:
    assert asyncio.run(claims(vip, limit_s=1.0)) == []


@pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["IPv4", "IPv6"])
def test_two_routers_see_each_other_ask(far: int, vip: FloatingAddress) -> None:
    async def both() -> list[Claim]:
        asked = asyncio.create_task(claims(vip))
        # Both ends of one cable in one process: the far one asks from its own network.
        command = ["nsenter", "--net", f"--target={far}", sys.executable, "-c", ASK_FROM_FAR, str(vip.address)]
        asker = await asyncio.create_subprocess_exec(*command)
        found = await asked
        await asker.wait()
        return found

    assert [claim.holds for claim in asyncio.run(both())] == [False]


def test_a_device_without_carrier_cannot_be_asked(far: int) -> None:
    beyond(far, "link set pub1 down")

    async def ask() -> str:
        with contextlib.closing(LinkLan(lambda: None)) as lan:
            return await lan.ask([VIP4], ROUTER)

    assert asyncio.run(ask()) == "pub0 has no carrier"
