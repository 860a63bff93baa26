"""Shell: an answer that arrives in pieces, held against what is expected."""

from collections.abc import Callable

from piranha.lvscf.check_values import Expect
from piranha.lvscf.ere import BadExpression
from piranha.nanny.expect import MAX_ANSWER, Search, Verdict, agrees, compare, difference, search_for
from piranha.nanny.probes.base import Probe
from piranha.nanny.probes.search import OutsideSearch, linear
from piranha.nanny.results import Reason

EAGER = 4096  # bytes up to which each piece is searched at once; later ones when the answer has grown by a quarter


class Answer:
    """Collects at most 64 kB for one probe and ends it as soon as its outcome is certain.

    what: of the answer; the word for the phase and for its failures.
    """

    def __init__(self, probe: Probe, expect: Expect, what: str = "answer") -> None:
        self._probe = probe
        self._expect = expect
        self._what = what
        self._got = bytearray()
        self._ended = False
        self._search: Search | None = None
        self._outside: OutsideSearch | None = None
        self._searched = 0  # bytes that were searched and did not decide
        self._tentative = False  # they match as far as `$` can be said to be there
        if expect.regex:
            try:
                self._search = search_for(expect.text)
            except BadExpression as error:
                probe.end(Reason.ERROR, f"expect is no regular expression: {error}")

    def feed(self, data: bytes, ended: bool, now: float) -> None:
        """Take in the next piece. ended: the server will not send more."""
        self._got += data[: MAX_ANSWER - len(self._got)]
        self._ended = ended or len(self._got) >= MAX_ANSWER
        if self._search is not None:
            self._look(now)
            return
        if self._expect.anywhere:
            text = self._expect.text
            found = self._got.find(text, max(0, self._searched - len(text) + 1)) >= 0
            self._searched = len(self._got)
            self._conclude(found, final=self._ended, now=now)
            return
        match compare(self._expect, bytes(self._got[: len(self._expect.text) + 64]), self._ended):
            case Verdict.MATCH:
                self._matches(now)
            case Verdict.MISMATCH:
                self._differs()
            case Verdict.MORE:
                pass

    def expire(self, now: float) -> bool:
        """The time limit is over; return whether what came so far explains the failure."""
        unsearched = len(self._got) > self._searched
        inside = self._inside(self._search, len(self._got)) if self._search is not None and unsearched else None
        if self._outside is not None:
            self._probe.end(Reason.MISMATCH, f"{self._what}: the search for expect took too long")
        elif inside is not None:
            self._conclude(inside(bytes(self._got)), final=True, now=now)
        elif self._tentative and not unsearched:
            self._matches(now)
        elif self._got:
            self._differs()
        return self._probe.outcome is not None

    def close(self) -> None:
        """End a search that runs outside."""
        if self._outside is not None:
            self._outside.close()
            self._outside = None

    def _look(self, now: float) -> None:
        size = len(self._got)
        if self._search is None or self._outside is not None:
            return
        inside = self._inside(self._search, size)
        if inside is not None:
            if self._ended or size <= EAGER or size >= self._searched * 5 // 4:
                self._searched = size
                self._conclude(inside(bytes(self._got)), final=self._ended, now=now)
            return
        data = bytes(self._got)
        self._searched = size
        try:
            self._outside = OutsideSearch(self._search, data, self._probe.watch, self._outside_ended)
        except OSError as error:
            self._probe.failed("search", error.errno or 0)

    def _inside(self, search: Search, size: int) -> Callable[[bytes], object] | None:
        return search.found if search.cheap(size) else linear(search.expression.linear)

    def _outside_ended(self, found: bool | None, now: float) -> None:
        self._outside = None
        if found is None:
            self._probe.end(Reason.ERROR, f"{self._what}: the search for expect was killed")
        elif len(self._got) == self._searched or (found and self._search and not self._search.expression.to_end):
            self._conclude(found, final=self._ended, now=now)
        else:
            self._look(now)

    def _conclude(self, found: object, *, final: bool, now: float) -> None:
        self._tentative = bool(found)
        if found and (final or self._search is None or not self._search.expression.to_end):
            self._matches(now)
        elif final and not found:
            self._differs()

    def _matches(self, now: float) -> None:
        self._probe.passed(self._what, now)
        self._probe.end(Reason.OK, f"{self._what}: as expected")

    def _differs(self) -> None:
        if not self._got and self._what == "answer":
            self._probe.end(Reason.CLOSED, "answer: closed by the server before it answered")
        elif self._ended and not self._search and not self._expect.anywhere and agrees(self._expect, bytes(self._got)):
            self._probe.end(Reason.CLOSED, f"{self._what}: closed early, {difference(self._expect, bytes(self._got))}")
        else:
            self._probe.end(Reason.MISMATCH, f"{self._what}: {difference(self._expect, bytes(self._got[:200]))}")
