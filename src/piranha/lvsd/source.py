"""Shell: where `lvsd` has its configuration from: the operator's file, or what `pulse` accepted."""

from dataclasses import dataclass
from pathlib import Path

from piranha.lvscf.config import Config, meaning
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError, read_and_load
from piranha.lvsd.accepted import FILE, Accepted, read_accepted, store_accepted


@dataclass(frozen=True, slots=True)
class Source:
    """The file that is read at start and on each reload.

    by_pulse: `path` is the accepted file of `pulse`, which has judged it and counts generations.
    """

    path: Path
    state: Path
    by_pulse: bool

    @classmethod
    def accepted(cls, state: Path) -> "Source":
        """Return the source for `lvsd --accepted`."""
        return cls(state / FILE, state, by_pulse=True)

    def read(self) -> tuple[Loaded | None, list[str]]:
        """Read the file; return it and what keeps it from being used, each in one line. Blocks."""
        try:
            loaded = read_and_load(self.path)
        except ReadError as error:
            return None, [str(error)]
        return loaded, [finding.sentence() for finding in loaded.errors]

    def accept(self, loaded: Loaded, config: Config) -> Accepted:
        """Keep the file as the accepted one; return its generation. Blocks; raises OSError."""
        if not self.by_pulse:
            return store_accepted(self.state, loaded.accepted_bytes(), config)
        kept = read_accepted(self.state)
        if kept is not None and kept.meaning == meaning(config):
            return kept
        return Accepted(kept.generation if kept else 0, meaning(config), config.serial_no)
