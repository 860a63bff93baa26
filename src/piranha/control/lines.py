"""Shell: one JSON object a line, bounded; used on every local socket and for records on disk."""

import json

from piranha.control.messages import BadMessage


def encode(message: object) -> bytes:
    """Return `message` as one line, newline included.

    Raises TypeError when it holds what JSON does not know.
    """
    # Surrogates stand for bytes of file names that are not UTF-8; JSON carries them escaped.
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes, limit: int) -> object:
    """Read one line. Raises BadMessage when it is longer than `limit` bytes or not JSON."""
    if len(line) > limit:
        raise BadMessage(f"longer than {limit} bytes")
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadMessage("not JSON") from error
