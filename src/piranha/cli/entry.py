"""Shell: where the command `piranha` starts: Ctrl-C ends it quietly, from here on."""

import sys

INTERRUPTED = 130  # see `ending`


def main() -> int:
    """See `piranha.cli.main`, which takes longer to load than many a verb to run."""
    try:
        from piranha.cli.main import main as run  # noqa: PLC0415

        return run()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
