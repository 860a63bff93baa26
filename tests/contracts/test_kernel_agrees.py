"""The fake kernel and the real one answer the same changes alike, whatever they are."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.fake_kernel import FakeKernel, FakePlane
from tests.contracts.tables import changes, tables
from tests.properties import examples

from piranha.forwarding.ipvs import IpvsPlane
from piranha.lab.namespaces import Namespace
from piranha.table.changes import Change, RemoveService
from piranha.table.diff import diff
from piranha.table.table import Table

pytestmark = pytest.mark.kernel
SLOW = examples(40)


@pytest.fixture(scope="module")
def plane() -> Iterator[IpvsPlane]:
    """The plane of a network namespace of its own."""
    namespace = Namespace.create("contract")
    try:
        namespace.run(["ip", "link", "set", "lo", "up"])
        with namespace.entered():
            made = IpvsPlane()
            assert made.dump() == {}
        yield made
        made.close()
    finally:
        os.close(namespace.descriptor)


def empty(plane: IpvsPlane) -> None:
    plane.apply([RemoveService(key) for key in plane.dump()])


@given(steps=st.lists(changes(), max_size=30))
@SLOW
def test_any_changes_are_taken_or_refused_alike(plane: IpvsPlane, steps: list[Change]) -> None:
    empty(plane)
    fake = FakePlane(FakeKernel())

    refused = [(r.change, r.code) for r in plane.apply(steps)]

    assert refused == [(r.change, r.code) for r in fake.apply(steps)]
    assert plane.dump() == fake.dump()


@given(before=tables(), after=tables())
@SLOW
def test_the_diff_of_any_two_tables_is_taken_without_refusal(plane: IpvsPlane, before: Table, after: Table) -> None:
    empty(plane)

    assert plane.apply(diff({}, before)) == []
    assert plane.dump() == before
    assert plane.apply(diff(before, after)) == []
    assert plane.dump() == after
    assert diff(plane.dump(), after) == []
