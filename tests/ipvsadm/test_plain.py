"""Commands understood without the grammar: as the grammar understands them."""

from itertools import product

import pytest

from piranha.cli.ipvsadm.addresses import Lookup
from piranha.cli.ipvsadm.draft import UsageError
from piranha.cli.ipvsadm.grammar import HelpAsked, VersionAsked, parse
from piranha.cli.ipvsadm.plain import LIST, plain_command
from piranha.cli.ipvsadm.usage import OPTIONS, Verb

NOBODY = Lookup(host=lambda _: None, port=lambda *_: None)
FIRST = (
    "-L",
    "-l",
    "--list",
    "-Ln",
    "-lnX",
    "-LnX",
    "-Lnn",
    "-Lc",
    "-L-",
    "-nL",
    "-n",
    "--numeric",
    "-S",
    "-",
    "",
    "L",
)
OTHERS = (
    *("-n", "-X", "-nX", "-Xn", "-nn", "-L", "-c", "-6", "-n=1", "-", "--", "", "x"),
    *(f"--{name}" for name in OPTIONS.long),
)


def understood(words: list[str]) -> tuple[str, set[str]] | None:
    """What the grammar makes of a command about all services, None for all else."""
    try:
        read = parse(words, NOBODY)
    except (UsageError, HelpAsked, VersionAsked):
        return None
    return (str(read.verb), read.given) if read.verb in (Verb.LIST, Verb.SAVE) and read.service is None else None


def test_every_line_of_up_to_three_words_is_that_of_the_grammar() -> None:
    for count in range(3):
        for words in product(FIRST, *([OTHERS] * count)):
            quick = plain_command(words)
            assert quick is None or quick == understood(list(words)), words


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("", set()),
        ("-L", set()),
        ("-Ln", {"numeric"}),
        ("-l -n --stats", {"numeric", "stats"}),
        ("--list --numeric --rate --exact", {"numeric", "rate", "exact"}),
        ("-LnX --tun-info --nosort", {"numeric", "exact", "tun-info", "nosort"}),
        ("-Ln --sort --sort --thresholds --persistent-conn", {"numeric", "thresholds", "persistent-conn"}),
    ],
)
def test_a_listing_needs_no_grammar(line: str, options: set[str]) -> None:
    assert plain_command(line.split()) == understood(line.split() or ["-L"]) == (LIST, options)


@pytest.mark.parametrize(
    "line", ["-Lc", "-Ln --json", "-Ln -n", "-L -t 192.0.2.10:80", "-S -X", "-Ln --daemon", "-Ln x", "-h"]
)
def test_all_else_is_left_to_the_grammar(line: str) -> None:
    assert plain_command(line.split()) is None
