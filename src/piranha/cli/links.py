"""Shell: whether the devices that carry VIPs carry anything, as the kernel tells it."""

from pathlib import Path

from piranha.cli.facts import Facts, dicts, number, text
from piranha.errors import PiranhaError
from piranha.kernel.addresses import Addresses

WORDS = ("public", "private")
"""Devices of lvs.cf(5) that each router finds out for itself."""


def with_links(pulse: Facts | None) -> Facts | None:
    """Return what `pulse` answered to `status` with `links`: its own, or else as they are on this machine.

    Unchanged where they cannot be told: VIPs of the userspace plane lie on no device, and a pulse in
    another network namespace has other devices.
    """
    if pulse is None or "links" in pulse or text(pulse.get("plane")) == "userspace" or _is_elsewhere(pulse):
        return pulse
    try:
        with Addresses() as kernel:
            found = {link.name: link for link in kernel.links()}
            names = {link.index: link.name for link in found.values()}
            carrying = {str(one.address): names.get(one.index, "") for one in kernel.addresses()}
    except (PiranhaError, OSError):
        return pulse
    # A VIP that is not here has the word of the file for its device: the one that carries our address on that path.
    own = {text(path.get("name")): carrying.get(text(path.get("own")), "") for path in dicts(pulse.get("paths"))}
    vips = []
    for vip in dicts(pulse.get("vips")):
        device = text(vip.get("device")).partition(":")[0]
        vips.append(own.get(device, "") if device in WORDS else device)
    links = []
    for device in filter(None, dict.fromkeys(vips)):
        link = found.get(device)
        seen = {"present": True, "up": link.up, "carrier": link.carrier} if link is not None else {"present": False}
        links.append({"device": device, **seen})
    return {**pulse, "links": links}


def _is_elsewhere(pulse: Facts) -> bool:
    pid = number(pulse.get("pid"))
    if pid is None:
        return True
    try:
        return not Path(f"/proc/{pid:.0f}/ns/net").samefile("/proc/self/ns/net")
    except PermissionError:
        return False  # only root may look; there is mostly one namespace
    except OSError:
        return True
