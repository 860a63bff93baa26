"""Shell: where the program `ipvsadm` starts and ends: Ctrl-C ends it quietly, and nothing is tidied up at its end."""

from __future__ import annotations

from posix import _exit

from piranha import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    """See `piranha.cli.ipvsadm.main`. What is printed has left the process when that returns."""
    try:
        from piranha.cli.ipvsadm.main import main as run  # noqa: PLC0415 -- it takes longer to load than to run

        status = run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    # To take the interpreter apart piece by piece costs a sixth of a listing's time.
    _exit(status)


if __name__ == "__main__":
    main()
