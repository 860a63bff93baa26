"""Shell: the accepted file and its generation, among the kept files; written by `pulse`, or by a lone `lvsd`.

`accepted.cf` holds the bytes, `accepted.json` `{"generation": N, "meaning": HASH, "serial_no": N}`.
"""

import json
import time
from typing import TYPE_CHECKING

from piranha.control.state_files import StateFiles
from piranha.dataclass import dataclass
from piranha.errors import MISSHAPEN
from piranha.lvscf.config import Config, meaning

if TYPE_CHECKING:  # the history comes after the table
    from piranha.change.history import Entry
    from piranha.change.order import Act

FILE = "accepted.cf"
FACTS = "accepted.json"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Which configuration is in force.

    generation: 1, 2, …, one more with each change of meaning. meaning: see `lvscf.config.meaning`.
    """

    generation: int
    meaning: str
    serial_no: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An accepted file that was kept. trouble: why the state folder does not have it, empty when it has."""

    accepted: Accepted
    trouble: str = ""


def store_accepted(kept: StateFiles, data: bytes, config: Config) -> Stored:
    """Keep `data`, of which `config` was made, as the accepted file. Raises OSError when it can be kept nowhere."""
    from piranha.change.history import newest_generation  # noqa: PLC0415 -- see above

    before = read_accepted(kept)
    new_meaning = meaning(config)
    # What was accepted last may be lost; what was in force earlier keeps its numbers.
    generation = before.generation if before else newest_generation(kept.state)
    if before is None or before.meaning != new_meaning:
        generation += 1
    accepted = Accepted(generation, new_meaning, config.serial_no)
    facts = {"generation": generation, "meaning": new_meaning, "serial_no": config.serial_no}
    return Stored(accepted, kept.write({FILE: data, FACTS: json.dumps(facts).encode() + b"\n"}))


def read_accepted(kept: StateFiles) -> Accepted | None:
    """Return which configuration was accepted last, None when none was or the record is damaged."""
    try:
        members = json.loads(kept.read(FACTS))
        return Accepted(int(members["generation"]), str(members["meaning"]), int(members["serial_no"]))
    except (OSError, *MISSHAPEN):
        return None


def entry_of(accepted: Accepted, act: "Act") -> "Entry":
    """Return what the history says of a file that was put in force just now."""
    from piranha.change.history import Entry  # noqa: PLC0415 -- see above

    return Entry(
        generation=accepted.generation,
        at_s=time.time(),
        who=act.who,
        how=act.how,
        serial_no=accepted.serial_no,
        meaning=accepted.meaning,
        reason=act.reason,
    )
