"""Shell: what one `pulse` leaves for the next: term, boot of the machine, a prepared restart; in `pulse.json`.

A damaged or missing file is no obstacle: then this router knows nothing of earlier takeovers, and
hears the term from its partner.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from piranha.control.state_files import StateFiles
from piranha.errors import MISSHAPEN
from piranha.events.teller import Teller
from piranha.pulse.actions import Resume

FILE = "pulse.json"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """term: highest of a takeover here. ran_since_boot: a `pulse` ran on this machine since it booted."""

    term: int = 0
    ran_since_boot: bool = False
    resume: Resume | None = None


def read_kept(files: StateFiles) -> Kept:
    """Return what was left; never raises."""
    try:
        members = json.loads(files.read(FILE))
        same_boot = str(members["boot"]) == boot_id()
        resume = members.get("resume")
        return Kept(
            term=int(members["term"]),
            ran_since_boot=same_boot,
            # Monotonic time begins anew with each boot.
            resume=Resume(term=int(resume["term"]), until_s=float(resume["until_s"])) if resume and same_boot else None,
        )
    except (OSError, *MISSHAPEN):
        return Kept()


def keep(files: StateFiles, term: int, resume: Resume | None = None) -> str:
    """Write it down, with this boot of the machine; return and raise as `StateFiles.write` does. Blocks."""
    members = {
        "term": term,
        "boot": boot_id(),
        "resume": None if resume is None else {"term": resume.term, "until_s": resume.until_s},
    }
    return files.write({FILE: json.dumps(members).encode() + b"\n"})


def boot_id() -> str:
    """Return what names this boot of the machine, empty where the kernel does not tell."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Keeper:
    """Writes down what the next `pulse` must know: one write after the other, each with all that is known by then."""

    def __init__(self, files: StateFiles, term: int, teller: Teller) -> None:
        self.files = files
        self._term = term
        self._resume: Resume | None = None
        self._teller = teller
        self._one = asyncio.Lock()

    async def keep(self, *, term: int = 0, resume: Resume | None = None) -> None:
        """Write down a term, if it is the highest, and a prepared restart. A router that cannot goes on and says so."""
        self._term = max(self._term, term)
        self._resume = resume or self._resume
        async with self._one:
            try:
                trouble = await asyncio.to_thread(keep, self.files, self._term, self._resume)
            except OSError as error:
                trouble = f"{error.filename}: {error.strerror}"
        self._teller.state_written(trouble)
