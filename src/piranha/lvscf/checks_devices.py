"""Findings about names of devices that are spelt nearly like others: the machine alone knows which ones there are."""

from collections.abc import Callable, Iterator
from functools import partial

from piranha.lvscf.built import Built
from piranha.lvscf.diagnostics import Findings, Span
from piranha.terms import PRIVATE, PUBLIC

_ALIKE_ENOUGH = 0.8  # of 1
_ALIKE = str.maketrans("oOlI", "0011")


def check_devices(built: Built, findings: Findings) -> None:
    """Warn of a device that looks like public, private or another device of the file, and is none of them."""
    seen: dict[str, tuple[str, Place]] = {}
    near: dict[str, list[str]] = {}
    for name, place in _named(built):
        if name in (PUBLIC, PRIVATE):
            continue
        if name not in near:  # thousands of virtual servers name the same
            near[name] = _near(name.lower())
        first, where = seen.setdefault(name.translate(_ALIKE), (name, place))
        if near[name]:
            message = f"device '{name}' is taken for an interface of that name"
            findings.add("W079", place(), message, f"did you mean '{near[name][0]}'?")
        elif first != name:
            message = f"device '{name}' looks like '{first}' in line {where().line}, and is another one"
            findings.add("W079", place(), message, f"did you mean '{first}'?")


def _near(name: str) -> list[str]:
    """Return which of public and private a name looks like, if any."""
    if not any(_letters_in_common(name, word) for word in (PUBLIC, PRIVATE)):
        return []  # as nearly all: eth0, bond0.12
    from difflib import get_close_matches  # noqa: PLC0415 -- not for a file without mistakes

    return get_close_matches(name, (PUBLIC, PRIVATE), 1, _ALIKE_ENOUGH)


def _letters_in_common(name: str, word: str) -> bool:
    """Whether two words have enough letters in common, in whatever order, to be alike enough."""
    common = sum(min(name.count(letter), word.count(letter)) for letter in set(word))
    return 2 * common / (len(name) + len(word)) >= _ALIKE_ENOUGH  # as difflib measures it


Place = Callable[[], Span]
"""Where something stands; to find that out takes longer than all else here."""


def _named(built: Built) -> Iterator[tuple[str, Place]]:
    section = built.section
    for virtual in built.virtuals:
        if virtual.virtual.vip.device is not None:
            yield virtual.virtual.vip.device, partial(virtual.section.place, "address")
    for keyword, gateway in built.config.gateways().items():
        if gateway.device is not None:
            yield gateway.device, partial(section.place, keyword)
    if "syncd_iface" in section.values:
        yield section.value("syncd_iface", str), partial(section.place, "syncd_iface")
    for name in built.config.monitor_devices:
        yield name, partial(section.place, "monitor_devices")
