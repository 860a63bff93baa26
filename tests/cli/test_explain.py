"""`piranha explain`: the story of a code."""

import json

import pytest

from piranha.cli.explain import main
from piranha.cli.words import WIDTH
from piranha.lvscf.codes import STORIES

Capture = pytest.CaptureFixture[str]


def test_a_code_is_explained_with_an_example_the_reason_and_the_cure(capsys: Capture) -> None:
    assert main(["E014"]) == 0
    assert capsys.readouterr().out == (
        "E014 (error): The keyword takes one of a few words.\n"
        "\n"
        "  wrong in a virtual block:\n"
        "    | scheduler = wlcc\n"
        "  right:\n"
        "    | scheduler = wlc\n"
        "\n"
        "  Why it matters:\n"
        "    The kernel would refuse the service, or something else would be done than was meant.\n"
        "\n"
        "  What to do:\n"
        "    Take a word of the hint; piranha help KEYWORD lists all.\n"
    )


def test_several_codes_and_lower_case_are_taken(capsys: Capture) -> None:
    assert main(["w011", "E014", "W011"]) == 0
    out = capsys.readouterr().out
    assert [line.split(" ")[0] for line in out.splitlines() if line.startswith(("E", "W"))] == ["W011", "E014"]


def test_without_a_code_every_code_is_listed(capsys: Capture) -> None:
    assert main([]) == 0
    assert [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()] == list(STORIES)


def test_every_story_fits_the_screen(capsys: Capture) -> None:
    assert main(["--all"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= WIDTH
    assert all(line.isprintable() for line in out.splitlines())
    assert all(f"{code} (" in out for code in STORIES)


def test_an_unknown_code_is_status_1_with_the_nearest(capsys: Capture) -> None:
    assert main(["W0111", "W011"]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("piranha: no such code: W0111; near: W011")
    assert out.startswith("W011 (warning)")


def test_json_has_the_whole_story(capsys: Capture) -> None:
    assert main(["--json", "E014"]) == 0
    (story,) = json.loads(capsys.readouterr().out)
    assert (story["code"], story["severity"], story["right"]) == ("E014", "error", "scheduler = wlc")
