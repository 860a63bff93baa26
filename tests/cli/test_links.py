"""Links of VIPs are those of the kernel, unless `pulse` tells them or they lie elsewhere."""

import os
from typing import Any

from tests.cli.answers import pulse

from piranha.cli.links import with_links
from piranha.cli.status_routers import dead_links


def told(**more: Any) -> dict[str, Any]:
    vips = [{"address": "192.0.2.10", "device": "lo:1", "held": True}, {"address": "192.0.2.11", "device": "none7"}]
    return pulse(pid=os.getpid(), plane="ipvs", vips=vips) | more


def test_the_kernel_tells_whether_a_device_is_there_and_carries() -> None:
    found = with_links(told())
    assert found is not None
    assert found["links"] == [
        {"device": "lo", "present": True, "up": True, "carrier": True},
        {"device": "none7", "present": False},
    ]
    assert dead_links(found) == {"none7": "the device is gone"}


def test_a_word_of_the_file_is_the_device_with_our_address_of_that_path() -> None:
    paths = [{"name": "public", "own": "127.0.0.1"}, {"name": "private", "own": "192.0.2.77"}]
    vips = [{"address": "192.0.2.10", "device": "public"}, {"address": "10.0.0.1", "device": "private"}]
    found = with_links(told(role="standby", paths=paths, vips=vips))
    assert found is not None
    assert found["links"] == [{"device": "lo", "present": True, "up": True, "carrier": True}]


def test_what_pulse_tells_itself_counts() -> None:
    assert with_links(told(links=[])) == told(links=[])


def test_the_userspace_plane_and_a_pulse_that_cannot_be_found_have_no_links_here() -> None:
    for elsewhere in (told(plane="userspace"), told(pid=2**22 + 1), told(pid=None)):
        assert with_links(elsewhere) == elsewhere
    assert with_links(None) is None
