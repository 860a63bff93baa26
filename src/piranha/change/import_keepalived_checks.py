"""The checkers of a real server of keepalived as checks of lvs.cf.

Source: keepalived.conf(5), *Virtual server(s)*: connect_timeout 5 s, delay_loop 60 s, retry 1 and
delay_before_retry 1 s unless a kind of checker has others.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from piranha.change.import_keepalived_body import Body
from piranha.change.import_keepalived_known import CHECKER, NOT_HERE
from piranha.change.import_keepalived_tree import Statement
from piranha.change.imported import Draft, Origin, quoted
from piranha.lvscf.ere import BadExpression, translate
from piranha.terms import Address

KINDS = (
    *("TCP_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK", "DNS_CHECK", "MISC_CHECK", "UDP_CHECK", "PING_CHECK"),
    *("BFD_CHECK", "FILE_CHECK"),
)
_BARE = re.compile(r"[\x00-\x20\x7f\udc80-\udcff]")  # a path has these as %20 and so on
_PLAIN = re.compile(r"[^\s\"'#=;{}\\]+")


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a server is checked, in the words of lvs.cf; seconds."""

    interval_s: float = 60.0
    check_timeout_s: float = 5.0
    fast_interval_s: float = 1.0
    fall: int = 2

    @property
    def out_by_s(self) -> float:
        """Longest time a dead server stays in the pool, as lvs.cf counts it."""
        repeat_s = max(self.fast_interval_s, self.check_timeout_s)
        return self.interval_s + (self.fall - 1) * repeat_s + self.check_timeout_s


@dataclass(frozen=True, slots=True)
class Patience:
    """What keepalived's files say of times at one level; None where it is inherited."""

    delay_loop_s: float | None = None
    connect_timeout_s: float | None = None
    delay_before_retry_s: float | None = None
    retry: int | None = None

    @classmethod
    def read(cls, body: Body, above: "Patience", *old_names: str) -> "Patience":
        """Read the times of a block; what it does not say is that of the block around it.

        old_names: what `retry` is called here, too.
        """
        delay_loop_s = body.seconds("delay_loop")
        connect_timeout_s = body.seconds("connect_timeout")
        delay_before_retry_s = body.seconds("delay_before_retry")
        tries = body.last("retry", *old_names)
        retry = None if tries is None else body.whole(tries, 0, 999)
        return cls(
            above.delay_loop_s if delay_loop_s is None else delay_loop_s,
            above.connect_timeout_s if connect_timeout_s is None else connect_timeout_s,
            above.delay_before_retry_s if delay_before_retry_s is None else delay_before_retry_s,
            above.retry if retry is None else retry,
        )

    def timing(self, kind: str = "TCP_CHECK") -> Timing:
        """Return the times in the words of lvs.cf for one kind of checker."""
        interval_s = max(60.0 if self.delay_loop_s is None else self.delay_loop_s, 0.03)
        retry = {"DNS_CHECK": 3, "MISC_CHECK": 0}.get(kind, 1) if self.retry is None else self.retry
        pause_s = {"DNS_CHECK": interval_s, "HTTP_GET": 3.0, "SSL_GET": 3.0}.get(kind, 1.0)
        limit_s = 5.0 if self.connect_timeout_s is None else self.connect_timeout_s
        return Timing(
            interval_s,
            max(limit_s, 0.01),
            max(pause_s if self.delay_before_retry_s is None else self.delay_before_retry_s, 0.01),
            retry + 1,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One check. settings: keyword and value of its block, none where the kind as it is will do."""

    kind: str
    timing: Timing
    settings: tuple[tuple[str, str], ...] = ()

    def get(self, keyword: str) -> str | None:
        """Return the first value of a keyword."""
        return next((value for name, value in self.settings if name == keyword), None)


@dataclass(frozen=True, slots=True)
class Target:
    """What is checked: a real server. host: `virtualhost` of the real or the virtual server."""

    address: Address
    port: int
    host: str | None


Settings = list[tuple[str, str]]


def read_check(block: Statement, target: Target, above: Patience, draft: Draft) -> tuple[Check, ...]:
    """Return the checks that one checker stands for, none where it has no counterpart."""
    body = Body.of(block, draft)
    kind = block.keyword
    web = kind in ("HTTP_GET", "SSL_GET")
    timing = Patience.read(body, above, *(("nb_get_retry",) if web else ())).timing(kind)
    reader = _READERS.get(kind)
    if reader is None:
        draft.warn(block.origin, f"'{kind}' has no counterpart: {_WITHOUT[kind]}")
        return ()
    body.all("alpha")  # read for the whole server
    checks = reader(body, target, timing)
    body.report(CHECKER if web else CHECKER | NOT_HERE)
    return tuple(checks)


_WITHOUT = {
    "BFD_CHECK": "Piranha does not speak BFD; the other checks of the server decide",
    "FILE_CHECK": "a file cannot set weights; piranha weight, or a check of kind program, can",
}


def _where(body: Body, target: Target) -> Settings:
    """Return where the check connects to, if not to the server."""
    settings: Settings = []
    block = body
    for old in body.all("host"):  # of SMTP_CHECK, before version 2
        block = Body.of(old, body.draft)
    address = block.address("connect_ip")
    port = block.number("connect_port", 1, 65535)
    source = block.address("bindto")
    if block is not body:
        body.all("connect_ip", "connect_port", "bindto")
        block.report(CHECKER)
    if address is not None and address != target.address:
        settings.append(("address", str(address)))
    if port is not None and port != target.port:
        settings.append(("port", str(port)))
    if source is not None:
        settings.append(("source", str(source)))
    return settings


def _tcp(body: Body, target: Target, timing: Timing) -> list[Check]:
    return [Check("tcp", timing, tuple(_where(body, target)))]


def _ping(body: Body, target: Target, timing: Timing) -> list[Check]:
    settings = [(name, value) for name, value in _where(body, target) if name != "port"]
    return [Check("ping", timing, tuple(settings))]


def _smtp(body: Body, target: Target, timing: Timing) -> list[Check]:
    return [Check("smtp", timing, tuple(_where(body, target)))]


def _dns(body: Body, target: Target, timing: Timing) -> list[Check]:
    settings = _where(body, target)
    settings.append(("name", word(body.word("name") or ".", body.draft, body.at)))
    settings.append(("type", word((body.word("type") or "SOA").upper(), body.draft, body.at)))
    return [Check("dns", timing, tuple(settings))]


def _udp(body: Body, target: Target, timing: Timing) -> list[Check]:
    settings = _where(body, target)
    if (payload := body.last("payload")) is not None:
        settings.append(("send_hex", word(_hex(payload), body.draft, payload.origin)))
    if (reply := body.last("require_reply")) is not None:
        said = _hex(reply)
        settings.append(("expect_hex", word(said, body.draft, reply.origin)) if said else ("expect", '"*"'))
    return [Check("udp", timing, tuple(settings))]


def _hex(statement: Statement) -> str:
    """Return the bytes in two digits each: `Ab12f 3` is AB 12 0F 03, a digit before a blank or the end stands alone."""
    digits = []
    for part in " ".join(statement.args).split():
        digits += [part[at : at + 2].rjust(2, "0") for at in range(0, len(part), 2)]
    return "".join(digits).lower()


def _misc(body: Body, target: Target, timing: Timing) -> list[Check]:
    path = body.last("misc_path")
    limit_s = body.seconds("misc_timeout")
    timing = Timing(timing.interval_s, limit_s or timing.interval_s, timing.fast_interval_s, timing.fall)
    if path is None or not path.args:
        body.draft.fail(body.at, "MISC_CHECK without misc_path: left out")
        return []
    text = " ".join(path.args)
    if any(letter in text for letter in "\"'") or any(letter in text for letter in "\r\n"):
        message = "a program of lvs.cf gets no arguments with quotes or blanks in them: put the command into a script"
        body.draft.fail(path.origin, message)
        return []
    if re.search("%[hpv]", text):
        body.draft.warn(path.origin, "lvs.cf puts the server's address for %h, its port for %p and the VIP for %v")
    # The words of this very server become variables, so that a pool shares one block.
    here = {str(target.address): "%h", str(target.port): "%p"}
    first, *rest = text.split()
    command = " ".join([first, *(here.get(one, one) for one in rest)])
    settings = [("program", f'"{command}"')]
    if body.flag("misc_dynamic"):
        settings.append(("weight_from", "status"))
    return [Check("program", timing, tuple(settings))]


def _http(body: Body, target: Target, timing: Timing) -> list[Check]:
    return _web(body, target, timing, "http")


def _https(body: Body, target: Target, timing: Timing) -> list[Check]:
    checks = _web(body, target, timing, "https")
    if not body.flag("enable_sni") and any(check.get("host") for check in checks):
        body.draft.warn(body.at, "host is also the TLS name (SNI), which keepalived sends with enable_sni only")
    return checks


def _web(body: Body, target: Target, timing: Timing, kind: str) -> list[Check]:
    """Return one check for each set of demands; paths with the same demands share one."""
    common = _where(body, target)
    host = body.word("virtualhost") or target.host
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for block in body.all("url"):
        url = Body.of(block, body.draft)
        demands = _demands(url, host)
        path = _BARE.sub(lambda found: f"%{ord(found[0]) & 0xFF:02X}", url.word("path") or "/")
        url.report(CHECKER)
        if path.startswith("/"):
            groups.setdefault(tuple(demands), []).append(word(path, body.draft, block.origin))
        else:
            body.draft.fail(block.origin, f"a path begins with /, not '{path}': this url is not asked for")
    if not groups and body.all("url"):
        return []
    if not groups:
        body.draft.warn(body.at, "keepalived asks for no url here: the path / is asked for")
        groups[tuple(_demands(Body(body.at, (), body.draft), host))] = ["/"]
    checks = []
    for demands_, paths in groups.items():
        asked = [("path", path) for path in dict.fromkeys(paths)]
        checks.append(Check(kind, timing, (*common, *asked, *demands_)))
        if not any(name == "host" for name, _ in demands_):
            body.draft.warn(body.at, "no virtualhost: the request names the VIP as host, keepalived the server")
    return checks


def _demands(url: Body, host: str | None) -> Settings:
    settings: Settings = []
    host = url.word("virtualhost") or host
    if host:
        settings.append(("host", word(host, url.draft, url.at)))
    status = url.last("status_code")
    ranges = [one for one in (status.args if status else ()) if _is_status(one)]
    if status is not None and len(ranges) != len(status.args):
        url.draft.warn(status.origin, "an HTTP status is a number from 100 to 599: the others are left out")
    settings.append(("status", " ".join(ranges) or "200-299"))
    regex = url.last("regex")
    if regex is not None and not any(one.keyword == "regex_no_match" for one in url.statements):
        settings += _expression(regex, url.draft)
    return settings


def _is_status(words: str) -> bool:
    found = re.fullmatch(r"([1-5]\d\d)(?:-([1-5]\d\d))?", words, re.ASCII)
    return found is not None and found[1] <= (found[2] or found[1])


def _expression(regex: Statement, draft: Draft) -> Settings:
    text = " ".join(regex.args)
    try:
        translate(text.encode("utf-8", "surrogateescape"))
    except BadExpression as error:
        draft.warn(regex.origin, f"no POSIX extended regular expression, as expect needs: {error}; left out")
        return []
    draft.warn(regex.origin, "Perl's regular expression becomes a POSIX extended one: see that it means the same")
    return [("expect", quoted(text)), ("use_regex", "1")]


def word(text: str, draft: Draft, origin: Origin) -> str:
    """Return one word of lvs.cf, in quotes where it needs them; a note where it cannot be one."""
    if _PLAIN.fullmatch(text):
        return text
    if '"' in text or "\n" in text or "\r" in text:
        draft.fail(origin, f"lvs.cf has no way to write the word {text}")
        text = re.sub(r"[\"\r\n]", "", text)
    return f'"{text}"'


_READERS: dict[str, Callable[[Body, Target, Timing], list[Check]]] = {
    "TCP_CHECK": _tcp,
    "HTTP_GET": _http,
    "SSL_GET": _https,
    "SMTP_CHECK": _smtp,
    "DNS_CHECK": _dns,
    "MISC_CHECK": _misc,
    "UDP_CHECK": _udp,
    "PING_CHECK": _ping,
}
