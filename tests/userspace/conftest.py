"""Fixtures of the userspace plane."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.userspace.processes import Forwarder, real_server


@pytest.fixture
def forwarder(tmp_path: Path) -> Iterator[Forwarder]:
    started = Forwarder(tmp_path)
    try:
        yield started
    finally:
        started.end()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with real_server() as made:
        yield made
