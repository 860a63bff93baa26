"""Checks that go out from an own address (`source`), against real servers on loopback."""

import socket
from ipaddress import ip_address

from tests.nanny.servers import assignment, check_once, results_of, serving, silent

from piranha.lvscf.check_values import Exchange, Expect
from piranha.nanny.results import ProbeResult, Reason
from piranha.terms import Protocol

NOT_HERE = "192.0.2.77"


def say_who(connection: socket.socket) -> None:
    """Answer with the address of who asks."""
    connection.sendall(connection.getpeername()[0].encode() + b".")


def asked_from(port: int, seen: str, *sources: str) -> ProbeResult:
    """The result of a check that passes if the server sees `seen`."""
    check = Exchange(sources=tuple(map(ip_address, sources)), expect=Expect(text=f"{seen}.".encode()))
    return check_once(check, port)


def test_a_server_sees_the_source_of_the_check() -> None:
    with serving(say_who) as port:
        assert asked_from(port, "127.0.0.1").ok
        assert asked_from(port, "127.0.0.5", "127.0.0.5").ok


def test_of_several_sources_the_first_that_this_router_has_is_used() -> None:
    with serving(say_who) as port:
        assert asked_from(port, "127.0.0.6", NOT_HERE, "127.0.0.6", "127.0.0.7").ok
        assert asked_from(port, "127.0.0.5", "::1", "127.0.0.5").ok


def test_without_any_of_them_the_check_could_not_be_made_and_the_server_is_not_to_blame() -> None:
    with silent() as port:
        result = asked_from(port, "", NOT_HERE, "::1", "198.51.100.7")

    assert result.reason is Reason.ERROR
    assert result.detail == "source: this router could not check: it does not have 192.0.2.77 or 198.51.100.7"


def test_a_datagram_goes_out_from_the_source_too() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        port = server.getsockname()[1]
        check = Exchange(transport=Protocol.UDP, send=b"hello", sources=(ip_address("127.0.0.5"),))
        results_of([assignment(check, port, limit_s=0.05)], 1)
        assert server.recvfrom(100)[1][0] == "127.0.0.5"

        unbound = Exchange(transport=Protocol.UDP, sources=(ip_address(NOT_HERE),))
        assert check_once(unbound, port, limit_s=0.05).reason is Reason.ERROR


def test_ipv6_has_sources_as_well() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]
        check = Exchange(sources=(ip_address("2001:db8::77"), ip_address("::1")))
        assert check_once(check, port, address="::1").ok
        assert listener.accept()[1][0] == "::1"
