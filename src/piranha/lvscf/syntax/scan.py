"""Cuts lvs.cf into tokens without losing a byte: the tokens joined are the text again.

Source: lvs.cf(5), *Rules of the file*.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from piranha.lvscf.syntax.limits import WORD_LIMIT, TooLarge, check_size
from piranha.lvscf.syntax.tokens import (
    BOM,
    PLAIN_SERVER,
    PLAIN_SETTING,
    Kind,
    PlainBlock,
    PlainSettings,
    Shape,
    Token,
    brace_line,
    cut,
    pairs_of,
)

# Found as a name of the module twice as fast as in the class.
_SETTING_KIND, _BLOCK_KIND = Kind.SETTING, Kind.BLOCK
_new = tuple.__new__  # a NamedTuple made by its own name takes twice as long


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text`, the last of kind END. Raises TooLarge, and fails for no other text."""
    check_size(text)
    return [part for token in scan(text).tokens for part in _parts(token)]


def _parts(token: Token) -> Iterable[Token]:
    if token.kind is Kind.BLOCK:
        return cut_block(token)
    return cut(token) if token.kind is Kind.SETTING else (token,)


class Scan(NamedTuple):
    """The tokens of some lines, each ordinary setting and each ordinary `server` block in one piece.

    plain, blocks: what these pieces say, by their text. starts: where lines begin, by their number, at least those
    outside of all blocks and the one behind the last.
    """

    tokens: list[Token]
    plain: PlainSettings
    blocks: dict[str, PlainBlock]
    starts: dict[int, int]


_ELSEWHERE, _IN_VIRTUAL, _IN_SERVER = range(3)
"""Where `scan` stands as far as ordinary lines tell: in one piece are only servers directly in a virtual block."""


def scan(text: str, start: int = 0, end: int | None = None, line: int = 1, *, pieces: bool = True) -> Scan:
    """Return the tokens of `text`, or of its part from `start`, where `line` begins, to the end of a line at `end`.

    Most of a large file is ordinary settings and blocks of them, most of them said before: `cut` and `cut_block` make
    tokens of one when somebody asks for them. pieces: whether blocks stay in one piece. Raises TooLarge for too many
    words; `check_size` comes first.
    """
    tokens: list[Token] = []
    plain: PlainSettings = {}
    braces: dict[str, Shape] = {}
    blocks: dict[str, PlainBlock] = {}
    followers: dict[str, str] = {}  # the block that was last seen behind each block, behind "" the first of its kind
    last = ""
    starts: dict[int, int] = {}
    size = len(text) if end is None else end
    begin = len(BOM) if start == 0 and text.startswith(BOM) else start
    position, within = begin, _ELSEWHERE
    while position < size:
        if within == _ELSEWHERE:
            starts[line] = position
        elif within == _IN_VIRTUAL and pieces:
            # Where one block follows another in the first virtual server, it mostly does in all.
            source = followers.get(last, "")
            if not source or not text.startswith(source, position, size):
                whole = PLAIN_SERVER.match(text, position, size)
                source = whole[0] if whole else ""
                if whole and source not in blocks:
                    blocks[source] = PlainBlock(whole[1], whole[2], whole[3], pairs_of(whole[2], plain))
            if source:
                followers[last] = source
                last = source
                tokens.append(_new(Token, (_BLOCK_KIND, "", source, line, 1)))
                position += len(source)
                line += source.count("\n")
                continue
        last = ""
        stop = text.find("\n", position) + 1 or size
        source = text[position:stop]
        if source in plain:
            tokens.append(_new(Token, (_SETTING_KIND, "", source, line, 1)))
        elif found := PLAIN_SETTING.match(source):
            plain[source] = (found[2], found[5])
            tokens.append(_new(Token, (_SETTING_KIND, "", source, line, 1)))
        elif shape := braces.get(source) or brace_line(source):
            braces[source] = shape
            tokens += [_new(Token, (kind, before, word, line, column)) for kind, before, word, column in shape]
            within = _beyond(shape, within)
        else:
            from piranha.lvscf.syntax.any_line import AnyLine  # noqa: PLC0415 -- a file made by a program may have none

            first = len(tokens)
            stop = AnyLine(text, position, line, tokens).read()
            if within and not _harmless(tokens, first, source):
                within = _ELSEWHERE
            if len(tokens) > WORD_LIMIT:
                raise TooLarge(line, f"this file has more than {WORD_LIMIT:,} words")
        position = stop
        line += 1
    starts[line] = size
    last_break = max(text.rfind("\n", 0, size) + 1, begin)
    tokens.append(Token(Kind.END, "", "", line if last_break == size else line - 1, size - last_break + 1))
    if begin != start:
        tokens[0] = tokens[0]._replace(before=BOM + tokens[0].before)
    return Scan(tokens, plain, blocks, starts)


def _beyond(shape: Shape, within: int) -> int:
    """Return where `scan` stands behind an ordinary line that opens or closes a block."""
    kind, _, keyword, _ = shape[0]
    if kind is Kind.CLOSE:
        return _IN_VIRTUAL if within == _IN_SERVER else _ELSEWHERE
    if keyword == "virtual":
        return _IN_VIRTUAL
    return _IN_SERVER if keyword == "server" and within == _IN_VIRTUAL else _ELSEWHERE


def _harmless(tokens: Sequence[Token], first: int, source: str) -> bool:
    """Whether a line, from token `first` on, surely opens and closes nothing: a setting, a comment or nothing."""
    if "{" in source or "}" in source:
        return False
    kinds = [token.kind for token in tokens[first : first + 2]]
    return kinds[0] in (Kind.COMMENT, Kind.NEWLINE) or kinds == [Kind.WORD, Kind.EQUALS]


def cut_block(block: Token) -> tuple[Token, ...]:
    """Return the tokens of an ordinary block."""
    lines = scan(block.text, line=block.line, pieces=False).tokens[:-1]
    found = [part for token in lines for part in (cut(token) if token.kind is Kind.SETTING else (token,))]
    found[0] = found[0]._replace(before=block.before + found[0].before)
    return tuple(found)
