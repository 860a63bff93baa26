"""Shell: what a daemon lends for the changes of its file (an asyncio lock is one of it)."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from piranha.change.order import Act
from piranha.change.planned import Planned
from piranha.dataclass import dataclass
from piranha.lvscf.config import Config

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What is in force. data: the file, as the operator wrote it. meaning: see `lvscf.config.meaning`."""

    data: bytes
    config: Config
    generation: int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(Generic[T]):
    """A file, read and judged as a start would. config: None unless it can be used. read: as the daemon reads files.

    problems: why it cannot be used. warnings: one line each. rendered: all findings for a terminal.
    """

    config: Config | None
    read: T
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    rendered: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a virtual server stands. up: servers that serve. of: all. deserted: none serves, and none is waited for."""

    up: int
    of: int
    deserted: bool


def read_standings(answer: Mapping[str, object]) -> dict[str, Standing]:
    """Read what `lvsd` answers to `standings`."""
    found = answer.get("standings")
    return {name: Standing(*one) for name, one in found.items()} if isinstance(found, dict) else {}


class Serving(Protocol[T]):
    """What a daemon lends for this. one: held while what is in force changes."""

    one: asyncio.Lock

    def in_force(self) -> InForce:
        """Return what is in force."""

    async def judge(self, data: bytes, name: str) -> Judged[T]:
        """Read `data`; judge it as a start would."""

    async def take(self, read: T, act: Act) -> tuple[str, ...]:
        """Put it in force and into the history; return why not, and then nothing has changed."""

    async def catch_up(self) -> None:
        """Put into the history what it had no room for."""

    async def plan(self, after: Config) -> Planned:
        """Return what `after` would change."""

    async def standings(self) -> Mapping[str, Standing]:
        """Return how each active virtual server stands, nothing where nobody can tell."""

    async def on_disk(self, work: Callable[[], R]) -> R:
        """Do what may take a while without holding up anything else."""
