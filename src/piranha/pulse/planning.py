"""Shell: the plan of a change as `pulse` needs it, made in its helper process: it may take a second."""

from pathlib import Path

from piranha.change.planned import Planned, planned
from piranha.control.client import NoAnswer, ask
from piranha.control.messages import Refused
from piranha.errors import MISSHAPEN
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvsd.planes import look
from piranha.lvsd.standing import Standing, standing_from

ANSWER_S = 5.0


def plan_here(run: Path, plane: PlaneKind, before: Config, after: Config) -> Planned:
    """Return what `after` would change, by what lvsd says of servers and connections.

    Where lvsd does not answer, as on a cold standby, by the table alone: then nothing is known of the
    servers, and nobody counts connections. Raises PlaneUnavailable when that cannot be read either.
    """
    return planned(_standing(run, plane).plan(before, after))


def _standing(run: Path, plane: PlaneKind) -> Standing:
    try:
        return standing_from(ask(run / "lvsd.sock", "standing", timeout_s=ANSWER_S))
    except (NoAnswer, Refused, *MISSHAPEN):
        return Standing(live=look(plane, run))
