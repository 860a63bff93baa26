"""Shell: VIPs as addresses of the kernel with a lifetime.

The kernel ends a lifetime of L between L and L + 1.5 s after its last renewal. Renewing an address
that has expired brings it back, without an error (measured), so clocks are compared before and after
each call, and what came too late is deleted at once.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from piranha.errors import PiranhaError
from piranha.kernel.addresses import Addresses, read_setting, write_setting
from piranha.kernel.route import InterfaceAddress, LeasedAddress, Link
from piranha.kernel.socket import Failure, errno_words
from piranha.lvscf.config import FloatingAddress, Router
from piranha.pulse.leases import LeaseError, LeaseResult
from piranha.pulse.placement import Misplaced, device_for, leased_address, own_addresses
from piranha.terms import Address


class KernelLeases:
    """Holds VIPs on the devices of this router; see `piranha.pulse.leases.Leases`.

    An address that is one of the router's own is counted as held and never touched.
    """

    def __init__(self, router: Router, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = own_addresses(router)
        self._router = router
        self._clock = clock
        self._held: dict[Address, LeasedAddress] = {}
        self._always: frozenset[Address] = frozenset()
        self._names: dict[int, str] = {}
        try:
            self._kernel = Addresses()
        except PiranhaError as error:
            raise LeaseError(str(error)) from error

    def acquire(self, vips: Sequence[FloatingAddress], lease_s: int | None, not_after_s: float) -> LeaseResult:
        """See Leases."""
        began = self._clock()
        if began > not_after_s:
            return LeaseResult(held=self._all(), late=True, began_s=began)
        with _answers():
            links, addresses = self._kernel.links(), self._kernel.addresses()
            self._always = frozenset(vip.address for vip in vips) & self._own
            wanted, refused, notes = self._place(vips, links, addresses)
            self._names = {link.index: link.name for link in links}
            began = self._clock()
            if began > not_after_s:
                return LeaseResult(held=self._all(), late=True, began_s=began)
            failures = self._kernel.lease(wanted, lease_s)
            if self._clock() > not_after_s:
                return self._undo(wanted, began)
            refused += [_words(wanted[failure.index], self._names, failure) for failure in failures]
            bad = {failure.index for failure in failures}
            held = {one.address: one for place, one in enumerate(wanted) if place not in bad}
            # What lies elsewhere goes after the new place is there: no moment without the address.
            self._remove_stale(held, links, addresses)
        self._held = held
        before = {(one.index, one.address, one.prefix) for one in addresses}
        added = [address for address, one in held.items() if (one.index, address, one.prefix) not in before]
        return self._result(began, refused, notes, added)

    def renew(self, lease_s: int | None, not_after_s: float) -> LeaseResult:
        """See Leases."""
        began = self._clock()
        if began > not_after_s:
            return LeaseResult(held=self._all(), late=True, began_s=began)
        wanted = list(self._held.values())
        with _answers():
            # Somebody may have removed some: the batch brings those back, and clients must hear of it.
            there = {(one.index, one.address, one.prefix) for one in self._kernel.addresses()}
            began = self._clock()
            if began > not_after_s:
                return LeaseResult(held=self._all(), late=True, began_s=began)
            failures = self._kernel.lease(wanted, lease_s)
            # The kernel may have taken the addresses away before the call got through, which then brought them back.
            if self._clock() > not_after_s:
                return self._undo(wanted, began)
        for failure in failures:
            del self._held[wanted[failure.index].address]
        refused = [_words(wanted[failure.index], self._names, failure) for failure in failures]
        added = [address for address, one in self._held.items() if (one.index, address, one.prefix) not in there]
        return self._result(began, refused, added=added)

    def release(self, vips: Sequence[FloatingAddress]) -> LeaseResult:
        """See Leases."""
        gone = frozenset(vip.address for vip in vips) | frozenset(self._held)
        with _answers():
            links, addresses = self._kernel.links(), self._kernel.addresses()
            names = {link.index: link.name for link in links}
            leaving = self._entries(gone, links, addresses)
            leaving += [one for address, one in self._held.items() if address in gone and one not in leaving]
            failures = self._kernel.remove(leaving)
        self._held = {address: one for address, one in self._held.items() if address not in gone}
        self._always -= gone
        refused = tuple(_words(leaving[failure.index], names, failure) for failure in failures)
        return LeaseResult(held=self._all(), refused=refused, began_s=self._clock())

    def present(self, vips: Sequence[FloatingAddress]) -> frozenset[Address]:
        """See Leases."""
        asked = frozenset(vip.address for vip in vips)
        with _answers():
            found = self._entries(asked, self._kernel.links(), self._kernel.addresses())
        return frozenset(one.address for one in found)

    def reconfigure(self, router: Router) -> None:
        """See Leases."""
        self._own, self._router = own_addresses(router), router

    def close(self) -> None:
        """See Leases."""
        self._kernel.close()

    def _result(
        self, began: float, refused: Sequence[str], notes: Sequence[str] = (), added: Sequence[Address] = ()
    ) -> LeaseResult:
        return LeaseResult(
            held=self._all(),
            own=self._always,
            devices={address: self._names.get(one.index, "") for address, one in self._held.items()},
            refused=tuple(refused),
            added=frozenset(added),
            notes=tuple(notes),
            began_s=began,
        )

    def _all(self) -> frozenset[Address]:
        return frozenset(self._held) | self._always

    def _place(
        self, vips: Sequence[FloatingAddress], links: Sequence[Link], addresses: Sequence[InterfaceAddress]
    ) -> tuple[list[LeasedAddress], list[str], list[str]]:
        wanted, refused, notes = [], [], []
        for vip in vips:
            if vip.address in self._own:
                continue
            try:
                device = device_for(vip, self._router, links, addresses)
            except Misplaced as error:
                refused.append(str(error))
                continue
            wanted.append(leased_address(vip, device, addresses))
            notes += prepare_device(device, vip)
        return wanted, refused, notes

    def _entries(
        self, asked: frozenset[Address], links: Sequence[Link], addresses: Sequence[InterfaceAddress]
    ) -> list[LeasedAddress]:
        """Return the addresses among `asked` that are leases: ours, or those of a process before us."""
        loopback = {link.index for link in links if link.loopback}
        ours = {(one.index, one.address, one.prefix) for one in self._held.values()}
        return [
            LeasedAddress(index=one.index, address=one.address, prefix=one.prefix)
            for one in addresses
            if one.address in asked
            and one.address not in self._own
            # A router that is a real server as well has the VIP on lo for good: that one is not a lease.
            and ((one.index, one.address, one.prefix) in ours or (one.deprecated and one.index not in loopback))
        ]

    def _remove_stale(
        self, held: dict[Address, LeasedAddress], links: Sequence[Link], addresses: Sequence[InterfaceAddress]
    ) -> None:
        kept = {(one.index, one.address, one.prefix) for one in held.values()}
        asked = frozenset(held) | frozenset(self._held)
        stale = [
            one for one in self._entries(asked, links, addresses) if (one.index, one.address, one.prefix) not in kept
        ]
        self._kernel.remove(stale)

    def _undo(self, added: Sequence[LeasedAddress], began: float) -> LeaseResult:
        leaving = {(one.index, one.address, one.prefix): one for one in (*added, *self._held.values())}
        self._held = {}
        self._kernel.remove(list(leaving.values()))
        return LeaseResult(held=self._always, late=True, began_s=began)


@contextmanager
def _answers() -> Iterator[None]:
    """Turn what the netlink socket raises into LeaseError."""
    try:
        yield
    except PiranhaError as error:
        raise LeaseError(str(error)) from error


def prepare_device(device: Link, vip: FloatingAddress) -> list[str]:
    """Set what a device needs that carries `vip`, and return a line for the log for each setting changed.

    arp_announce = 2: otherwise one late reply makes the router ask with the VIP as its source after
    it gave it away, and clients flip back to it. promote_secondaries = 1 under a shorter prefix:
    otherwise the first address of a network takes all others with it when it goes.
    """
    if vip.address.version == 6:
        return []
    folder = f"net/ipv4/conf/{device.name}"
    wanted = {f"{folder}/arp_announce": "2"}
    if vip.prefix < 32:
        wanted[f"{folder}/promote_secondaries"] = "1"
    notes = []
    for path, value in wanted.items():
        before = read_setting(path)
        if before is None or before == value:
            continue
        try:
            write_setting(path, value)
            notes.append(f"{path.replace('/', '.')} = {value} (was {before})")
        except OSError as error:
            notes.append(f"{path.replace('/', '.')} stays {before}: {error.strerror}")
    return notes


def _words(leased: LeasedAddress, names: dict[int, str], failure: Failure) -> str:
    device = names.get(leased.index, f"device {leased.index}")
    return f"{leased.address}/{leased.prefix} on {device}: {errno_words(failure.code, failure.detail)}"
