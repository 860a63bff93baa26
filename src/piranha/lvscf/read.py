"""Shell: reads lvs.cf from the disk, without ever waiting for a FIFO or a device."""

import os
import stat
from pathlib import Path

from piranha.errors import PiranhaError
from piranha.lvscf.load import Loaded

SIZE_LIMIT = 4 * 1024 * 1024  # bytes; 1000 virtual servers of 10 real servers take 1.5 MB


class ReadError(PiranhaError, OSError):
    """The file cannot be read at all: `lvs.cf: No such file or directory`."""


def read_and_load(path: Path | str) -> Loaded:
    """Read, resolve host names, load.

    What is no configuration file (directory, FIFO, device, binary, too large, empty) is one clear
    finding. Raises ReadError when the file cannot be opened or read.
    """
    raise RuntimeError("the language is not built yet")
