"""Lines of a plan about connection synchronisation: against the sync daemon that runs, where lvsd tells of it."""

from collections.abc import Iterator

from piranha.change.plan_lines import About, Kind, Line, Sign
from piranha.change.plan_words import differences
from piranha.dataclass import dataclass
from piranha.kernel import sync_daemons
from piranha.kernel.ipvs import SyncDaemon
from piranha.lvscf.config import Config
from piranha.lvscf.kernel_values import SyncSettings
from piranha.terms import PRIVATE, PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSeen:
    """The sync daemon of this router's role.

    sender: whether it is the one that sends. runs: as the kernel tells of it, None = none runs. interface: where the
    file in force has it, empty = nowhere. otherwise: what the kernel made of it, whatever was asked for. unknown:
    nobody can read it. trouble: what is wrong with it now, in words.
    """

    sender: bool
    runs: SyncDaemon | None = None
    interface: str = ""
    otherwise: str = ""
    unknown: bool = False
    trouble: str = ""


_NAMES = (
    ("device", "syncd_iface"),
    ("sync_id", "syncd_id"),
    ("max_length", "syncd_maxlen"),
    ("group", "syncd_group"),
    ("port", "syncd_port"),
    ("ttl", "syncd_ttl"),
)
_ALREADY = "the sync daemon runs so already"


def sync_lines(old: Config, new: Config, seen: SyncSeen | None) -> Iterator[Line]:
    """Yield what changes of connection synchronisation. seen: None where nobody tells."""
    before, after = old.kernel.sync, new.kernel.sync
    left = _left(before, after, seen) if after is not None else None
    if before is None and after is not None:
        what = f"syncdaemon on {after.device}, id {after.sync_id}"
        effect = "established connections outlive a takeover once both routers have it"
        yield _line(what, _ALREADY if left == "" else effect + _unknown(seen), Sign.ADDED)
    elif before is not None and after is None:
        what = f"syncdaemon on {before.device}, id {before.sync_id}"
        yield _line(what, "from now on a takeover ends connections", Sign.REMOVED)
    elif before is not None and after is not None and (what := differences(before, after, _NAMES)):
        effect = "a takeover ends connections until both routers have it"
        yield _line(left or what, _ALREADY if left == "" else effect + _unknown(seen), Sign.EDITED)


def sync_drift(old: Config, new: Config, seen: SyncSeen | None) -> tuple[list[Line], list[Line]]:
    """Return how the sync daemon runs otherwise than both files ask for; and how, where that cannot be put right."""
    before = old.kernel.sync
    if before is None or before != new.kernel.sync or seen is None or seen.unknown:
        return [], []
    state, effect = "master" if seen.sender else "backup", "changed by somebody else: started again"
    if seen.runs is None:
        what, effect = f"no sync daemon {state} runs", "started again"
    elif seen.trouble and seen.runs.sync_id != before.sync_id:
        what = f"{state} runs on {seen.runs.interface}, id {seen.runs.sync_id}"
    elif (left := _left(before, before, seen)) and left != seen.otherwise:
        what = left
    else:
        return [], []
    line = _line(what, seen.trouble or effect, Sign.EDITED)
    return ([], [line]) if seen.trouble else ([line], [])


def _left(before: SyncSettings | None, after: SyncSettings, seen: SyncSeen | None) -> str | None:
    """Return what is to be changed of the daemon that runs, empty for nothing; None where none is known to run."""
    if seen is None or seen.unknown or seen.runs is None:
        return None
    stays = before is not None and before.device == after.device
    named = "" if after.device in (PUBLIC, PRIVATE) else after.device
    interface = seen.interface if stays else named
    wanted = SyncDaemon(
        sender=seen.sender,
        interface=interface or seen.runs.interface,
        sync_id=after.sync_id,
        max_length=after.max_length,
        group=after.group,
        port=after.port,
        ttl=after.ttl,
    )
    words = sync_daemons.differences(wanted, seen.runs)
    if interface or stays:
        return words
    # Which interface that is lvsd finds out when the file is in force.
    moved = f"syncd_iface {before.device if before is not None else seen.runs.interface} -> {after.device}"
    return f"{moved}, {words}" if words else moved


def _unknown(seen: SyncSeen | None) -> str:
    if seen is None:
        return ""
    if seen.unknown:
        return f"; which sync daemons run is unknown: {seen.trouble}"
    return "" if seen.runs is not None else "; none runs now"


def _line(what: str, effect: str, sign: Sign) -> Line:
    return Line(kind=Kind.SAFE, sign=sign, about=About.SYNC, subject="sync", what=what, effect=effect)
