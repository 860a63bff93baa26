"""Each command's manual page has the options that the command takes, and no other."""

import argparse
import re
from pathlib import Path

import pytest

from piranha.cli.ipvsadm.usage import OPTIONS
from piranha.cli.main import VERBS, main
from piranha.lvsd import start as lvsd
from piranha.nanny import main as nanny
from piranha.pulse import start as pulse

MANUALS = Path(__file__).resolve().parent.parent / "docs" / "man"
OF_EVERY_COMMAND = {"-h", "--help", "--version", "-?", "--usage"}


def told(page: str) -> set[str]:
    """The options in the text of a page: `.Fl c , -configfile` are -c and --configfile."""
    found: set[str] = set()
    for line in page.splitlines():
        for names in re.findall(r"Fl ((?:-?[\w?-]+(?: [,|] (?=-|\w(?: |$)))?)+)", line):
            found |= {f"-{name}" for name in re.split(r" [,|] ", names.strip())}
    return found


def taken(text: str) -> set[str]:
    """The options in the help that argparse writes."""
    lines = (line.strip() for line in text.splitlines() if re.match(r" +-", line))
    return {name for line in lines for name in re.findall(r"(?:^|, )(--?[\w?-]+)", line.split("  ")[0])}


def page(name: str) -> str:
    return (MANUALS / name).read_text()


@pytest.mark.parametrize(("name", "parser"), [("pulse.8", pulse.parser()), ("lvsd.8", lvsd.parser())])
def test_the_page_of_a_daemon_has_its_options(name: str, parser: argparse.ArgumentParser) -> None:
    assert told(page(name)) - OF_EVERY_COMMAND == taken(parser.format_help()) - OF_EVERY_COMMAND


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_page_of_piranha_has_the_options_of_each_verb(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    options = taken(capsys.readouterr().out)
    text = page("piranha.1")
    (item,) = re.findall(rf"^\.It Ic {verb}\b.*?(?=^\.It|^\.El)", text, re.MULTILINE | re.DOTALL)
    shared = {"--run-dir", "--state-dir"} & options  # told once, for three verbs
    assert shared <= told(text)
    assert told(item) == options - shared - OF_EVERY_COMMAND


def test_the_page_of_nanny_has_its_options() -> None:
    short = {f"-{letter}" for letter in nanny.SHORT.replace(":", "")}
    long = {f"--{name.rstrip('=')}" for name in nanny.LONG}
    assert told(page("nanny.8")) - OF_EVERY_COMMAND == (short | long) - OF_EVERY_COMMAND


def test_the_page_of_ipvsadm_has_its_options() -> None:
    long = {f"--{name}" for name in OPTIONS.long}
    short = {f"-{letter}" for letter in OPTIONS.short}
    assert told(page("ipvsadm.8")) - OF_EVERY_COMMAND == (short | long) - OF_EVERY_COMMAND


def test_the_page_of_send_arp_has_its_option() -> None:
    assert told(page("send_arp.8")) == {"-i"}
