"""ICMP echo on the wire, and from which address it is asked."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piranha.lvscf.config import Config, FloatingAddress, Router
from piranha.pulse import echo
from piranha.pulse.arp import internet_checksum
from piranha.pulse.placement import asking_address

TOKEN = bytes(range(16))
ROUTER = Router(public=ip_address("192.0.2.2"), private=ip_address("10.11.12.2"))
CONFIG = Config(primary=ROUTER, nat_router=FloatingAddress(address=ip_address("10.11.12.1"), prefix=24))


def test_a_question_is_an_echo_request_as_rfc_792_has_it() -> None:
    message = echo.request(4, 0x1234, 7, TOKEN)
    assert (message[0], message[1], message[4:8], message[8:]) == (8, 0, b"\x12\x34\x00\x07", TOKEN)
    assert internet_checksum(message) == 0
    assert echo.request(6, 1, 1, TOKEN)[0] == 128


@pytest.mark.parametrize("version", [4, 6])
def test_of_all_messages_only_an_echo_reply_has_a_token(version: int) -> None:
    reply = bytes([echo.REPLY[version], 0]) + bytes(6) + TOKEN
    assert echo.token_of(version, reply) == TOKEN
    for other in (b"", reply[:-1], reply + b"x", b"\x03" + reply[1:], reply[:1] + b"\x01" + reply[2:]):
        assert echo.token_of(version, other) is None
    assert echo.token_of(version, echo.request(version, 1, 1, TOKEN)) is None


@given(st.binary(max_size=64))
def test_whatever_comes_on_a_raw_socket_is_cut_without_a_mistake(packet: bytes) -> None:
    message = echo.without_ip_header(packet)
    assert packet.endswith(message)
    assert len(message) <= max(0, len(packet) - 20)


@pytest.mark.parametrize(
    ("host", "usual", "expected"),
    [
        ("10.11.12.21", "10.11.12.2", None),  # an own one: the kernel may take it
        ("203.0.113.1", "172.16.0.1", None),  # neither own nor moving
        ("10.11.12.21", "10.11.12.1", "10.11.12.2"),
        ("192.0.2.254", "10.11.12.1", "192.0.2.2"),
        ("2001:db8::1", "10.11.12.1", None),  # no own address of that family
    ],
)
def test_an_address_that_moves_does_not_ask(host: str, usual: str, expected: str | None) -> None:
    asking = asking_address(ip_address(host), ip_address(usual), ROUTER, CONFIG)
    assert asking == (None if expected is None else ip_address(expected))
