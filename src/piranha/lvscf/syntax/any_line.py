"""The tokens of a line of any shape.

Source: lvs.cf(5), *Rules of the file*. What is a token depends on where it stands: `=` ends a
keyword but is an ordinary character of a value, and `;` and `}` count only behind a `{` on the
same line. So a line is read from left to right with a little state.
"""

import re

from piranha.lvscf.syntax.tokens import BLOCK_KEYWORDS, Kind, Token

_BLANKS = re.compile(r"[ \t]*")
_END_OF_LINE = re.compile(r"\r?\n|\r?\Z")
_COMMENT = re.compile(r"#(?:[^\r\n]|\r(?!\n|\Z))*")
_WORD = re.compile(r"(?:[^ \t\r\n]|\r(?!\n|\Z))+")
_KEYWORD = re.compile(r"(?:[^ \t\r\n=]|\r(?!\n|\Z))+")
_LONE_HASH = re.compile(r"#(?:[^ \t\r\n]|\r(?!\n|\Z))+(?=[ \t]*\r?(?:\n|\Z))")
# `\"` and `\\` do not end a text.
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\[^\n])*\"|'[^'\n]*'")
# The original forgot that after a blank: a text whose only possible end is the `\"` before the end of the line.
_QUOTED_OLD = re.compile(r"\"[^\"\n]*\"(?=[ \t]*\r?(?:\n|\Z))")
_UNCLOSED = re.compile(r"[\"'](?:[^\r\n]|\r(?!\n|\Z))*")


class AnyLine:
    """Reads one line of any shape. `inline`: behind a `{`, where `;` and `}` end a setting."""

    def __init__(self, text: str, start: int, line: int, tokens: list[Token]) -> None:
        self.text, self.start, self.line, self.tokens = text, start, line, tokens
        self.position = start
        self.inline = False
        self.before = ""

    def read(self) -> int:
        """Append the tokens of the line; return where the next line begins."""
        while not self._at_end():
            self._statement()
        return self.position

    def _at_end(self) -> bool:
        """Take blanks, a comment and the end of the line if they come next."""
        self._blanks()
        if self.text.startswith("#", self.position):
            self._take(Kind.COMMENT, _COMMENT)
            self._blanks()
        if found := _END_OF_LINE.match(self.text, self.position):
            if found.group() or self.before:
                self._put(Kind.NEWLINE, found.group())
            return True
        return False

    def _statement(self) -> None:
        """Take one setting, head of a block, or brace, up to where the next may begin."""
        if self._brace():
            return
        if self.inline and self._character(";", Kind.SEMICOLON):
            return
        if self.text.startswith("=", self.position):
            self._character("=", Kind.EQUALS)
            self._values()
            return
        keyword = self._keyword()
        self._blanks()
        if self.text.startswith("=", self.position):
            self._character("=", Kind.EQUALS)
            self._values()
        elif keyword in BLOCK_KEYWORDS:
            self._head()
        else:
            self._values()

    def _brace(self) -> bool:
        if self._character("{", Kind.OPEN):
            self.inline = True
            return True
        return self._character("}", Kind.CLOSE)

    def _keyword(self) -> str:
        if self.text[self.position] in "\"'":
            return self._quoted()
        found = _KEYWORD.match(self.text, self.position)
        word = found.group() if found else self.text[self.position]
        stripped = word.rstrip("{;}" if self.inline else "{")
        self._put(Kind.WORD, stripped or word)
        return stripped

    def _head(self) -> None:
        """Take the name of a block, and whatever else stands before its `{`."""
        while not self._at_stop():
            if self.text[self.position] in "\"'":
                self._quoted()
                continue
            if self._character("{", Kind.OPEN):
                self.inline = True
                return
            found = _WORD.match(self.text, self.position)
            word = found.group() if found else ""
            name = word.split("{", 1)[0] if self._has_no_later_brace(word) else word
            self._put(Kind.WORD, name)

    def _has_no_later_brace(self, word: str) -> bool:
        later = _BLANKS.match(self.text, self.position + len(word))
        return later is None or not self.text.startswith("{", later.end())

    def _values(self) -> None:
        """Take words up to the end of the setting."""
        first = self.tokens[-1].kind is Kind.EQUALS
        while True:
            self._blanks()
            if first and (lone := _LONE_HASH.match(self.text, self.position)):
                # A `#` word alone behind `=` was a value in the original.
                self._put(Kind.WORD, lone.group())
                return
            first = False
            if self._at_stop() or (self.inline and self.text[self.position] in ";}"):
                return
            if self.text[self.position] in "\"'":
                self._quoted()
            else:
                self._word()

    def _word(self) -> None:
        found = _WORD.match(self.text, self.position)
        word = found.group() if found else self.text[self.position]
        self._put(Kind.WORD, (word.rstrip(";}") or word) if self.inline else word)

    def _quoted(self) -> str:
        found = _QUOTED.match(self.text, self.position)
        old = None if found else _QUOTED_OLD.match(self.text, self.position)
        if old and re.search(r"[ \t]", old.group()):
            found = old
        if found:
            self._put(Kind.QUOTED, found.group())
            return found.group()
        return self._take(Kind.UNCLOSED, _UNCLOSED)

    def _at_stop(self) -> bool:
        self._blanks()
        return self.text.startswith("#", self.position) or bool(_END_OF_LINE.match(self.text, self.position))

    def _blanks(self) -> None:
        found = _BLANKS.match(self.text, self.position)
        if found and found.group():
            self.before += found.group()
            self.position = found.end()

    def _character(self, character: str, kind: Kind) -> bool:
        if not self.text.startswith(character, self.position):
            return False
        self._put(kind, character)
        return True

    def _take(self, kind: Kind, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.position)
        taken = found.group() if found else self.text[self.position]
        self._put(kind, taken)
        return taken

    def _put(self, kind: Kind, taken: str) -> None:
        column = self.position - self.start + 1
        self.tokens.append(Token(kind, self.before, taken, self.line, column))
        self.position += len(taken)
        self.before = ""
