"""Shell: `ipvsadm`: show and edit the IPVS table by hand, as the C tool of version 1.31 does.

Exit status 0: done; 1: what is to be listed is not there; 2: wrong usage, or this kernel has no IPVS;
255: not understood, or refused by the kernel. See ipvsadm(8).
"""

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from piranha import __version__
from piranha.cli.ipvsadm.draft import DONE, MISUSE, NOT_THERE, UsageError
from piranha.cli.ipvsadm.grammar import HelpAsked, Invocation, VersionAsked, parse
from piranha.cli.ipvsadm.help import HELP
from piranha.cli.ipvsadm.names import system_lookup
from piranha.cli.ipvsadm.refusals import refusal
from piranha.cli.ipvsadm.showing import Showing, why_not_shown
from piranha.cli.ipvsadm.usage import Verb
from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.kernel.socket import NetlinkError
from piranha.output import steadily

VERSION_LINE = f"ipvsadm v1.31 (piranha {__version__}, IPVS v1.2.1)"


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
            return NOT_THERE
        except KeyboardInterrupt:
            return 130

    return steadily("ipvsadm", run, lost=NOT_THERE)


def _stdin() -> Iterator[bytes]:
    """Yield the lines of stdin. Raises OSError when they are asked for."""
    from piranha.cli.ipvsadm.session import lines_of  # noqa: PLC0415 -- a listing needs none of it
    from piranha.cli.stdin import standard_input  # noqa: PLC0415 -- nor this

    yield from lines_of(standard_input())


def _run(words: Sequence[str], program: str, rules: Iterable[bytes]) -> int:
    try:
        if words[:1] in (["-h"], ["--help"], ["-v"], ["--version"]):
            parse(words, system_lookup(), program)  # needs no kernel, unlike in the C tool
        with IpvsSocket() as kernel:
            kernel.info()  # the C tool begins so too: without the right to ask nothing else is judged
            invocation = parse(words or ["--list"], system_lookup(), program)
            if invocation.verb is Verb.DIFF or "dry-run" in invocation.given:
                from piranha.cli.ipvsadm.rehearse import rehearse  # noqa: PLC0415 -- few ask for it

                return rehearse(kernel, invocation, program, rules)
            if invocation.verb in (Verb.LIST, Verb.SAVE):
                return _show(kernel, invocation)
            from piranha.cli.ipvsadm.session import Session  # noqa: PLC0415 -- a listing needs none of it

            session = Session(kernel, Showing(kernel), program, rules)
            status = session.run(invocation)
            if session.sctp:
                _tell_of_sctp()
            return status
    except HelpAsked:
        print(VERSION_LINE, HELP.replace("ipvsadm", program), sep="\n", end="")
    except VersionAsked:
        print(VERSION_LINE)
    except UsageError as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        return error.status
    except NetlinkError as error:
        return _cannot_start(error)
    return DONE


def _show(kernel: IpvsSocket, invocation: Invocation) -> int:
    problem = why_not_shown(Showing(kernel), invocation)
    if problem:
        sys.stdout.flush()
        print(problem, file=sys.stderr)
    return NOT_THERE if problem else DONE


def _tell_of_sctp() -> None:
    from piranha.kernel.symbols import lacks_sctp  # noqa: PLC0415 -- few balance it

    if lacks_sctp():
        words = "this kernel's IPVS does not balance sctp: it was built without CONFIG_IP_VS_PROTO_SCTP"
        print(f"ipvsadm: {words}; the kernel lists such a service and leaves its packets alone", file=sys.stderr)


def _cannot_start(error: NetlinkError) -> int:
    # The C tool asks by an older interface, which answers ENOPROTOOPT where there is no IPVS.
    code = errno.ENOPROTOOPT if error.code == errno.ENOENT else error.code
    print(f"Can't initialize ipvs: {refusal(None, code, os.strerror(code))}", file=sys.stderr)
    print("Are you sure that IP Virtual Server is built in the kernel or as module?", file=sys.stderr)
    if error.code == errno.ENOENT:
        print("ipvsadm: module ip_vs is missing (load it: modprobe ip_vs)", file=sys.stderr)
    return MISUSE
