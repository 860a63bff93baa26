"""The file of heartbeat keys: lines `ID KEY`, the first key signs, every key verifies.

Source: lvs.cf(5), `heartbeat_key_file`.
"""

import re
from dataclasses import dataclass

ID = re.compile(r"[A-Za-z0-9_.-]{1,16}")
KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,64}")
MAX_KEYS = 16


@dataclass(frozen=True, slots=True)
class Key:
    """One shared secret. name: 1 to 16 of A-Z a-z 0-9 _ . -; secret: 16 to 64 bytes."""

    name: str
    secret: bytes

    def __repr__(self) -> str:
        """Name only: a secret must not reach a log."""
        return f"Key({self.name!r})"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys in the order of the file; empty when heartbeats are not signed."""

    keys: tuple[Key, ...] = ()

    @property
    def signing(self) -> Key | None:
        """The key that signs."""
        return self.keys[0] if self.keys else None

    def find(self, name: str) -> Key | None:
        """Return the key of that name."""
        return next((key for key in self.keys if key.name == name), None)


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """A mistake in the key file; line is 1-based, 0 = the file as a whole."""

    line: int
    message: str


def parse_keys(text: str) -> tuple[KeyRing, tuple[KeyFinding, ...]]:
    """Read a key file: lines `ID KEY`, KEY in hexadecimal; empty lines and `#` comments are skipped.

    With a finding the ring holds the good lines only, and the caller should refuse the file.
    """
    raise NotImplementedError


def format_key(name: str, secret: bytes) -> str:
    """Return the line of a key file for a key, as `piranha keygen` writes it."""
    return f"{name} {secret.hex()}\n"
