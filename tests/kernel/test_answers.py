"""Answers that are cut, doubled, late, foreign, lost or broken: entries or one NetlinkError, and the next one works."""

import errno
import sys
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.fake_kernel import FakeKernel
from tests.kernel.wire_kernel import FAMILY, Arrival, Delivery, Spoil, WireKernel
from tests.properties import examples

from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.kernel.socket import NetlinkError, NetlinkSocket
from piranha.kernel.wire import HEADER, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_OVERRUN
from piranha.table.changes import AddDestination, AddService, Change
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.table.table import Service
from piranha.terms import ForwardingMethod, Protocol

WWW = ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), 80))
MAIL = ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), 25))
POOL = {
    DestinationKey(IPv4Address(f"10.0.0.{number}"), 80): Destination(forwarding=ForwardingMethod.NAT, weight=number)
    for number in range(1, 11)
}


def kernel_of(spoil: Spoil | None = None) -> tuple[WireKernel, IpvsSocket]:
    """A kernel with one service of ten servers, and a socket to it. spoil: what becomes of the next answers."""
    kernel = WireKernel(FakeKernel({WWW: Service(ServiceSettings(), POOL)}))
    found = IpvsSocket(kernel.connect)
    if spoil is not None:
        kernel.spoil = once(spoil)
    return kernel, found


def once(spoil: Spoil) -> Spoil:
    """Spoil the answers to one request; those to later ones arrive."""
    left = [spoil]

    def step(answers: list[Arrival]) -> list[Arrival]:
        return left.pop()(answers) if left else answers

    return step


def changed(arrival: Arrival, place: int, new: bytes) -> Arrival:
    assert isinstance(arrival, Delivery)
    return arrival._replace(data=arrival.data[:place] + new + arrival.data[place + len(new) :])


def flagged(arrival: Arrival, flags: int) -> Arrival:
    return changed(arrival, 6, flags.to_bytes(2, sys.byteorder))


def of_sequence(arrivals: Iterable[Arrival], sequence: int) -> list[Arrival]:
    """The same, answering another request; one message in each."""
    return [changed(arrival, 8, sequence.to_bytes(4, sys.byteorder)) for arrival in arrivals]


def test_a_list_in_several_parts_is_read_whole() -> None:
    _, ipvs = kernel_of()

    assert ipvs.pool(WWW) == POOL
    assert [entry.key for entry in ipvs.destinations(WWW)] == list(POOL)
    assert [entry.key for entry in ipvs.services()] == [WWW]


def test_a_part_larger_than_the_buffer_is_an_error_and_not_half_a_list() -> None:
    _, ipvs = kernel_of(lambda answers: [Delivery(bytes(70000)), *answers])

    with pytest.raises(NetlinkError, match=r"list servers of tcp 192\.0\.2\.10:80: EMSGSIZE"):
        ipvs.pool(WWW)
    assert ipvs.pool(WWW) == POOL


@given(st.data())
@examples(150)
def test_answers_cut_anywhere_are_a_list_or_an_error_and_the_next_list_is_whole(data: st.DataObject) -> None:
    def cut(answers: list[Arrival]) -> list[Arrival]:
        which = data.draw(st.integers(0, len(answers) - 1))
        whole = answers[which]
        assert isinstance(whole, Delivery)
        place = data.draw(st.integers(0, len(whole.data) - 1))
        return [*answers[:which], Delivery(whole.data[:place]), *answers[which + 1 :]]

    _, ipvs = kernel_of(cut)
    try:
        assert ipvs.pool(WWW).items() <= POOL.items()
    except NetlinkError as error:
        assert error.code in (errno.EBADMSG, errno.ETIMEDOUT)
    assert ipvs.pool(WWW) == POOL


@given(st.data())
@examples(100)
def test_answers_with_any_byte_changed_are_a_list_or_an_error(data: st.DataObject) -> None:
    def damage(answers: list[Arrival]) -> list[Arrival]:
        which = data.draw(st.integers(0, len(answers) - 1))
        whole = answers[which]
        assert isinstance(whole, Delivery)
        place = data.draw(st.integers(0, len(whole.data) - 1))
        answers[which] = changed(whole, place, bytes([data.draw(st.integers(0, 255))]))
        return answers

    kernel, ipvs = kernel_of()
    assert ipvs.pool(WWW) == POOL  # the usual layout is known
    kernel.spoil = once(damage)
    with suppress(NetlinkError):
        ipvs.destinations(WWW)
    assert ipvs.pool(WWW) == POOL


def test_doubled_answers_count_once() -> None:
    _, ipvs = kernel_of(lambda answers: [one for one in answers for _ in range(2)])

    assert ipvs.pool(WWW) == POOL
    assert ipvs.pool(WWW) == POOL
    assert ipvs.info().table_size == 4096


def test_what_another_process_sends_is_no_answer() -> None:
    forged = HEADER.pack(20, NLMSG_DONE, 2, 2, 0) + bytes(4)
    _, ipvs = kernel_of(lambda answers: [Delivery(forged, port=99), *answers])

    assert ipvs.pool(WWW) == POOL


def test_a_flood_of_other_processes_ends_after_five_seconds() -> None:
    now = iter(range(100))
    kernel = WireKernel(spoil=lambda answers: [Delivery(b"x", port=99)] * 1000 + answers)
    netlink = NetlinkSocket(16, opener=kernel.connect, clock=lambda: float(next(now)))

    with pytest.raises(NetlinkError, match=r"read version: ETIMEDOUT.*only other processes answer"):
        netlink.request(FAMILY, bytes([15, 1, 0, 0]), "read version")


def test_answers_to_another_request_are_dropped() -> None:
    def foreign(answers: list[Arrival]) -> list[Arrival]:
        return [*of_sequence(answers[-1:], 77), *answers]

    _, ipvs = kernel_of(foreign)

    assert ipvs.pool(WWW) == POOL


def test_an_entry_of_another_kind_is_an_error_that_names_both() -> None:
    def other(answers: list[Arrival]) -> list[Arrival]:
        return [changed(answers[0], 4, (28).to_bytes(2, sys.byteorder)), *answers[1:]]

    _, ipvs = kernel_of(other)

    with pytest.raises(NetlinkError, match="an answer of kind 28 where 27 was asked for"):
        ipvs.pool(WWW)
    assert ipvs.pool(WWW) == POOL


@pytest.mark.parametrize("which", [0, 1, -1], ids=["first", "second", "end"])
def test_a_list_that_changed_while_it_was_read_is_asked_for_again(which: int) -> None:
    def interrupted(answers: list[Arrival]) -> list[Arrival]:
        answers[which] = flagged(answers[which], 2 | NLM_F_DUMP_INTR)
        return [*answers[:2], *answers[3:]]  # an entry that moved is not in the list

    _, ipvs = kernel_of(interrupted)

    assert ipvs.pool(WWW) == POOL


def test_a_list_that_changes_all_the_time_is_an_error_after_ten_attempts() -> None:
    attempts = []

    def interrupted(answers: list[Arrival]) -> list[Arrival]:
        attempts.extend(answers[:1])
        return [flagged(answer, 2 | NLM_F_DUMP_INTR) for answer in answers]

    kernel, ipvs = kernel_of()
    kernel.spoil = interrupted

    with pytest.raises(NetlinkError, match=r"EINTR.*the list changed during each of ten attempts"):
        ipvs.pool(WWW)
    assert len(attempts) == 10


@pytest.mark.parametrize(
    "loss",
    [OSError(errno.ENOBUFS, "full"), Delivery(HEADER.pack(16, NLMSG_OVERRUN, 0, 2, 0))],
    ids=["ENOBUFS", "overrun"],
)
def test_a_list_of_which_a_part_was_lost_is_asked_for_again(loss: Arrival) -> None:
    _, ipvs = kernel_of(lambda answers: [*answers[:1], loss, *answers[2:]])

    assert ipvs.pool(WWW) == POOL


def batch() -> list[Change]:
    """A service that is there already, one that is new, and servers for both."""
    added = [AddDestination(MAIL, server, destination) for server, destination in POOL.items()]
    return [AddService(WWW, ServiceSettings()), AddService(MAIL, ServiceSettings()), *added]


def test_when_an_acknowledgement_is_lost_what_was_not_refused_may_have_been_done() -> None:
    kernel, ipvs = kernel_of(lambda answers: [answers[0], OSError(errno.ENOBUFS, "full")])

    failures = ipvs.apply(batch())

    assert [failure.code for failure in failures] == [errno.EEXIST] + [errno.ENOBUFS] * 11
    assert kernel.table.services[MAIL].destinations == POOL
    assert ipvs.pool(MAIL) == POOL


def test_an_answer_after_the_time_limit_is_not_taken_for_that_of_the_next_request() -> None:
    late: list[Arrival] = []

    def delayed(answers: list[Arrival]) -> list[Arrival]:
        late.extend(answers)
        return []

    kernel, ipvs = kernel_of(delayed)
    with pytest.raises(NetlinkError, match="ETIMEDOUT"):
        ipvs.info()

    kernel.spoil = lambda answers: [*late, *answers]
    assert ipvs.timeouts().tcp_s == 900
    assert kernel.opened == 2


def test_a_list_that_was_given_up_does_not_keep_the_next_from_being_read() -> None:
    kernel, ipvs = kernel_of(lambda answers: [Delivery(b"broken"), *answers])

    with pytest.raises(NetlinkError, match="EBADMSG"):
        ipvs.pool(WWW)
    assert ipvs.pool(WWW) == POOL
    assert kernel.opened == 2


def test_a_closed_socket_stays_closed_after_an_error() -> None:
    kernel, ipvs = kernel_of(lambda _answers: [])
    with pytest.raises(NetlinkError, match="ETIMEDOUT"):
        ipvs.info()
    ipvs.close()

    with pytest.raises(NetlinkError, match="EBADF"):
        ipvs.info()
    assert kernel.opened == 1
