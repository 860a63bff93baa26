"""Shell: `lvsd`, the lvs daemon: the first instructions of the process."""

import gc
import sys
from collections.abc import Sequence

from piranha.control.early import EARLY


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lvsd`; return its exit status: 0 normal end, 1 bad arguments, file, plane or folder."""
    # Nothing of what a start makes is garbage: `Lvsd.start` lets the collector go on.
    gc.disable()
    with EARLY.held():
        from piranha.lvsd.start import run  # noqa: PLC0415 -- takes longer than all else before the loop

        return run(argv)


if __name__ == "__main__":
    sys.exit(main())
