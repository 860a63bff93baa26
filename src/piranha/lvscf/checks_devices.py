"""Findings about names of devices that are spelt nearly like others: the machine alone knows which ones there are."""

from collections.abc import Iterator
from difflib import get_close_matches

from piranha.lvscf.addresses import PRIVATE, PUBLIC
from piranha.lvscf.built import Built
from piranha.lvscf.diagnostics import Findings, Span

_ALIKE = str.maketrans("oOlI", "0011")


def check_devices(built: Built, findings: Findings) -> None:
    """Warn of a device that looks like public, private or another device of the file, and is none of them."""
    seen: dict[str, tuple[str, int]] = {}
    for name, place in _named(built):
        if name in (PUBLIC, PRIVATE):
            continue
        near = get_close_matches(name.lower(), (PUBLIC, PRIVATE), 1, 0.8)
        first, line = seen.setdefault(name.translate(_ALIKE), (name, place.line))
        if near:
            message = f"device '{name}' is taken for an interface of that name"
            findings.add("W079", place, message, f"did you mean '{near[0]}'?")
        elif first != name:
            message = f"device '{name}' looks like '{first}' in line {line}, and is another one"
            findings.add("W079", place, message, f"did you mean '{first}'?")


def _named(built: Built) -> Iterator[tuple[str, Span]]:
    section = built.section
    for virtual in built.virtuals:
        if virtual.virtual.vip.device is not None:
            yield virtual.virtual.vip.device, virtual.section.place("address")
    for keyword, gateway in built.config.gateways().items():
        if gateway.device is not None:
            yield gateway.device, section.place(keyword)
    if "syncd_iface" in section.values:
        yield section.value("syncd_iface", str), section.place("syncd_iface")
    for name in built.config.monitor_devices:
        yield name, section.place("monitor_devices")
