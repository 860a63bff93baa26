"""How a plan writes settings: the words of lvs.cf, before and after."""

import math
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from ipaddress import IPv4Address

from piranha.lvscf.check_values import Check, CheckTiming, Exchange, Expect, Program, WeightFrom
from piranha.lvscf.config import FloatingAddress, HeartbeatPath, PortRange, Quota, RealServer, Router, SorryServer
from piranha.table.destination import DestinationKey
from piranha.terms import Address, Protocol, Tunnel, TunnelChecksum
from piranha.text import hexadecimal, ranges

LONGEST = 40
"""Characters of a value before it is shortened."""


def count(number: int | None, what: str) -> str:
    """Return `1 connection`, `530 connections`, `connections` where nobody can count them."""
    if number is None:
        return f"{what}s"
    return f"{number} {what}" + ("" if number == 1 else "s")


def ending(number: int | None) -> str:
    """Return `530 connections end`, `1 connection ends`."""
    return f"{count(number, 'connection')} {'ends' if number == 1 else 'end'}"


def staying(number: int | None) -> str:
    """Return `530 connections stay`, `1 connection stays`, `it has no connections now`."""
    if number == 0:
        return "it has no connections now"
    return f"{count(number, 'connection')} {'stays' if number == 1 else 'stay'}"


def draining(number: int | None, drain_s: float) -> str:
    """Return `41 connections; no new ones, gone in 5m`."""
    if number == 0:
        return "no connections: goes at once"
    return f"{count(number, 'connection')}; no new ones, gone in {seconds(drain_s)}"


def endpoint(address: Address, port: int) -> str:
    """Return `10.0.0.1:80` or `[2001:db8::1]:80`."""
    return str(DestinationKey(address, port))


def place_words(server: RealServer | SorryServer) -> str:
    """Return where a server listens."""
    return endpoint(server.address, server.port)


def seconds(value: float) -> str:
    """Return `9s`, `0.5s`, `5m`, `2h`, as a file may say it."""
    for size, unit in ((3600, "h"), (60, "m")):
        if value >= size and value % size == 0:
            return f"{value / size:g}{unit}"
    return f"{value:g}s"


def countdown(left_s: float) -> str:
    """Return a time that is left, `4m57s`, rounded up."""
    minutes, rest = divmod(math.ceil(left_s), 60)
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def value(of: object) -> str:
    """Return a setting as the file would have it, `-` for none."""
    if of is None or of in ((), ""):
        return "-"
    if isinstance(of, bool):
        return str(int(of))
    if isinstance(of, float):
        return f"{of:g}"
    if isinstance(of, Protocol):
        return of.word
    if isinstance(of, tuple):
        lines = isinstance(of[0], tuple)  # of a keyword that may be given several times
        return _short((" + " if lines else " ").join(value(item) for item in of))
    if is_dataclass(of):
        return _short(_record(of))
    return _short(str(of))


def arrow(before: object, after: object) -> str:
    """Return `wlc -> sed`."""
    return f"{value(before)} -> {value(after)}"


def mask(of: int | None, version: int) -> str:
    """Return a persistence mask as `pmask` has it; None is the whole address."""
    if version == 6:
        return f"/{128 if of is None else of}"
    return str(IPv4Address(0xFFFFFFFF if of is None else of))


def check_words(check: Check) -> str:
    """Return a check in a few words: `tcp connect`, `send "GET /" expect "HTTP"`, `program /usr/bin/x %h`."""
    match check:
        case Program():
            weight = f" weight_from {check.weight_from}" if check.weight_from is not WeightFrom.NONE else ""
            return _short(f"program {' '.join(check.command)}{_expected(check.expect)}{weight}")
        case Exchange():
            if check.http is not None:
                method, path, *_ = check.send.decode("utf-8", "backslashreplace").split(" ", 2)
                body = _expected(check.http.body).replace(" expect", " body", 1)
                return _short(f"http {method} {path} status {ranges(check.http.statuses)}{body}")
            sent = f"{check.transport.word} {f'send {_sent(check.send)}' if check.send else 'connect'}"
            source = f" from {' or '.join(map(str, check.sources))}" if check.sources else ""
            return _short(sent + _expected(check.expect) + source)
        case _:
            return _short(_record(check))


def timing_words(before: CheckTiming, after: CheckTiming) -> str:
    """Return what changes of the times of a check: `timeout 6 -> 9, reentry 15 -> 30`."""
    names = [spec.name for spec in fields(after)]
    parts = []
    if _plain(before) and _plain(after) and before.interval_s != after.interval_s:
        # Nobody who wrote `timeout` and nothing else would know the three that follow from it.
        parts.append(f"timeout {arrow(before.out_by_s, after.out_by_s)}")
        names = [name for name in names if name not in ("interval_s", "check_timeout_s", "fast_interval_s")]
    changed = [name for name in names if getattr(before, name) != getattr(after, name)]
    parts += [f"{name.removesuffix('_s')} {arrow(getattr(before, name), getattr(after, name))}" for name in changed]
    return ", ".join(parts)


def differences(before: object, after: object, names: Sequence[tuple[str, str]]) -> str:
    """Return what differs of the fields in `names`, pairs of field and keyword: `weight 1 -> 3`."""
    parts = []
    for name, keyword in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            parts.append(f"{keyword} {arrow(old, new)}")
    return ", ".join(parts)


def _plain(timing: CheckTiming) -> bool:
    return timing.interval_s == timing.check_timeout_s == timing.fast_interval_s and timing.fall == 2


def _expected(expect: Expect | None) -> str:
    if expect is None:
        return ""
    if expect.anything:
        return " expect anything"
    if expect.mask:
        return f" expect hex {hexadecimal(expect.text, expect.mask)}"
    return f' expect {"regex " if expect.regex else ""}"{_bytes(expect.text)}"'


def _sent(data: bytes) -> str:
    text = _bytes(data)
    return f'"{text}"' if text.isprintable() else f"hex {hexadecimal(data)}"


def _bytes(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace").replace("\r", "\\r").replace("\n", "\\n")


def _record(of: object) -> str:
    match of:
        case Router():
            return str(of.public) + (f" {of.private}" if of.private is not None else "")
        case FloatingAddress():
            prefix = "" if of.prefix == of.address.max_prefixlen else f"/{of.prefix}"
            return f"{of.address}{prefix}" + (f" {of.label or of.device}" if of.label or of.device else "")
        case SorryServer():
            return f"{place_words(of) if of.port else of.address} {of.forwarding}"
        case Tunnel():
            port = f" port {of.port}" if of.port else ""
            return f"{of.type}{port}" + ("" if of.checksum is TunnelChecksum.NONE else f" {of.checksum}")
        case Quota():
            return f"{of.percent:g}%" if of.percent else str(of.count)
        case PortRange():
            return str(of.first) if of.first == of.last else f"{of.first}-{of.last}"
        case HeartbeatPath():
            return f"{of.primary} {of.backup} {of.name}"
        case Exchange() | Program():
            return check_words(of)
    if not is_dataclass(of) or isinstance(of, type):
        return str(of)
    told = [f"{spec.name} {value(getattr(of, spec.name))}" for spec in fields(of) if spec.name != "line"]
    return ", ".join(told)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
