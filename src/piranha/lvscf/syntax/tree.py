"""The syntax tree of lvs.cf: every token of the file is in exactly one node, in file order."""

from collections.abc import Iterator
from typing import NamedTuple

from piranha.lvscf.diagnostics import Span
from piranha.lvscf.syntax.tokens import Token


def span_of(token: Token) -> Span:
    """Return the place of one token."""
    return Span(token.line, token.column, max(1, len(token.text)))


class Setting(NamedTuple):
    """`keyword = value …`, with the `;` or comment and end of line behind it."""

    tokens: tuple[Token, ...]
    keyword: Token
    values: tuple[Token, ...]

    @property
    def span(self) -> Span:
        """The place of the keyword."""
        return span_of(self.keyword)


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
