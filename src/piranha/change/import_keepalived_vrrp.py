"""VRRP instances of keepalived as values: who is who, which addresses move, what is watched.

Source: keepalived.conf(5), *VRRPD CONFIGURATION*.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_interface

from piranha.change.import_keepalived_body import Body
from piranha.change.import_keepalived_known import INSTANCE
from piranha.change.import_keepalived_tree import Statement
from piranha.change.imported import Draft, Origin
from piranha.terms import Address

ADVERT_S = 1.0
ADVERTS = 3  # missed in a row, before the skew time


@dataclass(frozen=True, slots=True)
class Vip:
    """An address that moves. device: with its label, `eth0:1`, if it has one; empty where the file names none."""

    origin: Origin
    address: Address
    prefix: int
    device: str


@dataclass(frozen=True, slots=True)
class Command:
    """A program that is called, and the user that runs it, empty where the file names none."""

    origin: Origin
    text: str
    user: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One vrrp_instance of one router. own: its address; peers: those of the others, empty with multicast."""

    origin: Origin
    name: str
    interface: str
    router_id: int
    master: bool
    priority: int
    advert_s: float
    adverts: int
    preempts: bool
    preempt_delay_s: float
    own: Address | None
    peers: tuple[Address, ...]
    vips: tuple[Vip, ...]
    watched: tuple[str, ...]
    scripts: tuple[str, ...]
    commands: tuple[tuple[str, Command], ...]
    secret: bool

    @property
    def silence_s(self) -> float:
        """How long a backup waits: the adverts, and the skew time, one more of them at most."""
        return (self.adverts + 1) * self.advert_s


@dataclass(frozen=True, slots=True)
class Script:
    """One vrrp_script."""

    origin: Origin
    name: str
    text: str
    interval_s: float
    weighted: bool


def read_instances(top: Sequence[Statement], draft: Draft) -> list[Instance]:
    """Return every vrrp_instance, with what its sync group says of it."""
    groups = [_group(block, draft) for block in top if block.keyword == "vrrp_sync_group"]
    adverts = _adverts(top)
    found = []
    for block in top:
        if block.keyword == "vrrp_instance":
            shared = [body for names, body in groups if " ".join(block.args) in names]
            found.append(_instance(block, shared, adverts, draft))
    for names, body in groups:
        if not any(instance.name in names for instance in found):
            draft.warn(body.at, "no vrrp_instance belongs to this group: left out")
        else:
            body.report(INSTANCE)
    return found


def _adverts(top: Sequence[Statement]) -> int:
    """Return how many adverts may be missed where an instance does not say it."""
    said = [
        one.args[0]
        for block in top
        if block.keyword == "global_defs"
        for one in block.body or ()
        if one.keyword == "vrrp_down_timer_adverts" and one.args
    ]
    return int(said[-1]) if said and said[-1].isdecimal() and 0 < int(said[-1][:4]) <= 100 else ADVERTS


def _group(block: Statement, draft: Draft) -> tuple[set[str], Body]:
    body = Body.of(block, draft)
    names = {word.keyword for group in body.all("group") for word in group.flat()}
    return names, body


def _instance(block: Statement, groups: Sequence[Body], adverts: int, draft: Draft) -> Instance:
    body = Body.of(block, draft)
    interface = body.word("interface") or ""
    state = (body.word("state") or "BACKUP").upper()
    unweighted = not _flagged(body, "dont_track_primary")
    watched = [interface] if unweighted and interface else []
    scripts: list[str] = []
    commands: list[tuple[str, Command]] = []
    for one in (body, *groups):
        watched += _tracked(one, "track_interface")
        scripts += _tracked(one, "track_script")
        for keyword in ("notify_master", "notify_backup", "notify_fault"):
            commands += [(keyword, _command(found)) for found in one.all(keyword) if found.args]
    advert_s = body.seconds("advert_int")
    peers = tuple(
        address
        for listed in body.all("unicast_peer")
        for entry in listed.body or ()
        if (address := body.address_of(entry, 0)) is not None
    )
    sources = [body.address(keyword) for keyword in ("unicast_src_ip", "mcast_src_ip")]
    instance = Instance(
        origin=block.origin,
        name=" ".join(block.args),
        interface=interface,
        router_id=body.number("virtual_router_id", 1, 255) or 0,
        master=state == "MASTER",
        priority=body.number("priority", 1, 255) or 100,
        advert_s=advert_s or ADVERT_S,
        adverts=body.number("down_timer_adverts", 1, 100) or adverts,
        preempts=not _flagged(body, "nopreempt"),
        preempt_delay_s=body.seconds("preempt_delay") or 0.0,
        own=next((address for address in sources if address is not None), None),
        peers=peers,
        vips=tuple(_vips(body, interface)),
        watched=tuple(dict.fromkeys(watched)),
        scripts=tuple(dict.fromkeys(scripts)),
        commands=tuple(commands),
        secret=bool(body.all("authentication")),
    )
    body.all("preempt")  # the default
    body.report(INSTANCE)
    return instance


def _flagged(body: Body, keyword: str) -> bool:
    return bool(body.all(keyword))


def _tracked(body: Body, keyword: str) -> list[str]:
    """Return the names in a `track_interface` or `track_script` block; a weight is told."""
    names = []
    for block in body.all(keyword):
        for entry in block.body or ():
            names.append(entry.keyword)
            if "weight" in entry.args and entry.args[-1:] != ("0",):
                message = f"'{' '.join(entry.words)}': there are no weights: a router is ready or it is not"
                body.draft.warn(entry.origin, message)
    return names


def _command(found: Statement) -> Command:
    return Command(found.origin, found.args[0], found.args[1] if len(found.args) > 1 else "")


def _vips(body: Body, interface: str) -> list[Vip]:
    found = []
    for block in body.all("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for entry in block.body or ():
            words = list(entry.words)
            try:
                address = ip_interface(words[0])
            except ValueError:
                unset = re.match(r"\$(\w+)\b", words[0])
                hint = f"; a definition inside of a word is written ${{{unset[1]}}}" if unset else ""
                body.draft.fail(entry.origin, f"'{words[0]}' is no address: left out{hint}")
                continue
            device, label = _options(entry, interface, body.draft)
            prefix = address.network.prefixlen
            found.append(Vip(entry.origin, address.ip, prefix, label or device))
    return found


def _options(entry: Statement, interface: str, draft: Draft) -> tuple[str, str]:
    """Return device and label of an address; other options have no counterpart."""
    device, label = interface, ""
    words = list(entry.args)
    if words and re.fullmatch(r"[0-9a-fA-F.:]+", words[0]):
        words.pop(0)
    while words:
        option = words.pop(0)
        value = words.pop(0) if option not in _SWITCHES and words else ""
        match option:
            case "dev":
                device = value
            case "label":
                label = value
            case "scope" if value in ("global", "universe"):
                pass
            case "brd" | "broadcast" | "scope" | "peer" | "preferred_lft":
                draft.warn(entry.origin, f"'{option} {value}' of a VIP has no counterpart: left out")
            case "no_track" | "home" | "mngtmpaddr" | "noprefixroute" | "autojoin" | "use_vmac":
                draft.warn(entry.origin, f"'{option}' of a VIP has no counterpart: left out")
            case "-nodad":
                pass  # pulse sets VIPs without DAD
            case _:
                draft.warn(entry.origin, f"unknown option '{option}' of a VIP: left out")
    if label and not label.startswith(f"{device}:"):
        draft.warn(entry.origin, f"the label '{label}' does not begin with '{device}:': left out")
        label = ""
    return device, label


_SWITCHES = frozenset("-nodad no_track home mngtmpaddr noprefixroute autojoin use_vmac".split())


def read_scripts(top: Sequence[Statement], draft: Draft) -> dict[str, Script]:
    """Return every vrrp_script by its name."""
    found = {}
    for block in top:
        if block.keyword != "vrrp_script":
            continue
        body = Body.of(block, draft)
        name = " ".join(block.args)
        weight = body.word("weight") or "0"
        interval_s = body.seconds("interval") or 1.0
        found[name] = Script(block.origin, name, body.word("script") or "", interval_s, weight != "0")
        for keyword in ("timeout", "rise", "fall", "init_fail", "user"):
            for one in body.all(keyword):
                draft.warn(one.origin, f"'{keyword}' of a vrrp_script has no counterpart: monitor_program")
        body.report({})
    return found
