"""`piranha help KEYWORD`: what a keyword takes and does, from the table of keywords alone."""

import json

import pytest

from piranha.cli.main import main
from piranha.cli.words import WIDTH
from piranha.lvscf.diagnostics import Findings
from piranha.lvscf.directives import ALL, Directive, Scope, Status, Type
from piranha.lvscf.directives.describe import example, takes
from piranha.lvscf.numbers import Reader
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.values import read

Capture = pytest.CaptureFixture[str]


def test_a_keyword_is_told_with_place_values_default_and_age(capsys: Capture) -> None:
    assert main(["help", "timeout"]) == 0
    assert capsys.readouterr().out == (
        "timeout = 6\n"
        "  A dead server has left the pool at most this long after it died.\n"
        "  where     in a virtual block\n"
        "  takes     a time: seconds, or a number with ms, s, m or h; 0.1 to 86400 s\n"
        "  default   10 s\n"
        "  twice     the last one in a block counts\n"
        "  since     the original\n"
        "  status    acted on\n"
    )


def test_a_word_of_several_meanings_has_each_of_them(capsys: Capture) -> None:
    assert main(["help", "port"]) == 0
    out = capsys.readouterr().out
    assert "in a virtual block" in out
    assert "in a server block" in out


def test_the_name_of_a_block_lists_its_keywords(capsys: Capture) -> None:
    assert main(["help", "server"]) == 0
    out = capsys.readouterr().out
    known = {directive.name for directive in ALL if Scope.SERVER in directive.scopes}
    assert {line.split()[0] for line in out.splitlines()[1:]} == known


def test_a_verb_that_is_a_keyword_too_is_a_keyword_when_asked(capsys: Capture) -> None:
    assert main(["help", "--keyword", "check"]) == 0
    assert capsys.readouterr().out.startswith("check = https\n")


def test_a_kernel_setting_is_a_keyword_under_each_name(capsys: Capture) -> None:
    assert main(["help", "vs_conntrack"]) == 0
    assert capsys.readouterr().out.startswith("vs_conntrack = 1\n")


def test_every_keyword_fits_the_screen_and_says_whether_it_is_acted_on(capsys: Capture) -> None:
    for name in dict.fromkeys(directive.name for directive in ALL):
        assert main(["help", "--keyword", name]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= WIDTH
        meanings = [directive for directive in ALL if directive.name == name]
        told = [line for line in lines if line.startswith("  status    ") and " HTTP " not in line]
        assert len(told) == len(meanings)
        assert [" waiting" in line for line in told] == [d.status is Status.WAITING for d in meanings]


def test_a_code_is_no_keyword_and_a_keyword_no_code_but_each_finds_its_verb(capsys: Capture) -> None:
    assert main(["help", "w011"]) == 1
    assert capsys.readouterr().err == "piranha: W011 is the code of a finding: piranha explain W011\n"
    assert main(["explain", "timeout"]) == 1
    assert capsys.readouterr().err == "piranha: no such code: TIMEOUT; a keyword: piranha help timeout\n"


def test_json_has_the_facts_of_the_table(capsys: Capture) -> None:
    assert main(["help", "--json", "scheduler"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["default"], told["scopes"], told["old"], told["status"]) == ("wlc", ["virtual"], True, "acted on")
    assert "mh" in told["choices"]


@pytest.mark.parametrize("kind", list(Type))
def test_every_type_is_described(kind: Type) -> None:
    sample = Directive(name="x", scopes=(Scope.GLOBAL,), type=kind, default="-", meaning="", choices=("a",))
    assert takes(sample)
    assert example(sample)


@pytest.mark.parametrize("directive", ALL, ids=lambda directive: f"{directive.scopes[0]}-{directive.name}")
def test_the_example_of_a_keyword_is_one_that_it_takes(directive: Directive) -> None:
    tree, findings = parse(f"{directive.name} = {example(directive)}\n")
    (setting,) = tree.settings()
    reader = Reader(Findings())
    read(directive, setting.values, reader)
    assert (findings, reader.findings.found) == ((), [])
