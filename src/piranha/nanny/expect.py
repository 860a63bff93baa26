"""Whether an answer is what is expected. Escapes of lvs.cf are resolved already; inputs are bounded."""

import re
from enum import Enum, auto
from functools import lru_cache

from piranha.lvscf.check_values import Expect, WeightFrom
from piranha.lvscf.ere import translate
from piranha.nanny.results import Advice
from piranha.text import hexadecimal, printable

MAX_ANSWER = 64 * 1024  # bytes of an answer that an expression may look at
MAX_OUTPUT = 4096  # bytes of a program's output
NEWLINE = b"\n"
_PERCENT = re.compile(rb"[ \t]*([0-9]{1,6}(?:\.[0-9]{1,6})?)[ \t]*%")
CHEAP_STEPS = 200_000  # some milliseconds of `re`


class Verdict(Enum):
    """What can be said of the part of an answer that is there."""

    MATCH = auto()
    MORE = auto()  # cannot be said yet
    MISMATCH = auto()


def compare(expect: Expect, got: bytes, ended: bool) -> Verdict:
    """Compare the start of an answer; not for regular expressions. ended: no more will come."""
    if expect.anything:
        wanted, seen = bool(got), bool(got)
    else:
        seen = not agrees(expect, got)
        wanted = not seen and len(got) >= len(expect.text)
    if wanted:
        return Verdict.MATCH
    return Verdict.MISMATCH if seen or ended else Verdict.MORE


def agrees(expect: Expect, got: bytes) -> bool:
    """Whether `got` begins as is expected, as far as it goes."""
    if not expect.mask:
        return got.startswith(expect.text) or expect.text.startswith(got)
    return all(byte & mask == text for byte, mask, text in zip(got, expect.mask, expect.text, strict=False))


def output_matches(expect: Expect, output: bytes) -> bool:
    """Compare the whole output of a program, without its last newline; not for regular expressions."""
    if expect.anything:
        return bool(output)
    return expect.text in (output, output.removesuffix(b"\n"))


def advised(weight_from: WeightFrom, status: int, output: bytes) -> tuple[Advice | None, str]:
    """Return what a program says of the weight of its server, and words to tell it; None where it says nothing.

    status: exit status, negative for a signal. By `status`: 2 to 255 are weights 0 to 253, as with misc_dynamic of
    keepalived, 0 is the file's weight. By `output`: a percent is the first word; above 100 counts as 100. Without one
    the file's weight is in force: a slip of a script must not take a server out.
    """
    if weight_from is WeightFrom.STATUS and (status == 0 or status >= 2):
        advice = Advice(status - 2, False) if status else Advice(100, True)
    elif weight_from is WeightFrom.OUTPUT and status == 0:
        found = _PERCENT.match(output)
        advice = Advice(min(100.0, float(found[1])) if found else 100.0, True)
        if found is None:
            return advice, f", no percent on its first line {quoted(output.partition(NEWLINE)[0], 20)}: weight 100%"
    else:
        return None, ""
    return advice, f", {advice}"


class Search:
    """A regular expression looked for anywhere in an answer.

    Raises BadExpression when `text` is not a POSIX extended regular expression.
    """

    def __init__(self, text: bytes) -> None:
        self.expression = translate(text)
        self._pattern = re.compile(self.expression.pattern, re.DOTALL)

    def found(self, data: bytes) -> bool:
        """Search all of `data`; backtracks, so ask `cheap` first."""
        return self._pattern.search(data) is not None

    def cheap(self, length: int) -> bool:
        """Whether a search of `length` bytes ends within a few milliseconds, whatever they are."""
        steps = self.expression.steps(length)
        return steps is not None and steps <= CHEAP_STEPS


@lru_cache(maxsize=1024)
def search_for(text: bytes) -> Search:
    """Return the compiled search for `text`. Raises BadExpression."""
    return Search(text)


def difference(expect: Expect, got: bytes) -> str:
    """Say in words of an operator how `got` is not what is expected."""
    if not got:
        return f"empty instead of {wanted(expect)}"
    if expect.anywhere:
        return f"no {wanted(expect)} in {quoted(got)}"
    return f"{hexadecimal(got) if expect.mask else quoted(got)} instead of {wanted(expect)}"


def quoted(data: bytes, limit: int = 60) -> str:
    """Return the start of `data` in quotes, printable whatever it is."""
    text = data[:limit].decode("ascii", "backslashreplace")
    return f"'{printable(text)}'" + ("…" if len(data) > limit else "")


def wanted(expect: Expect) -> str:
    """Say in words of an operator what is expected."""
    if expect.anything:
        return "anything"
    if expect.mask:
        return hexadecimal(expect.text, expect.mask)
    return f"a match of {quoted(expect.text)}" if expect.regex else quoted(expect.text)
