"""Fixtures of the command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.daemons import Daemons


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    made = Daemons(tmp_path)
    yield made
    made.close()
