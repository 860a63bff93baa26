"""The fake kernel and the real one answer the same changes alike, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.fake_kernel import FakeKernel, FakePlane
from tests.contracts.tables import changes, tables
from tests.properties import examples

from piranha.forwarding.ipvs import IpvsPlane
from piranha.table.changes import Change, RemoveService
from piranha.table.diff import diff
from piranha.table.table import Table

pytestmark = pytest.mark.kernel
SLOW = examples(40)


def empty(real_plane: IpvsPlane) -> None:
    real_plane.apply([RemoveService(key) for key in real_plane.dump()])


@given(steps=st.lists(changes(), max_size=30))
@SLOW
def test_any_changes_are_taken_or_refused_alike(real_plane: IpvsPlane, steps: list[Change]) -> None:
    empty(real_plane)
    fake = FakePlane(FakeKernel())

    refused = [(r.change, r.code) for r in real_plane.apply(steps)]

    assert refused == [(r.change, r.code) for r in fake.apply(steps)]
    assert real_plane.dump() == fake.dump()


@given(before=tables(), after=tables())
@SLOW
def test_the_diff_of_any_two_tables_is_taken_without_refusal(
    real_plane: IpvsPlane, before: Table, after: Table
) -> None:
    empty(real_plane)

    assert real_plane.apply(diff({}, before)) == []
    assert real_plane.dump() == before
    assert real_plane.apply(diff(before, after)) == []
    assert real_plane.dump() == after
    assert diff(real_plane.dump(), after) == []
