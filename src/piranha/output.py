"""Shell: what a command prints reaches its reader or is given up quietly; its exit status depends on neither."""

from __future__ import annotations

import codecs
import io
import sys

from piranha import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

LOST = 74  # EX_IOERR, sysexits.h: what was to be printed could not be


SHOWN = "piranha.shown"
"""How what an encoding has no place for is written, as an argument `errors`."""


def _shown(error: UnicodeError) -> tuple[str, int]:
    r"""Return what stands for the letters that cannot be encoded: `\xff` for a byte that was none, else `\u20ac`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    shown = (f"\\x{ord(one) & 0xFF:02x}" if "\udc80" <= one <= "\udcff" else ascii(one)[1:-1] for one in letters)
    return "".join(shown), error.end


codecs.register_error(SHOWN, _shown)


class _Steady(io.FileIO):
    """Writes to a descriptor; what nobody takes is dropped, and why is kept.

    gone: the reader closed its end. failure: any other reason, such as a full disk.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.gone = False
        self.failure: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int | None:  # type: ignore[override]  # typeshed: FileIO returns int
        """Write some of `data`; return how much of it is dealt with."""
        if not self.gone and self.failure is None:
            try:
                return super().write(data)
            except BrokenPipeError:
                self.gone = True
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes


_streams: dict[str, _Steady] = {}


def steadily(program: str, run: Callable[[], int], lost: int = LOST) -> int:
    """Return the exit status of `run`, whoever reads what it prints, and however little of it.

    A reader that goes away (`| head`) changes nothing, neither on stdout nor on stderr. Output that
    cannot be written for another reason, such as a stdout that whoever started us has closed, is one line on stderr
    and status `lost`. Where stdout is not
    that of the process, as under a test, `run` is just called.
    """
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return run()
    for name in ("stdout", "stderr"):
        _replace(name)
    try:
        status = run()
    except SystemExit as end:  # as argparse ends
        status = end.code if isinstance(end.code, int) else 0
    finally:
        failure = _flush()
    if failure is None:
        return status
    print(f"{program}: standard output: {failure.strerror}", file=sys.stderr, flush=True)
    return lost


def reader_left() -> bool:
    """Return whether nobody takes stdout any more: time to end for what would print for ever."""
    steady = _streams.get("stdout")
    return steady is not None and (steady.gone or steady.failure is not None)


def _replace(name: str) -> None:
    old = getattr(sys, name)
    if old is None:
        # Closed by whoever started us: print(3) would drop it unseen, and what is meant for stderr would go to stdout.
        # This takes the number that is free, so that no file of ours gets it, and cannot be written either.
        import os  # noqa: PLC0415 -- as good as never

        descriptor, encoding, by_line = os.open(os.devnull, os.O_RDONLY), "utf-8", False
    else:
        # With PYTHONUNBUFFERED a stream writes through instead; a line at a time is as good.
        descriptor, encoding, by_line = old.fileno(), old.encoding, old.line_buffering or old.write_through
    steady = _streams[name] = _Steady(descriptor)
    wrapped = io.TextIOWrapper(
        io.BufferedWriter(steady),
        encoding=encoding,
        errors=SHOWN,
        line_buffering=name == "stderr" or by_line,
    )
    setattr(sys, name, wrapped)


def _flush() -> OSError | None:
    """Write what is left; return why stdout could not be written, None if it could."""
    for name in _streams:
        getattr(sys, name).flush()
    steady = _streams.get("stdout")
    return steady.failure if steady is not None else None
