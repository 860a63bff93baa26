"""The sync daemon as a plan needs it, as data of the control verb `standing`."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from piranha.change.plan_sync import SyncSeen
from piranha.kernel.ipvs import SyncDaemon


def sync_data(seen: SyncSeen) -> dict[str, object]:
    """Return it as JSON has it."""
    one = seen.runs
    return {
        "sender": seen.sender,
        "runs": one
        and {
            "interface": one.interface,
            "id": one.sync_id,
            "max_length": one.max_length,
            "group": None if one.group is None else str(one.group),
            "port": one.port,
            "ttl": one.ttl,
        },
        "interface": seen.interface,
        "otherwise": seen.otherwise,
        "unknown": seen.unknown,
        "trouble": seen.trouble,
    }


def sync_from(data: Mapping[str, Any]) -> SyncSeen:
    """Read what `sync_data` made. Raises one of MISSHAPEN for anything else."""
    sender, one = data["sender"] is True, data["runs"]
    runs = one and SyncDaemon(
        sender=sender,
        interface=str(one["interface"]),
        sync_id=int(one["id"]),
        max_length=_number(one["max_length"]),
        group=None if one["group"] is None else ip_address(one["group"]),
        port=_number(one["port"]),
        ttl=_number(one["ttl"]),
    )
    return SyncSeen(
        sender=sender,
        runs=runs or None,
        interface=str(data["interface"]),
        otherwise=str(data["otherwise"]),
        unknown=data["unknown"] is True,
        trouble=str(data["trouble"]),
    )


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))
