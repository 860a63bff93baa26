"""Shell: what `pulse`, or a lone `lvsd`, answers about changes of its file on the control socket."""

import time
from collections.abc import Mapping
from typing import Generic, TypeVar

from piranha.change.changes import Changes
from piranha.change.kept import digest
from piranha.change.order import Act, Allow, Order
from piranha.change.staging import Staging
from piranha.control.actor import actor
from piranha.control.messages import Refused
from piranha.control.server import Handler, Peer, require_admin
from piranha.text import printable

LONGEST = 200  # characters of a reason or a name
LONGEST_WAIT_S = 86400.0

T = TypeVar("T")


class ChangeVerbs(Generic[T]):
    """The verbs; all need the right to act."""

    def __init__(self, changes: Changes[T]) -> None:
        self._changes = changes
        self._staging = Staging()

    def handlers(self) -> dict[str, Handler]:
        """Return the table of verbs."""
        return {
            "stage": self.stage,
            "unstage": self.unstage,
            "apply": self.apply,
            "confirm": self.confirm,
            "take_back": self.take_back,
        }

    async def stage(self, args: Mapping[str, object], peer: Peer) -> object:
        """Take a piece of a file: `{"token": T, "offset": N, "data": BASE64}`."""
        require_admin(peer)
        token, offset, piece = args.get("token"), args.get("offset"), args.get("data")
        if not isinstance(token, str) or not isinstance(offset, int) or not isinstance(piece, str):
            raise Refused("stage needs token, offset and data")
        return {"size": self._staging.add(token[:LONGEST], peer.uid, offset, piece, time.monotonic())}

    async def unstage(self, args: Mapping[str, object], peer: Peer) -> object:
        """Forget a file that will not be applied: `{"token": T}`."""
        require_admin(peer)
        self._staging.drop(str(args.get("token", "")), peer.uid)
        return {}

    async def apply(self, args: Mapping[str, object], peer: Peer) -> object:
        """Put in force what was staged: `{"token": T, "sha256": DIGEST, …}`, the rest as in `Order`.

        `"dry_run": true` only says what it would do.
        """
        require_admin(peer)
        token = str(args.get("token", ""))
        data = self._staging.get(token, peer.uid, time.monotonic())
        if digest(data) != args.get("sha256"):
            raise Refused("the file did not arrive as it was sent")
        order = _order(data, args, peer)
        if args.get("dry_run") is True:
            return await self._changes.preview(order)
        self._staging.drop(token, peer.uid)
        return await self._changes.apply(order)

    async def confirm(self, args: Mapping[str, object], peer: Peer) -> object:
        """Keep the change that waits."""
        require_admin(peer)
        return await self._changes.confirm(actor(peer, args.get("who")))

    async def take_back(self, args: Mapping[str, object], peer: Peer) -> object:
        """Take back the change that waits."""
        require_admin(peer)
        return await self._changes.take_back(f"rollback by {actor(peer, args.get('who'))}")


def _order(data: bytes, args: Mapping[str, object], peer: Peer) -> Order:
    """Raises Refused."""
    confirm_s, allow = args.get("confirm_s"), str(args.get("allow", "drains")).upper()
    if confirm_s is not None and (
        isinstance(confirm_s, bool) or not isinstance(confirm_s, int | float) or not 1 <= confirm_s <= LONGEST_WAIT_S
    ):
        raise Refused(f"a time to confirm is between 1 and {LONGEST_WAIT_S:g} s")
    if allow not in Allow.__members__:
        raise Refused("allow is safe, drains, disruptive or mass")
    act = Act(who=actor(peer, args.get("who")), how=_words(args, "how") or "apply", reason=_words(args, "reason"))
    return Order(
        data=data,
        name=_words(args, "name") or "the file",
        act=act,
        allow=Allow[allow],
        confirm_s=None if confirm_s is None else float(confirm_s),
        base=_words(args, "base"),
        seen=_words(args, "seen"),
    )


def _words(args: Mapping[str, object], name: str) -> str:
    value = args.get(name, "")
    return printable(value[:LONGEST]) if isinstance(value, str) else ""
