"""Shell: a file that was not accepted: told once, with all its findings in the log."""

import logging
import time
from collections.abc import Sequence

from piranha.events.event import Level
from piranha.events.teller import Teller
from piranha.lvsd.source import RefusedFile

log = logging.getLogger("piranha.lvsd")


def refuse(path: str, message: str, problems: Sequence[str], teller: Teller) -> RefusedFile:
    """Tell why a file is not put in force; return it for `status`."""
    for problem in problems:
        log.error("%s: %s", path, problem)
    teller.say(
        "config",
        f"{message}: the file is refused, everything stays as it is",
        after="refused",
        rule=f"{len(problems)} error{'s' if len(problems) != 1 else ''}",
        cause=problems[0] if problems else "",
        level=Level.ERROR,
    )
    return RefusedFile(path, tuple(problems), time.monotonic())
