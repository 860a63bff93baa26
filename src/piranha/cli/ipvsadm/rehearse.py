"""Shell: says what rules would change, and changes nothing: `ipvsadm -R --dry-run` and `ipvsadm --diff`."""

import sys
from collections.abc import Iterable, Sequence

from piranha.cli.ipvsadm.asked import Kernel
from piranha.cli.ipvsadm.differences import Difference, differences
from piranha.cli.ipvsadm.draft import DONE, MISUSE, UsageError
from piranha.cli.ipvsadm.grammar import Invocation
from piranha.cli.ipvsadm.rehearsal import Rehearsal
from piranha.cli.ipvsadm.services import print_rows
from piranha.cli.ipvsadm.session import REFUSED, Session, lines_of
from piranha.cli.ipvsadm.usage import Verb
from piranha.dataclass import dataclass
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.socket import Failure, NetlinkError
from piranha.table.changes import Change
from piranha.table.service import ServiceKey
from piranha.table.table import Service, Table

WOULD_CHANGE = 1
"""Exit status, as that of diff(1)."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rehearsal in the place of the kernel, as a `session.Kernel`."""

    rehearsal: Rehearsal

    def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Carry out changes in order, go on after failures and return those."""
        codes = [self.rehearsal.carry_out(change) for change in changes]
        return [Failure(index, code) for index, code in enumerate(codes) if code]

    def flush(self) -> None:
        """Remove every service."""
        self.rehearsal.flush()

    def zero(self, key: ServiceKey | None = None) -> None:
        """Note that counters would be set to zero."""
        _answered("zero counters", self.rehearsal.zero(key))

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """Note timeouts."""
        self.rehearsal.set_timeouts(timeouts)

    def start_daemon(self, daemon: SyncDaemon) -> None:
        """Note a sync daemon."""
        _answered("start sync daemon", self.rehearsal.start_daemon(daemon))

    def stop_daemon(self, daemon: SyncDaemon) -> None:
        """Note that a sync daemon would end."""
        _answered("stop sync daemon", self.rehearsal.stop_daemon(daemon))


def _answered(request: str, code: int) -> None:
    if code:
        raise NetlinkError(request, code)


def rehearse(kernel: Kernel, invocation: Invocation, program: str, rules: Iterable[bytes]) -> int:
    """Print the rules that lead from the live table to the one that `rules` leave.

    rules: what stdin has. With `--diff` they, or those of its file, are the whole table that should be: what they
    do not name would go. With `--dry-run` they are commands on the live table. Returns 0 if nothing would change,
    1 if something would, 255 if a rule would be refused. Raises UsageError for a line that is no command and for
    rules that cannot be read, NetlinkError if the kernel cannot be asked.
    """
    whole = invocation.verb is Verb.DIFF
    live = _live_table(kernel)
    rehearsal = Rehearsal() if whole else Rehearsal(live, kernel.timeouts(), kernel.daemons())
    session = Session(Rehearsed(rehearsal), _show_nothing, program)
    mistake: UsageError | None = None
    try:
        _read(session, invocation.file, rules)
    except UsageError as error:
        mistake = error
    orders = rehearsal.orders
    if whole and orders:
        mistake = mistake or UsageError(MISUSE, f"--diff compares services and servers only: {orders[0]}")
    found = differences(live, rehearsal.table())
    # What stands before a mistake `-R` would have carried out; half of a table is none.
    if not whole or not (mistake or session.complaints):
        _print(found, orders, as_json="json" in invocation.given)
    if mistake:
        raise mistake
    if session.complaints:
        return REFUSED
    return WOULD_CHANGE if found or orders else DONE


def _live_table(kernel: Kernel) -> Table:
    return {one.key: Service(one.settings, kernel.pool(one.key)) for one in kernel.services()}


def _read(session: Session, file: str, rules: Iterable[bytes]) -> None:
    try:
        if file in ("", "-"):
            session.restore(rules)
        else:
            with open(file, "rb") as opened:  # noqa: PTH123 -- pathlib would slow every start
                session.restore(lines_of(opened))
    except OSError as error:
        raise UsageError(MISUSE, f"ipvsadm: {file or 'standard input'}: {error.strerror}") from error


def _show_nothing(_: Invocation) -> None:
    """What only shows has no part in a rehearsal."""


def _print(found: list[Difference], orders: list[str], *, as_json: bool) -> None:
    sys.stdout.flush()
    if as_json:
        from piranha.cli.ipvsadm.as_json import print_document  # noqa: PLC0415 -- json takes time, few ask for it

        print_document({"orders": orders}, "changes", (difference.facts() for difference in found))
    else:
        print_rows(iter([difference.rule() for difference in found] + orders))
