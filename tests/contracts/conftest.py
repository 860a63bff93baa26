"""The plane of the real kernel, for all who compare with it."""

import os
from collections.abc import Iterator

import pytest

from piranha.forwarding.ipvs import IpvsPlane
from piranha.lab.namespaces import Namespace


@pytest.fixture(scope="module")
def real_plane() -> Iterator[IpvsPlane]:
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
