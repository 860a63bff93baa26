"""The manual page lvs.cf(5), written from the table of keywords and the table of codes (mdoc(7)).

The page in docs/man is made with
`python -c 'from piranha.lvscf.manual import page; print(page(), end="")' > docs/man/lvs.cf.5`.
"""

import re
from collections.abc import Iterable

from piranha.lvscf.codes import CODES
from piranha.lvscf.diagnostics import KIND_LIMIT, Severity
from piranha.lvscf.directives import ALL, KERNEL_SETTING, Directive, Scope, Status
from piranha.lvscf.settings import LONGEST
from piranha.lvscf.syntax.limits import LENGTH_LIMIT, LINE_LIMIT, SIZE_LIMIT, WORD_LIMIT

_RULES = (
    "One setting a line: a keyword, =, and one or more values. Blanks round = may be left out.",
    "A # at the start of a word begins a comment, up to the end of the line. Inside of quotes and words it does not.",
    'A text with blanks stands in double quotes; \\" and \\\\ do not end it. Single quotes round the text of send, '
    "expect and of a program are part of it, as ever; round names they are quotes.",
    "A block is: virtual NAME {, its settings, and } on a line of its own. server blocks stand in virtual blocks. "
    "The { may stand on the next line.",
    "A block may stand on one line; then ; at the end of a word separates its settings: "
    "server web1 { active = 1; address = 10.0.0.1 }",
    "Of a keyword given twice in a block the last one counts; only those marked adds up are kept all.",
    "Numbers may be written 16, 0x10 or 020. A time is a number of seconds, or a number with ms, s, m or h.",
    "Addresses are IPv4, IPv6 without brackets, or a host name, which is resolved when the file is read.",
    "A device is the name of an interface, or public or private: the interface that carries this router's own public "
    "or private address.",
    "Lines may end in CR LF; a byte order mark at the beginning is passed over.",
    "Two files are the same configuration when they differ in serial_no, comments and layout only.",
)

_REFUSED = (
    "A file without any setting is refused, also if it holds blank lines or comments.",
    "A block without its } at the end of the file is refused: such a file may have been cut off. One that ends between "
    "two blocks is taken as it is, so write a new file beside the old one and rename it.",
    "Numbers that the kernel could not take are refused: negative times and weights, ports above 65535, timeout = 0.",
    "pmask must be a netmask; the original passed over what was none.",
    "The same virtual server, firewall mark or real server twice is refused, as is a pair with one private address, "
    "or with one address for both routers.",
    "An expression that is no POSIX extended regular expression is refused; with the original the server was down.",
)

_LIMITS = (
    f"{SIZE_LIMIT // 1024 // 1024} MiB. 3000 virtual servers of 30 real servers, a setting a line, take about 8.",
    f"{LINE_LIMIT:,} lines, {LENGTH_LIMIT:,} characters in a line, {WORD_LIMIT:,} words in all.",
    f"{LONGEST:,} characters of a value or a name.",
    "Blocks nest two deep: server blocks stand in virtual blocks.",
    f"Of more than {KIND_LIMIT} findings of one code their number is told.",
    "Reading takes at most 1 GiB of memory, whatever is in the file; a file of 1000 virtual servers of 10 real "
    "servers takes 40 MB.",
)

_EXAMPLE = """primary = 192.0.2.2
virtual web {
    active = 1
    address = 192.0.2.10 eth0
    port = 80
    timeout = 6
    server web1 { active = 1; address = 10.0.0.21 }
    server web2 { active = 1; address = 10.0.0.22 }
}
"""


def page() -> str:
    """Return the whole page."""
    parts = [
        '.\\" Written from the table of keywords; see src/piranha/lvscf/manual.py.\n',
        ".Dd November 22, 2026\n.Dt LVS.CF 5\n.Os\n",
        ".Sh NAME\n.Nm lvs.cf\n.Nd configuration of a Piranha load-balancer cluster\n",
        ".Sh DESCRIPTION\nOne file describes both routers, their virtual servers and the real servers behind them.\n",
        _text("It is read by pulse, lvsd and piranha check, which tells every mistake with its line."),
        ".Ss Rules of the file\n" + _bullets(_RULES),
        *_keywords(),
        ".Sh DIFFERENCES FROM THE ORIGINAL\n",
        _text("Every sensible file of the original loads and means the same."),
        _text(
            "What it notices without being edited; piranha check --from-original tells which of these concern a file:"
        ),
        _tagged((code, text) for code, text in CODES.items() if Severity.of(code) is Severity.NOTE),
        _text("What the original took and this refuses:"),
        _bullets(_REFUSED),
        ".Sh LIMITS\n" + _text("A file that is larger is refused, with one finding:") + _bullets(_LIMITS),
        ".Sh FINDINGS\nE is an error: the file is not used, and a running daemon goes on as it is. W is a warning.\n",
        _text("piranha explain tells more of each."),
        _tagged((code, text) for code, text in CODES.items() if Severity.of(code) is not Severity.NOTE),
        ".Sh FILES\n.Bl -tag -width indent\n.It Pa /etc/piranha/lvs.cf\n.It Pa /etc/sysconfig/ha/lvs.cf\n"
        "Read when there is no other.\n.El\n",
        ".Sh EXAMPLES\nA lone router with two real servers behind NAT:\n",
        ".Bd -literal -offset indent\n" + _EXAMPLE + ".Ed\n",
        ".Sh SEE ALSO\n.Xr piranha 1 ,\n.Xr ipvsadm 8 ,\n.Xr lvsd 8 ,\n.Xr nanny 8 ,\n.Xr pulse 8\n",
    ]
    return "".join(parts)


def _keywords() -> Iterable[str]:
    titles = {
        Scope.GLOBAL: "GLOBAL KEYWORDS",
        Scope.VIRTUAL: "KEYWORDS OF A VIRTUAL BLOCK",
        Scope.SERVER: "KEYWORDS OF A SERVER BLOCK",
        Scope.CHECK: "KEYWORDS OF A CHECK BLOCK",
    }
    for scope, title in titles.items():
        known = (d for d in (*ALL, KERNEL_SETTING) if d.status is Status.ACTED_ON)
        yield f".Sh {title}\n" + _list(d for d in known if scope in d.scopes)
    yield ".Sh KEYWORDS NOT ACTED ON YET\n"
    yield _text("They are understood and checked, and reported by name when a file asks for them.")
    yield _list(d for d in ALL if d.status is Status.WAITING)
    yield ".Sh KEYWORDS WITHOUT EFFECT\n"
    yield _text("Files of the original have them.")
    yield _list(d for d in ALL if d.status in (Status.NO_EFFECT, Status.REJECTED))


def _list(directives: Iterable[Directive]) -> str:
    return ".Bl -tag -width indent\n" + "".join(_entry(directive) for directive in directives) + ".El\n"


def _entry(directive: Directive) -> str:
    kind = " | ".join(directive.choices) or str(directive.type)
    facts = [f"Default: {directive.default}{_unit(directive)}."] if directive.status is not Status.NO_EFFECT else []
    if len(directive.scopes) > 1 and not directive.own:
        facts.append("Also in: " + ", ".join(directive.scopes[1:]) + ".")
    if directive.low is not None and directive.high is not None:
        facts.append(f"From {directive.low:.12g} to {directive.high:.12g}.")
    if directive.repeats:
        facts.append("Adds up when repeated.")
    if directive.instead:
        facts.append(f"Instead: {directive.instead}.")
    return (
        f".It Ic {_escape(directive.name)} No = Ar {_escape(kind)}\n{_text(directive.meaning)}{_text(' '.join(facts))}"
    )


def _unit(directive: Directive) -> str:
    return f" {directive.unit}" if directive.unit and directive.default[-1:].isdigit() else ""


def _bullets(lines: Iterable[str]) -> str:
    return ".Bl -bullet\n" + "".join(f".It\n{_text(line)}" for line in lines) + ".El\n"


def _tagged(entries: Iterable[tuple[str, str]]) -> str:
    return ".Bl -tag -width E000\n" + "".join(f".It {tag}\n{_text(text)}" for tag, text in entries) + ".El\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\e").replace('"', "\\(dq")


def _text(text: str) -> str:
    """Return running text, one sentence a line; a dot or quote at the beginning of a line would be a macro."""
    if not text:
        return ""
    sentences = re.sub(r"\. (?=[A-Z0-9])", ".\n", text.replace("\\", "\\e")).split("\n")
    return "".join(("\\&" if line[:1] in ".'" else "") + line + "\n" for line in sentences)
