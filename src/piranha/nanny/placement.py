"""Which nanny checks what: one process for each check while there are enough of them, then shared."""

from piranha.lvscf.check_values import Program
from piranha.nanny.results import Assignment


class Placement:
    """Places of checks, by number from 0; a check stays where it is for as long as it is assigned.

    processes: most nannies (`nanny_processes`). script_limit: programs at the same time in all of
    them: programs go to the first `script_limit` nannies only, and each runs its share.
    """

    def __init__(self, processes: int, script_limit: int) -> None:
        self._processes = max(1, processes)
        self._program_processes = max(1, min(script_limit, self._processes))
        self.program_limit = max(1, script_limit // self._program_processes)
        self._place: dict[str, int] = {}
        self._load: list[set[str]] = [set() for _ in range(self._processes)]

    def place(self, assignment: Assignment) -> int:
        """Return the number of the nanny that checks this; a new check goes to the idlest."""
        known = self._place.get(assignment.id)
        is_program = isinstance(assignment.check, Program)
        allowed = self._program_processes if is_program else self._processes
        if known is not None and known < allowed:
            return known
        loads = [len(checks) for checks in self._load[:allowed]]
        number = loads.index(min(loads))
        if known is not None:
            self.forget(assignment.id)
        self._place[assignment.id] = number
        self._load[number].add(assignment.id)
        return number

    def forget(self, check_id: str) -> int | None:
        """Free a place; return its number, None for an id without one."""
        number = self._place.pop(check_id, None)
        if number is not None:
            self._load[number].discard(check_id)
        return number

    def where(self, check_id: str) -> int | None:
        """Return the number of the nanny that checks this, None for an id without one."""
        return self._place.get(check_id)

    def checks_of(self, number: int) -> set[str]:
        """Return the ids that nanny `number` checks."""
        return set(self._load[number])
