"""Shell: `ipvsadm`: show and edit the IPVS table by hand, as the C tool of version 1.31 does.

Exit status 0: done; 1: what is to be listed is not there; 2: wrong usage, or this kernel has no IPVS;
255: not understood, or refused by the kernel. See ipvsadm(8).

To list or save the whole table, which scripts do all the time, loads a third of what other commands need.
"""

from __future__ import annotations

import sys

from piranha import TYPE_CHECKING
from piranha.cli.ipvsadm.plain import SAVE, plain_command
from piranha.cli.ipvsadm.services import save_table, show_table
from piranha.kernel.ipvs_reader import IpvsReader
from piranha.kernel.socket import NetlinkError
from piranha.output import steadily

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_DONE, _NOT_THERE, _INTERRUPTED = 0, 1, 130


def main(argv: Sequence[str] | None = None, rules: Iterable[bytes] | None = None) -> int:
    """Carry out one command line.

    argv: the program's name and its words, else those of this process; rules: what `-R` reads, else stdin.
    """
    name, *words = sys.argv if argv is None else argv

    def run() -> int:
        try:
            return _run(words, name.rpartition("/")[2], _stdin() if rules is None else rules)
        except OSError as error:
            print(f"ipvsadm: cannot read the rules: {error.strerror}", file=sys.stderr)
            return _NOT_THERE
        except KeyboardInterrupt:
            return _INTERRUPTED

    return steadily("ipvsadm", run, lost=_NOT_THERE)


def _stdin() -> Iterator[bytes]:
    """Yield the lines of stdin. Raises OSError when they are asked for."""
    from piranha.cli.ipvsadm.session import lines_of  # noqa: PLC0415 -- a listing needs none of it
    from piranha.cli.stdin import standard_input  # noqa: PLC0415 -- nor this

    yield from lines_of(standard_input())


def _run(words: Sequence[str], program: str, rules: Iterable[bytes]) -> int:
    plain = plain_command(words)
    if plain is None:
        from piranha.cli.ipvsadm.commands import run  # noqa: PLC0415 -- a listing needs none of it

        return run(words, program, rules)
    return _print_table(*plain)


def _print_table(command: str, options: set[str]) -> int:
    ready = False
    try:
        with IpvsReader() as kernel:
            info = kernel.info()  # the C tool begins so, too
            ready = True
            if command == SAVE:
                save_table(kernel, options)
            else:
                show_table(kernel, info, options)
    except NetlinkError as error:
        from piranha.cli.ipvsadm.commands import cannot_start, not_shown  # noqa: PLC0415 -- an exception

        return not_shown(error) if ready else cannot_start(error)
    return _DONE
