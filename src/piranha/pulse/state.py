"""Shell: what one `pulse` leaves for the next, in STATE/pulse.json: term, boot of the machine, a prepared restart.

A damaged or missing file is no obstacle: then this router knows nothing of earlier takeovers, and
hears the term from its partner.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from piranha.lvsd.accepted import replace_file
from piranha.pulse.actions import Resume

FILE = "pulse.json"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """term: highest of a takeover here. ran_since_boot: a `pulse` ran on this machine since it booted."""

    term: int = 0
    ran_since_boot: bool = False
    resume: Resume | None = None


def read_kept(state: Path) -> Kept:
    """Return what was left; never raises."""
    try:
        members = json.loads((state / FILE).read_bytes())
        same_boot = str(members["boot"]) == boot_id()
        resume = members.get("resume")
        return Kept(
            term=int(members["term"]),
            ran_since_boot=same_boot,
            # Monotonic time begins anew with each boot.
            resume=Resume(term=int(resume["term"]), until_s=float(resume["until_s"])) if resume and same_boot else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Kept()


def keep(state: Path, term: int, resume: Resume | None = None) -> None:
    """Write it down, with this boot of the machine. Blocks; raises OSError."""
    members = {
        "term": term,
        "boot": boot_id(),
        "resume": None if resume is None else {"term": resume.term, "until_s": resume.until_s},
    }
    replace_file(state / FILE, json.dumps(members).encode() + b"\n")


def boot_id() -> str:
    """Return what names this boot of the machine, empty where the kernel does not tell."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
