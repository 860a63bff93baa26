"""Writes virtual servers and their real servers as blocks of lvs.cf, for importers."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from piranha.change.imported import Draft, Origin, unused
from piranha.table.destination import Destination
from piranha.terms import ForwardingMethod, TunnelChecksum, TunnelType

Setting = tuple[str, str]
"""Keyword and value, as they are written."""

_METHODS = {
    ForwardingMethod.NAT: "nat",
    ForwardingMethod.DIRECT: "direct",
    ForwardingMethod.TUNNEL: "tunnel",
    ForwardingMethod.LOCAL: "direct",
    ForwardingMethod.BYPASS: "direct",
}
_PLAIN = re.compile(r"[^\s\"'#=;{}\\]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """A real server. port: None where it is that of the virtual server. more: further settings."""

    name: str
    address: str
    destination: Destination
    port: int | None = None
    active: bool = True
    origin: Origin
    more: tuple[Setting, ...] = ()


@dataclass(slots=True)
class Blocks:
    """Writes blocks, each with a name of its own. network: the forwarding method that most servers have."""

    draft: Draft
    network: str = "nat"
    _names: set[str] = field(default_factory=set)

    def head(self, what: str, reals: Iterable[Real]) -> None:
        """Write the first lines of the file, and the forwarding method that most of `reals` have."""
        methods = [_METHODS[real.destination.forwarding] for real in reals]
        self.network = max(sorted(set(methods)), key=methods.count, default="nat")
        self.draft.put(f"# Made by `piranha import {what}` from {self.draft.whole}.")
        self.draft.put()
        line = self.draft.put("# primary = OWN ADDRESS OF THIS ROUTER")
        message = "it does not say which routers there are: write primary, and backup if there are two"
        self.draft.warn(self.draft.whole, message, line)
        self.draft.put(f"network = {self.network}")
        self.draft.put()

    def virtual(
        self, name: str, origin: Origin, settings: Sequence[tuple[Setting, Origin]], reals: Sequence[Real]
    ) -> None:
        """Write one virtual server."""
        draft = self.draft
        draft.put(f"# {origin}")
        draft.put(f"virtual {unused(plain(name), self._names)} {{", origin)
        draft.put("    active = 1")
        methods = {_METHODS[real.destination.forwarding] for real in reals}
        forwarding = methods.pop() if len(methods) == 1 else self.network
        for (keyword, value), place in settings:
            draft.put(f"    {keyword} = {value}", place)
        if forwarding != self.network:
            draft.put(f"    forwarding = {forwarding}", origin)
        taken: set[str] = set()
        for real in reals:
            self._real(real, forwarding, taken)
        draft.put("}")
        draft.put()

    def _real(self, real: Real, forwarding: str, taken: set[str]) -> None:
        name = real.name if real.name not in taken else f"{real.name}-{real.port or len(taken)}"
        while name in taken:
            name += "-2"
        taken.add(name)
        settings = [("address", real.address), *_of_server(real, forwarding), *real.more]
        self.draft.put(f"    server {plain(name)} {{", real.origin)
        self.draft.put(f"        active = {int(real.active)}")
        for keyword, value in settings:
            self.draft.put(f"        {keyword} = {value}", real.origin)
        self.draft.put("    }")


def _of_server(real: Real, forwarding: str) -> Iterable[Setting]:
    destination = real.destination
    if real.port is not None:
        yield "port", str(real.port)
    yield "weight", str(destination.weight)
    if _METHODS[destination.forwarding] != forwarding:
        yield "forwarding", _METHODS[destination.forwarding]
    if destination.forwarding is ForwardingMethod.TUNNEL:
        tunnel = destination.tunnel
        if tunnel.type is not TunnelType.IPIP:
            yield "tunnel_type", str(tunnel.type)
        if tunnel.type is TunnelType.GUE:
            yield "tunnel_port", str(tunnel.port)
        if tunnel.checksum is not TunnelChecksum.NONE:
            yield "tunnel_checksum", str(tunnel.checksum)
    if destination.upper_threshold:
        yield "upper_threshold", str(destination.upper_threshold)
    if destination.lower_threshold:
        yield "lower_threshold", str(destination.lower_threshold)


def plain(name: str) -> str:
    """Return a name that lvs.cf can have without quotes and screens can show."""
    kept = "".join(letter if letter.isprintable() and _PLAIN.fullmatch(letter) else "-" for letter in name)
    return kept.replace("/", "-") or "unnamed"
