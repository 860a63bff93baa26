"""Shell: a kept lvs.cf: what is known of it in one line of comment, then the file, byte for byte.

One file for both, so that a crash cannot leave one without the other; and it loads as it lies.
"""

import hashlib
import json
from collections.abc import Mapping

from piranha.errors import PiranhaError

MARK = b"# piranha: "


class Damaged(PiranhaError):
    """A kept file is not what was written; the text says what is wrong with it."""


def digest(data: bytes) -> str:
    """Return what names the bytes of a file: two files have the same exactly when they are equal."""
    return hashlib.sha256(data).hexdigest()


def pack(facts: Mapping[str, object], data: bytes) -> bytes:
    """Return what to write to the disk."""
    return MARK + json.dumps({**facts, "sha256": digest(data)}).encode("ascii") + b"\n" + data


def unpack(packed: bytes) -> tuple[dict[str, object], bytes]:
    """Return what was packed. Raises Damaged."""
    head, newline, data = packed.partition(b"\n")
    if not head.startswith(MARK) or not newline:
        raise Damaged("it does not begin as it should")
    try:
        facts = json.loads(head.removeprefix(MARK))
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise Damaged("its first line cannot be read")
    if facts.pop("sha256", None) != digest(data):
        raise Damaged("it was cut off or changed after it was kept")
    return facts, data
