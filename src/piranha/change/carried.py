"""What `lvsd` goes on believing of the servers when another file comes into force."""

from piranha.lvscf.config import Config, RealServer, Virtual
from piranha.table.adopted import starting_up
from piranha.table.desired import ServerVerdict, Verdict, Verdicts
from piranha.table.table import Table


def carried(before: Config | None, after: Config, verdicts: Verdicts, live: Table) -> dict[tuple[str, str], Verdict]:
    """Return the verdict on each active server of `after`, as the pools of `lvsd` will have it.

    before: the file in force, None when nobody is in charge yet. verdicts: what is believed now.
    A server that stays where it was keeps its health, unless it is down and checked in another way
    from now on; others are up or unknown as `table.adopted` says. `lvsd.pool.Pool` does the same with
    results of checks; a test compares them.
    """
    old = {virtual.name: virtual for virtual in before.active_virtuals()} if before is not None else {}
    up = starting_up(after, live, old)
    found: dict[tuple[str, str], Verdict] = {}
    for virtual in after.active_virtuals():
        former = _active(old.get(virtual.name))
        for server in virtual.servers:
            if not server.active:
                continue
            key = (virtual.name, server.name)
            was = former.get(server.name)
            if was is not None and (was.address, was.port) == (server.address, server.port):
                verdict = verdicts.get(key, ServerVerdict.UNKNOWN)
                otherwise = (was.check, was.checked_at) != (server.check, server.checked_at)
                rechecked = verdict is ServerVerdict.DOWN and otherwise
                found[key] = ServerVerdict.UNKNOWN if rechecked else verdict
            else:
                found[key] = ServerVerdict.UP if key in up else ServerVerdict.UNKNOWN
    return found


def _active(virtual: Virtual | None) -> dict[str, RealServer]:
    return {server.name: server for server in virtual.servers if server.active} if virtual is not None else {}
