"""Shell: what an lvs daemon that has no `pulse` does for its file, as the daemon asks for it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from piranha.change.order import Act
from piranha.lvscf.config import Config

if TYPE_CHECKING:  # loaded when the table is in
    from piranha.control.server import Handler


class OwnFile(Protocol):
    """What an `lvsd` without `pulse` does for its file itself; see `changing`."""

    def refusal(self) -> str:
        """Return why nothing may be reloaded now, empty when it may."""

    async def too_much(self, after: Config) -> str:
        """Return why a reload may not put `after` in force; when it may, tell what it changes."""

    async def remember_start(self) -> None:
        """Keep the file of the start in the history."""

    async def remember(self, act: Act) -> None:
        """Keep the file in force in the history."""

    async def watch(self) -> None:
        """Take back what is not confirmed; until cancelled."""

    def handlers(self) -> Mapping[str, "Handler"]:
        """Return the control verbs about it."""

    def facts(self) -> Mapping[str, object]:
        """Return what `status` shows of it."""
