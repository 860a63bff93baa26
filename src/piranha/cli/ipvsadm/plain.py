"""The commonest command lines of ipvsadm, understood without its grammar, which takes longer to load than to run."""

from __future__ import annotations

from piranha import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LIST, SAVE = "list", "save"

_COMMANDS = {"-L": LIST, "-l": LIST, "-S": SAVE}
_LETTERS = {"n": "numeric", "X": "exact"}
_ALLOWED = {
    LIST: frozenset("numeric exact stats rate thresholds persistent-conn tun-info nosort sort".split()),
    SAVE: frozenset(["numeric"]),
}


def plain_command(words: Sequence[str]) -> tuple[str, set[str]] | None:
    """Return LIST or SAVE and its options, for a command line about all services, as `grammar.parse` has them.

    None: the grammar has to read it, to carry out another command or to say what is wrong.
    """
    first, *others = words or ["--list"]
    command = first.removeprefix("--") if first.startswith("--") else _COMMANDS.get(first[:2], "")
    if command not in _ALLOWED:
        return None
    names = [] if first.startswith("--") else [_LETTERS.get(letter, "") for letter in first[2:]]
    for word in others:
        if word.startswith("--"):
            names.append(word[2:])
        elif word.startswith("-") and len(word) > 1:
            names += [_LETTERS.get(letter, "") for letter in word[1:]]
        else:
            return None
    given = set(names) - {"sort"}  # it is sorted anyway, and that may be said twice
    once = len(given) == len(names) - names.count("sort")
    return (command, given) if once and _ALLOWED[command].issuperset(names) else None
