"""What `piranha explain CODE` tells of one code."""

from dataclasses import dataclass
from enum import StrEnum


class Within(StrEnum):
    """Where the lines of an example stand."""

    FILE = "a whole file"
    GLOBAL = "outside of all blocks"
    PAIR = "outside of all blocks, in a file for two routers"
    VIRTUAL = "in a virtual block"
    SERVER = "in a server block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One code of a finding, for the person who meets it.

    means: what is found, also the entry of lvs.cf(5). bad: lines that bring the finding about; good:
    the same without it, empty where there is no such file; both empty where it is about bytes that no screen
    can show. why: what it does
    to the service while nobody watches. cure: what to do.
    """

    means: str
    within: Within = Within.FILE
    bad: str = ""
    good: str = ""
    why: str
    cure: str
