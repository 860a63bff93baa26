"""From text to the syntax tree, by recursive descent; every mistake is reported and passed over.

Grammar: lvs.cf(5), *Rules of the file*. What the words mean is no business of this module.
"""

from collections.abc import Iterator
from typing import NamedTuple

from piranha.lvscf.diagnostics import Diagnostic, Findings
from piranha.lvscf.syntax.limits import WORD_LIMIT, check_size
from piranha.lvscf.syntax.scan import scan
from piranha.lvscf.syntax.tokens import BLOCK_KEYWORDS, NO_SEMICOLON, Kind, Token
from piranha.lvscf.syntax.tree import Block, Node, Setting, Tree, Trivia, span_of

FILE = ""  # the context outside of all blocks
DEPTH_LIMIT = 8  # blocks with unknown keywords nest no deeper
# Looked up for each line.
_BLOCK, _SETTING, _WORD, _EQUALS, _CLOSE = Kind.BLOCK, Kind.SETTING, Kind.WORD, Kind.EQUALS, Kind.CLOSE
_OPENED = [Kind.OPEN, Kind.NEWLINE]
_STATEMENT_END = (Kind.NEWLINE, Kind.END, Kind.SEMICOLON, Kind.CLOSE, Kind.COMMENT)
_VALUES = (Kind.WORD, Kind.QUOTED, Kind.UNCLOSED)


def parse(text: str) -> tuple[Tree, tuple[Diagnostic, ...]]:
    """Return the tree of `text` and what is wrong with its syntax, in file order. Raises TooLarge and nothing else."""
    found = read(text)
    return found.tree, found.findings


class Piece(NamedTuple):
    """A block that has whole lines for itself: where its text begins and ends, and on how many lines it stands."""

    start: int
    end: int
    lines: int
    block: Block


class Read(NamedTuple):
    """A text that was read.

    pieces: its blocks that stand for themselves, none if there are findings. words: no less than its tokens.
    """

    text: str
    tree: Tree
    findings: tuple[Diagnostic, ...] = ()
    pieces: tuple[Piece, ...] = ()
    words: int = 0


def read(text: str, before: Read | None = None) -> Read:
    """Do what `parse` does.

    before: an earlier reading of the same file. Blocks that stand in `text` as they did there, on the same
    lines, are taken from it; all else comes out as if there were none.
    """
    check_size(text)
    again = _read_again(text, before) if before is not None and before.pieces else None
    if again is not None:
        return again
    parser = _Parser(text)
    tree = parser.file()
    findings = parser.findings.in_file_order()
    pieces = () if findings else tuple(parser.pieces(tree))
    return Read(text, tree, findings, pieces, len(parser.tokens))


def _read_again(text: str, before: Read) -> Read | None:
    """Read what is not in `before`; None where that shows a mistake, which may concern what is."""
    nodes: list[Node] = []
    pieces: list[Piece] = []
    tree, words = before.tree, before.words

    def between(start: int, end: int, line: int) -> bool:
        nonlocal tree, words
        parser = _Parser(text, start, end, line)
        tree, words = parser.file(), words + len(parser.tokens)
        nodes.extend(tree.body)
        pieces.extend(parser.pieces(tree))
        return not parser.findings.found and words <= WORD_LIMIT

    at, line = 0, 1  # up to here all is read
    position, position_line = 0, 1
    for piece in before.pieces:
        block_line = piece.block.keyword.line
        while position_line < block_line and (found := text.find("\n", position) + 1):
            position, position_line = found, position_line + 1
        source = before.text[piece.start : piece.end]
        if position_line != block_line or not text.startswith(source, position):
            continue
        if at < position and not between(at, position, line):
            return None
        nodes.append(piece.block)
        pieces.append(Piece(position, position + len(source), piece.lines, piece.block))
        at = position = position + len(source)
        line = position_line = block_line + piece.lines
    if not between(at, len(text), line):
        return None
    return Read(text, Tree(tuple(nodes), tree.end), (), tuple(pieces), words)


class _Parser:
    def __init__(self, text: str, start: int = 0, end: int | None = None, line: int = 1) -> None:
        self.tokens, self.plain, self.whole, self.starts = scan(text, start, end, line)
        self.at = 0
        self.findings = Findings()

    def pieces(self, tree: Tree) -> Iterator[Piece]:
        """Yield the blocks of `tree` that have whole lines for themselves."""
        for node in tree.body:
            if not isinstance(node, Block) or not node.tail:
                continue
            first, last = node.head[0], node.tail[-1]
            if len(first.before) + 1 == first.column and last.kind is Kind.NEWLINE and last.text:
                start, end = self.starts.get(first.line), self.starts.get(last.line + 1)
                if start is not None and end is not None:
                    yield Piece(start, end, last.line - first.line + 1, node)

    def file(self) -> Tree:
        nodes: list[Node] = []
        while True:
            self.body(FILE, nodes, depth=0)
            token = self.tokens[self.at]
            if token.kind is Kind.END:
                return Tree(tuple(nodes), token)
            # A `}` that closes nothing.
            self.findings.add(
                "E007", span_of(token), "'}' closes nothing", "remove it, or look for a missing '{' above"
            )
            nodes.append(Trivia(self.take_rest(self.at, self.at + 1)))

    def body(self, context: str, nodes: list[Node], depth: int) -> None:
        """Read statements into `nodes` up to a `}`, the end of the file, or a head that cannot stand here."""
        tokens, plain = self.tokens, self.plain
        while True:
            start = self.at
            token = tokens[start]
            kind = token.kind
            if kind is _BLOCK:
                nodes.append(Block.whole(token, self.whole[token.text]))
                self.at = start + 1
            elif kind is _SETTING:
                nodes.append(Setting.on_line(token, *plain[token.text]))
                self.at = start + 1
            elif kind is _WORD and tokens[start + 1].kind is _EQUALS:
                nodes.append(self.setting())
                if self.closed_by_last_value(nodes, context):
                    return
            elif kind is _CLOSE or kind is Kind.END:
                return
            elif kind in (Kind.NEWLINE, Kind.COMMENT, Kind.SEMICOLON):
                nodes.append(Trivia(self.take_rest(start, start)))
            elif self.is_head():
                if not self.may_stand(token.text, context):
                    return
                nodes.append(self.block(depth))
            else:
                nodes.append(self.mistake())

    def setting(self) -> Setting:
        tokens, start = self.tokens, self.at
        end = self.end_of_words(start + 2)
        found = Setting(self.take_rest(start, end), tokens[start], tuple(tokens[start + 2 : end]))
        self.check_values(found)
        return found

    def check_values(self, setting: Setting) -> None:
        if not setting.values:
            self.findings.add("E005", setting.span, f"'{setting.keyword.text}' has no value")
        for number, value in enumerate(setting.values):
            if value.kind is Kind.UNCLOSED:
                self.findings.add("E002", span_of(value), "the closing quote is missing")
            elif number and not value.before:
                hint = NO_SEMICOLON if value.text == ";" else ""
                self.findings.add("E002", span_of(value), f"a blank is missing before '{value.text}'", hint)

    def closed_by_last_value(self, nodes: list[Node], context: str) -> bool:
        """Whether the setting just read ends in a `}` that was meant to close the block."""
        last = nodes[-1]
        if (
            not isinstance(last, Setting)
            or last.lone is not None
            or len(last.values) < 2
            or last.values[-1].text != "}"
            or context == FILE
        ):
            return False
        self.findings.add("E003", span_of(last.values[-1]), "unexpected '}'", "put it on a line of its own")
        nodes[-1] = Setting(last.tokens, last.keyword, last.values[:-1])
        return True

    def is_head(self) -> bool:
        """Whether a block begins here: a block keyword without `=`, or any words before a `{`."""
        token = self.tokens[self.at]
        if token.kind is not Kind.WORD:
            return False
        end = self.end_of_words(self.at + 1)
        opened = self.tokens[end].kind is Kind.OPEN or (end > self.at + 1 and self.tokens[end - 1].text == "{")
        if token.text not in BLOCK_KEYWORDS:
            return opened
        return opened or self.brace_below(end) > 0 or (end > self.at + 1 and token.text != "check")

    def may_stand(self, keyword: str, context: str) -> bool:
        """Whether such a block can begin in `context`; if not, the block above lacks its `}`."""
        if context == FILE or keyword not in BLOCK_KEYWORDS or (keyword == "server" and context != "server"):
            return True
        hint = (
            f"is the '}}' of the {context} above missing?" if context in BLOCK_KEYWORDS else "is a '}' missing above?"
        )
        token = self.tokens[self.at]
        self.findings.add("E008", span_of(token), f"a '{keyword}' block cannot stand inside a '{context}' block", hint)
        return False

    def block(self, depth: int) -> Node:
        start, keyword = self.at, self.tokens[self.at]
        head = tuple(self.tokens[start : start + 4])
        kinds = [token.kind for token in head[1:]]
        if depth < DEPTH_LIMIT and keyword.text in BLOCK_KEYWORDS and kinds[1:] == _OPENED and kinds[0] in _VALUES:
            # As nearly all are: keyword, name, brace, end of line.
            self.at = start + 4
            return self.rest_of_block(head, keyword, head[1], depth)
        words = self.tokens[start + 1 : self.end_of_words(start + 1)]
        head_end = start + 1 + len(words)
        if words and words[-1].text == "{":
            words = words[:-1]
        elif self.tokens[head_end].kind is Kind.OPEN:
            head_end += 1
        elif below := self.brace_below(head_end):
            head_end = below + 1
        else:
            self.findings.add("E005", span_of(keyword), f"'{{' is missing after this {keyword.text}")
        self.check_head(keyword, words)
        head = self.take_rest(start, head_end)
        if depth >= DEPTH_LIMIT:
            return Trivia(head)
        return self.rest_of_block(head, keyword, words[0] if words else None, depth)

    def rest_of_block(self, head: tuple[Token, ...], keyword: Token, name: Token | None, depth: int) -> Block:
        nodes: list[Node] = []
        self.body(keyword.text, nodes, depth + 1)
        return Block(head, keyword, name, tuple(nodes), self.tail(keyword, nodes))

    def tail(self, keyword: Token, nodes: list[Node]) -> tuple[Token, ...]:
        token = self.tokens[self.at]
        if token.kind is Kind.CLOSE:
            return self.take_rest(self.at, self.at + 1)
        if token.kind is Kind.END:
            if any(not isinstance(node, Trivia) for node in nodes):
                hint = "if nothing is missing, write } below; if the file was cut off, write it again"
                self.findings.add("E050", span_of(keyword), f"the file ends inside this {keyword.text}", hint)
            else:
                message = f"the file ends inside this {keyword.text}, which has nothing in it"
                self.findings.add("E009", span_of(keyword), message)
        return ()

    def check_head(self, keyword: Token, words: list[Token]) -> None:
        if keyword.text not in BLOCK_KEYWORDS:
            hint = self.findings.nearest(keyword.text, BLOCK_KEYWORDS) or "blocks are virtual, server, failover, check"
            self.findings.add("E006", span_of(keyword), f"unknown keyword '{keyword.text}' before '{{'", hint)
            return
        if not words:
            self.findings.add("E005", span_of(keyword), f"this {keyword.text} has no name", "write: virtual NAME {")
        for word in words[:1]:
            if word.kind is Kind.UNCLOSED:
                self.findings.add("E002", span_of(word), "the closing quote is missing")
        for word in words[1:2]:
            hint = "a name with blanks needs quotes"
            self.findings.add("E003", span_of(word), f"unexpected '{word.text}' after the name", hint)

    def mistake(self) -> Trivia:
        """Report and pass over a line that is no statement."""
        start, token = self.at, self.tokens[self.at]
        if token.kind is Kind.UNCLOSED:
            self.findings.add("E002", span_of(token), "the closing quote is missing")
        elif token.kind is Kind.EQUALS:
            self.findings.add("E006", span_of(token), "a keyword is missing before '='")
        elif token.kind is Kind.OPEN:
            self.findings.add("E003", span_of(token), "unexpected '{'", "write: virtual NAME {")
        elif token.kind is Kind.WORD and token.text in BLOCK_KEYWORDS:
            self.findings.add("E005", span_of(token), f"this {token.text} has no name and no '{{'")
        elif self.tokens[start + 1].kind is Kind.EQUALS:
            self.findings.add("E006", span_of(token), f"{token.text} is no keyword", "keywords have no quotes")
        else:
            hint = "write: KEYWORD = VALUE"
            self.findings.add("E004", span_of(token), f"equal (=) expected after '{token.text}'", hint)
        end = start + 1
        while self.tokens[end].kind not in _STATEMENT_END:
            end += 1
        return Trivia(self.take_rest(start, end))

    def end_of_words(self, start: int) -> int:
        while self.tokens[start].kind in _VALUES:
            start += 1
        return start

    def brace_below(self, index: int) -> int:
        """Return where a `{` stands behind comments and line ends only, 0 if nowhere."""
        while self.tokens[index].kind in (Kind.COMMENT, Kind.NEWLINE):
            index += 1
        return index if self.tokens[index].kind is Kind.OPEN else 0

    def take_rest(self, start: int, end: int) -> tuple[Token, ...]:
        """Go past the tokens from `start` to `end` and the `;`, comment and line end behind them; return them."""
        for kind in (Kind.SEMICOLON, Kind.COMMENT, Kind.NEWLINE):
            if self.tokens[end].kind is kind:
                end += 1
        self.at = end
        return tuple(self.tokens[start:end])
