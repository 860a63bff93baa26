"""Answers of daemons to `status`, as the tests of the screens need them."""

from typing import Any


def server(name: str, state: str = "up", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "address": "10.11.12.21",
        "port": 8443,
        "line": 58,
        "state": state,
        "weight": 10 if state in ("up", "falling 1/2") else None,
        "configured_weight": 10,
        "since_s": 244.0,
        "last_check": {"reason": "ok", "detail": "connect: accepted", "age_s": 0.7, "phases_ms": {"connect": 0.3}},
        "interval_s": 2.0,
        "check_timeout_s": 2.0,
        "fall": 2,
        "rise": 1,
        "reentry_s": 15.0,
        "active": 41,
        "inactive": 3,
    } | more


def virtual(name: str, *servers: dict[str, Any], **more: Any) -> dict[str, Any]:
    serving = sum(bool(one["weight"]) for one in servers)
    return {
        "name": name,
        "vips": ["192.0.2.10"],
        "services": ["tcp 192.0.2.10:443"],
        "in_table": [True],
        "how": "nat wlc",
        "serving": serving,
        "up": serving,
        "sorry": False,
        "out_by_s": 6.0,
        "new_per_s": 94.0,
        "servers": list(servers),
    } | more


def by_hand(weight: int) -> dict[str, Any]:
    """What lvsd tells of a server beside the rest when its weight was set by hand."""
    return {"by_hand": {"tcp 192.0.2.10:443": weight}, "by_hand_s": 61.0}


ADDED: dict[str, Any] = {
    "name": "10.9.9.9:80",
    "service": "tcp 192.0.2.10:443",
    "address": "10.9.9.9",
    "port": 80,
    "weight": 5,
    "since_s": 60.0,
    "active": 7,
    "inactive": 0,
}
"""A server that somebody added by hand."""


def leaving(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "address": "10.11.12.22",
        "port": 8443,
        "weight": 0,
        "since_s": 60.0,
        "left_s": 240.0,
        "drain_time_s": 300.0,
        "active": 41,
        "inactive": 3,
        "persistent": 0,
    } | more


def lvsd(*virtuals: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "cluster": "example-net",
        "node": "primary",
        "serial_no": 42,
        "generation": 3,
        "not_ready": [],
        "refused_changes": [],
        "refused_file": None,
        "overruled": [],
        "virtuals": list(virtuals),
    } | more


def partner(**more: Any) -> dict[str, Any]:
    return {
        "node": "backup",
        "alive": True,
        "age_s": 0.4,
        "role": "standby",
        "ready": True,
        "obstacle": "none",
        "generation": 3,
        "meaning": "abc",
    } | more


def pulse(**more: Any) -> dict[str, Any]:
    return {
        "cluster": "example-net",
        "node": "primary",
        "serial_no": 42,
        "generation": 3,
        "meaning": "abc",
        "paired": True,
        "standby": "warm",
        "role": "active",
        "since_s": 2692800.0,
        "ready": True,
        "not_ready": [],
        "warnings": [],
        "refused_file": None,
        "partner": partner(),
        "paths": [
            {"name": "public", "age_s": 0.4, "alive": True, "error": ""},
            {"name": "private", "age_s": 0.4, "alive": True, "error": ""},
        ],
        "lease": {"valid_s": 3, "remaining_s": 2.4, "unlimited": False},
        "vips": [{"address": "192.0.2.10", "prefix": 32, "device": "eth0", "held": True}],
    } | more
