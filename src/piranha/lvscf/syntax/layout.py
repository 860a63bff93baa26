"""The one layout of lvs.cf: what `piranha fmt` writes. Words, comments and their order stay as they are.

Four blanks a level; ` = `; one blank between words; a block on one line stays on one if nothing but
settings is in it; comments behind settings begin in column 40. Why so: docs/decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from piranha.lvscf.syntax.printer import tokens_of
from piranha.lvscf.syntax.tokens import BOM, Kind, Token
from piranha.lvscf.syntax.tree import Block, Node, Setting, Tree, Trivia

INDENT = "    "
COMMENT_COLUMN = 40  # 1-based, of a comment behind a setting; at least two blanks stand in front of it
NEAR = "  "  # between a brace and its comment


@dataclass(slots=True)
class _Line:
    """One line of the result. code and comment may both be empty: a blank line.

    near: the comment keeps close to the code. at: line and column of the comment in the source.
    continues: the comment goes on below the one behind the line above.
    """

    code: str = ""
    comment: str = ""
    depth: int = 0
    near: bool = False
    at: tuple[int, int] = (0, 0)
    continues: bool = False
    block: bool = False  # the first or last line of a block of the file

    def column(self) -> int:
        """Return how many characters stand in front of the comment."""
        width = len(INDENT) * self.depth + len(self.code)
        if not self.code:
            return width
        return width + len(NEAR) if self.near else max(width + len(NEAR), COMMENT_COLUMN - 1)


def formatted(tree: Tree) -> str:
    """Return the file in the one layout; the tree has no mistakes. It means the same, and stays so when done again.

    A byte order mark and the kind of line end, that of the first line, are kept.
    """
    writer = _Writer()
    writer.nodes(tree.body, 0)
    tokens = [*tokens_of(tree.body), tree.end]
    bom = BOM if tokens[0].before.startswith(BOM) else ""
    newline = next((token.text for token in tokens if token.kind is Kind.NEWLINE), "\n")
    newline = newline if newline.endswith("\n") else "\n"
    return bom + "".join(line + newline for line in _rendered(_spaced(writer.lines)))


class _Writer:
    def __init__(self) -> None:
        self.lines: list[_Line] = []

    def nodes(self, nodes: Sequence[Node], depth: int) -> None:
        for node in nodes:
            if isinstance(node, Setting):
                self.put(_setting(node), depth, _comments(node.tokens))
            elif isinstance(node, Block):
                self.block(node, depth)
            else:
                self.trivia(node, depth)

    def put(self, code: str, depth: int, comments: Sequence[Token] = (), *, near: bool = False) -> None:
        """Write a line with the first of the comments behind it, and the others below."""
        line = _Line(code, "", depth, near)
        self.lines.append(line)
        if comments:
            line.comment, line.at = comments[0].text.rstrip(), (comments[0].line, comments[0].column)
        for comment in comments[1:]:
            self.comment(comment, depth)

    def comment(self, token: Token, depth: int) -> None:
        line = _Line("", token.text.rstrip(), depth, at=(token.line, token.column))
        if self.lines and (above := self.lines[-1]).comment and (above.code or above.continues):
            # Written below the comment of the line above, it is the rest of that comment.
            line.continues = line.at == (above.at[0] + 1, above.at[1])
        self.lines.append(line)

    def trivia(self, node: Trivia, depth: int) -> None:
        comments = _comments(node.tokens)
        for comment in comments:
            self.comment(comment, depth)
        if not comments and node.tokens[0].kind is Kind.NEWLINE:
            self.lines.append(_Line())

    def block(self, block: Block, depth: int) -> None:
        head, tail = _comments(block.head), _comments(block.tail)
        first = len(self.lines)
        opener = f"{block.keyword.text} {block.name.text if block.name else ''} {{"
        if _fits_one_line(block) and len(head) + len(tail) < 2:
            inner = "; ".join(_setting(node) for node in block.body if isinstance(node, Setting))
            self.put(f"{opener} {inner} }}" if inner else f"{opener} }}", depth, [*head, *tail], near=True)
            self.lines[first].block = depth == 0
            return
        self.put(opener, depth, head[:1], near=True)
        for comment in head[1:]:
            self.comment(comment, depth + 1)
        self.nodes(block.body, depth + 1)
        while self.lines[-1] == _Line():
            self.lines.pop()
        self.put("}", depth, tail, near=True)
        self.lines[first].block = self.lines[-1].block = depth == 0


def _setting(setting: Setting) -> str:
    return f"{setting.name} = {' '.join(value.text for value in setting.values)}"


def _comments(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.kind is Kind.COMMENT]


def _fits_one_line(block: Block) -> bool:
    opens = next((token.line for token in block.head if token.kind is Kind.OPEN), 0)
    closes = next((token.line for token in block.tail if token.kind is Kind.CLOSE), -1)
    return opens == closes and not any(isinstance(node, Block) for node in block.body)


def _spaced(lines: Sequence[_Line]) -> list[_Line]:
    """Return the lines with one blank line, never two, round each block of the file, and none at an end of anything."""
    spaced: list[_Line] = []
    for number, line in enumerate(lines):
        if line != _Line():
            if spaced and (_starts_block(lines, number) or _is_end(spaced[-1])) and not _pair(spaced[-1], line):
                spaced.append(_Line())
            spaced.append(line)
        elif spaced and not spaced[-1].code.endswith("{"):
            spaced.append(line)
    return [
        line
        for number, line in enumerate(spaced)
        if line != _Line() or (number + 1 < len(spaced) and spaced[number + 1] != _Line())
    ]


def _is_end(line: _Line) -> bool:
    return line.block and line.code.endswith("}")


def _pair(above: _Line, line: _Line) -> bool:
    """Whether two blocks on one line each may stand close together, or the comment belongs to what is above."""
    together = above.block and line.block and len(above.code) > 1 and line.code.endswith("}")
    return together or line.continues or above == _Line()


def _starts_block(lines: Sequence[_Line], number: int) -> bool:
    """Whether a block of the file begins here, or the comments directly above it do."""
    previous = lines[number - 1] if number else _Line()
    if not lines[number].code and not previous.code and previous.comment:
        return False  # not the first of the comments
    while number < len(lines) and not lines[number].code and lines[number].comment:
        number += 1
    return number < len(lines) and lines[number].block and not lines[number].code.startswith("}")


def _rendered(lines: Sequence[_Line]) -> list[str]:
    shown, column = [], 0
    for line in lines:
        column = column if line.continues else line.column()
        text = INDENT * line.depth + line.code
        if text.endswith("\r"):
            text += " "  # the last character of a word, not of the line
        shown.append((text.ljust(column) if line.comment else text) + line.comment if line != _Line() else "")
    return shown
