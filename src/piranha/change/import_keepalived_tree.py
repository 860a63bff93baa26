"""From the lines of a keepalived configuration to statements and blocks.

Source: keepalived.conf(5), *Quoted strings*. `{` and `}` outside of quotes end a line.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from piranha.change.import_keepalived_lines import Broken, Line
from piranha.change.imported import Origin

DEPTH_LIMIT = 16

_ESCAPES = {"a": "\a", "b": "\b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SPECIAL = re.compile(r"[\"'\\{}]")
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,6})|c(.)|(.))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """One line, with the block that it opens: None for none. words: at least one, without their quotes."""

    origin: Origin
    words: tuple[str, ...]
    body: tuple["Statement", ...] | None = None

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0]

    @property
    def args(self) -> tuple[str, ...]:
        """The words behind the first."""
        return self.words[1:]

    @property
    def says(self) -> object:
        """What it says, wherever it stands: equal for two statements that mean the same."""
        return self.words, None if self.body is None else tuple(one.says for one in self.body)

    def flat(self) -> list["Statement"]:
        """Return the words in the block as statements of one word each, as in `group { a b }`."""
        return [Statement(one.origin, (word,)) for one in self.body or () for word in one.words]


def parse(lines: Iterable[Line]) -> tuple[Statement, ...]:
    """Return the statements of a configuration. Raises Broken where the braces do not match."""
    pieces = _pieces(lines)
    found, closed = _body(pieces, 0)
    if closed is not None:
        raise Broken(closed, "this } closes nothing")
    return found


_Piece = tuple[Origin, tuple[str, ...], str]
"""Words, and the brace that ends them, empty for the end of the line."""


def _body(pieces: Iterator[_Piece], depth: int) -> tuple[tuple[Statement, ...], Origin | None]:
    """Read statements up to a `}` or the end; return where the `}` is, None for the end."""
    found: list[Statement] = []
    waiting: Statement | None = None  # a line that may open a block with a { on the next line
    for origin, words, brace in pieces:
        head = Statement(origin, words) if words else waiting
        if waiting is not None and (words or brace != "{"):
            found.append(waiting)
        waiting = None
        if brace == "{":
            if head is None:
                raise Broken(origin, "this { belongs to nothing")
            if depth >= DEPTH_LIMIT:
                raise Broken(origin, f"blocks nest more than {DEPTH_LIMIT} deep")
            body, closed = _body(pieces, depth + 1)
            if closed is None:
                raise Broken(head.origin, f"the block '{head.keyword}' that begins here never ends: a }} is missing")
            found.append(Statement(head.origin, head.words, body))
        elif brace == "}":
            if words:
                found.append(Statement(origin, words))
            return tuple(found), origin
        else:
            waiting = head
    if waiting is not None:
        found.append(waiting)
    return tuple(found), None


def _pieces(lines: Iterable[Line]) -> Iterator[_Piece]:
    """Cut lines at braces."""
    for origin, text in lines:
        if not _SPECIAL.search(text):  # most lines of most files
            yield origin, tuple(text.split()), ""
            continue
        words: list[str] = []
        for word, brace in _tokens(text):
            if brace:
                yield origin, tuple(words), word
                words = []
            else:
                words.append(word)
        if words:
            yield origin, tuple(words), ""


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Return each word without its quotes and escapes, and each brace; True for a brace."""
    at, size = 0, len(text)
    while at < size:
        if text[at].isspace():
            at += 1
        elif text[at] in "{}":
            yield text[at], True
            at += 1
        else:
            end = _word_end(text, at)
            yield _unquoted(text[at:end]), False
            at = end


def _word_end(text: str, at: int) -> int:
    quote = ""
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "$" and text.startswith("${", at) and "}" in text[at:]:
            at = text.index("}", at)  # a parameter that nobody has defined stays as it is
        elif letter.isspace() or letter in "{}":
            return at
        at += 1
    return len(text)


def _unquoted(word: str) -> str:
    r"""Return a word without its quotes; inside of them `\n`, `\x41` and others stand for a character."""
    parts: list[str] = []
    quote = ""
    at = 0
    while at < len(word):
        letter = word[at]
        if letter == "\\" and (quote or word[at + 1 : at + 2] in "\"'") and (found := _ESCAPE.match(word, at)):
            parts.append(_escaped(found))
            at = found.end()
            continue
        if letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote = letter
        else:
            parts.append(letter)
        at += 1
    return "".join(parts)


def _escaped(found: re.Match[str]) -> str:
    octal, hexadecimal, control, other = found.groups()
    if octal:
        return chr(int(octal, 8) & 0xFF)
    if hexadecimal:
        return chr(int(hexadecimal, 16) & 0xFF)
    if control:
        return chr(ord(control.upper()) & 0x1F)
    return str(_ESCAPES.get(other, other))
