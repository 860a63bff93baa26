"""From ldirectord.cf to an lvs.cf, and what changed its meaning. Source: ldirectord(8) of 4.12."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from piranha.change.import_blocks import Blocks, Real, Setting, plain
from piranha.change.import_ldirectord_checks import SERVICE_OF, Checks, Wanted, program
from piranha.change.import_ldirectord_known import PLAIN, WITHOUT
from piranha.change.import_ldirectord_read import RealLine, Section, read, real_lines
from piranha.change.imported import Draft, Imported, Origin, failure
from piranha.lvscf.services import SERVICES
from piranha.table.destination import Destination
from piranha.terms import ForwardingMethod

SERVERS_LIMIT = 20_000  # real servers of one import

_METHOD = {"masq": ForwardingMethod.NAT, "gate": ForwardingMethod.DIRECT, "ipip": ForwardingMethod.TUNNEL}
_HEAD = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._+-]+)):([0-9A-Za-z_-]+)")
_FALLBACK = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._+-]+))(?::([0-9A-Za-z_-]+))?(?:\s+(gate|masq|ipip))?")

Placed = tuple[Setting, Origin]


@dataclass(frozen=True, slots=True)
class _Service:
    """One virtual service. address: empty for a firewall mark. port: 0 where it is any or not known."""

    section: Section
    address: str
    port: int
    port_word: str
    mark: int
    protocol: str
    kind: str
    service: str
    reals: tuple[RealLine, ...]

    @property
    def name(self) -> str:
        """Return the name of the virtual server."""
        given = self.section.text("servicename")
        return given or (f"mark-{self.mark}" if self.mark else f"{self.address}-{self.port_word}")


def import_ldirectord(name: str, text: str) -> Imported:
    """Return the lvs.cf for a router that runs ldirectord; name: of the file, for notes."""
    whole = Origin(name)
    if "\0" in text:
        return failure(whole, "this is not a text file: it has zero bytes")
    draft = Draft(whole)
    settings, sections = read(text, draft)
    services = [service for section in sections for service in _service(section, draft)]
    if not services:
        first = min(draft.notes, default=None, key=lambda note: note.origin)
        message = f"no virtual service in it{f'; {first.message}' if first else ''}"
        return failure(whole, message, first.origin.line if first else 0)
    if sum(len(line.hosts) for service in services for line in service.reals) > SERVERS_LIMIT:
        return failure(whole, f"more than {SERVERS_LIMIT:,} real servers")
    checks, blocks = Checks(draft), Blocks(draft)
    reals = [tuple(_reals(service, checks)) for service in services]
    blocks.head("ldirectord", [real for found in reals for real in found])
    _globals(settings, services, draft)
    checks.write()
    for service, found in zip(services, reals, strict=True):
        placed = tuple(_settings(service, settings, draft))
        common = found[0].more if found and all(real.more == found[0].more for real in found) else ()
        blocks.virtual(
            service.name,
            service.section.origin,
            (*placed, *((setting, service.section.origin) for setting in common)),
            [replace(real, more=()) for real in found] if common else found,
        )
    for section in (settings, *sections):
        _rest(section, draft)
    draft.warn(whole, "addresses have no device: each goes to the device whose network holds it; write another")
    return draft.finish()


def _service(section: Section, draft: Draft) -> Iterator[_Service]:
    found = _HEAD.match(section.head)
    mark = 0
    address, word = "", ""
    if found is not None:
        address, word = found[1] or found[2], found[3]
        if (found[1] is not None) is not section.ipv6 and found[1] is not None:
            draft.warn(section.origin, "an IPv6 address belongs to virtual6")
    elif number := re.match(r"\d{1,10}(?!\d)", section.head, re.ASCII):
        mark = int(number.group())
    if found is None and not mark:
        draft.fail(
            section.origin, f"no virtual service: ADDRESS:PORT or a firewall mark is expected: {section.head[:60]}"
        )
        return
    port = _port(word) or 0
    if address and not port:
        draft.fail(section.origin, f"no service is called '{word}': write its port")
    protocol = section.text("protocol", "udp" if word in ("53", "domain") else "tcp")
    if protocol not in ("tcp", "udp") and not mark:
        draft.fail(_at(section, "protocol"), f"protocol is tcp or udp, not {protocol[:20]}")
        protocol = "tcp"
    yield _Service(
        section=section,
        address=address,
        port=port,
        port_word=word,
        mark=mark,
        protocol="tcp" if mark else protocol,
        kind=_kind(section),
        service=section.text("service", "none" if mark else SERVICE_OF.get(port, "none")),
        reals=tuple(real_lines(section, draft)),
    )


def _kind(section: Section) -> str:
    said = section.text("checktype", "negotiate")
    number = re.search(r"\d+", said, re.ASCII)
    return number.group() if number else said


def _port(word: str) -> int | None:
    number = int(word) if word.isdecimal() and word.isascii() and len(word) < 6 else SERVICES.get(word, 0)
    return number if 0 < number <= 65535 else None


def _at(section: Section, keyword: str) -> Origin:
    line = section.last(keyword)
    return line.origin if line else section.origin


def _reals(service: _Service, checks: Checks) -> Iterator[Real]:
    draft = checks.draft
    external = service.kind.startswith("external")
    for line in service.reals:
        port = _port(line.port) if line.port else None
        if line.port and port is None and line.port != "0":
            draft.fail(line.origin, f"no service is called '{line.port}': write its port")
        method = _METHOD[line.method]
        if service.mark and method is ForwardingMethod.NAT and port is None:
            draft.warn(line.origin, "a real server of a firewall mark without port: it gets the port that clients use")
        wanted = Wanted(service.service, service.kind, service.protocol, port or service.port, line.exchange)
        check = None if external else checks.check(service.section, wanted)
        more = () if check is None else (check,)
        for host in line.hosts:
            yield Real(
                name=host,
                address=host,
                destination=Destination(
                    forwarding=method,
                    weight=line.weight,
                    upper_threshold=line.upper,
                    lower_threshold=line.lower,
                ),
                port=port if port != service.port and not _any_port(service) else None,
                active=service.kind != "off",
                origin=line.origin,
                more=more,
            )


def _any_port(service: _Service) -> bool:
    """Whether the real servers of a firewall mark get the port that the client asked for."""
    return bool(service.mark) and not any(line.port for line in service.reals)


def _settings(service: _Service, whole: Section, draft: Draft) -> Iterator[Placed]:
    section, here = service.section, service.section.origin
    yield from _match(service, draft)
    yield ("scheduler", _word(section.text("scheduler", "wrr"))), _at(section, "scheduler")
    for keyword, name in (("persistent", "persistent"), ("netmask", "pmask")):
        if line := section.last(keyword):
            prefix = "/" if keyword == "netmask" and line.value.isdecimal() else ""
            yield (name, prefix + _word(line.value)), line.origin
    if line := section.last("schedflags"):
        flags = [flag.removeprefix("sh-").removeprefix("mh-") for flag in line.value.split(",")]
        yield ("scheduler_flags", " ".join(_word(flag) for flag in flags)), line.origin
    if section.text("ops") == "yes":
        yield ("one_packet", "1"), _at(section, "ops")
    yield from _times(service, whole, draft)
    quiescent = section.last("quiescent") or whole.last("quiescent")
    if quiescent is not None and quiescent.text == "yes":
        yield ("quiesce_server", "1"), quiescent.origin
    elif quiescent is None:
        message = "quiescent is not said: the manual says yes, the program does no, and so does this file"
        draft.warn(draft.whole, message)
    yield from _sorry(service, whole, draft)
    if service.kind.startswith("external"):
        where = ("0", "0") if service.mark else (service.address, str(service.port))
        yield from program(section, (str(service.mark), "0") if service.mark else where, draft)
    if service.kind == "off":
        draft.warn(
            _at(section, "checktype"), "checktype = off: no real server serves; they are written with active = 0"
        )
    if not service.reals:
        draft.warn(here, "no real server")


def _match(service: _Service, draft: Draft) -> Iterator[Placed]:
    section, here = service.section, service.section.origin
    if not service.mark:
        yield ("address", service.address), here
        yield ("port", str(service.port or service.port_word)), here
        yield ("protocol", service.protocol), _at(section, "protocol")
        return
    yield ("fwmark", str(service.mark)), here
    draft.fail(here, f"firewall mark {service.mark}: which address clients connect to is not said; write address")
    ports = [_port(line.port) for line in service.reals if line.port]
    known = next((port for port in ports if port), None)
    checked = section.number("checkport", draft) or next(
        (port for port, name in SERVICE_OF.items() if name == service.service), None
    )
    if known is not None:
        yield ("port", str(known)), here
        return
    yield ("ports", str(checked or 80)), here
    yield ("mark_rules", "0"), here
    draft.warn(here, f"which ports the mark lets in is not said: {checked or 80} is checked; write those there are")


def _times(service: _Service, whole: Section, draft: Draft) -> Iterator[Placed]:
    """Yield how often servers are checked and how patiently, as ldirectord has it with its defaults."""
    section = service.section

    def number(keyword: str) -> tuple[int | None, int | None]:
        return section.number(keyword, draft), whole.number(keyword, draft)

    (own_check, all_check), (own_negotiate, all_negotiate) = number("checktimeout"), number("negotiatetimeout")
    negotiates = service.kind == "negotiate" or service.kind.isdecimal()
    order = (own_negotiate, own_check, all_negotiate, all_check, 30) if negotiates else ()
    order = order or (own_check, own_negotiate, all_check, all_negotiate, 5)
    limit_s = max(1, next(one for one in order if one is not None))
    own_interval, all_interval = number("checkinterval")
    if own_interval is not None and whole.text("fork") != "yes":
        draft.warn(
            _at(section, "checkinterval"), "checkinterval of a virtual service counts with fork = yes only, as ever"
        )
        own_interval = None
    interval_s = max(1, own_interval or all_interval or 10)
    own_fall, all_fall = number("failurecount")
    fall = max(1, own_fall or all_fall or 1)
    out_by_s = interval_s + (fall - 1) * max(interval_s, limit_s) + limit_s
    here = section.origin
    yield ("interval", str(interval_s)), here
    yield ("check_timeout", str(limit_s)), here
    yield ("fall", str(fall)), here
    yield ("timeout", str(math.ceil(out_by_s))), here
    yield ("reentry", "0"), here
    for counted in (section.last("checkcount"), whole.last("checkcount")):
        if counted is not None and counted.value != "1":
            draft.warn(counted.origin, "checkcount: a ping check counts one answer at a time; use fall")


def _sorry(service: _Service, whole: Section, draft: Draft) -> Iterator[Placed]:
    keyword = "fallback6" if ":" in service.address else "fallback"
    line = service.section.last("fallback6") or service.section.last("fallback") or whole.last(keyword)
    if line is None:
        return
    found = _FALLBACK.fullmatch(line.value)
    if found is None:
        draft.fail(line.origin, "no fallback server: ADDRESS[:PORT] [gate|masq|ipip] is expected; left out")
        return
    port = _port(found[3]) if found[3] else service.port
    host = found[1] or found[2]
    yield ("sorry_server", f"{host} {port}" if port else host), line.origin
    yield ("sorry_forwarding", str(_METHOD[found[4] or "gate"])), line.origin


def _globals(settings: Section, services: Sequence[_Service], draft: Draft) -> None:
    """Write the settings of the whole file."""
    before = len(draft.lines)
    for (keyword, value), origin in _global_settings(settings, services, draft):
        draft.put(f"{keyword} = {value}", origin)
    if len(draft.lines) > before:
        draft.put()


def _global_settings(settings: Section, services: Sequence[_Service], draft: Draft) -> Iterator[Placed]:
    if line := settings.last("maintenancedir"):
        if line.text.startswith("/"):
            draft.warn(line.origin, "maintenancedir: a file there drains its server, which keeps its connections")
            yield ("maintenance_dir", _word(line.text)), line.origin
        else:
            draft.warn(line.origin, f"maintenancedir: {line.text} is no absolute path: left out")
    sections = (settings, *(service.section for service in services))
    cleanstop = [line for section in sections if (line := section.last("cleanstop")) is not None]
    if any(line.text == "no" for line in cleanstop):
        yield ("keep_table", "1"), next(line.origin for line in cleanstop if line.text == "no")
        if len({line.text for line in cleanstop}) > 1:
            draft.warn(cleanstop[-1].origin, "cleanstop: the table stays as a whole, or goes as a whole")
    mails = [line for section in sections if (line := section.last("emailalert")) is not None]
    addresses = dict.fromkeys(_addresses(line.text for line in mails))
    if addresses:
        yield ("notify_mail", " ".join(_word(one) for one in addresses)), mails[0].origin
        if len(mails) > 1:
            draft.warn(mails[-1].origin, "emailalert: every address is told of every virtual server")
    for keyword, name in (("emailalertfrom", "notify_mail_from"), ("smtp", "notify_mail_server")):
        line = settings.last(keyword)
        address = _addresses([line.text])[:1] if line is not None else []
        if line is not None and address and mails:
            yield (name, _word(address[0])), line.origin


def _addresses(texts: Iterable[str]) -> list[str]:
    """Return the mail addresses and host names in some values."""
    return [found for text in texts for found in re.findall(r"[^\s,<>\"]+(?:@[^\s,<>\"]+)?", text) if found]


def _word(text: str) -> str:
    if re.fullmatch(r"[^\s\"'#=;{}\\]+", text):
        return text
    return '"' + re.sub(r"[\"\r\n\\]", "", text) + '"'


def _rest(section: Section, draft: Draft) -> None:
    """Note every setting that nothing above has read."""
    told: set[str] = set()
    for line in section.lines:
        if line.keyword in section.used or line.keyword in PLAIN or line.keyword in told:
            continue
        told.add(line.keyword)
        if why := WITHOUT.get(line.keyword):
            draft.warn(line.origin, f"{line.keyword}: {why}")
        else:
            draft.fail(line.origin, f"ldirectord knows no '{plain(line.keyword)}' here: left out")
