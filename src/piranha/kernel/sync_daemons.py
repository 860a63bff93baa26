"""What a sync daemon of the kernel has otherwise than it was asked for."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from piranha.kernel.ipvs import SyncDaemon
from piranha.terms import Address

_GROUP, _PORT, _TTL = IPv4Address("224.0.0.81"), 8848, 1
_LONGEST, _ETHERNET, _SHORTEST_TAKEN_IN = 65535, 1500, 1024  # bytes; ip_vs_sync.c, start_sync_thread


def differences(wanted: SyncDaemon, found: SyncDaemon) -> str:
    """Return what a running daemon has otherwise, in words; what its kernel does not tell counts as the same."""
    pairs: Mapping[str, tuple[object, object]] = {
        "syncd_iface": (wanted.interface, found.interface),
        "syncd_id": (wanted.sync_id, found.sync_id),
        "syncd_maxlen": (_max_length(wanted, found), found.max_length),
        "syncd_group": (wanted.group or _GROUP, found.group),
        "syncd_port": (wanted.port or _PORT, found.port),
        "syncd_ttl": (wanted.ttl or _TTL, found.ttl),
    }
    return ", ".join(f"{name} {have} -> {want}" for name, (want, have) in pairs.items() if have not in (None, want))


def lacking(wanted: SyncDaemon, found: SyncDaemon) -> list[str]:
    """Return the keywords that the file gives and this kernel knows nothing of."""
    pairs = {
        "syncd_maxlen": (wanted.max_length, found.max_length),
        "syncd_group": (wanted.group, found.group),
        "syncd_port": (wanted.port, found.port),
        "syncd_ttl": (wanted.ttl, found.ttl),
    }
    return [name for name, (want, have) in pairs.items() if want is not None and have is None]


def _max_length(wanted: SyncDaemon, found: SyncDaemon) -> int | None:
    """Return the length that the kernel makes of what is asked for."""
    headers = _headers(wanted.group)
    if wanted.max_length is not None:
        low = 1 if wanted.sender else _SHORTEST_TAKEN_IN
        return min(max(wanted.max_length, low), _LONGEST - headers)
    if wanted.sender:
        return _ETHERNET - headers
    # Who takes in goes by the interface, and is never too short.
    return found.max_length if (found.max_length or 0) >= _ETHERNET - headers else _ETHERNET - headers


def _headers(group: Address | None) -> int:
    return 8 + (40 if group is not None and group.version == 6 else 20)  # UDP and IP
