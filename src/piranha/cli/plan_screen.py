"""The screen of `piranha plan`: its lines by what they cost, what is left alone, and what to say next."""

from collections.abc import Iterator, Sequence

from piranha.change.plan import Daemons, Kind, Line, Plan, counted
from piranha.cli.words import WIDTH, count, services_words
from piranha.text import printable

SUBJECT = 20
WHAT = 38
"""Most columns of the subject and of what happens to it; longer ones are wrapped."""

_MARGIN = "    "
_KINDS = {Kind.SAFE: "safe", Kind.DRAINS: "drains", Kind.DISRUPTIVE: "disruptive"}


def screen(plan: Plan, heading: str) -> list[str]:
    """Return the plan as lines of at most 96 columns."""
    lines = [heading, ""]
    widths = _widths([*plan.lines, *plan.drift, *plan.waiting])
    for kind, word in _KINDS.items():
        lines += _group(word, [line for line in plan.lines if line.kind is kind], widths)
    lines += _group("changed by somebody else: repaired with or without this file", plan.drift, widths)
    lines += _group("not served now: no change of the file", plan.waiting, widths)
    if plan.daemons is not None and not plan.empty:
        lines += _paragraph("daemons", _daemons(plan.daemons))
    if plan.left_alone:
        services = services_words(str(key) for key in plan.left_alone)
        lines += _paragraph("left alone", f"{services} (not in the file)")
    return [*lines, *([""] if len(lines) > 2 else []), _verdict(plan)]


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
    return (
        "Nothing to do: what is there is what the file asks for." if not plan.drift else "Nothing to do for the file."
    )


def _is(plan: Plan) -> str:
    return "is" if len(plan.left_alone) == 1 else "are"


def _daemons(daemons: Daemons) -> str:
    start = "starts" if daemons.checks_start == 1 else "start"
    checks = f"{count(daemons.checks_start, 'check')} {start}, {daemons.checks_stop} stop, {daemons.checks_go_on} go on"
    go_on = "pulse and lvsd go on"
    if daemons.restart:
        go_on = f"{' and '.join(daemons.restart)} go on, and must be restarted for all of it to count"
    return f"{checks}; {go_on}; heartbeat {'changes' if daemons.heartbeat_changes else 'unchanged'}"


def _widths(lines: Sequence[Line]) -> tuple[int, int]:
    subject = max((len(line.subject) for line in lines), default=0)
    what = max((len(line.what) for line in lines), default=0)
    return min(SUBJECT, subject), min(WHAT, what)


def _group(word: str, lines: Sequence[Line], widths: tuple[int, int]) -> Iterator[str]:
    if not lines:
        return
    yield f"  {word}"
    for line in lines:
        yield from _row(line, widths)


def _row(line: Line, widths: tuple[int, int]) -> Iterator[str]:
    room = WIDTH - len(_MARGIN) - 2 - sum(widths) - 4
    columns = [
        _wrapped(line.subject, widths[0]),
        _wrapped(line.what, widths[1]),
        _wrapped(line.effect, room),
    ]
    for number in range(max(map(len, columns))):
        cells = [column[number] if number < len(column) else "" for column in columns]
        sign = line.sign if number == 0 else " "
        yield f"{_MARGIN}{sign} {cells[0]:{widths[0]}}  {cells[1]:{widths[1]}}  {cells[2]}".rstrip()


def _paragraph(name: str, text: str) -> Iterator[str]:
    head = f"  {name}  "
    for number, part in enumerate(_wrapped(text, WIDTH - len(head))):
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
