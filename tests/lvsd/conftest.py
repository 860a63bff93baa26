"""A daemon on the userspace plane, the real servers behind it, and the table of the kernel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.running import Lvsd, RealServer, TalkingServer, userspace_lvsd

from piranha.forwarding.ipvs import IpvsPlane
from piranha.table.changes import RemoveService


@pytest.fixture
def plane() -> Iterator[IpvsPlane]:
    """The table of the kernel, emptied afterwards."""
    made = IpvsPlane()
    yield made
    made.apply([RemoveService(key) for key in made.dump()])
    made.close()


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    yield from userspace_lvsd(tmp_path)


@pytest.fixture
def servers() -> Iterator[list[RealServer]]:
    made = [RealServer(), RealServer()]
    yield made
    for one in made:
        one.stop()


@pytest.fixture
def talkers() -> Iterator[list[TalkingServer]]:
    made = [TalkingServer(), TalkingServer()]
    yield made
    for one in made:
        one.stop()
