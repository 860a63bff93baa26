"""Numbers of lvs.cf, and how a wrong value is told.

Numbers are read as strtol(3) with base 0 did (`16`, `0x10`, `010` is 8): files that count on it
still mean the same.
"""

import re
from collections.abc import Mapping, Sequence

from piranha.dataclass import dataclass, field
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.directives import Directive, Scope
from piranha.lvscf.services import SERVICES
from piranha.lvscf.syntax.tokens import Kind, Token
from piranha.terms import Address

# Compiled by the first number that is not plain decimal: most files have none.
_INT = r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)\Z"
_DURATION = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ms|s|m|h)?\Z"
_CPUS = r"[0-9]{1,4}(?:-[0-9]{1,4})?(?:,[0-9]{1,4}(?:-[0-9]{1,4})?)*\Z"
_UNITS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0}


class Mistake(Exception):
    """A value is wrong: code, the token to point at, words, hint."""

    def __init__(self, code: str, token: Token, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.token, self.message, self.hint = code, token, message, hint


@dataclass(slots=True)
class Reader:
    """What reading a value needs besides its words.

    look_up: whether a host name must be in `hosts`. seen: values that are right and gave no finding,
    by scope, keyword and text: a large file says the same thousands of times. blocks: what whole blocks say that are
    nothing but such values, by scope and text.
    """

    findings: Findings
    hosts: Mapping[str, Address] = field(default_factory=dict)
    look_up: bool = True
    seen: dict[Scope, dict[tuple[str, str], object]] = field(default_factory=dict)
    blocks: dict[Scope, dict[str, dict[str, object]]] = field(default_factory=dict)
    _aside: "Reader | None" = field(default=None, init=False)

    def aside(self) -> "Reader":
        """Return one that reads the same, and whose findings nobody is told."""
        if self._aside is None:
            self._aside = Reader(Findings(), self.hosts, self.look_up)
        return self._aside


def single(words: Sequence[Token], most: int = 1, hint: str = "") -> None:
    """Raise Mistake when there are more words than `most`."""
    if len(words) > most:
        word = words[most]
        raise Mistake("E003", word, f"unexpected argument '{word.text}'", hint)


def check_name(word: Token) -> None:
    """Raise Mistake when a name that both routers compare holds what neither can show."""
    if not word.value.isprintable():
        raise Mistake("E048", word, f"'{word.value}' has characters that do not show, or is not UTF-8")


def _is_decimal(text: str) -> bool:
    """Whether a number is written as nearly all are."""
    return text.isascii() and text.isdigit() and (text[0] != "0" or len(text) == 1) and len(text) < 20


def integer(word: Token) -> int:
    """Return a C integer, base found by its prefix; raises Mistake."""
    text = word.value
    if _is_decimal(text):
        return int(text)
    if not re.match(_INT, text) or len(text) > 30:
        raise Mistake("E011", word, f"integer expected, not '{text}'")
    digits = text.lstrip("+-").lower()
    try:
        number = int(digits, 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10)
    except ValueError:
        hint = "a number that begins with 0 is octal: leave the 0 out"
        raise Mistake("E011", word, f"integer expected, not '{text}'", hint) from None
    return -number if text.startswith("-") else number


def within(directive: Directive, word: Token, number: float) -> None:
    """Raise Mistake unless `number` lies within the keyword's bounds."""
    low, high = directive.low, directive.high
    if (low is not None and number < low) or (high is not None and number > high):
        unit = f" {directive.unit}" if directive.unit else ""
        bounds = f"at least {low:g}{unit}" if high is None else f"between {low or 0:.12g} and {high:.12g}{unit}"
        raise Mistake("E017", word, f"{directive.name} must be {bounds}, not {word.value}")


def whole(directive: Directive, words: Sequence[Token], _reader: Reader) -> int:
    """Read INT."""
    single(words)
    number = integer(words[0])
    within(directive, words[0], number)
    return number


def boolean(directive: Directive, words: Sequence[Token], _reader: Reader) -> bool:
    """Read BOOL."""
    single(words)
    text = words[0].value
    if text in ("0", "1"):
        return text == "1"
    number = integer(words[0]) if re.match(_INT, text) else None
    if number not in (0, 1):
        yes = {"yes": 1, "on": 1, "true": 1, "no": 0, "off": 0, "false": 0}.get(text.lower())
        hint = f"write {directive.name} = {yes}" if yes is not None else ""
        raise Mistake("E012", words[0], f"boolean expected: 0 or 1, not '{text}'", hint)
    return number == 1


def port_number(word: Token, reader: Reader, low: float = 0) -> int:
    """Return a port by number or name; raises Mistake."""
    text = word.value
    if not text[:1].isdigit() and text[:1] not in "+-":
        if text in SERVICES:
            return SERVICES[text]
        hint = reader.findings.nearest(text, SERVICES) or "write its number"
        raise Mistake("E013", word, f"unknown service name '{text}'", hint)
    number = integer(word)
    if not low <= number <= 65535:
        raise Mistake("E017", word, f"a port is between {low:g} and 65535, not {text}")
    return number


def port(directive: Directive, words: Sequence[Token], reader: Reader) -> int:
    """Read PORT."""
    single(words)
    return port_number(words[0], reader, directive.low or 0)


def ports(_directive: Directive, words: Sequence[Token], reader: Reader) -> tuple[tuple[int, int], ...]:
    """Read PORTS: numbers, names and ranges, as pairs of the first and the last port."""
    return tuple(dict.fromkeys(_port_range(word, reader) for word in words))


def _port_range(word: Token, reader: Reader) -> tuple[int, int]:
    first, dash, last = word.value.partition("-")
    if not (first.isdigit() and dash):
        number = port_number(word, reader, 1)
        return number, number
    low, high = (port_number(word._replace(kind=Kind.WORD, text=part), reader, 1) for part in (first, last))
    if low > high:
        raise Mistake("E017", word, f"the range {word.value} ends before it begins", f"write {last}-{first}")
    return low, high


def duration(directive: Directive, words: Sequence[Token], _reader: Reader) -> float:
    """Read DURATION, in seconds."""
    single(words)
    found = seconds(words[0])
    within(directive, words[0], found)
    return found


def seconds(word: Token) -> float:
    """Return seconds: `2`, `500ms`, `1.5s`, `5m`, `2h`; raises Mistake."""
    text = word.value
    if _is_decimal(text) or re.match(_INT, text):
        return float(integer(word))
    found = re.match(_DURATION, text)
    if not found or len(text) > 30:
        raise Mistake("E016", word, f"a time expected, not '{text}'", "such as 2, 500ms, 1.5s, 5m or 2h")
    return float(found[1]) * _UNITS[found[2]]


def percentage(word: Token) -> float:
    """Return a percent as a number from 0 to 100; raises Mistake."""
    text = word.value
    if not re.match(r"\d{1,3}(\.\d+)?%\Z", text) or float(text[:-1]) > 100:
        raise Mistake("E017", word, f"a percentage from 0% to 100% expected, not '{text}'")
    return float(text[:-1])


def percent(_directive: Directive, words: Sequence[Token], _reader: Reader) -> float:
    """Read PERCENT, 0 to 100."""
    single(words)
    return percentage(words[0])


def percents(_directive: Directive, words: Sequence[Token], _reader: Reader) -> tuple[float, ...]:
    """Read one or two percents."""
    single(words, most=2)
    return tuple(percentage(word) for word in words)


def count_or_percent(directive: Directive, words: Sequence[Token], reader: Reader) -> object:
    """Read a number, or a percent as its text with %."""
    if words[0].value.endswith("%"):
        return percent(directive, words, reader)
    return whole(directive, words, reader)


KEEP = "keep"
"""Value of a setting of the kernel that is not touched."""


def kernel_value(_directive: Directive, words: Sequence[Token], _reader: Reader) -> str:
    """Read KERNEL_VALUE: `keep`, or what is written to the kernel: one number or two, or a list of processors."""
    if words[0].value == KEEP:
        single(words)
        return KEEP
    texts = tuple(part for word in words for part in word.value.split())
    if len(texts) == 1 and re.match(_CPUS, texts[0]) and not re.match(_INT, texts[0]):
        return texts[0]
    single(words, most=2)
    numbers = [integer(words[0]._replace(kind=Kind.WORD, text=text)) for text in texts]
    if not numbers:
        raise Mistake("E011", words[0], "integer expected, not ''")
    if not all(-(1 << 31) <= number < 1 << 31 for number in numbers):
        raise Mistake("E017", words[0], f"no setting of the kernel takes {words[0].value}")
    return " ".join(map(str, numbers))
