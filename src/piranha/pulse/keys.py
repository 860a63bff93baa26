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
    found: list[Key] = []
    findings: list[KeyFinding] = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        problem = _problem(words, found)
        if problem:
            findings.append(KeyFinding(number, problem))
        else:
            found.append(Key(words[0], bytes.fromhex(words[1])))
    if not found and not findings:
        findings.append(KeyFinding(0, "holds no key; `piranha keygen` writes one"))
    return KeyRing(tuple(found)), tuple(findings)


def _problem(words: list[str], found: list[Key]) -> str:
    """Return what is wrong with a line, never its words: one of them may be a secret."""
    if len(words) != 2:
        return f"a line is ID KEY, two words; this one has {len(words)}"
    name, secret = words
    if not ID.fullmatch(name):
        return "the ID must be 1 to 16 of A-Z a-z 0-9 _ . -"
    if not KEY.fullmatch(secret):
        return f"the KEY must be 32 to 128 hexadecimal digits, an even number of them; this one has {len(secret)}"
    if any(key.name == name for key in found):
        return f"ID {name} is there twice"
    if len(found) >= MAX_KEYS:
        return f"more than {MAX_KEYS} keys"
    return ""


def format_key(name: str, secret: bytes) -> str:
    """Return the line of a key file for a key, as `piranha keygen` writes it."""
    return f"{name} {secret.hex()}\n"
