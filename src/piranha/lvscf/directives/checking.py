"""Keywords of check blocks, and those that ask for them."""

from piranha.lvscf.directives.directive import Directive, Scope, Type

_V = (Scope.VIRTUAL,)
_VS = (Scope.VIRTUAL, Scope.SERVER)
_C = (Scope.CHECK,)
_KINDS = ("tcp", "udp", "http", "https", "tls", "smtp", "dns", "ping", "program", "file", "agent", "idle")


def _of_block(name: str, kind: Type, default: str, meaning: str, *, computed: bool = False, low: int = 0) -> Directive:
    low_port = low if kind is Type.PORT else None
    return Directive(name=name, scopes=_C, type=kind, default=default, meaning=meaning, computed=computed, low=low_port)


CHECKING: tuple[Directive, ...] = (
    Directive(
        name="share_checks",
        scopes=(Scope.GLOBAL,),
        type=Type.BOOL,
        default="1",
        meaning="1: checks that ask the same of the same address and port, as often and with the same limit, run once, "
        "whichever virtual servers they belong to; each of these judges the results with its own fall, rise and "
        "reentry. 0: each runs on its own.",
    ),
    Directive(
        name="check",
        scopes=_VS,
        type=Type.WORDS,
        default="-",
        meaning="What a server is checked by instead of send, expect and send_program: names of check blocks or of "
        "kinds. A kind that this version does not make is reported, and the server is asked to answer at all.",
    ),
    Directive(
        name="check_rule",
        scopes=_V,
        type=Type.WORD,
        default="all",
        meaning="How many of several checks must pass: all, any or a number.",
    ),
    Directive(
        name="kind",
        scopes=_C,
        type=Type.CHOICE,
        default="-",
        choices=_KINDS,
        meaning="tcp, udp: what is sent and expected. http: the status of an answer, and what is in its body. "
        "program: the exit status of a program. The others are not made yet.",
    ),
    _of_block("port", Type.PORT, "the server's", "Port to check.", computed=True, low=1),
    _of_block("address", Type.ADDRESS, "the server's", "Address to check.", computed=True),
    _of_block(
        "source",
        Type.OWN_ADDRESSES,
        "-",
        "Own address to ask from; of several the first that this router has, so that one line serves both routers. "
        "A router that has none of them cannot check: what it believes of the servers stays, and status says so.",
    ),
    _of_block("host", Type.WORD, "the VIP", "Host header.", computed=True),
    Directive(
        name="path",
        scopes=_C,
        type=Type.WORD,
        default="/",
        repeats=True,
        meaning="Path asked for; of several all must pass.",
    ),
    _of_block("method", Type.WORD, "GET", "HTTP method."),
    Directive(
        name="header", scopes=_C, type=Type.TEXT, default="-", repeats=True, meaning='A header, such as "Accept: */*".'
    ),
    _of_block("status", Type.WORDS, "200-399", "Good HTTP statuses, such as 200 204 300-302."),
    _of_block("send", Type.TEXT, "-", "Text sent after connecting, as in a virtual block."),
    _of_block(
        "expect",
        Type.TEXT,
        "-",
        "What is expected. tcp, udp: how the answer must begin, as in a virtual block. http: found anywhere in the "
        "first 64 kB of the body; a body in chunks is put together. program: its output.",
    ),
    _of_block("send_hex", Type.HEX, "-", "Bytes sent after connecting, instead of send: tcp and udp."),
    _of_block(
        "expect_hex",
        Type.HEX_PATTERN,
        "-",
        "Bytes that the answer must begin with, instead of expect; x stands for any digit: tcp and udp.",
    ),
    _of_block("use_regex", Type.BOOL, "0", "1: expect is an expression, as in a virtual block."),
    _of_block("program", Type.COMMAND, "-", "Program that checks, as send_program; also %v, the VIP."),
    Directive(
        name="weight_from",
        scopes=_C,
        type=Type.CHOICE,
        default="none",
        choices=("none", "status", "output"),
        meaning="What of a program sets the weight of a server while it is up. status: exit status 2 to 255 is good "
        "and sets weight 0 to 253, 0 is the weight of the file, 1 a failure; a shell that cannot find a command ends "
        "with 127, which is a weight, too. output: a percent of the file's weight, such as 75%, is the first word of "
        "the output. A server of weight 0 in the file keeps it. One that its check gives 0 counts as none that serves: "
        "for keep_active, quorum and the sorry server; those count configured weights. slow_start grows up to what the "
        "check says.",
    ),
)
