"""Fixtures of the userspace plane."""

import socket
from collections.abc import Iterator

import pytest
from tests.userspace.processes import Forwarder, real_server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forwarder]:
    started = Forwarder(tmp_path_factory.mktemp("forwarder"))
    try:
        yield started
    finally:
        started.end()


@pytest.fixture
def forwarder(shared: Forwarder) -> Iterator[Forwarder]:
    shared.renew()
    yield shared
    shared.clear()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with real_server() as made:
        yield made
