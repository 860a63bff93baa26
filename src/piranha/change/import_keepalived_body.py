"""Reads the statements of one block of keepalived: each once, and what nobody has asked for is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from piranha.change.import_keepalived_tree import Statement
from piranha.change.imported import Draft, Origin
from piranha.terms import Address

_YES = frozenset(("on", "true", "yes"))
_NO = frozenset(("off", "false", "no"))


@dataclass(slots=True)
class Body:
    """The statements of one block. at: where it begins; asked: keywords that somebody has looked for."""

    at: Origin
    statements: tuple[Statement, ...]
    draft: Draft
    asked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, block: Statement, draft: Draft) -> "Body":
        """Return the body of a block."""
        return cls(block.origin, block.body or (), draft)

    def all(self, *keywords: str) -> list[Statement]:
        """Return every statement with one of these keywords, in the order of the file."""
        self.asked.update(keywords)
        return [one for one in self.statements if one.keyword in keywords]

    def last(self, *keywords: str) -> Statement | None:
        """Return the one that counts: of several the last."""
        found = self.all(*keywords)
        for before in found[:-1]:
            self.draft.warn(before.origin, f"'{before.keyword}' is given again in line {found[-1].origin.line}")
        return found[-1] if found else None

    def word(self, *keywords: str) -> str | None:
        """Return the first argument, None where there is none."""
        found = self.last(*keywords)
        if found is not None and not found.args:
            self.draft.warn(found.origin, f"'{found.keyword}' has no value")
        return found.args[0] if found is not None and found.args else None

    def number(self, keyword: str, low: int, high: int) -> int | None:
        """Return a whole number, None where it is missing or wrong."""
        found = self.last(keyword)
        return None if found is None else self.whole(found, low, high)

    def whole(self, found: Statement, low: int, high: int) -> int | None:
        """Return the number of a statement, None and a note where it is wrong."""
        text = found.args[0] if found.args else ""
        if text.lstrip("+").isdecimal() and text.isascii() and len(text) <= 20 and low <= int(text) <= high:
            return int(text)
        self.draft.warn(found.origin, f"'{found.keyword} {text}' is no number from {low} to {high}: left out")
        return None

    def seconds(self, keyword: str) -> float | None:
        """Return a time in seconds, None where it is missing or wrong."""
        found = self.last(keyword)
        if found is None:
            return None
        try:
            value = float(found.args[0] if found.args else "")
        except ValueError:
            value = -1.0
        if 0 <= value <= 86400:
            return value
        self.draft.warn(found.origin, f"'{' '.join(found.words)}' is no time in seconds up to a day: left out")
        return None

    def flag(self, keyword: str) -> bool | None:
        """Return whether a switch is on, None where it is not there; without a value it is on."""
        found = self.last(keyword)
        if found is None:
            return None
        value = found.args[0].lower() if found.args else "on"
        if value not in _YES | _NO:
            self.draft.warn(found.origin, f"'{keyword} {value}' is neither on nor off: taken as on")
        return value not in _NO

    def address(self, *keywords: str) -> Address | None:
        """Return an address, None where it is missing or wrong."""
        found = self.last(*keywords)
        return None if found is None else self.address_of(found)

    def address_of(self, found: Statement, at: int = 1) -> Address | None:
        """Return word number `at` of a statement as an address, None and a note where it is none."""
        text = found.words[at] if at < len(found.words) else ""
        try:
            return ip_address(text)
        except ValueError:
            self.draft.warn(found.origin, f"'{text}' is no address: left out")
            return None

    def report(self, known: Mapping[str, str]) -> None:
        """Note every statement that nobody has asked for. known: why a keyword has no counterpart."""
        for one in self.statements:
            if one.keyword in known:
                self.draft.warn(one.origin, f"'{one.keyword}' has no counterpart: {known[one.keyword]}")
            elif one.keyword not in self.asked:
                self.draft.warn(one.origin, f"unknown keyword '{one.keyword}': left out")
            elif one.body is not None and one.keyword not in _BLOCKS:
                message = f"'{one.keyword}' opens no block: keepalived ignores this {{ and loses count of the }}"
                self.draft.fail(one.origin, message)


_BLOCKS = frozenset(
    (
        "authentication virtual_ipaddress virtual_ipaddress_excluded unicast_peer track_interface track_script "
        "notification_email group real_server url host TCP_CHECK HTTP_GET SSL_GET SMTP_CHECK DNS_CHECK MISC_CHECK "
        "UDP_CHECK PING_CHECK BFD_CHECK FILE_CHECK vrrp_instance vrrp_sync_group vrrp_script virtual_server "
        "virtual_server_group global_defs"
    ).split()
)
