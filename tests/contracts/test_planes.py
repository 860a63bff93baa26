"""Every forwarding plane passes one suite: the fake that other tests use, and the kernel."""

from collections.abc import Iterator

import pytest
from tests.contracts.fake_kernel import FakePlane
from tests.contracts.plane_contract import PlaneContract, seen

from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.plane import Plane
from piranha.table.changes import RemoveService


class TestFakePlane(PlaneContract):
    @pytest.fixture
    def plane(self) -> Plane:
        return FakePlane()


@pytest.mark.kernel
class TestIpvsPlane(PlaneContract):
    @pytest.fixture
    def plane(self) -> Iterator[Plane]:
        plane = IpvsPlane()
        yield plane
        plane.apply([RemoveService(key) for key in seen(plane)])
        plane.close()
