"""A daemon on the userspace plane, and the real servers behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.running import Lvsd, RealServer, TalkingServer, userspace_lvsd


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
