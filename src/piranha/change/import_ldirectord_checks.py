"""The checks of ldirectord as those of lvs.cf: check blocks, or a program.

Source: ldirectord(8), *checktype*, *service*, *request*, *receive*.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from piranha.change.import_blocks import Setting, plain
from piranha.change.import_ldirectord_read import Line, Section
from piranha.change.imported import Draft, Origin, quoted
from piranha.lvscf.ere import BadExpression, translate

SERVICE_OF = {
    21: "ftp",
    25: "smtp",
    53: "dns",
    80: "http",
    110: "pop",
    119: "nntp",
    143: "imap",
    389: "ldap",
    443: "https",
    587: "submission",
    636: "ldaps",
    993: "imaps",
    995: "pops",
    1521: "oracle",
    1812: "radius",
    3128: "http_proxy",
    3306: "mysql",
    5060: "sip",
    5432: "pgsql",
}
PORT_OF = {service: port for port, service in SERVICE_OF.items()}
HTTP_PORT = 80
KINDS = ("tcp", "udp", "http", "https", "tls", "smtp", "dns", "ping")  # no block can be named like one

_GREETING = {"ftp": "220", "pop": "+OK", "imap": "* OK", "nntp": "20"}
_TLS = ("imaps", "pops", "ldaps")
_CONNECT_ONLY = ("ldap", "mysql", "pgsql", "oracle", "radius", "sip", "http_proxy")
_CLASSES = {"d": "[0-9]", "w": "[[:alnum:]_]", "s": "[[:space:]]"}
_PERL = re.compile(r"\\[A-Za-z]|\(\?|[*+?]\?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a virtual service asks of one real server. exchange: request and receive of its own line."""

    service: str
    kind: str  # checktype
    protocol: str
    port: int  # of the real server; 0 = not known
    exchange: tuple[str, str] | None


@dataclass(slots=True)
class Checks:
    """Collects the check blocks that are needed; those with the same settings are one."""

    draft: Draft
    _names: dict[tuple[Setting, ...], str] = field(default_factory=dict)
    _said: set[tuple[int, str]] = field(default_factory=set)

    def write(self) -> None:
        """Write every block."""
        for settings, name in self._names.items():
            self.draft.put(f"check {name} {{")
            for keyword, value in settings:
                self.draft.put(f"    {keyword} = {value}")
            self.draft.put("}")
            self.draft.put()

    def check(self, section: Section, wanted: Wanted) -> Setting | None:
        """Return the setting that asks for a check, None where the default of lvs.cf is right."""
        settings = self._settings(section, wanted)
        port = section.number("checkport", self.draft)
        known = port or wanted.port or PORT_OF.get(wanted.service, 0)
        elsewhere = str(port) if port and port != wanted.port else ""
        if elsewhere:
            settings.append(("port", elsewhere))
        if settings == [("kind", "tcp")]:
            return ("check", "tcp") if known == HTTP_PORT else None
        if len(settings) == 1:
            return "check", settings[0][1]
        key = tuple(settings)
        if key not in self._names:
            host = next((value for keyword, value in settings if keyword == "host"), "")
            base = plain("-".join(filter(None, (settings[0][1], host, elsewhere))))
            taken = set(self._names.values())
            self._names[key] = next(name for name in _numbered(base) if name not in taken and name not in KINDS)
        return "check", self._names[key]

    def _settings(self, section: Section, wanted: Wanted) -> list[Setting]:
        kind = wanted.kind
        if kind == "ping" or (kind == "connect" and wanted.protocol == "udp"):
            return [("kind", "ping")]
        if kind == "connect":
            return [("kind", "tcp")]
        origin = _origin(section, "checktype")
        if kind in ("on", "off"):
            if kind == "on":
                self.once(origin, "checktype = on: ldirectord never checks; here the server has to answer")
            return _plain_kind(wanted)
        if kind.isdecimal():
            self.once(origin, f"checktype = {kind}: every check negotiates, not only one in {kind}")
        reader = _NEGOTIATE.get(wanted.service)
        if reader is not None:
            return reader(self, section, wanted)
        if wanted.service == "none":
            self.once(section.origin, "service = none: ldirectord never checks; here the server has to answer")
        elif wanted.service in _TLS:
            self.once(section.origin, f"service = {wanted.service}: nothing logs in; the TLS handshake is checked")
            return [("kind", "tls")]
        elif wanted.service in _GREETING:
            self.once(section.origin, f"service = {wanted.service}: nothing logs in; the greeting is checked")
            return [("kind", "tcp"), ("expect", quoted(_GREETING[wanted.service]))]
        else:
            message = f"service = {wanted.service}: no such check yet; a connection is made, or write a program"
            self.once(section.origin, message)
        return _plain_kind(wanted)

    def http(self, section: Section, wanted: Wanted) -> list[Setting]:
        """Return the settings of a check by HTTP or HTTPS."""
        request, receive = self.exchange(section, wanted)
        settings: list[Setting] = [("kind", wanted.service), ("path", self.word(request or "/", section))]
        if host := section.text("virtualhost").strip('"'):
            settings.append(("host", self.word(host, section)))
        else:
            message = "no virtualhost: the request names the VIP as host, ldirectord the server"
            self.once(section.origin, message)
        if (method := section.text("httpmethod", "GET").upper()) != "GET":
            settings.append(("method", self.word(method, section)))
        return [*settings, ("status", "200-299"), *self.expression(receive, section)]

    def simple_tcp(self, section: Section, wanted: Wanted) -> list[Setting]:
        """Return the settings of a text that is sent and an answer that is expected."""
        request, receive = self.exchange(section, wanted)
        sent = request.removeprefix("/").replace("\\n", "\n")
        send: list[Setting] = [("send", quoted(sent))] if sent else []
        return [("kind", "tcp"), *send, *self.expression(receive, section)]

    def dns(self, section: Section, wanted: Wanted) -> list[Setting]:
        """Return the settings of a question to a name server."""
        request, receive = self.exchange(section, wanted)
        settings: list[Setting] = [("kind", "dns"), ("name", self.word(request.removeprefix("/") or ".", section))]
        if re.fullmatch(r"[0-9.]+", receive):
            settings.append(("answer", receive))
        elif receive:
            self.once(_origin(section, "receive"), "receive of a DNS check is one address here: left out")
        return settings

    def smtp(self, _section: Section, _wanted: Wanted) -> list[Setting]:
        """Return the settings of a check of a mail server."""
        return [("kind", "smtp")]

    def exchange(self, section: Section, wanted: Wanted) -> tuple[str, str]:
        """Return request, with the `/` that the program puts in front, and receive."""
        request, receive = wanted.exchange or (section.text("request", "/"), section.text("receive"))
        if re.match(r"/?https?://", request):
            message = "request is a whole URL: its host is passed over, its path is asked for"
            self.once(_origin(section, "request"), message)
            request = re.sub(r"^/?https?://[^/]*", "", request)
        return request if request.startswith("/") else f"/{request}", receive

    def expression(self, receive: str, section: Section) -> list[Setting]:
        """Return `expect` for what Perl would search."""
        if not receive:
            return []
        origin = _origin(section, "receive")
        if "[" not in receive:
            receive = re.sub(r"\\([dws])", lambda found: _CLASSES[found[1]], receive)
        try:
            translate(receive.encode("utf-8", "surrogateescape"))
        except BadExpression as error:
            self.draft.fail(origin, f"receive is no POSIX extended regular expression: {error}; left out")
            return []
        if _PERL.search(receive):
            self.once(origin, "receive is Perl's regular expression, expect a POSIX extended one: see what it means")
        return [("expect", quoted(receive)), ("use_regex", "1")]

    def word(self, text: str, section: Section) -> str:
        """Return one word of lvs.cf, in quotes where it needs them."""
        if '"' in text:
            self.draft.fail(section.origin, f"lvs.cf has no way to write the word {text[:60]}")
            text = text.replace('"', "")
        return text if re.fullmatch(r"[^\s\"'#=;{}\\]+", text) else f'"{text}"'

    def once(self, origin: Origin, message: str) -> None:
        """Note something once at its line, however many real servers it concerns."""
        if (origin.line, message) not in self._said:
            self._said.add((origin.line, message))
            self.draft.warn(origin, message)


_NEGOTIATE: dict[str, Callable[[Checks, Section, Wanted], list[Setting]]] = {
    "http": Checks.http,
    "https": Checks.http,
    "dns": Checks.dns,
    "smtp": Checks.smtp,
    "submission": Checks.smtp,
    "simpletcp": Checks.simple_tcp,
}


def program(section: Section, where: Sequence[str], draft: Draft) -> list[tuple[Setting, Origin]]:
    """Return the settings of an external check. where: address and port of the virtual service."""
    line = section.last("checkcommand")
    origin = line.origin if line else section.origin
    command = line.text if line else "/bin/true"
    if any(letter in command for letter in "\"'\\"):
        message = "checkcommand has quotes: a program of lvs.cf gets words without; put it into a script"
        draft.fail(origin, message)
        return []
    if section.text("checktype") == "external-perl":
        draft.warn(origin, "external-perl: the script runs as a program of its own; it must be executable")
    draft.warn(origin, "the program runs as script_user, ldirectord's as root")
    return [(("send_program", f'"{command} {" ".join(where)} %h %p"'), origin)]


def _plain_kind(wanted: Wanted) -> list[Setting]:
    return [("kind", "udp" if wanted.protocol == "udp" else "tcp")]


def _origin(section: Section, keyword: str) -> Origin:
    line: Line | None = section.last(keyword)
    return line.origin if line else section.origin


def _numbered(base: str) -> Sequence[str]:
    return [base, *(f"{base}-{number}" for number in range(1, 10_000))]
