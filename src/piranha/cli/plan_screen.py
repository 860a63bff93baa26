"""The screen of `piranha plan`: its lines by what they cost, what is left alone, and what to say next."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from piranha.change.plan import Daemons, Kind, Line, Plan, counted
from piranha.cli.words import WIDTH, count, few, services_words
from piranha.text import printable

SUBJECT = 20
WHAT = 38
"""Most columns of the subject and of what happens to it; longer ones are wrapped."""

DRIFT = "changed by somebody else: repaired with or without this file"
REFUSED = "refused now: tried again with or without this file"
WAITING = "not served now: no change of the file"
LEAVING = "leaving already: no change of the file"
ENDED = "ends: done by hand (foreign_edits)"
BY_HAND = "left alone: changed by somebody else (foreign_edits)"
_MARGIN = "    "
_KINDS = {Kind.SAFE: "safe", Kind.DRAINS: "drains", Kind.DISRUPTIVE: "disruptive"}


class Row(NamedTuple):
    """One line of a plan in words."""

    group: str
    sign: str
    subject: str
    what: str
    effect: str


def screen(plan: Plan, heading: str, width: int = WIDTH, *, every: bool = False) -> list[str]:
    """Return the plan as lines of at most `width` columns. every: all of what the file does not change, see `few`."""
    lines = [heading, ""]
    apart = [*_rows(plan.drift, DRIFT), *_rows(plan.refused, REFUSED)]
    apart += [*_rows(plan.waiting, WAITING), *_rows(plan.leaving, LEAVING)]
    apart += [*_rows(plan.ended, ENDED), *_rows(plan.by_hand, BY_HAND)]
    lines += rows_screen([*_rows(plan.lines), *apart], width, every=every)
    if plan.daemons is not None and not plan.empty:
        lines += _paragraph("daemons", _daemons(plan.daemons), width)
    if plan.left_alone:
        services = services_words(str(key) for key in plan.left_alone)
        lines += _paragraph("left alone", f"{services} (not in the file)", width)
    return [*lines, *([""] if len(lines) > 2 else []), _verdict(plan)]


def rows_screen(rows: Sequence[Row], width: int = WIDTH, *, every: bool = False) -> list[str]:
    """Return rows by their groups, as lines of at most `width` columns; see `screen`."""
    subject = max((len(row.subject) for row in rows), default=0)
    what = max((len(row.what) for row in rows), default=0)
    columns = (min(SUBJECT, width * 5 // 24, subject), min(WHAT, width * 2 // 5, what))
    lines, changes = [], {*_KINDS.values(), ENDED}
    for group in (*_KINDS.values(), ENDED, DRIFT, REFUSED, WAITING, LEAVING, BY_HAND):
        found = [row for row in rows if row.group == group]
        lines += [f"  {group}"] if found else []
        # What the file changes is looked through before it is applied: all of it.
        for row, more in few(found, lambda row: (row.sign, row.what, row.effect), every=every or group in changes):
            lines += _row(row, columns, width)
            lines += [f"{_MARGIN}…  {more} more like these (--all lists them)"] if more else []
    return lines


def _rows(lines: Iterable[Line], group: str = "") -> Iterator[Row]:
    for line in lines:
        yield Row(group or _KINDS[line.kind], line.sign, line.subject, line.what, line.effect)


def hint(plan: Plan, file: str, *, mass: bool, where: str = "") -> str:
    """Return the command that does it. mass: it removes more than `change_limit`; where: folders that were given."""
    words = ["piranha apply", printable(file)]
    if mass:
        words.append("--allow mass")
    elif plan.highest is Kind.DISRUPTIVE:
        words.append("--allow disruptive")
    if plan.highest is Kind.DISRUPTIVE or mass:
        words.append("--confirm 60")
    return " ".join(words) + printable(where)


def _verdict(plan: Plan) -> str:
    if not plan.empty:
        return f"{counted(plan)}. Nothing has been changed."
    if plan.daemons is None and plan.left_alone:
        others = count(len(plan.left_alone), "service")
        return f"Nothing to do for the services of the file; {others} of the table {_is(plan)} not in it."
    if plan.drift or plan.refused or plan.leaving or plan.by_hand:
        return "Nothing to do for the file."
    return "Nothing to do: what is there is what the file asks for."


def _is(plan: Plan) -> str:
    return "is" if len(plan.left_alone) == 1 else "are"


def _daemons(daemons: Daemons) -> str:
    start = "starts" if daemons.checks_start == 1 else "start"
    checks = f"{count(daemons.checks_start, 'check')} {start}, {daemons.checks_stop} stop, {daemons.checks_go_on} go on"
    go_on = "pulse and lvsd go on"
    if daemons.restart:
        go_on = f"{' and '.join(daemons.restart)} go on, and must be restarted for all of it to count"
    return f"{checks}; {go_on}; heartbeat {'changes' if daemons.heartbeat_changes else 'unchanged'}"


def _row(line: Row, widths: tuple[int, int], width: int) -> Iterator[str]:
    room = width - len(_MARGIN) - 2 - sum(widths) - 4
    columns = [
        _wrapped(line.subject, widths[0]),
        _wrapped(line.what, widths[1]),
        _wrapped(line.effect, room),
    ]
    for number in range(max(map(len, columns))):
        cells = [column[number] if number < len(column) else "" for column in columns]
        sign = line.sign if number == 0 else " "
        yield f"{_MARGIN}{sign} {cells[0]:{widths[0]}}  {cells[1]:{widths[1]}}  {cells[2]}".rstrip()


def _paragraph(name: str, text: str, width: int) -> Iterator[str]:
    head = f"  {name}  "
    for number, part in enumerate(_wrapped(text, width - len(head))):
        yield f"{head if number == 0 else ' ' * len(head)}{part}"


def _wrapped(text: str, width: int) -> list[str]:
    """Return `text` in lines of `width`, broken between words where that is possible."""
    lines, line = [], ""
    for word in printable(text).split(" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
        while len(line) > width:
            lines.append(line[:width])
            line = line[width:]
    return [*lines, line]
