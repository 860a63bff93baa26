"""Shell: `pulse`, the controlling process of a router: the first instructions of the process."""

import sys
from collections.abc import Sequence

from piranha.control.early import EARLY
from piranha.control.without_tls import load_loop


def main(argv: Sequence[str] | None = None) -> int:
    """Run `pulse`; return its exit status: 0 after SIGTERM or SIGINT, 1 bad arguments, file or machine."""
    with EARLY.held():
        load_loop()
        from piranha.pulse.start import run  # noqa: PLC0415 -- takes longer than all else before the loop

        return run(argv)


if __name__ == "__main__":
    sys.exit(main())
