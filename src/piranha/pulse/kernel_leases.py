"""Shell: VIPs as addresses of the kernel with a lifetime.

The kernel ends a lifetime of L between L and L + 1.5 s after its last renewal. Renewing an address
that has expired brings it back, without an error (measured), so `renew` compares clocks before and
after the call. docs/manual.md tells the rest.
"""

import time
from collections.abc import Callable, Sequence

from piranha.errors import PiranhaError
from piranha.kernel.addresses import Addresses, read_setting, write_setting
from piranha.kernel.route import InterfaceAddress, LeasedAddress, Link
from piranha.kernel.socket import Failure, errno_words
from piranha.lvscf.config import FloatingAddress, Router
from piranha.pulse.leases import LeaseClock, LeaseError, LeaseResult
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
        self._lease = LeaseClock()
        self._held: dict[Address, LeasedAddress] = {}
        self._always: frozenset[Address] = frozenset()
        try:
            self._kernel = Addresses()
        except PiranhaError as error:
            raise LeaseError(str(error)) from error

    def acquire(self, vips: Sequence[FloatingAddress], lease_s: int | None, not_after_s: float) -> LeaseResult:
        """See Leases."""
        begun = self._clock()
        if begun > not_after_s:
            return LeaseResult(held=self._all(), stale=True)
        try:
            links, addresses = self._kernel.links(), self._kernel.addresses()
            self._always = frozenset(vip.address for vip in vips) & self._own
            wanted, refused, notes = self._place(vips, links, addresses)
            names = {link.index: link.name for link in links}
            if self._clock() > not_after_s:
                return LeaseResult(held=self._all(), stale=True)
            failures = self._kernel.lease(wanted, lease_s)
            refused += [_words(wanted[failure.index], names, failure) for failure in failures]
            bad = {failure.index for failure in failures}
            held = {one.address: one for place, one in enumerate(wanted) if place not in bad}
            # What lies elsewhere goes after the new place is there: no moment without the address.
            self._remove_stale(held, links, addresses)
        except PiranhaError as error:
            raise LeaseError(str(error)) from error
        self._lease.start(begun, lease_s)
        self._held = held
        return LeaseResult(held=self._all(), refused=tuple(refused), notes=tuple(notes), renewed_at_s=begun)

    def renew(self, lease_s: int | None) -> LeaseResult:
        """See Leases."""
        begun = self._clock()
        if not self._held:
            return LeaseResult(held=self._always, renewed_at_s=begun)
        if self._lease.ended(begun):
            return self._lapse()
        wanted = list(self._held.values())
        try:
            failures = self._kernel.lease(wanted, lease_s)
        except PiranhaError as error:
            raise LeaseError(str(error)) from error
        # The kernel may have taken the addresses away before the call got through, which then brought them back.
        if self._lease.ended(self._clock()):
            return self._lapse()
        self._lease.start(begun, lease_s)
        for failure in failures:
            del self._held[wanted[failure.index].address]
        refused = tuple(_words(wanted[failure.index], {}, failure) for failure in failures)
        return LeaseResult(held=self._all(), refused=refused, renewed_at_s=begun)

    def release(self, vips: Sequence[FloatingAddress]) -> LeaseResult:
        """See Leases."""
        gone = frozenset(vip.address for vip in vips)
        try:
            links, addresses = self._kernel.links(), self._kernel.addresses()
            names = {link.index: link.name for link in links}
            leaving = self._entries(gone, links, addresses)
            leaving += [one for address, one in self._held.items() if address in gone and one not in leaving]
            failures = self._kernel.remove(leaving)
        except PiranhaError as error:
            raise LeaseError(str(error)) from error
        self._held = {address: one for address, one in self._held.items() if address not in gone}
        self._always -= gone
        refused = tuple(_words(leaving[failure.index], names, failure) for failure in failures)
        return LeaseResult(held=self._all(), refused=refused, renewed_at_s=self._clock())

    def present(self, vips: Sequence[FloatingAddress]) -> frozenset[Address]:
        """See Leases."""
        asked = frozenset(vip.address for vip in vips)
        try:
            found = self._entries(asked, self._kernel.links(), self._kernel.addresses())
        except PiranhaError as error:
            raise LeaseError(str(error)) from error
        return frozenset(one.address for one in found)

    def close(self) -> None:
        """See Leases."""
        self._kernel.close()

    def devices(self) -> dict[Address, int]:
        """Return the device index of each address that is leased now."""
        return {address: one.index for address, one in self._held.items()}

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

    def _lapse(self) -> LeaseResult:
        leaving = list(self._held.values())
        self._held = {}
        self._lease = LeaseClock()
        try:
            self._kernel.remove(leaving)
        except PiranhaError as error:
            raise LeaseError(str(error)) from error
        return LeaseResult(held=self._always, lapsed=True, renewed_at_s=self._clock())


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
