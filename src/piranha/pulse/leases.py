"""Shell: hold VIPs for a limited time: the one interface, and the holds of the userspace forwarder.

A lease ends by itself unless it is renewed, so that a router that died or froze has lost its VIPs
before its partner takes them. `kernel_leases` implements it with address lifetimes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from piranha.errors import PiranhaError
from piranha.forwarding.userspace import client
from piranha.lvscf.config import FloatingAddress
from piranha.terms import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseResult:
    """How it went.

    held: what this router holds now. refused: one line per address that it could not get or let
    go. lapsed: the lease had run out before it was renewed; nothing of it is held any more.
    stale: the decision was too old to be carried out; nothing was done. notes: what was set on
    the machine besides, for the log. renewed_at_s: monotonic; the lease runs from then on.
    """

    held: frozenset[Address] = frozenset()
    refused: tuple[str, ...] = ()
    lapsed: bool = False
    stale: bool = False
    notes: tuple[str, ...] = ()
    renewed_at_s: float = 0.0


class LeaseError(PiranhaError):
    """The holder of the addresses does not answer; the text names it."""


class Leases(Protocol):
    """Holds VIPs. Methods block and belong to one thread at a time.

    lease_s: whole seconds, None = without limit. Raises LeaseError when nothing can be said about
    any address; what concerns one address is in the result.
    """

    def acquire(self, vips: Sequence[FloatingAddress], lease_s: int | None, not_after_s: float) -> LeaseResult:
        """Hold `vips`, and nothing else any more; what is held already stays without a gap.

        not_after_s: monotonic; later than that nothing is done, since a decision that a frozen
        process carries out after its thaw may have been overtaken.
        """

    def renew(self, lease_s: int | None) -> LeaseResult:
        """Renew all that is held, or let it go at once if the lease had run out by the end of the call."""

    def release(self, vips: Sequence[FloatingAddress]) -> LeaseResult:
        """Let `vips` go, whether this process acquired them or one before it."""

    def present(self, vips: Sequence[FloatingAddress]) -> frozenset[Address]:
        """Return which of `vips` this router holds, as the holder says now."""

    def close(self) -> None:
        """Let go of descriptors; what is held stays."""


@dataclass(slots=True)
class LeaseClock:
    """When the running lease ends at the earliest. Without a lease, or an unlimited one, never."""

    renewed_at_s: float = 0.0
    lease_s: int | None = None

    def ended(self, now: float) -> bool:
        """Return whether the holder may have taken the addresses away by `now`."""
        return self.lease_s is not None and now >= self.renewed_at_s + self.lease_s

    def start(self, now: float, lease_s: int | None) -> None:
        """Note a renewal that began at `now`."""
        self.renewed_at_s, self.lease_s = now, lease_s


class ForwarderLeases:
    """Holds VIPs with the userspace forwarder: it listens on a VIP only as long as it is held."""

    def __init__(self, socket_path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = socket_path
        self._clock = clock
        self._lease = LeaseClock()
        self._held: frozenset[Address] = frozenset()

    def acquire(self, vips: Sequence[FloatingAddress], lease_s: int | None, not_after_s: float) -> LeaseResult:
        """See Leases."""
        begun = self._clock()
        if begun > not_after_s:
            return LeaseResult(held=self._held, stale=True)
        wanted = frozenset(vip.address for vip in vips)
        with _answers():
            surplus = self._held - wanted
            if surplus:
                client.release(self._path, surplus)
            holdings = client.hold(self._path, dict.fromkeys(wanted, lease_s), not_after_s=not_after_s)
        self._lease.start(begun, lease_s)
        self._held = frozenset(holdings) & wanted
        waiting = tuple(
            f"{vip}: port {port} cannot be listened on yet: {why}"
            for vip, holding in holdings.items()
            for port, why in holding.waiting.items()
        )
        return LeaseResult(held=self._held, notes=waiting, renewed_at_s=begun)

    def renew(self, lease_s: int | None) -> LeaseResult:
        """See Leases. The forwarder itself refuses to renew what has lapsed."""
        begun = self._clock()
        if not self._held:
            return LeaseResult(renewed_at_s=begun)
        if self._lease.ended(begun):
            return self._lapse()
        end = None if self._lease.lease_s is None else self._lease.renewed_at_s + self._lease.lease_s
        with _answers():
            holdings = client.renew(self._path, dict.fromkeys(self._held, lease_s), not_after_s=end)
        if self._held - frozenset(holdings) or self._lease.ended(self._clock()):
            return self._lapse()
        self._lease.start(begun, lease_s)
        return LeaseResult(held=self._held, renewed_at_s=begun)

    def release(self, vips: Sequence[FloatingAddress]) -> LeaseResult:
        """See Leases."""
        gone = frozenset(vip.address for vip in vips)
        with _answers():
            client.release(self._path, gone)
        self._held -= gone
        return LeaseResult(held=self._held, renewed_at_s=self._clock())

    def present(self, vips: Sequence[FloatingAddress]) -> frozenset[Address]:
        """See Leases."""
        with _answers():
            return frozenset(client.held(self._path)) & frozenset(vip.address for vip in vips)

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _lapse(self) -> LeaseResult:
        gone, self._held = self._held, frozenset()
        self._lease = LeaseClock()
        with _answers():
            client.release(self._path, gone)
        return LeaseResult(lapsed=True, renewed_at_s=self._clock())


@contextmanager
def _answers() -> Iterator[None]:
    """Turn what the forwarder's client raises into LeaseError."""
    try:
        yield
    except PiranhaError as error:
        raise LeaseError(str(error)) from error
