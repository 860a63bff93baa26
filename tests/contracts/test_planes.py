"""Every forwarding plane passes one suite: the fake that other tests use, the netlink client on a socket
in memory, the forwarder, and the kernel."""

from collections.abc import Iterator

import pytest
from tests.contracts.fake_kernel import FakePlane
from tests.contracts.plane_contract import PlaneContract, seen
from tests.kernel.wire_kernel import WireKernel
from tests.userspace.processes import Forwarder

from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.plane import Plane
from piranha.table.changes import RemoveService


class TestFakePlane(PlaneContract):
    @pytest.fixture
    def plane(self) -> Plane:
        return FakePlane()


class TestIpvsPlaneOnAFakeSocket(PlaneContract):
    @pytest.fixture
    def plane(self) -> Iterator[Plane]:
        plane = IpvsPlane(WireKernel().connect)
        yield plane
        plane.close()


@pytest.fixture(scope="module")
def forwarder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forwarder]:
    started = Forwarder(tmp_path_factory.mktemp("forwarder"))
    yield started
    started.end()


class TestUserspacePlane(PlaneContract):
    @pytest.fixture
    def plane(self, forwarder: Forwarder) -> Iterator[Plane]:
        yield forwarder.plane
        forwarder.clear()


@pytest.mark.kernel
class TestIpvsPlane(PlaneContract):
    @pytest.fixture
    def plane(self) -> Iterator[Plane]:
        plane = IpvsPlane()
        yield plane
        plane.apply([RemoveService(key) for key in seen(plane)])
        plane.close()
