"""Checks that are the same run once: who shares one, and what nannies are told of it (`share_checks`).

A check is known by the id of who asked for it, `VIRTUAL/SERVER`; a run by the id under which nannies carry it out.
The run keeps its id for as long as anybody shares it, so that who joins or leaves disturbs nobody.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from piranha.lvscf.check_values import run_key
from piranha.lvsd.overdue import stale_after_s
from piranha.nanny.results import Assignment, ProbeResult, Reason


@dataclass(slots=True)
class _Run:
    """One check that is carried out.

    sharers: what was asked for, by the ids of the checks. told: what nannies know. last: its last result.
    """

    id: str
    key: object
    sharers: dict[str, Assignment] = field(default_factory=dict)
    told: Assignment | None = None
    last: ProbeResult | None = None

    def assignment(self) -> Assignment:
        """Return what nannies are to know.

        Where the sharers believe different things every result is news to one of them, as it is while nothing is
        known: believed_up is None for both.
        """
        first, *others = self.sharers.values()
        if not others and first.id == self.id:
            return first
        agreed = all(one.believed_up is first.believed_up for one in others)
        return replace(first, id=self.id, believed_up=first.believed_up if agreed else None)


@dataclass(frozen=True, slots=True)
class News:
    """What nannies are to be told. answers: results that are there for who joined a run and knows nothing yet."""

    gone: tuple[str, ...] = ()
    assign: tuple[Assignment, ...] = ()
    answers: tuple[ProbeResult, ...] = ()


class Sharing:
    """Keeps the runs. on: `share_checks`; without it each check is a run of its own."""

    def __init__(self, *, on: bool) -> None:
        self._on = on
        self._runs: dict[str, _Run] = {}
        self._by_key: dict[object, _Run] = {}
        self._of: dict[str, _Run] = {}

    def ids(self) -> Collection[str]:
        """Return the ids of all checks."""
        return self._of.keys()

    def runs(self) -> list[Assignment]:
        """Return everything that nannies are to carry out."""
        return [run.told for run in self._runs.values() if run.told is not None]

    def with_whom(self, check_id: str) -> tuple[str, ...]:
        """Return the ids of the other checks for which the same run counts."""
        run = self._of.get(check_id)
        return tuple(other for other in run.sharers if other != check_id) if run is not None else ()

    def switch(self, *, on: bool, now: float) -> News:
        """Share from now on, or no longer."""
        self._on = on
        return self.reassign((), [one for run in [*self._runs.values()] for one in run.sharers.values()], now)

    def reassign(self, gone: Collection[str], assignments: Sequence[Assignment], now: float) -> News:
        """Check `gone` no more, and `assignments` as they say. now: monotonic seconds."""
        before = [*self._runs]
        touched = [run_id for check_id in gone if (run_id := self._leave(check_id)) is not None]
        answers = []
        for one in assignments:
            key = run_key(one.address, one.port, one.check, one.timing) if self._on else one.id
            run = self._of.get(one.id)
            if run is None or run.key != key:
                touched += self._move(one.id, run, key)
                run = self._of[one.id]
                if one.believed_up is None and (answer := _fresh(run.last, one, now)) is not None:
                    answers.append(answer)
            run.sharers[one.id] = one
            touched.append(run.id)
        changed = [self._runs[run_id] for run_id in dict.fromkeys(touched) if run_id in self._runs]
        return News(
            gone=tuple(run_id for run_id in before if run_id not in self._runs),
            assign=tuple(run.told for run in changed if self._tell(run) and run.told is not None),
            answers=tuple(answers),
        )

    def believe(self, check_id: str, up: bool | None) -> Assignment | None:
        """Take in what is believed by one check; return its run if nannies are to believe something else of it."""
        run = self._of.get(check_id)
        if run is None or run.sharers[check_id].believed_up is up:
            return None
        run.sharers[check_id] = replace(run.sharers[check_id], believed_up=up)
        return run.told if self._tell(run) else None

    def results(self, results: Sequence[ProbeResult]) -> Iterator[ProbeResult]:
        """Yield results of runs as results of every check that shares them; those of no run are left out."""
        for result in results:
            run = self._runs.get(result.id)
            if run is None:
                continue
            run.last = result
            for check_id in run.sharers:
                yield result if check_id == result.id else replace(result, id=check_id)

    def _tell(self, run: _Run) -> bool:
        """Bring up to date what nannies know of a run; return whether that is another thing."""
        before, run.told = run.told, run.assignment()
        return before != run.told

    def _move(self, check_id: str, run: _Run | None, key: object) -> list[str]:
        """Give a check the run that `key` asks for; return the id of the run that it left, if it left one."""
        other = self._by_key.get(key)
        if other is None and run is not None and len(run.sharers) == 1:
            # Nobody else is concerned: the run goes on with other settings.
            del self._by_key[run.key]
            run.key, run.last = key, None
            self._by_key[key] = run
            return []
        left = self._leave(check_id)
        if other is None:
            other = _Run(self._free_id(check_id), key)
            self._runs[other.id] = self._by_key[key] = other
        self._of[check_id] = other
        return [left] if left is not None else []

    def _leave(self, check_id: str) -> str | None:
        run = self._of.pop(check_id, None)
        if run is None:
            return None
        del run.sharers[check_id]
        if not run.sharers:
            del self._runs[run.id], self._by_key[run.key]
        return run.id

    def _free_id(self, check_id: str) -> str:
        """Return the id of a new run: that of its first check, unless it is that of a run which goes on."""
        found, number = check_id, 1
        while found in self._runs:
            number += 1
            found = f"{check_id} ({number})"
        return found


def _fresh(last: ProbeResult | None, one: Assignment, now: float) -> ProbeResult | None:
    """Return a result as one of check `one`, None where there is none that still says something of the server."""
    if last is None or last.reason is Reason.ERROR or now - last.started_s > stale_after_s(one.timing):
        return None
    return replace(last, id=one.id)
