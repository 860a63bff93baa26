"""Shell: `nanny`: check one real server in the foreground, with the options of the original.

It never touches the table; the nannies of a running router are started by `lvsd`.
"""

import getopt
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from types import FrameType
from typing import NoReturn

import piranha
from piranha.errors import PiranhaError
from piranha.lvscf.check_values import Check, CheckTiming, Exchange, Expect, Program
from piranha.lvscf.elaborate_check import HTTP_REQUEST, unescape
from piranha.lvscf.ere import BadExpression, translate
from piranha.nanny.engine import Engine
from piranha.nanny.expect import quoted, wanted
from piranha.nanny.results import Assignment, ProbeResult
from piranha.output import reader_left, steadily
from piranha.terms import Address, Protocol

USAGE = """\
usage: nanny -h IP [-p PORT] [-r RPORT] [-u] [-s TEXT] [-x TEXT] [--regex] [-T]
             [-e COMMAND] [-t SECONDS] [--count N] [-v]
  -h, --server IP          real server to check (IPv4 or IPv6)
  -p, --port N             port of the virtual server, 1 to 65535 (default 80)
  -r, --rport N            port to check (default: --port)
  -u, --udp                UDP instead of TCP
  -t, --interval SECONDS   between the starts of two checks, and limit of one check (default 10)
  -s, --send_string TEXT   what to send; \\n \\r \\t \\\\ \\' \\" are converted
  -x, --expect_string TEXT how the answer must begin (same escapes); "*": any answer
      --regex              -x is a POSIX extended regular expression, found anywhere
  -T, --suppress           do not convert escapes
  -e, --send_program CMD   external check, run as you; %h and %p: address and port
      --ignore-status      the exit status of the external check does not count
      --count N            stop after N checks
  -v, --verbose            say first what is checked
      --version, -?, --help, --usage
exit status: 0 the last check was good, 1 it was not, 2 wrong arguments, 74 output cannot be written"""

SHORT = "h:p:r:V:f:ut:a:s:x:e:Tw:M:qU:S:I:ncv?"
LONG = [
    "server=",
    "port=",
    "rport=",
    "virtaddress=",
    "fwmark=",
    "udp",
    "interval=",
    "reentrytime=",
    "send_string=",
    "expect_string=",
    "regex",
    "send_program=",
    "suppress",
    "weight=",
    "method=",
    "quiesce_server",
    "loadcmd=",
    "scale=",
    "ipvsadm=",
    "nodaemon",
    "nofork",
    "test-start",
    "norun",
    "lvs",
    "fos",
    "verbose",
    "version",
    "help",
    "usage",
    "count=",
    "ignore-status",
]
LONG_OF = {
    "-h": "--server",
    "-p": "--port",
    "-r": "--rport",
    "-u": "--udp",
    "-t": "--interval",
    "-s": "--send_string",
    "-x": "--expect_string",
    "-e": "--send_program",
    "-T": "--suppress",
    "-v": "--verbose",
    "-?": "--help",
    "-n": "--nodaemon",
    "--usage": "--help",
    "--norun": "--test-start",
}
# A pasted command line of the original should work: it says what has no meaning any more and goes on.
# --nodaemon and --test-start are always so: in the foreground, never a change to the table.
GONE = "-V --virtaddress -f --fwmark -a --reentrytime -w --weight -M --method -q --quiesce_server -U --loadcmd"
GONE += " -S --scale -I --ipvsadm -c --nofork --lvs --fos"


class WrongArguments(PiranhaError):
    """The command line cannot be used."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for. count: 0 = until a signal."""

    assignment: Assignment
    count: int
    verbose: bool
    remarks: tuple[str, ...]


def parse(argv: Sequence[str]) -> Request | str:
    """Return the request, or a text to print. Raises WrongArguments."""
    try:
        pairs, rest = getopt.gnu_getopt(list(argv), SHORT, LONG)
    except getopt.GetoptError as error:
        raise WrongArguments(f"bad argument {error.opt}: {error.msg}") from error
    if rest:
        raise WrongArguments("unexpected arguments")
    gone = [option for option, _ in pairs if option in GONE.split()]
    given = {LONG_OF.get(option, option): value for option, value in pairs}
    if "--help" in given:
        return USAGE
    if "--version" in given:
        return f"nanny {piranha.__version__}"
    if "--server" not in given:
        raise WrongArguments("No address supplied. Use '--help' for help.")
    remarks = []
    if gone:
        remarks.append(f"without effect: {' '.join(gone)}: nanny does not touch the table any more, lvsd does")
    port = _number(given, "--port", 80, 65535)
    check = _check(given, port)
    if isinstance(check, Exchange) and check.send == HTTP_REQUEST and "--send_string" not in given:
        remarks.append("no monitor configured, assuming web service on port 80")
    interval_s = _seconds(given, "--interval", 10.0)
    assignment = Assignment(
        id="server",
        address=_address(given["--server"]),
        port=_number(given, "--rport", port, 65535),
        check=check,
        timing=CheckTiming(interval_s=interval_s, check_timeout_s=interval_s, fast_interval_s=interval_s),
    )
    count = _number(given, "--count", 0, 10**9)
    return Request(assignment, count, "--verbose" in given, tuple(remarks))


def _check(given: dict[str, str], virtual_port: int) -> Check:
    def text(option: str) -> bytes:
        value = given.get(option, "")
        return value.encode("utf-8", "surrogateescape") if "--suppress" in given else unescape(value)

    expect = None
    if given.get("--expect_string"):
        regex, plain = "--regex" in given, given["--expect_string"]
        expect = Expect(text=text("--expect_string"), regex=regex, anything=plain == "*" and not regex)
        if regex:
            try:
                translate(expect.text)
            except BadExpression as error:
                raise WrongArguments(f"bad argument --expect_string: no regular expression: {error}") from error
    if given.get("--send_program"):
        # Cut at blanks, with quotes as ordinary characters: as in lvs.cf, so that what works here works there.
        words = tuple(given["--send_program"].split())
        if not words:
            raise WrongArguments("bad argument --send_program: it is empty")
        if expect is not None and expect.anything:
            expect = Expect(text=expect.text)
        return Program(command=words, expect=expect, honour_status="--ignore-status" not in given)
    send = text("--send_string")
    if "--udp" in given:
        return Exchange(transport=Protocol.UDP, send=send, expect=expect)
    if virtual_port == 80 and not send and expect is None:
        return Exchange(send=HTTP_REQUEST, expect=Expect(text=b"HTTP"))
    return Exchange(send=send, expect=expect)


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise WrongArguments(f"bad IP address -- {text}") from None


def _number(given: dict[str, str], option: str, default: int, limit: int) -> int:
    if option not in given:
        return default
    text = given[option]
    if not text.isdecimal() or not 1 <= int(text) <= limit:
        raise WrongArguments(f"bad argument {option}: {text} is not a number from 1 to {limit}")
    return int(text)


def _seconds(given: dict[str, str], option: str, default: float) -> float:
    try:
        seconds = float(given.get(option, default))
    except ValueError:
        seconds = 0.0
    if not 0.001 <= seconds <= 86400:
        raise WrongArguments(f"bad argument {option}: {given[option]} is not a number of seconds from 0.001 to 86400")
    return seconds


def describe(assignment: Assignment) -> str:
    """Return what is checked, in one line."""
    check, timing = assignment.check, assignment.timing
    expect = f", expect {wanted(check.expect)}" if check.expect is not None else ""
    if isinstance(check, Program):
        what = f"run {shlex.join(check.command)}"
    else:
        what = check.transport.word + (f", send {quoted(check.send)}" if check.send else "")
    return f"checking {assignment.address} port {assignment.port}: {what}{expect}; every {timing.interval_s:g} s"


def line(result: ProbeResult, assignment: Assignment, wall_s: float) -> str:
    """Return one result as one line: time, verdict, place, reason, phases."""
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall_s)) + f".{int(wall_s * 1000) % 1000:03d}Z"
    verdict = "ok" if result.ok else f"FAILED ({result.reason})"
    phases = ", ".join(f"{name} {took_ms:.1f} ms" for name, took_ms in result.phases_ms)
    host = f"[{assignment.address}]" if assignment.address.version == 6 else str(assignment.address)
    return f"{clock} {verdict} {host}:{assignment.port} {result.detail}" + (f" ({phases})" if phases else "")


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def run(request: Request) -> int:
    """Check until `count` is reached, without count while somebody reads; SIGINT and SIGTERM end it with status 0."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    engine = Engine()
    try:
        engine.assign(request.assignment)
        done = 0
        while True:
            for result in engine.turn():
                print(line(result, request.assignment, time.time()), flush=True)
                done += 1
                if done == request.count or (request.count == 0 and reader_left()):
                    return 0 if result.ok else 1
    finally:
        engine.close()


def main(argv: Sequence[str] | None = None) -> int:
    """`nanny`; exit status 0: the last check was good, or a signal came; 1: not; 2: wrong arguments; 74: no output."""
    return steadily("nanny", lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    try:
        request = parse(sys.argv[1:] if argv is None else argv)
    except WrongArguments as error:
        print(f"nanny: {error}", file=sys.stderr)
        return 2
    if isinstance(request, str):
        print(request)
        return 0
    for remark in request.remarks:
        print(f"nanny: {remark}", file=sys.stderr)
    if request.verbose:
        print(f"nanny: {describe(request.assignment)}", file=sys.stderr)
    return run(request)


if __name__ == "__main__":
    sys.exit(main())
