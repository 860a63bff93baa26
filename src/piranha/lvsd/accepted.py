"""Shell: the accepted file and its generation, kept in the state folder; written by `pulse`, or by a lone `lvsd`.

`accepted.cf` holds the bytes, `accepted.json` `{"generation": N, "meaning": HASH, "serial_no": N}`.
Each file is replaced in one step, so that a crash leaves the old one or the new one.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from piranha.lvscf.config import Config, meaning

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


def store_accepted(state: Path, data: bytes, config: Config) -> Accepted:
    """Keep `data`, of which `config` was made, as the accepted file. Raises OSError."""
    before = read_accepted(state)
    new_meaning = meaning(config)
    generation = before.generation if before else 0
    if before is None or before.meaning != new_meaning:
        generation += 1
    accepted = Accepted(generation, new_meaning, config.serial_no)
    replace_file(state / FILE, data)
    replace_file(state / FACTS, json.dumps(asdict(accepted)).encode() + b"\n")
    return accepted


def read_accepted(state: Path) -> Accepted | None:
    """Return which configuration was accepted last, None when none was or the record is damaged."""
    try:
        members = json.loads((state / FACTS).read_bytes())
        return Accepted(int(members["generation"]), str(members["meaning"]), int(members["serial_no"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a crash leaves either the old contents or the new ones."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        os.fchmod(file.fileno(), 0o640)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
