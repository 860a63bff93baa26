"""Shell: our tables of nftables in the kernel of this network namespace."""

import errno
from collections.abc import Sequence
from typing import Self

from piranha.kernel.nftables import (
    GETCHAIN,
    GETRULE,
    GETTABLE,
    Found,
    Step,
    Tables,
    ask_chains,
    ask_rules,
    ask_table,
    begin,
    end,
    found_table,
    table_words,
)
from piranha.kernel.socket import NetlinkError, NetlinkSocket, Request
from piranha.kernel.wire import WireError
from piranha.terms import Family

NETLINK_NETFILTER = 12


class NftablesSocket:
    """Reads and changes `ip piranha` and `ip6 piranha`; belongs to one thread at a time.

    Raises NetlinkError from every method when the kernel refuses, has no nftables, or does not answer.
    """

    def __init__(self) -> None:
        self._kernel = NetlinkSocket(NETLINK_NETFILTER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; the tables stay."""
        self._kernel.close()

    def read(self) -> Tables:
        """Return our tables as they lie in the kernel."""
        return {family: self._read(family) for family in Family}

    def _read(self, family: Family) -> Found:
        words = f"read {table_words(family)}"
        try:
            answer = self._kernel.request(GETTABLE, ask_table(family), words)
        except NetlinkError as error:
            if error.code == errno.ENOENT:
                return Found()
            raise
        chains = self._kernel.dump(GETCHAIN, ask_chains(family), words)
        rules = self._kernel.dump(GETRULE, ask_rules(family), words)
        try:
            return found_table(family, answer[0] if answer else b"", chains, rules)
        except WireError as error:
            raise NetlinkError(words, errno.EBADMSG, str(error)) from None

    def apply(self, steps: Sequence[Step]) -> None:
        """Carry out all of `steps`, or none of them; then NetlinkError names the first that was refused."""
        if not steps:
            return
        whole = (begin(), *steps, end())
        failure = self._kernel.transaction([Request(one.kind, one.flags, one.payload) for one in whole])
        if failure is not None:
            raise NetlinkError(whole[failure.index].words, failure.code, failure.detail)
