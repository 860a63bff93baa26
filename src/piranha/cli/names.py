"""What a NAME on the command line can mean: a virtual server, a server, a machine, a router, a VIP, or a part of ours.

`www`, `www/web3`, `*/web3`, `10.11.12.23`, `10.11.12.23:8443`; `primary`, `backup`, `router`, `partner`;
`vip`, `192.0.2.10`; `config`, `kernel`, `table`, `lvsd`, `nanny`, `pulse`.
"""

from collections.abc import Sequence
from difflib import get_close_matches

from piranha.cli.facts import Facts, dicts, number, text

ROUTER = frozenset({"router", "partner", "pulse", "takeover", "election", "monitor_hosts"})
"""Subjects of what happens between the routers; they are one story."""
VIP = "vip"
TABLE = "table"
KERNEL = "kernel"
ALWAYS_KNOWN = frozenset({"config", "lvsd", "nanny", "record", KERNEL, TABLE, VIP}) | ROUTER
PLACES = ("primary", "backup")


def subjects(name: str, pulse: Facts, lvsd: Facts) -> list[str]:
    """Return the subjects of events and findings that `name` stands for; empty when it fits none."""
    if name in ALWAYS_KNOWN:
        return [name]
    if found := resolve(name, lvsd):
        return found
    if name in [text(vip.get("address")) for vip in dicts(pulse.get("vips"))]:
        return [f"{VIP} {name}", "router"]
    if name in PLACES:
        ours = text(pulse.get("node")) or text(lvsd.get("node"))
        return ["partner" if ours in PLACES and name != ours else "router"]
    return []


def of_routers(name: str) -> bool:
    """Whether a subject is about routers or VIPs rather than servers."""
    return name in ROUTER or name.partition(" ")[0] == VIP


def known_names(lvsd: Facts) -> list[str]:
    """Return every virtual server and every server of the answer to `status`, in file order."""
    names = []
    for virtual in dicts(lvsd.get("virtuals")):
        name = text(virtual.get("name"))
        names += [name, *(f"{name}/{text(server.get('name'))}" for server in _servers(virtual))]
    return list(dict.fromkeys(names))


def _servers(virtual: Facts) -> list[Facts]:
    """Return the servers of a virtual server, those that leave it or were added by hand last."""
    return [one for kind in ("servers", "leaving", "added_by_hand") for one in dicts(virtual.get(kind))]


def resolve(name: str, lvsd: Facts) -> list[str]:
    """Return the virtual servers and servers that `name` stands for; empty when it fits none."""
    names = known_names(lvsd)
    if name in names:
        return [name]
    if name.startswith("*/"):
        return [known for known in names if known.endswith(name[1:])]
    found = []
    for virtual in dicts(lvsd.get("virtuals")):
        for server in _servers(virtual):
            address, port = text(server.get("address")), f"{number(server.get('port')) or 0:.0f}"
            host = f"[{address}]" if ":" in address else address
            if name in (address, f"{host}:{port}"):
                found.append(f"{text(virtual.get('name'))}/{text(server.get('name'))}")
    return found


def nearest(name: str, known: Sequence[str]) -> str:
    """Return `; near: www, www2`, or nothing when no known name is near."""
    near = get_close_matches(name, dict.fromkeys(known), 3, 0.4)
    return f"; near: {', '.join(near)}" if near else ""
