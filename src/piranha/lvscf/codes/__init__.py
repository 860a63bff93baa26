"""Every code of a finding with its story: for lvs.cf(5) and `piranha explain`. Codes are never used again."""

from piranha.lvscf.codes.balancing import BALANCING
from piranha.lvscf.codes.cluster import CLUSTER
from piranha.lvscf.codes.original import ORIGINAL
from piranha.lvscf.codes.pool import POOL
from piranha.lvscf.codes.service import SERVICE
from piranha.lvscf.codes.story import Story, Within
from piranha.lvscf.codes.syntax import SYNTAX
from piranha.lvscf.codes.together import TOGETHER
from piranha.lvscf.codes.values import VALUES

_ALL = (
    SYNTAX | VALUES | CLUSTER | SERVICE | BALANCING | POOL | TOGETHER | ORIGINAL  # their codes begin with N: notes
)
STORIES: dict[str, Story] = dict(sorted(_ALL.items(), key=lambda entry: ("EWN".index(entry[0][0]), entry[0])))
CODES: dict[str, str] = {code: story.means for code, story in STORIES.items()}

__all__ = ["CODES", "STORIES", "Story", "Within"]
