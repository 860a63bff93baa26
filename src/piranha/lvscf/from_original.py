"""What a file of the original notices without being edited: notes for `piranha check --from-original`.

Each is about something that this very file does or leaves out; lvs.cf(5) has them all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from piranha.lvscf.check_values import Program
from piranha.lvscf.config import Config, FloatingAddress, RealServer, Virtual
from piranha.lvscf.diagnostics import Diagnostic, Findings, Span
from piranha.lvscf.load import Loaded
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.tree import Block, Setting, span_of
from piranha.terms import Protocol

NAMED = 3  # virtual servers that one note names; the others are counted
_FIRST_SHARE = 32  # the original gave a server that came back this part of its weight first


@dataclass(frozen=True, slots=True)
class Place:
    """Settings of one block by keyword, the last of each; its own place and, by line, those of the blocks in it."""

    settings: dict[str, Setting]
    span: Span
    inner: dict[int, Span] = field(default_factory=dict)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.settings

    def place(self, *keywords: str) -> Span:
        """Return where the first of `keywords` that is given has its value, else the place of the block."""
        given = next((self.settings[keyword] for keyword in keywords if keyword in self.settings), None)
        return self.span if given is None or not given.values else span_of(given.values[0])


@dataclass(frozen=True, slots=True)
class Served:
    """An active virtual server with its settings in the file."""

    virtual: Virtual
    block: Place

    @property
    def servers(self) -> list[RealServer]:
        """Its active real servers."""
        return [server for server in self.virtual.servers if server.active]


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file as it is judged here."""

    config: Config
    top: Place
    served: Sequence[Served]

    def told(self, applies: Callable[[Served], bool]) -> tuple[str, Served | None]:
        """Return the virtual servers that something applies to, in words, and the first of them."""
        found = [one for one in self.served if applies(one)]
        names = ", ".join(one.virtual.name for one in found[:NAMED])
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        return names + more, found[0] if found else None


def from_original(loaded: Loaded) -> tuple[Diagnostic, ...]:
    """Return the notes about a file without errors, in the order of the file; nothing for one with errors."""
    if loaded.config is None:
        return ()
    tree, _ = parse(loaded.text)
    blocks = {block.keyword.line: block for block in tree.blocks("virtual")}
    top = Place({setting.name: setting for setting in tree.settings()}, Span(1, 1))
    served = [Served(virtual, _place(blocks[virtual.line])) for virtual in loaded.config.active_virtuals()]
    findings = Findings()
    for code, span, message, hint in _notes(OldFile(loaded.config, top, served)):
        findings.add(code, span, message, hint)
    return findings.in_file_order()


def _place(block: Block) -> Place:
    inner = {server.keyword.line: server.span for server in block.blocks("server")}
    return Place({setting.name: setting for setting in block.settings()}, block.span, inner)


Note = tuple[str, Span, str, str]


def _notes(file: OldFile) -> Iterator[Note]:
    yield from _routers(file)
    yield from _addresses(file)
    yield from _times(file)
    yield from _programs(file)
    yield from _weights(file)
    yield from _daemons(file)


def _routers(file: OldFile) -> Iterator[Note]:
    top, config = file.top, file.config
    if not config.backup_active:
        waited = f"{config.heartbeat.deadtime_s:g} s"
        yield "N011", top.place("backup_active", "primary"), f"a lone router is active at once, not after {waited}", ""
        return
    place = top.place("backup_active")
    if "heartbeat_key_file" not in top and "heartbeat_auth" not in top:
        hint = "piranha keygen, and heartbeat_key_file on both routers; or heartbeat_auth = none"
        yield "N001", place, "two routers without heartbeat_key_file: pulse does not start", hint
    hint = "stop the old pair before you start the new one"
    yield "N002", place, "a router that runs the original is not heard: both would be active", hint
    if "standby" not in top:
        partner = config.backup.public if config.backup is not None else "the standby"
        message = f"the standby checks the servers, too: firewalls and logs there see {partner} as well"
        yield "N004", place, message, "standby = cold"


def _addresses(file: OldFile) -> Iterator[Note]:
    def bare(one: Served) -> bool:
        return "vip_nmask" not in one.block and _class_of(one.virtual.vip) is not None

    names, first = file.told(bare)
    if first is not None:
        vip = first.virtual.vip
        message = f"{names}: a VIP without vip_nmask is /32, {vip.address} was /{_class_of(vip)} by its class"
        yield "N003", first.block.place("address"), message, ""
    gateway = file.config.nat_router
    if gateway is not None and "nat_nmask" not in file.top and _class_of(gateway) is not None:
        message = f"nat_router without nat_nmask is /32, {gateway.address} was /{_class_of(gateway)} by its class"
        yield "N003", file.top.place("nat_router"), message, "write nat_nmask if this router has no address there"


def _class_of(floating: FloatingAddress) -> int | None:
    """Return the prefix length that ifconfig(8) gave by class; None where the file gives one, or for IPv6."""
    if not isinstance(floating.address, IPv4Address) or floating.prefix != floating.address.max_prefixlen:
        return None
    first = int(floating.address) >> 24
    return 8 if first < 128 else 16 if first < 192 else 24


def _times(file: OldFile) -> Iterator[Note]:
    names, first = file.told(lambda one: bool(one.servers) and "interval" not in one.block)
    if first is None:
        return
    timing = first.servers[0].timing
    # Of a file that is not edited both follow from timeout alone.
    timeout_s = timing.out_by_s
    place = first.block.place("timeout")
    times = f"{first.virtual.name} every {timing.interval_s:.3g} s, not every {timeout_s:g} s"
    message = f"{names}: checks come three times as often, for {times}"
    yield "N005", place, message, f"interval = {timeout_s:g} brings that back, but then a dead server stays longer"
    times = f"of {first.virtual.name} after {timeout_s:g} s, not after up to {3 * timeout_s:g} s"
    yield "N006", place, f"{names}: a server that hangs is out sooner, one {times}", ""


def _programs(file: OldFile) -> Iterator[Note]:
    def runs(one: Served) -> bool:
        return any(isinstance(server.check, Program) for server in one.servers)

    def silent(one: Served) -> bool:
        asked = runs(one) or "expect" in one.block
        return one.virtual.protocols == (Protocol.UDP,) and bool(one.servers) and not asked

    names, first = file.told(runs)
    if first is not None and "script_user" not in file.top:
        user = file.config.lvsd.script_user
        message = f"{names}: the check program runs as {user}, in the original as root"
        yield "N007", first.block.place("send_program"), message, f"see that {user} may do what it needs"
    names, first = file.told(lambda one: runs(one) and "send_program_status" not in one.block)
    if first is not None:
        message = f"{names}: the exit status of the program counts; the original looked at its output alone"
        yield "N008", first.block.place("send_program"), message, "send_program_status = ignore"
    names, first = file.told(silent)
    if first is not None:
        message = f"{names}: a UDP server that says nothing is up; in the original it was down"
        yield "N009", first.block.place("protocol"), message, "give send and expect, or send_program"
    for keyword in ("active_cmd", "inactive_cmd"):
        if keyword in file.top:
            yield "N013", file.top.place(keyword), f"{keyword} is ended after 30 s; the original waited for ever", ""


def _weights(file: OldFile) -> Iterator[Note]:
    def grew(one: Served) -> bool:
        return "slow_start" not in one.block and any(server.weight > 1 for server in one.servers)

    names, first = file.told(grew)
    if first is not None:
        message = f"{names}: a server that returns gets its full weight at once; the original began at 1/{_FIRST_SHARE}"
        yield "N010", first.block.span, message, "slow_start = 60"
    for one in file.served:
        for server in one.servers:
            if server.weight == 0:
                name = f"{one.virtual.name}/{server.name}"
                message = f"{name} has weight 0 and gets no new connections; the original gave it 1"
                yield "N012", one.block.inner[server.line], message, "weight = 1"


def _daemons(file: OldFile) -> Iterator[Note]:
    if file.config.lvsd.hard_shutdown:
        message = "a nanny that dies empties no table; the original stopped the whole service"
        yield "N014", file.top.place("hard_shutdown"), message, ""
    message = "what somebody changes in these virtual servers with ipvsadm is noticed and named"
    yield "N015", file.top.span, message, "piranha help foreign_edits"
