"""Requests and answers of the control socket, each with a version.

`{"v":1,"id":7,"verb":"status","args":{}}` is answered by `{"v":1,"id":7,"ok":true,"data":{…}}` or
`{"v":1,"id":7,"ok":false,"error":"one clear line"}`. Unknown members are ignored, so that a newer
client can talk to an older daemon. `lines` turns these objects into lines of JSON and back.
"""

from collections.abc import Mapping

from piranha.dataclass import dataclass, field
from piranha.errors import PiranhaError
from piranha.text import printable

VERSION = 1

MAX_REQUEST_BYTES = 64 * 1024
"""Longest request line; a longer one ends the connection."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Longest answer line: the status of some ten thousand servers."""


class Refused(PiranhaError):
    """A handler says no; the text is the one line that the person who asked will read."""


class BadMessage(PiranhaError):
    """Something that is no message of this protocol."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks. id: chosen by the client, repeated in the answer."""

    verb: str
    args: Mapping[str, object] = field(default_factory=dict)
    id: int = 0

    def message(self) -> dict[str, object]:
        """Return the object to send."""
        return {"v": VERSION, "id": self.id, "verb": self.verb, "args": dict(self.args)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the daemon answers: data when ok, else error, one clear line."""

    id: int
    ok: bool
    data: object = None
    error: str = ""

    def message(self) -> dict[str, object]:
        """Return the object to send; an error is made one line."""
        head: dict[str, object] = {"v": VERSION, "id": self.id, "ok": self.ok}
        return head | ({"data": self.data} if self.ok else {"error": one_line(self.error)})


def read_request(message: object) -> Request:
    """Read what a client sent. Raises BadMessage unless it is a request of this version."""
    members = _members(message)
    verb, args = members.get("verb"), members.get("args", {})
    if not isinstance(verb, str) or not verb:
        raise BadMessage("a request needs a verb")
    if not isinstance(args, dict):
        raise BadMessage("args must be an object")
    return Request(verb, args, _id(members))


def read_answer(message: object) -> Answer:
    """Read what a daemon sent. Raises BadMessage unless it is an answer of this version."""
    members = _members(message)
    ok = members.get("ok")
    if not isinstance(ok, bool):
        raise BadMessage("an answer needs ok")
    return Answer(_id(members), ok, members.get("data"), str(members.get("error", "")))


def one_line(text: str) -> str:
    """Return `text` without line breaks and other control characters."""
    return printable(" ".join(text.split()))


def _members(message: object) -> dict[str, object]:
    if not isinstance(message, dict):
        raise BadMessage("not an object")
    if message.get("v") != VERSION:
        heard = one_line(str(message.get("v")))[:20]
        raise BadMessage(f"version {heard} of the control protocol is not spoken here, only {VERSION}")
    return message


def _id(members: Mapping[str, object]) -> int:
    value = members.get("id", 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadMessage("id must be an integer")
    return value
