"""What a token is, and the tokens of ordinary lines, which depend on the text of the line alone.

Source: lvs.cf(5), *Rules of the file*. Any other line is for `scan`.
"""

import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

BLOCK_KEYWORDS = ("virtual", "server", "failover", "check")
BOM = "\ufeff"
NO_SEMICOLON = "leave the ; out: it parts settings only behind a { on the same line"
ONE_A_LINE = "each setting has a line of its own; behind a { on the same line a ; parts them"


class Kind(Enum):
    """What a token is to the parser."""

    WORD = "word"
    QUOTED = "quoted text"
    UNCLOSED = "text without its closing quote"
    EQUALS = "="
    OPEN = "{"
    CLOSE = "}"
    SEMICOLON = ";"
    COMMENT = "comment"
    SETTING = "a whole line that is an ordinary setting"  # from `scan` only
    BLOCK = "a whole block of ordinary lines"  # from `scan` only
    NEWLINE = "end of line"
    END = "end of file"


class Token(NamedTuple):
    """One token with the blanks in front of it; line and column are those of `text`, 1-based."""

    kind: Kind
    before: str
    text: str
    line: int
    column: int

    @property
    def value(self) -> str:
        """The text without the quotes round it."""
        return self.text[1:-1] if self.kind is Kind.QUOTED else self.text


def join(tokens: Iterable[Token]) -> str:
    """Return the text that the tokens were cut from."""
    return "".join([token.before + token.text for token in tokens])


# Most values of most files: one word or two (an address and its device), or a text. `\"` and `\\` do not end a text.
_PLAIN_VALUE = r"(?:[^\s\"'#=;][^\s]*(?:[ \t]+[^\s\"'#;{}][^\s]*)?|\"(?:[^\"\\\n]|\\[^\n])*\")"
# Most lines: `keyword = value`, and a closing brace.
PLAIN_SETTING = re.compile(rf"([ \t]*)([A-Za-z_]\w*)([ \t]*)=([ \t]*)({_PLAIN_VALUE})([ \t]*)(\r?\n)")
_PLAIN_CLOSE = re.compile(r"([ \t]*)\}([ \t]*)(\r?\n)")
# As the original read it: any word is a name when `{` ends the line, `#1` and `a{` too.
_PLAIN_OPEN = re.compile(
    r"([ \t]*)(virtual|server|failover|check)([ \t]+)(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'=][^\s]*)([ \t]+)\{([ \t]*)(\r?\n)"
)
# A whole block of a real server with nothing but ordinary settings in it: its name, these settings, its last line.
PLAIN_SERVER = re.compile(
    r"[ \t]*server[ \t]+(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'=][^\s]*)[ \t]+\{[ \t]*\r?\n"
    rf"((?:[ \t]*[A-Za-z_]\w*[ \t]*=[ \t]*{_PLAIN_VALUE}[ \t]*\r?\n)*)"
    r"([ \t]*\}[ \t]*\r?\n)"
)
PlainSettings = dict[str, tuple[str, str]]
"""Keyword and value of each line that is an ordinary setting, by the text of the line."""


Pairs = tuple[tuple[str, str], ...]
"""Keyword and value of ordinary settings in a row."""


class PlainBlock(NamedTuple):
    """What an ordinary block says.

    name: quotes included. settings: the lines in it. tail: its last line. pairs: what these say.
    """

    name: str
    settings: str
    tail: str
    pairs: Pairs


def pairs_of(lines: str, plain: PlainSettings) -> Pairs:
    """Return keyword and value of each of some lines that all are ordinary settings; notes them in `plain`."""
    found: list[tuple[str, str]] = []
    for line in lines.split("\n")[:-1]:
        source = f"{line}\n"
        pair = plain.get(source)
        if pair is None:
            keyword, _, value = line.partition("=")
            pair = plain[source] = (keyword.strip(), value.strip())
        found.append(pair)
    return tuple(found)


def values_of(text: str, before: str = " ", line: int = 1, column: int = 2) -> tuple[Token, ...]:
    """Return the words of the value of an ordinary setting, which stands at `column`, with `before` in front of it."""
    if text[0] == '"':
        return (Token(Kind.QUOTED, before, text, line, column),)
    first, *others = text.split(maxsplit=1)
    found = [Token(Kind.WORD, before, first, line, column)]
    for word in others:
        at = len(text) - len(word)
        found.append(Token(Kind.WORD, text[len(first) : at], word, line, column + at))
    return tuple(found)


def cut(setting: Token) -> tuple[Token, ...]:
    """Return the tokens of an ordinary setting: keyword, `=`, its value, end of line."""
    found = PLAIN_SETTING.match(setting.text)
    if found is None:
        raise ValueError("not of kind SETTING")
    indent, keyword, left, right, value, trail, newline = found.groups()
    equals = len(indent) + len(keyword) + len(left) + 1
    first = equals + len(right) + 1
    line = setting.line
    return (
        Token(Kind.WORD, setting.before + indent, keyword, line, len(indent) + 1),
        Token(Kind.EQUALS, left, "=", line, equals),
        *values_of(value, right, line, first),
        Token(Kind.NEWLINE, trail, newline, line, first + len(value) + len(trail)),
    )


Shape = tuple[tuple[Kind, str, str, int], ...]
"""The tokens of a line, wherever it stands: kind, blanks before, text, column."""


def brace_line(text: str) -> Shape:
    """Return the shape of a line that opens or closes a block as most do, empty for any other."""
    if found := _PLAIN_CLOSE.match(text):
        indent, trail, newline = found.groups()
        column = len(indent) + 1
        return (Kind.CLOSE, indent, "}", column), (Kind.NEWLINE, trail, newline, column + 1 + len(trail))
    if (found := _PLAIN_OPEN.match(text)) is None:
        return ()
    indent, keyword, gap, name, blanks, trail, newline = found.groups()
    column = len(indent) + 1
    name_column = column + len(keyword) + len(gap)
    brace = name_column + len(name) + len(blanks)
    return (
        (Kind.WORD, indent, keyword, column),
        (Kind.QUOTED if name[0] in "\"'" else Kind.WORD, gap, name, name_column),
        (Kind.OPEN, blanks, "{", brace),
        (Kind.NEWLINE, trail, newline, brace + 1 + len(trail)),
    )
