"""Shell: reads a file that a command is given, or standard input."""

from pathlib import Path

from piranha.cli.stdin import standard_input
from piranha.lvscf.read import ReadError, read_bytes
from piranha.lvscf.syntax.limits import SIZE_LIMIT


def source_text(path: Path) -> str:
    """Return what a file holds, `-` for standard input, decoded as UTF-8 with surrogateescape.

    Raises ReadError for what cannot be read, is no ordinary file, or is longer than SIZE_LIMIT.
    """
    name = "standard input" if str(path) == "-" else str(path)
    try:
        data = standard_input().read(SIZE_LIMIT + 1) if str(path) == "-" else read_bytes(path)
    except ReadError:
        raise
    except OSError as error:
        raise ReadError(f"{name}: {error.strerror}") from error
    if len(data) > SIZE_LIMIT:
        raise ReadError(f"{name}: larger than {SIZE_LIMIT // 1024 // 1024} MiB")
    return data.decode("utf-8", "surrogateescape")
