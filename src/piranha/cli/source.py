"""Shell: reads a file that a command is given, or standard input."""

import sys
from pathlib import Path

from piranha.lvscf.read import ReadError, read_bytes
from piranha.lvscf.syntax.limits import SIZE_LIMIT


def source_text(path: Path) -> str:
    """Return what a file holds, `-` for standard input, decoded as UTF-8 with surrogateescape.

    Raises ReadError for what cannot be read, is no ordinary file, or is longer than SIZE_LIMIT.
    """
    name = "standard input" if str(path) == "-" else str(path)
    try:
        data = sys.stdin.buffer.read(SIZE_LIMIT + 1) if str(path) == "-" else read_bytes(path)
    except (OSError, AttributeError) as error:  # a directory, or closed by whoever started us
        if isinstance(error, ReadError):
            raise
        raise ReadError(f"{name}: {getattr(error, 'strerror', None) or 'it is closed'}") from error
    if len(data) > SIZE_LIMIT:
        raise ReadError(f"{name}: larger than {SIZE_LIMIT // 1024 // 1024} MiB")
    return data.decode("utf-8", "surrogateescape")
