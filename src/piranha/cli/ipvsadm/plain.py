"""The commonest command lines of ipvsadm, understood without its grammar, which takes longer to load than to run."""

from __future__ import annotations

from piranha import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LETTERS = {"n": "numeric", "X": "exact"}
_WORDS = frozenset("numeric exact stats rate thresholds persistent-conn tun-info nosort sort".split())


def listing_options(words: Sequence[str]) -> set[str] | None:
    """Return the options of a command line that lists all services, as `grammar.parse` would in `given`.

    None: the grammar has to read it, to carry out another command or to say what is wrong.
    """
    first, *others = words or ["--list"]
    if first[:2] in ("-L", "-l"):
        names = [_LETTERS.get(letter, "") for letter in first[2:]]
    elif first == "--list":
        names = []
    else:
        return None
    for word in others:
        if word.startswith("--"):
            names.append(word[2:])
        elif word.startswith("-") and len(word) > 1:
            names += [_LETTERS.get(letter, "") for letter in word[1:]]
        else:
            return None
    given = set(names) - {"sort"}  # it is sorted anyway, and that may be said twice
    return given if _WORDS.issuperset(names) and len(given) == len(names) - names.count("sort") else None
