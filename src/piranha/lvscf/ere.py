"""POSIX extended regular expressions (`use_regex`), translated for `re` and RE2.

Source: POSIX.1-2017, XBD chapter 9.4, as glibc's regcomp(3) reads it without REG_NEWLINE: `^` and
`$` are the ends of the whole text, `.` matches a line break too.
"""

from piranha.dataclass import dataclass

MAX_REPEAT = 1000  # RE2 knows no more
MAX_DEPTH = 50

# C locale (POSIX.1-2017, XBD 7.3.1).
_CLASSES = {
    b"alpha": b"A-Za-z",
    b"digit": b"0-9",
    b"alnum": b"A-Za-z0-9",
    b"upper": b"A-Z",
    b"lower": b"a-z",
    b"space": rb" \t\n\r\f\v",
    b"blank": rb" \t",
    b"punct": rb"!-/:-@\[-`{-~",
    b"print": b" -~",
    b"graph": b"!-~",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"xdigit": b"0-9A-Fa-f",
}
_GNU_ESCAPES = b"wWsSbB"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


class BadExpression(ValueError):
    """Not a POSIX extended regular expression; the text says what is wrong, and at which character."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A translated expression.

    pattern: for `re` (bytes, DOTALL). linear: the same for RE2 (Latin-1, dot_nl). loops: repetitions
    in it; choices: alternatives and optional parts; nested: a repetition within a repetition, or an
    alternative within one. to_end: `$` is in it, so that more text may undo a match.
    """

    pattern: bytes
    linear: bytes
    loops: int
    choices: int
    nested: bool
    to_end: bool

    def steps(self, length: int) -> int | None:
        """Return how many steps a backtracking search of `length` bytes may take; None: no sensible bound."""
        if self.nested or self.loops > 4 or self.choices > 16:
            return None
        return int((length + 1) ** (1 + self.loops)) << self.choices


def translate(source: bytes) -> Expression:
    """Return `source` in the words of `re` and RE2.

    Raises BadExpression for what regcomp(3) refuses, and for back-references and the escapes of other
    languages (`\\d`), which POSIX does not know.
    """
    reader = _Reader(source)
    parts = reader.alternatives(0)
    text = b"".join(parts)
    return Expression(
        pattern=text.replace(_END, rb"\Z"),
        linear=text.replace(_END, rb"\z"),
        loops=reader.loops,
        choices=reader.choices,
        nested=reader.nested,
        to_end=_END in text,
    )


_END = b"\x00$\x00"  # cannot appear otherwise: a literal NUL is written \x00


@dataclass(slots=True)
class _Reader:
    source: bytes
    at: int = 0
    loops: int = 0
    choices: int = 0
    nested: bool = False

    def alternatives(self, depth: int) -> list[bytes]:
        """Read branches up to the end, or up to the `)` that ends this group."""
        if depth > MAX_DEPTH:
            raise BadExpression(f"more than {MAX_DEPTH} groups within each other")
        parts: list[bytes] = []
        fresh = True  # nothing yet that could be repeated
        while self.at < len(self.source):
            byte = self.source[self.at : self.at + 1]
            if byte == b")" and depth > 0:
                break
            if byte == b"|":
                self.choices += 1
                self.at += 1
                parts.append(b"|")
                fresh = True
                continue
            if byte in (b"*", b"+", b"?", b"{"):
                if fresh:
                    raise self._wrong(f"nothing before {byte.decode()} to repeat")
                raise self._wrong("unexpected repetition")  # atom() takes all that follow it
            atom, anchor = self._atom(depth)
            parts.append(atom)
            fresh = anchor
        return parts

    def _atom(self, depth: int) -> tuple[bytes, bool]:
        """Read one atom and the repetitions behind it; the second value: it was an anchor."""
        loops, choices = self.loops, self.choices
        byte = self.source[self.at : self.at + 1]
        if byte in (b"^", b"$"):
            self.at += 1
            return (rb"\A" if byte == b"^" else _END), True
        if byte == b"(":
            atom = self._group(depth)
        elif byte == b"[":
            atom = self._bracket()
        elif byte == b"\\":
            atom = self._escape()
        else:
            self.at += 1
            atom = b"." if byte == b"." else _literal(byte)
        composite = self.loops > loops or self.choices > choices
        while self.source[self.at : self.at + 1] in (b"*", b"+", b"?", b"{") and self.at < len(self.source):
            repetition = self._repetition()
            atom = b"(?:" + atom + b")" + repetition
            if repetition == b"?":
                self.choices += 1
            else:
                self.loops += 1
                self.nested |= composite
            composite = True
        return atom, False

    def _group(self, depth: int) -> bytes:
        start = self.at
        self.at += 1
        parts = self.alternatives(depth + 1)
        if self.at >= len(self.source):
            self.at = start
            raise self._wrong("( without )")
        self.at += 1
        return b"(?:" + b"".join(parts) + b")"

    def _repetition(self) -> bytes:
        byte = self.source[self.at : self.at + 1]
        self.at += 1
        if byte != b"{":
            return byte
        end = self.source.find(b"}", self.at)
        bounds = self.source[self.at : end].split(b",") if end >= 0 else []
        if not 1 <= len(bounds) <= 2 or not bounds[0].isdigit() or (bounds[-1] and not bounds[-1].isdigit()):
            raise self._wrong("{ is not followed by N}, N,} or N,M}")
        numbers = [int(bound) for bound in bounds if bound]
        if max(numbers) > MAX_REPEAT or numbers != sorted(numbers):
            raise self._wrong(f"repetitions go from 0 to {MAX_REPEAT}, the smaller number first")
        self.at = end + 1
        return b"{" + b",".join(bounds) + b"}"

    def _escape(self) -> bytes:
        byte = self.source[self.at + 1 : self.at + 2]
        if not byte:
            raise self._wrong("a backslash at the end")
        if byte.isdigit():
            raise self._wrong("back-references are not supported")
        if byte in _GNU_ESCAPES:
            self.at += 2
            return b"\\" + byte
        if byte.isalpha() or byte in b"<>`'":
            raise self._wrong(f"\\{byte.decode()} is not POSIX (a digit is [0-9] or [[:digit:]])")
        self.at += 2
        return _literal(byte)

    def _bracket(self) -> bytes:
        start = self.at
        self.at += 1
        negated = self.source[self.at : self.at + 1] == b"^"
        self.at += negated
        items: list[bytes] = []
        while True:
            byte = self.source[self.at : self.at + 1]
            if not byte:
                self.at = start
                raise self._wrong("[ without ]")
            if byte == b"]" and items:
                self.at += 1
                return (b"[^" if negated else b"[") + b"".join(items) + b"]"
            items.append(self._bracket_item())

    def _bracket_item(self) -> bytes:
        if self.source.startswith(b"[:", self.at):
            name = self._named(b":]")
            if name not in _CLASSES:
                raise self._wrong(f"no character class [:{name.decode('latin-1')}:]")
            return _CLASSES[name]
        first = self._bracket_byte()
        following = self.source[self.at : self.at + 2]
        if following[:1] != b"-" or following[1:] in (b"", b"]"):
            return _hex(first)
        self.at += 1
        last = self._bracket_byte()
        if last < first:
            raise self._wrong("a range runs backwards")
        return _hex(first) + b"-" + _hex(last)

    def _bracket_byte(self) -> bytes:
        for opener, closer in ((b"[.", b".]"), (b"[=", b"=]")):
            if self.source.startswith(opener, self.at):
                name = self._named(closer)
                if len(name) != 1:
                    raise self._wrong("a collating symbol is one character")
                return name
        byte = self.source[self.at : self.at + 1]
        self.at += 1
        return byte

    def _named(self, closer: bytes) -> bytes:
        end = self.source.find(closer, self.at + 2)
        if end < 0:
            raise self._wrong(f"no {closer.decode()} behind it")
        name = self.source[self.at + 2 : end]
        self.at = end + 2
        return name

    def _wrong(self, what: str) -> BadExpression:
        return BadExpression(f"{what}, at character {min(self.at, len(self.source)) + 1}")


def _literal(byte: bytes) -> bytes:
    return byte if byte[0] in _PLAIN else _hex(byte)


def _hex(byte: bytes) -> bytes:
    return b"\\x%02x" % byte[0]
