"""Shell: how everything stands at this moment, for a plan. No start needs one."""

import time

from piranha.lvscf.config import Config
from piranha.lvscf.kernel_named import named
from piranha.lvsd.daemon import Lvsd
from piranha.lvsd.outlook import beliefs_of
from piranha.lvsd.standing import Standing
from piranha.table.desired import services_of


async def standing_now(lvsd: Lvsd, parts: tuple[Config, Config] | None = None) -> Standing:
    """Return how everything stands; the table is read, not repaired. Raises PlaneUnavailable.

    parts: the file in force and the next one, see `lvscf.changed.apart`: only what a plan of these two needs.
    """
    only = None if parts is None else {key for part in parts for key in services_of(part)}
    seen = await lvsd.table.look(only)
    names = lvsd.pools if parts is None else [one.name for one in parts[0].active_virtuals()]
    edits = lvsd.table.noticed(lvsd.config if parts is None else parts[0], seen.table)
    # To read all settings of the kernel takes long: only for a plan that has something to say of them.
    asks = parts is None or named(parts[0]) != named(parts[1])
    syncs = parts is None or parts[0].kernel.sync != parts[1].kernel.sync
    return Standing(
        live=seen.table,
        statistics=seen.statistics,
        beliefs=beliefs_of((lvsd.pools[name] for name in names), lvsd.maintenance.marks, edits),
        ours=lvsd.ours.services,
        leaving=lvsd.leaving.servers,
        refused=lvsd.table.why_refused,
        kernel=await lvsd.kernel.everything() if asks else None,
        refused_settings=lvsd.kernel.refused_settings,
        marked=await lvsd.marks.marked(),
        sync=await lvsd.kernel.sync_seen() if syncs else None,
        now=time.monotonic(),
    )
