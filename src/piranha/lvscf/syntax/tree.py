"""The syntax tree of lvs.cf: every token of the file is in exactly one node, in file order."""

from collections.abc import Iterator
from typing import NamedTuple

from piranha.lvscf.diagnostics import Span
from piranha.lvscf.syntax.scan import cut_block
from piranha.lvscf.syntax.tokens import Kind, Pairs, PlainBlock, Token, cut, values_of


def span_of(token: Token) -> Span:
    """Return the place of one token."""
    return Span(token.line, token.column, max(1, len(token.text)))


class Setting:
    """`keyword = value …`, with the `;` or comment and end of line behind it.

    name: the text of the keyword. lone: that of all behind `=`, quotes included, where the setting is an
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
            text = self.lone or ""
            before = self._line.text.rstrip()[: -len(text)] if self._line else ""
            self._words = values_of(text, before[len(before.rstrip()) :], self.line, len(before) + 1)
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

    def __hash__(self) -> int:
        return hash((self.tokens, self.values))

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


class Block:
    """`keyword NAME { … }`.

    kind: the text of the keyword. title: the name without quotes, None where it has none. line: that of the keyword,
    1-based. said: where the block is nothing but ordinary lines, those in it; None otherwise. Such a block is cut into
    nodes and tokens only when somebody asks.
    """

    __slots__ = ("_body", "_ends", "_name", "_whole", "kind", "line", "said", "title")

    kind: str
    title: str | None
    line: int
    said: str | None
    _whole: tuple[Token, PlainBlock] | None
    _body: tuple["Node", ...] | None
    _name: Token | None
    _ends: tuple[tuple[Token, ...], Token, tuple[Token, ...]] | None

    def __init__(
        self,
        head: tuple[Token, ...],
        keyword: Token,
        name: Token | None,
        body: tuple["Node", ...],
        tail: tuple[Token, ...],
    ) -> None:
        self.kind, self.title, self.line = keyword.text, name.value if name is not None else None, keyword.line
        self.said = self._whole = None
        self._ends, self._name, self._body = (head, keyword, tail), name, body

    @classmethod
    def whole(cls, source: Token, parts: PlainBlock) -> "Block":
        """Return the `server` block that is one piece of ordinary lines, of kind BLOCK."""
        block = cls.__new__(cls)
        name = parts.name
        block.kind, block.title, block.line = "server", name[1:-1] if name[0] in "\"'" else name, source.line
        block.said, block._whole = parts.settings, (source, parts)
        block._ends = block._name = block._body = None
        return block

    @property
    def head(self) -> tuple[Token, ...]:
        """The tokens up to `{`, with the comment and end of line behind it."""
        return self._cut()[0]

    @property
    def keyword(self) -> Token:
        """The word that says what kind of block it is."""
        return self._cut()[1]

    @property
    def name(self) -> Token | None:
        """The name, if it has one."""
        self._cut()
        return self._name

    @property
    def body(self) -> tuple["Node", ...]:
        """What is in it."""
        if self._body is None:
            self._body = tuple(self._lines())
        return self._body

    @property
    def tail(self) -> tuple[Token, ...]:
        """`}` with what follows it on its line; empty when the file has no `}` for this block."""
        return self._cut()[2]

    @property
    def span(self) -> Span:
        """The place of the keyword."""
        return span_of(self.keyword)

    def pairs(self) -> Pairs | None:
        """Return keyword and value of each setting directly in it; None where one of them is no ordinary line."""
        if self._whole is not None:
            return self._whole[1].pairs
        found: list[tuple[str, str]] = []
        for node in self.body:
            if isinstance(node, Setting):
                if node.lone is None:
                    return None
                found.append((node.name, node.lone))
        return tuple(found)

    def settings(self) -> Iterator[Setting]:
        """Yield the settings of this block, not those of blocks in it."""
        return (node for node in self.body if isinstance(node, Setting))

    def blocks(self, keyword: str) -> Iterator["Block"]:
        """Yield the blocks of one kind directly in this one."""
        if self.said is not None:
            return iter(())
        return (node for node in self.body if isinstance(node, Block) and node.kind == keyword)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Block) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def _all(self) -> tuple[object, ...]:
        return self.head, self.keyword, self.name, self.body, self.tail

    def _lines(self) -> Iterator[Setting]:
        lines = (self.said or "").split("\n")[:-1]
        for number, (text, pair) in enumerate(zip(lines, self.pairs() or (), strict=True), self.line + 1):
            yield Setting.on_line(Token(Kind.SETTING, "", f"{text}\n", number, 1), *pair)

    def _cut(self) -> tuple[tuple[Token, ...], Token, tuple[Token, ...]]:
        if self._ends is None:
            tokens = cut_block(self._whole[0]) if self._whole else ()
            head, tail = tokens[:4], tokens[-2:]
            self._ends, self._name = (head, head[0], tail), head[1]
        return self._ends


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
        return (node for node in self.body if isinstance(node, Block) and node.kind == keyword)
