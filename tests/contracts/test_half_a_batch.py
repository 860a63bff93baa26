"""A batch that is refused or cut off half way leaves a table that can be read, and the next pass repairs it."""

import errno
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.fake_kernel import FakeKernel, refuses_at_random
from tests.contracts.plane_contract import RR, nat, server, www
from tests.contracts.tables import tables
from tests.kernel.wire_kernel import Arrival, WireKernel
from tests.properties import examples

from piranha.forwarding.apply import apply_safely
from piranha.forwarding.errors import PlaneUnavailable
from piranha.forwarding.ipvs import IpvsPlane
from piranha.kernel.socket import BATCH_LIMIT
from piranha.table.changes import Change, RemoveService, describe
from piranha.table.diff import diff
from piranha.table.service import ServiceSettings
from piranha.table.table import Service, Table

BIG: Table = {www(number): Service(RR, {server(n): nat(n) for n in range(1, 16)}) for number in range(20)}
"""More than one batch."""


def passes(plane: IpvsPlane, wanted: Table) -> list[Change]:
    """One pass: read, compare, write; return what was refused."""
    return [refusal.change for refusal in apply_safely(plane, diff(plane.dump(), wanted))]


@given(before=tables(), wanted=tables(), seed=st.integers(0, 2**32))
@examples(50)
def test_after_refusals_the_table_is_what_was_taken_and_the_next_pass_completes_it(
    before: Table, wanted: Table, seed: int
) -> None:
    kernel = WireKernel(FakeKernel(before, refuses_at_random(seed)))
    plane = IpvsPlane(kernel.connect)

    refused = passes(plane, wanted)
    assert plane.dump() == kernel.table.services
    assert bool(refused) == (plane.dump() != wanted)

    kernel.table.refuse = lambda _: 0
    assert passes(plane, wanted) == []
    assert plane.dump() == wanted
    assert diff(plane.dump(), wanted) == []


@pytest.mark.parametrize("answered", [0, 1])
def test_when_the_kernel_falls_silent_after_some_parts_the_next_pass_does_the_rest(answered: int) -> None:
    kernel = WireKernel()
    plane = IpvsPlane(kernel.connect)
    assert plane.dump() == {}
    parts = iter(range(100))

    def silent(answers: list[Arrival]) -> list[Arrival]:
        return [] if next(parts) >= answered else answers

    kernel.spoil = silent
    with pytest.raises(PlaneUnavailable, match=r"IPVS does not answer: batch of \d+ requests: ETIMEDOUT"):
        plane.apply(diff({}, BIG))

    kernel.spoil = lambda answers: answers
    there = sum(1 + len(service.destinations) for service in plane.dump().values())
    # What was sent last was carried out, though nobody heard of it.
    assert there == min((answered + 1) * BATCH_LIMIT, len(diff({}, BIG)))
    assert passes(plane, BIG) == []
    assert plane.dump() == BIG


def test_when_an_answer_is_lost_what_is_told_as_uncertain_is_found_by_the_next_pass() -> None:
    def full(answers: list[Arrival]) -> list[Arrival]:
        return [OSError(errno.ENOBUFS, "no room")]

    kernel = WireKernel()
    plane = IpvsPlane(kernel.connect)
    assert plane.dump() == {}
    kernel.spoil = full

    refusals = plane.apply(diff({}, BIG))
    assert {refusal.code for refusal in refusals} == {errno.ENOBUFS}
    assert "may or may not have been done" in refusals[0].reason

    kernel.spoil = lambda answers: answers
    assert passes(plane, BIG) == []
    assert plane.dump() == BIG


UNKNOWN = ServiceSettings(scheduler="wlcc")
IMPOSSIBLE: dict[str, Callable[[Service], Service]] = {
    "an unknown scheduler": lambda service: replace(service, settings=UNKNOWN),
    "thresholds the wrong way round": lambda service: replace(
        service, destinations={**service.destinations, server(1): nat(1, upper=1, lower=2)}
    ),
}


@pytest.mark.kernel
@pytest.mark.parametrize("wrong", IMPOSSIBLE)
def test_the_real_kernel_takes_the_rest_of_a_batch_and_the_next_pass_completes_it(
    real_plane: IpvsPlane, wrong: str
) -> None:
    some = {www(number) for number in range(0, 20, 4)}
    asked = {key: IMPOSSIBLE[wrong](service) if key in some else service for key, service in BIG.items()}

    refusals = real_plane.apply(diff({}, asked))

    assert {refusal.change.service for refusal in refusals} == some
    assert all(describe(refusal.change) and refusal.reason for refusal in refusals)
    live = real_plane.dump()
    assert {key: service for key, service in live.items() if key not in some} == {
        key: service for key, service in BIG.items() if key not in some
    }
    assert passes(real_plane, BIG) == []
    assert real_plane.dump() == BIG
    assert real_plane.apply([RemoveService(key) for key in BIG]) == []
