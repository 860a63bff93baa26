"""Edits of lvs.cf that touch only their own tokens: every other one comes out byte for byte as it was.

A new setting takes its place in the order of the original's web tool, its indentation and its line
ending from its neighbours; in a block on one line it gets its `;`.
"""

from collections.abc import Sequence

from piranha.lvscf import directives
from piranha.lvscf.directives import Scope
from piranha.lvscf.syntax.printer import tokens_of
from piranha.lvscf.syntax.tokens import BOM, Kind
from piranha.lvscf.syntax.tree import Block, Node, Setting, Tree

STEP = "    "  # a deeper indentation where no neighbour shows one


class Draft:
    """Edits of one file, noted against its tree as it was read; `text` is the file with all of them.

    The edits of one draft concern different settings, and a block gets at most one new one; for the
    next one read `text` again. Words are as they stand in the file, with
    their quotes (`spelling.words` writes them so). A block of None is the file itself.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._tokens = [*tokens_of(tree.body), tree.end]
        first = self._tokens[0]
        self._bom = BOM if first.before.startswith(BOM) else ""
        self._tokens[0] = first._replace(before=first.before.removeprefix(BOM))
        self._starts: dict[int, int] = {}
        self._number(tree.body, 0)
        self._instead: dict[int, str] = {}  # for a token with the blanks in front of it
        self._before: dict[int, str] = {}
        self._behind: dict[int, str] = {}
        self._grown: set[int] = set()

    def text(self) -> str:
        """Return the file with the edits."""
        return self._bom + "".join(self._written(index) for index in range(len(self._tokens)))

    def changes(self) -> list[tuple[int, str, str]]:
        """Return the line where each change begins, 1-based, and the whole lines there before and after it."""
        found: list[tuple[int, str, str]] = []
        line, old, new = 1, "", ""
        for index, token in enumerate(self._tokens):
            old += token.before + token.text
            new += self._written(index)
            if token.text.endswith("\n") and (not new or new.endswith("\n")):
                if old != new:
                    found.append((line, old, new))
                line, old, new = line + old.count("\n"), "", ""
        return [*found, (line, old, new)] if old != new else found

    def _written(self, index: int) -> str:
        token, own = self._tokens[index], self._instead.get(index)
        text = token.before + token.text if own is None else own
        return self._before.get(index, "") + text + self._behind.get(index, "")

    def set(self, block: Block | None, keyword: str, words: Sequence[str]) -> None:
        """Make `keyword = words` what counts: the last one where it is repeated, the only one where they add up."""
        found = self._settings(block, keyword)
        if not found:
            self.add(block, keyword, words)
            return
        directive = directives.find(keyword, _scope(block))
        for setting in found[:-1] if directive is not None and directive.repeats else ():
            self._take_out(setting)
        self._put_values(found[-1], words)

    def add(self, block: Block | None, keyword: str, words: Sequence[str]) -> None:
        """Write one more setting, even if there is one of that name. Raises ValueError for a second new one."""
        if id(block) in self._grown:
            raise ValueError("a new setting is written beside those that were read")
        self._grown.add(id(block))
        text = f"{keyword} = {' '.join(words)}"
        candidates = self._candidates(block)
        above = _above(candidates, keyword, _scope(block))
        if above is not None:
            self._write_behind(above, text)
        elif candidates:
            self._write_before(candidates[0], text)
        elif block is None:
            self._write_first_of_file(text)
        else:
            self._write_first_of_block(block, text)

    def unset(self, block: Block | None, keyword: str, words: Sequence[str] | None = None) -> int:
        """Take out every setting of that name, or those with these words; return how many there were."""
        found = [
            setting
            for setting in self._settings(block, keyword)
            if words is None or [value.text for value in setting.values] == list(words)
        ]
        for setting in found:
            self._take_out(setting)
        return len(found)

    def rename(self, block: Block, name: str) -> None:
        """Give a block another name. Where other settings mention it, they still have the old one."""
        index = self._starts[id(block)] + 1
        if block.name is None:
            self._behind[index - 1] = f" {name}"
        else:
            self._instead[index] = self._tokens[index].before + name

    def remove_block(self, block: Block) -> None:
        """Take out a block with everything in it. Comments above it stay."""
        self._erase(*self._range(block))

    def add_block(
        self, parent: Block | None, keyword: str, name: str, settings: Sequence[tuple[str, Sequence[str]]] = ()
    ) -> None:
        """Write a new block behind the last one of its kind, in the layout of that one."""
        scope = Scope(keyword)
        lines = [
            f"{word} = {' '.join(words)}"
            for word, words in sorted(settings, key=lambda one: directives.rank(one[0], scope))
        ]
        head = f"{keyword} {name} {{"
        one_line = " ".join([head, "; ".join(lines), "}"] if lines else [head, "}"])
        last = list(self._within(parent).blocks(keyword))[-1:]
        if last and _is_one_line(last[0]):
            self._put_line(self._range(last[0])[1], one_line, self._indent(self._starts[id(last[0])]))
            return
        at = self._range(last[0])[1] if last else self._place_for(parent, keyword)
        if self._inline(at) and not (last and self._begins_line(at)):
            self._put_line(at, one_line, "")
            return
        indent = self._indent(self._starts[id(last[0])]) if last else self._inner_indent(parent) if parent else ""
        inner = self._inner_indent(last[0]) if last else self._inner_of(keyword, indent)
        newline = self._newline()
        body = newline.join([indent + head, *(inner + line for line in lines), indent + "}"]) + newline
        blank_above = last and self._blank_above(self._starts[id(last[0])])
        if parent is None and (blank_above or (not last and at > 0)) and not self._blank_above(at):
            body = newline + body
        if parent is None and self._tokens[at].kind is not Kind.END and not last:
            body += newline
        self._put_lines(at, body)

    # Places in the file

    def _number(self, nodes: Sequence[Node], start: int) -> int:
        """Note where each node begins; return where the next one would."""
        for node in nodes:
            self._starts[id(node)] = start
            if isinstance(node, Block):
                start = self._number(node.body, start + len(node.head)) + len(node.tail)
            else:
                start += len(node.tokens)
        return start

    def _range(self, node: Node) -> tuple[int, int]:
        start = self._starts[id(node)]
        return start, start + len(list(tokens_of([node])))

    def _within(self, block: Block | None) -> Tree | Block:
        return self._tree if block is None else block

    def _settings(self, block: Block | None, keyword: str) -> list[Setting]:
        return [setting for setting in self._within(block).settings() if setting.name == keyword]

    def _candidates(self, block: Block | None) -> list[Setting]:
        """Return the settings beside which a new one may stand: a server must come behind what it inherits."""
        body = self._within(block).body
        first_block = next((number for number, node in enumerate(body) if isinstance(node, Block)), len(body))
        above = [node for node in body[:first_block] if isinstance(node, Setting)]
        return above or (list(self._tree.settings()) if block is None else [])

    def _begins_line(self, index: int) -> bool:
        return index == 0 or self._tokens[index - 1].kind is Kind.NEWLINE

    def _inline(self, index: int) -> bool:
        """Whether what stands at `index` has a `{` in front of it on its line, so that `;` parts settings."""
        while not self._begins_line(index):
            index -= 1
            if self._tokens[index].kind is Kind.OPEN:
                return True
        return False

    def _indent(self, index: int) -> str:
        return self._tokens[index].before if self._begins_line(index) else ""

    def _inner_indent(self, block: Block) -> str:
        """Return how far the settings of a block are indented."""
        for node in block.body:
            start = self._starts[id(node)]
            if self._begins_line(start) and self._tokens[start].kind is not Kind.NEWLINE:
                return self._indent(start)
        return self._inner_of(block.keyword.text, self._indent(self._starts[id(block)]))

    def _inner_of(self, keyword: str, indent: str) -> str:
        """Return the same for a block that has none yet: as in others of its kind."""
        virtuals = [*self._tree.blocks("virtual"), *self._tree.blocks("failover")]
        others = [*self._tree.blocks(keyword), *(server for one in virtuals for server in one.blocks(keyword))]
        for block in others:
            for setting in block.settings():
                if self._begins_line(self._starts[id(setting)]):
                    return self._indent(self._starts[id(setting)])
        return indent + STEP

    def _comments_above(self, index: int) -> int:
        """Return where the comments begin that stand directly above a line, `index` where there are none."""
        start = index
        while (
            start >= 2
            and self._tokens[start - 1].kind is Kind.NEWLINE
            and self._tokens[start - 2].kind is Kind.COMMENT
            and self._begins_line(start - 2)
        ):
            start -= 2
        return start if start > 0 else index  # those at the top of the file belong to the file

    def _blank_above(self, index: int) -> bool:
        above = self._comments_above(index)
        return above >= 2 and self._tokens[above - 1].kind is Kind.NEWLINE and self._begins_line(above - 1)

    def _newline(self) -> str:
        ends = (token.text for token in self._tokens if token.kind is Kind.NEWLINE and token.text.endswith("\n"))
        return next(ends, "\n")

    def _place_for(self, parent: Block | None, keyword: str) -> int:
        """Return where the first block of a kind goes."""
        if parent is not None:
            return self._range(parent)[1] - len(parent.tail)
        first = next((node for node in self._tree.blocks("virtual")), None) if keyword == "check" else None
        return len(self._tokens) - 1 if first is None else self._comments_above(self._starts[id(first)])

    # Changes

    def _put_values(self, setting: Setting, words: Sequence[str]) -> None:
        first = self._starts[id(setting)] + 2
        text = " ".join(words)
        if not setting.values:
            self._behind[first - 1] = f" {text}"
            return
        for index in range(first, first + len(setting.values)):
            self._instead[index] = ""
        self._instead[first] = self._tokens[first].before + text

    def _take_out(self, setting: Setting) -> None:
        start, end = self._range(setting)
        ends = Kind.SEMICOLON in {token.kind for token in self._tokens[start:end]}
        if start and self._tokens[start - 1].kind is Kind.SEMICOLON and not ends:
            # The last of a block on one line: the `;` in front of it parts nothing any more.
            self._instead[start - 1] = ""
        self._erase(start, end)

    def _erase(self, start: int, end: int) -> None:
        """Take out tokens: with their line where they are all of it, else up to what ends it."""
        if not self._begins_line(start):
            while end > start and self._tokens[end - 1].kind in (Kind.NEWLINE, Kind.COMMENT):
                end -= 1
        for index in range(start, end):
            self._instead[index] = ""

    def _write_behind(self, setting: Setting, text: str) -> None:
        start, end = self._range(setting)
        if self._inline(start):
            last = start + 1 + len(setting.values)
            following = self._tokens[last + 1]
            if following.kind is Kind.SEMICOLON:
                gap = "" if self._tokens[last + 2].before else " "
                self._behind[last + 1] = f" {text}{following.before};{gap}"
            else:
                self._behind[last] = f"; {text}"
        else:
            self._put_lines(end, self._indent(start) + _aligned(setting, text) + self._newline())

    def _write_before(self, setting: Setting, text: str) -> None:
        start = self._starts[id(setting)]
        blanks = self._tokens[start].before
        if self._inline(start):
            self._before[start] = f"{blanks}{text};" if blanks else f"{text}; "
        elif self._begins_line(start):
            self._put_lines(self._comments_above(start), blanks + _aligned(setting, text) + self._newline())
        else:
            self._before[start] = f"{blanks}{text}{self._newline()}"

    def _write_first_of_file(self, text: str) -> None:
        newline = self._newline()
        first = next((node for node in self._tree.body if isinstance(node, Block)), None)
        if first is None:
            self._put_lines(len(self._tokens) - 1, text + newline)
        else:
            self._put_lines(self._comments_above(self._starts[id(first)]), text + newline + newline)

    def _write_first_of_block(self, block: Block, text: str) -> None:
        at = self._starts[id(block)] + len(block.head)
        if self._tokens[at - 1].kind in (Kind.NEWLINE, Kind.COMMENT):
            self._put_lines(at, self._inner_indent(block) + text + self._newline())
            return
        following = self._tokens[at]
        closes = following.kind in (Kind.CLOSE, Kind.END)
        gap = "" if following.before else " "
        self._behind[at - 1] = f" {text}{gap}" if closes else f" {text};{gap}"

    def _put_lines(self, at: int, lines: str) -> None:
        """Write whole lines, each with its end, in front of the line that begins at `at`."""
        if at == 0 or self._tokens[at - 1].text.endswith("\n"):
            self._before[at] = self._before.get(at, "") + lines
            return
        # The last line of a file has no end: it gets one, and the new last line has none.
        newline = self._newline()
        end = "\n" if self._tokens[at - 1].text.endswith("\r") else newline
        self._behind[at - 1] = self._behind.get(at - 1, "") + end + lines.removesuffix(newline)

    def _put_line(self, at: int, line: str, indent: str) -> None:
        """Write a block on one line: on a line of its own, or within the line that goes on at `at`."""
        previous = self._tokens[at - 1]
        if previous.kind is Kind.NEWLINE or self._tokens[at].kind is Kind.END:
            self._put_lines(at, indent + line + self._newline())
            return
        parted = previous.kind in (Kind.OPEN, Kind.CLOSE, Kind.SEMICOLON)
        gap = "" if self._tokens[at].before else " "
        self._behind[at - 1] = self._behind.get(at - 1, "") + (" " if parted else "; ") + line + gap


def _scope(block: Block | None) -> Scope:
    return Scope.GLOBAL if block is None else Scope(block.keyword.text)


def _above(settings: Sequence[Setting], keyword: str, scope: Scope) -> Setting | None:
    """Return the setting behind which a new one belongs: its neighbour in the order, or what comes before it, too."""
    ranks = [directives.rank(setting.name, scope) for setting in settings]
    own = directives.rank(keyword, scope)
    lower = [(rank, at) for at, rank in enumerate(ranks) if rank <= own]
    if not lower:
        return None
    _, at = max(lower)
    while at + 1 < len(ranks) and ranks[at + 1] <= own:
        at += 1
    return settings[at]


def _is_one_line(block: Block) -> bool:
    opens = [token.line for token in block.head if token.kind is Kind.OPEN]
    closes = [token.line for token in block.tail if token.kind is Kind.CLOSE]
    return bool(opens) and opens == closes


def _aligned(neighbour: Setting, text: str) -> str:
    """Return `keyword = value` with the blanks round the `=` that the neighbour has: `=` below `=`."""
    keyword, _, value = text.partition(" = ")
    equals = neighbour.tokens[1]
    width = len(neighbour.name) + len(equals.before)
    left = keyword if not equals.before else keyword.ljust(width if len(equals.before) > 1 else 0)
    gap = " " if equals.before and not left.endswith(" ") else ""
    right = neighbour.values[0].before if neighbour.values else " "
    return f"{left}{gap}={right}{value}"
