"""Shell: marks set by nftables, over netlink: no program is needed, and each change is one transaction."""

import errno
from collections.abc import Sequence

from piranha.forwarding.firewall import FirewallMissing, FirewallUnavailable
from piranha.kernel.nftables import kept, steps
from piranha.kernel.nftables_socket import NftablesSocket
from piranha.kernel.socket import NetlinkError
from piranha.table.mark_rules import Difference, Kept, MarkRule, difference

_MISSING = (errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.EOPNOTSUPP)


class Nftables:
    """The tables `ip piranha` and `ip6 piranha` (see `forwarding.firewall.Firewall`); a socket lives for one call."""

    name = "nftables"
    place = "tables ip piranha and ip6 piranha"

    def look(self) -> Kept:
        """Read our tables."""
        try:
            with NftablesSocket() as kernel:
                return kept(kernel.read())
        except NetlinkError as error:
            raise _unavailable(error) from None

    def bring(self, wanted: Sequence[MarkRule]) -> Difference:
        """Make `wanted` of our tables."""
        try:
            with NftablesSocket() as kernel:
                found = kernel.read()
                kernel.apply(steps(found, wanted))
                return difference(kept(found), wanted)
        except NetlinkError as error:
            raise _unavailable(error) from None


def _unavailable(error: NetlinkError) -> FirewallUnavailable:
    # EINVAL is what asking for the table says where nobody answers for nftables, ENOENT what adding a chain or a rule
    # says where one of its parts is missing.
    asked, added = error.request.startswith("read"), error.request.startswith("add")
    if error.code in _MISSING or (asked and error.code == errno.EINVAL) or (added and error.code == errno.ENOENT):
        return FirewallMissing(f"this kernel lacks nftables, or has it for one family only: module nf_tables ({error})")
    if error.code == errno.EPERM:
        return FirewallUnavailable("not permitted to use nftables: CAP_NET_ADMIN is needed (run as root)")
    return FirewallUnavailable(f"nftables: {error}")
