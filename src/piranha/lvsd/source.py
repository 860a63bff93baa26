"""Shell: where `lvsd` has its configuration from: the operator's file, or what `pulse` accepted."""

from pathlib import Path

from piranha.control.state_files import StateFiles
from piranha.dataclass import dataclass
from piranha.lvscf.config import Config, meaning
from piranha.lvscf.loaded import Loaded
from piranha.lvscf.read import ReadError, read_and_load
from piranha.lvsd.accepted import FILE, Accepted, Stored, read_accepted, store_accepted

COMPILED = "lvsd-compiled.json"
"""The form of a file that was in force, see `compiled`."""


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not accepted: while there is one, what was in force before stays."""

    path: str
    findings: tuple[str, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class Source:
    """The file that is read at start and on each reload.

    own: the operator's file; None = the accepted file of `pulse`, which has judged it and counts
    generations.
    """

    kept: StateFiles
    own: Path | None = None

    @property
    def path(self) -> Path:
        """The file to read now."""
        return self.own or self.kept.path(FILE)

    def read(self, before: Loaded | None = None) -> tuple[Loaded | None, list[str]]:
        """Read the file; return it and what keeps it from being used, each in one line. Blocks. before: see `read`."""
        try:
            loaded = read_and_load(self.path, before)
        except ReadError as error:
            return None, [str(error)]
        return loaded, [finding.sentence() for finding in loaded.errors]

    def read_at_start(self) -> tuple[Loaded | None, list[str]]:
        """Do what `read` does, faster where this file was in force before."""
        if self.kept.has(COMPILED):
            from piranha.lvsd.compiled import load_known  # noqa: PLC0415 -- not on the way of a file that is new

            if (known := load_known(self.kept, self.path)) is not None:
                return known, []
        return self.read()

    def accept(self, loaded: Loaded, config: Config) -> Stored:
        """Keep the file as the accepted one. Blocks; raises OSError when it can be kept nowhere."""
        if self.own is not None:
            return store_accepted(self.kept, loaded.accepted_bytes(), config)
        kept = read_accepted(self.kept)
        if kept is not None and kept.meaning == meaning(config):
            return Stored(kept)
        return Stored(Accepted(kept.generation if kept else 0, meaning(config), config.serial_no))
