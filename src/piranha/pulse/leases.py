"""Shell: hold VIPs for a limited time: the one interface, and the holds of the userspace forwarder.

A lease ends by itself unless it is renewed, so that a router that died or froze has lost its VIPs
before its partner takes them. `kernel_leases` implements it with address lifetimes.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Protocol

from piranha.control.daemon import lock_holder
from piranha.errors import PiranhaError
from piranha.forwarding.userspace import client
from piranha.lvscf.config import FloatingAddress, Router
from piranha.terms import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseResult:
    """How it went.

    held: what this router holds now; own: those that are its own addresses, and no leases.
    refused: one line per address that it could not get or let go. late: `not_after_s` had passed;
    nothing was done, or what was done is undone. notes: what was set on the machine besides, for
    the log. began_s: monotonic; a lease runs from then on. devices: the device of each address
    where there are devices. added: what was not there before.
    """

    held: frozenset[Address] = frozenset()
    own: frozenset[Address] = frozenset()
    devices: Mapping[Address, str] = field(default_factory=dict)
    added: frozenset[Address] = frozenset()
    refused: tuple[str, ...] = ()
    late: bool = False
    notes: tuple[str, ...] = ()
    began_s: float = 0.0


class LeaseError(PiranhaError):
    """The holder of the addresses does not answer; the text names it."""


class Leases(Protocol):
    """Holds VIPs. Methods block and belong to one thread at a time.

    lease_s: whole seconds, None = without limit. not_after_s: monotonic; later than that nothing is
    begun, and what ends later is undone at once: a frozen process must not carry out after its thaw
    what has been overtaken. Raises LeaseError when nothing can be said about any address; what
    concerns one address is in the result.
    """

    def acquire(self, vips: Sequence[FloatingAddress], lease_s: int | None, not_after_s: float) -> LeaseResult:
        """Hold `vips`, and nothing else any more; what is held already stays without a gap."""

    def renew(self, lease_s: int | None, not_after_s: float) -> LeaseResult:
        """Give all that is held `lease_s` from now on."""

    def release(self, vips: Sequence[FloatingAddress]) -> LeaseResult:
        """Let `vips` go, whether this process acquired them or one before it, and all else that is held."""

    def present(self, vips: Sequence[FloatingAddress]) -> frozenset[Address]:
        """Return which of `vips` this router holds, as the holder says now."""

    def reconfigure(self, router: Router) -> None:
        """Take in a reloaded file: the own addresses of this router, which are never leased."""

    def close(self) -> None:
        """Let go of descriptors; what is held stays."""


class ForwarderLeases:
    """Holds VIPs with the userspace forwarder: it listens on a VIP only as long as it is held."""

    def __init__(self, socket_path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = socket_path
        self._clock = clock
        self._held: frozenset[Address] = frozenset()

    def acquire(self, vips: Sequence[FloatingAddress], lease_s: int | None, not_after_s: float) -> LeaseResult:
        """See Leases. The forwarder compares clocks as well: both read the machine's monotonic one."""
        began = self._clock()
        if began > not_after_s:
            return LeaseResult(held=self._held, late=True, began_s=began)
        if not self._runs():
            return self._nobody(began)
        wanted = frozenset(vip.address for vip in vips)
        with _answers():
            before = frozenset(client.held(self._path))
            holdings = client.hold(self._path, dict.fromkeys(wanted, lease_s), not_after_s=_finite(not_after_s))
            if self._held - wanted:
                client.release(self._path, self._held - wanted)
        self._held = frozenset(holdings) & wanted
        if self._clock() > not_after_s:
            return self._undo(began)
        waiting = tuple(
            f"{vip} port {port}: cannot listen yet: {why}"
            for vip, holding in holdings.items()
            for port, why in holding.waiting.items()
        )
        refused = tuple(f"{vip}: not held by the forwarder" for vip in wanted - self._held)
        added = self._held - before
        return LeaseResult(held=self._held, refused=refused, added=added, notes=waiting, began_s=began)

    def renew(self, lease_s: int | None, not_after_s: float) -> LeaseResult:
        """See Leases. The forwarder itself refuses to renew what has lapsed."""
        began = self._clock()
        if began > not_after_s:
            return LeaseResult(held=self._held, late=True, began_s=began)
        if not self._runs():
            return self._nobody(began)
        with _answers():
            holdings = client.renew(self._path, dict.fromkeys(self._held, lease_s), not_after_s=_finite(not_after_s))
        if self._clock() > not_after_s:
            return self._undo(began)
        lapsed, self._held = self._held - frozenset(holdings), self._held & frozenset(holdings)
        refused = tuple(f"{vip}: its hold had lapsed" for vip in lapsed)
        return LeaseResult(held=self._held, refused=refused, began_s=began)

    def release(self, vips: Sequence[FloatingAddress]) -> LeaseResult:
        """See Leases."""
        gone = frozenset(vip.address for vip in vips) | self._held
        # Without a forwarder nobody listens on anything.
        if self._runs():
            with _answers():
                client.release(self._path, gone)
        self._held -= gone
        return LeaseResult(held=self._held, began_s=self._clock())

    def present(self, vips: Sequence[FloatingAddress]) -> frozenset[Address]:
        """See Leases."""
        if not self._runs():
            return frozenset()
        with _answers():
            return frozenset(client.held(self._path)) & frozenset(vip.address for vip in vips)

    def reconfigure(self, router: Router) -> None:
        """See Leases; the forwarder has no addresses of its own."""

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _runs(self) -> bool:
        return lock_holder(self._path.with_suffix(".lock")) is not None

    def _nobody(self, began: float) -> LeaseResult:
        self._held = frozenset()
        return LeaseResult(refused=("no forwarder runs",), began_s=began)

    def _undo(self, began: float) -> LeaseResult:
        gone, self._held = self._held, frozenset()
        with _answers():
            client.release(self._path, gone)
        return LeaseResult(late=True, began_s=began)


def _finite(not_after_s: float) -> float | None:
    return None if not_after_s == inf else not_after_s


@contextmanager
def _answers() -> Iterator[None]:
    """Turn what the forwarder's client raises into LeaseError."""
    try:
        yield
    except PiranhaError as error:
        raise LeaseError(str(error)) from error
