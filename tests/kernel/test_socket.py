"""The netlink socket on the kernel that is there: route netlink needs no privilege to read."""

import errno
import signal
import struct

import pytest

from piranha.errors import PiranhaError
from piranha.kernel.generic import CONTROL_FAMILY, family_answer, family_request
from piranha.kernel.socket import NETLINK_GENERIC, NETLINK_ROUTE, NetlinkError, NetlinkSocket, Request
from piranha.kernel.wire import attributes, string

RTM_NEWLINK, RTM_GETLINK = 16, 18
ANY_LINK = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
LOOPBACK = struct.pack("=BxHiII", 0, 0, 1, 0, 0)
NO_SUCH_LINK = struct.pack("=BxHiII", 0, 0, 0x7FFFFFF0, 0, 0)
IFLA_IFNAME = 3


def names(payloads: list[bytes]) -> list[str]:
    return [string(attributes(payload, len(ANY_LINK)), IFLA_IFNAME) for payload in payloads]


def test_a_dump_returns_every_entry() -> None:
    with NetlinkSocket(NETLINK_ROUTE) as kernel:
        assert "lo" in names(kernel.dump(RTM_GETLINK, ANY_LINK, "list links", answer=RTM_NEWLINK))


def test_a_request_returns_what_is_answered() -> None:
    with NetlinkSocket(NETLINK_ROUTE) as kernel:
        assert names(kernel.request(RTM_GETLINK, LOOPBACK, "read link 1")) == ["lo"]


def test_a_refused_request_says_what_was_asked_and_why() -> None:
    with NetlinkSocket(NETLINK_ROUTE) as kernel, pytest.raises(NetlinkError) as caught:
        kernel.request(RTM_GETLINK, NO_SUCH_LINK, "read link 2147483632")

    assert str(caught.value) == "read link 2147483632: ENODEV: No such device"
    assert caught.value.code == errno.ENODEV
    assert isinstance(caught.value, PiranhaError)


def test_a_batch_names_each_request_that_failed_and_goes_on() -> None:
    requests = [Request(RTM_GETLINK, 0, NO_SUCH_LINK if number % 3 == 0 else LOOPBACK) for number in range(700)]
    with NetlinkSocket(NETLINK_ROUTE) as kernel:
        failures = kernel.batch(requests)

    assert [failure.index for failure in failures] == list(range(0, 700, 3))
    assert {failure.code for failure in failures} == {errno.ENODEV}


def test_an_empty_batch_asks_nothing() -> None:
    with NetlinkSocket(NETLINK_ROUTE) as kernel:
        assert kernel.batch([]) == []


def test_a_socket_goes_on_after_an_error() -> None:
    with NetlinkSocket(NETLINK_ROUTE) as kernel:
        for _ in range(3):
            with pytest.raises(NetlinkError):
                kernel.request(RTM_GETLINK, NO_SUCH_LINK, "read a link")
            assert names(kernel.request(RTM_GETLINK, LOOPBACK, "read link 1")) == ["lo"]


def test_signals_in_the_midst_of_a_list_do_not_disturb_it() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: seen.append(number))
    with NetlinkSocket(NETLINK_ROUTE) as kernel:
        whole = names(kernel.dump(RTM_GETLINK, ANY_LINK, "list links", answer=RTM_NEWLINK))
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        try:
            while len(seen) < 20:
                assert names(kernel.dump(RTM_GETLINK, ANY_LINK, "list links", answer=RTM_NEWLINK)) == whole
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def test_sequence_numbers_start_again_before_they_overflow() -> None:
    with NetlinkSocket(NETLINK_ROUTE, first_sequence=0xFFFFFFFE) as kernel:
        for _ in range(4):
            assert names(kernel.request(RTM_GETLINK, LOOPBACK, "read link 1")) == ["lo"]
        assert kernel.batch([Request(RTM_GETLINK, 0, LOOPBACK)] * 3) == []


def test_the_kernel_knows_families_by_name() -> None:
    with NetlinkSocket(NETLINK_GENERIC) as kernel:
        answer = kernel.request(CONTROL_FAMILY, family_request("nlctrl"), "find nlctrl")
        assert family_answer(answer[0]) == CONTROL_FAMILY
        with pytest.raises(NetlinkError, match="ENOENT"):
            kernel.request(CONTROL_FAMILY, family_request("no-such-family"), "find no-such-family")


def test_a_closed_socket_is_an_error_in_words() -> None:
    kernel = NetlinkSocket(NETLINK_ROUTE)
    kernel.close()

    with pytest.raises(NetlinkError, match="list links: EBADF"):
        kernel.dump(RTM_GETLINK, ANY_LINK, "list links", answer=RTM_NEWLINK)


def test_an_unknown_protocol_is_an_error_in_words() -> None:
    with pytest.raises(NetlinkError, match="open netlink socket: EPROTONOSUPPORT"):
        NetlinkSocket(31)
