"""What a NAME on the command line can mean: `www`, `www/web3`, `*/web3`, `10.11.12.23`, `10.11.12.23:8443`."""

from collections.abc import Sequence
from difflib import get_close_matches

from piranha.cli.facts import Facts, dicts, number, text


def known_names(lvsd: Facts) -> list[str]:
    """Return every virtual server and every server of the answer to `status`, in file order."""
    names = []
    for virtual in dicts(lvsd.get("virtuals")):
        name = text(virtual.get("name"))
        names += [name, *(f"{name}/{text(server.get('name'))}" for server in dicts(virtual.get("servers")))]
    return names


def resolve(name: str, lvsd: Facts) -> list[str]:
    """Return the virtual servers and servers that `name` stands for; empty when it fits none."""
    names = known_names(lvsd)
    if name in names:
        return [name]
    if name.startswith("*/"):
        return [known for known in names if known.endswith(name[1:])]
    found = []
    for virtual in dicts(lvsd.get("virtuals")):
        for server in dicts(virtual.get("servers")):
            address, port = text(server.get("address")), f"{number(server.get('port')) or 0:.0f}"
            host = f"[{address}]" if ":" in address else address
            if name in (address, f"{host}:{port}"):
                found.append(f"{text(virtual.get('name'))}/{text(server.get('name'))}")
    return found


def nearest(name: str, known: Sequence[str]) -> str:
    """Return `; near: www, www2`, or nothing when no known name is near."""
    near = get_close_matches(name, dict.fromkeys(known), 3, 0.4)
    return f"; near: {', '.join(near)}" if near else ""
