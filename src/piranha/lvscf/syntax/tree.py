"""The syntax tree of lvs.cf: every token of the file is in exactly one node, in file order."""

from collections.abc import Iterator
from typing import NamedTuple

from piranha.lvscf.diagnostics import Span
from piranha.lvscf.syntax.tokens import Kind, Token, cut


def span_of(token: Token) -> Span:
    """Return the place of one token."""
    return Span(token.line, token.column, max(1, len(token.text)))


class Setting:
    """`keyword = value …`, with the `;` or comment and end of line behind it.

    name: the text of the keyword. lone: that of the value, quotes included, where the setting is an
    ordinary line; None otherwise. Such a line is cut into tokens only when somebody asks.
    """

    __slots__ = ("_line", "_parts", "_words", "lone", "name")

    name: str
    lone: str | None
    _line: Token | None
    _parts: tuple[tuple[Token, ...], Token] | None
    _words: tuple[Token, ...] | None

    def __init__(self, tokens: tuple[Token, ...], keyword: Token, values: tuple[Token, ...]) -> None:
        self.name = keyword.text
        self.lone = self._line = None
        self._parts, self._words = (tokens, keyword), values

    @classmethod
    def on_line(cls, line: Token, name: str, lone: str) -> "Setting":
        """Return the setting that is a whole line, of kind SETTING."""
        setting = cls.__new__(cls)
        setting.name, setting.lone, setting._line = name, lone, line
        setting._parts = setting._words = None
        return setting

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All of it."""
        return self._cut()[0]

    @property
    def keyword(self) -> Token:
        """The word before `=`."""
        return self._cut()[1]

    @property
    def values(self) -> tuple[Token, ...]:
        """The words behind `=`."""
        if self._words is None:
            # Asked for far more often than the rest: the value is what the line ends with.
            text, line = self.lone or "", self.line
            before = self._line.text.rstrip()[: -len(text)] if self._line else ""
            kind = Kind.QUOTED if text[0] == '"' else Kind.WORD
            self._words = (Token(kind, before[len(before.rstrip()) :], text, line, len(before) + 1),)
        return self._words

    @property
    def line(self) -> int:
        """The number of its line, 1-based."""
        return self._line.line if self._line else self.keyword.line

    @property
    def span(self) -> Span:
        """The place of the keyword."""
        return span_of(self.keyword)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setting) and (self.tokens, self.values) == (other.tokens, other.values)

    __hash__ = None  # type: ignore[assignment]  # how Python says: not hashable

    def _cut(self) -> tuple[tuple[Token, ...], Token]:
        if self._parts is None:
            tokens = cut(self._line) if self._line else ()
            self._parts = (tokens, tokens[0])
        return self._parts


class Trivia(NamedTuple):
    """A blank line, a comment, or what the parser has reported and skipped."""

    tokens: tuple[Token, ...]

    @property
    def span(self) -> Span:
        """The place of the first token."""
        return span_of(self.tokens[0])


class Block(NamedTuple):
    """`keyword NAME { … }`.

    head: the tokens up to `{`, with the comment and end of line behind it. tail: `}` with what
    follows it on its line; empty when the file has no `}` for this block.
    """

    head: tuple[Token, ...]
    keyword: Token
    name: Token | None
    body: tuple["Node", ...]
    tail: tuple[Token, ...]

    @property
    def span(self) -> Span:
        """The place of the keyword."""
        return span_of(self.keyword)

    def settings(self) -> Iterator[Setting]:
        """Yield the settings of this block, not those of blocks in it."""
        return (node for node in self.body if isinstance(node, Setting))

    def blocks(self, keyword: str) -> Iterator["Block"]:
        """Yield the blocks of one kind directly in this one."""
        return (node for node in self.body if isinstance(node, Block) and node.keyword.text == keyword)


Node = Setting | Block | Trivia


class Tree(NamedTuple):
    """A whole file. end: the token behind the last node."""

    body: tuple[Node, ...]
    end: Token

    def settings(self) -> Iterator[Setting]:
        """Yield the global settings."""
        return (node for node in self.body if isinstance(node, Setting))

    def blocks(self, keyword: str) -> Iterator[Block]:
        """Yield the blocks of one kind at file level."""
        return (node for node in self.body if isinstance(node, Block) and node.keyword.text == keyword)
