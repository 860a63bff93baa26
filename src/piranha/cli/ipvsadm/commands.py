"""Shell: carries out a command line of `ipvsadm`, whatever it asks for."""

import errno
import os
import sys
from collections.abc import Iterable, Sequence

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

VERSION_LINE = f"ipvsadm v1.31 (piranha {__version__}, IPVS v1.2.1)"


def run(words: Sequence[str], program: str, rules: Iterable[bytes]) -> int:
    """Carry out one command line; program: the name that hints give; rules: what `-R` reads."""
    try:
        if words[:1] in (["-h"], ["--help"], ["-v"], ["--version"]):
            parse(words, system_lookup(), program)  # needs no kernel, unlike in the C tool
        with IpvsSocket() as kernel:
            kernel.info()  # the C tool begins so too: without the right to ask nothing else is judged
            invocation = parse(words, system_lookup(), program)
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
        return cannot_start(error)
    return DONE


def _show(kernel: IpvsSocket, invocation: Invocation) -> int:
    problem = why_not_shown(Showing(kernel), invocation)
    return _not_there(problem) if problem else DONE


def not_shown(error: NetlinkError) -> int:
    """Tell on stderr why the table cannot be listed to its end; return the exit status."""
    return _not_there(refusal(Verb.LIST, error.code, os.strerror(error.code)))


def _not_there(problem: str) -> int:
    sys.stdout.flush()
    print(problem, file=sys.stderr)
    return NOT_THERE


def _tell_of_sctp() -> None:
    from piranha.kernel.symbols import lacks_sctp  # noqa: PLC0415 -- few balance it

    if lacks_sctp():
        words = "this kernel's IPVS does not balance sctp: it was built without CONFIG_IP_VS_PROTO_SCTP"
        print(f"ipvsadm: {words}; the kernel lists such a service and leaves its packets alone", file=sys.stderr)


def cannot_start(error: NetlinkError) -> int:
    """Tell on stderr why IPVS cannot be asked; return the exit status."""
    # The C tool asks by an older interface, which answers ENOPROTOOPT where there is no IPVS.
    code = errno.ENOPROTOOPT if error.code == errno.ENOENT else error.code
    print(f"Can't initialize ipvs: {refusal(None, code, os.strerror(code))}", file=sys.stderr)
    print("Are you sure that IP Virtual Server is built in the kernel or as module?", file=sys.stderr)
    if error.code == errno.ENOENT:
        print("ipvsadm: module ip_vs is missing (load it: modprobe ip_vs)", file=sys.stderr)
    return MISUSE
