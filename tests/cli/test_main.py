"""`piranha VERB`: finds the verb, and never shows a traceback."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from piranha.cli import main as command
from piranha.cli import send_arp
from piranha.cli.main import VERBS, main

SOURCE = Path(__file__).resolve().parents[2] / "src"


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in VERBS)


def test_no_verb_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 64
    assert capsys.readouterr().out.startswith("usage: piranha VERB")


def test_an_unknown_verb_gets_the_nearest_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["statsu"]) == 64
    assert capsys.readouterr().err.startswith("piranha: unknown verb 'statsu'; did you mean stats or status")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("piranha 0.")


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_a_module_and_its_own_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert f"piranha {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_help_on_a_verb_is_what_the_verb_says_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for words in ([verb, "--help"], ["help", verb]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


def test_help_on_an_unknown_word_offers_verbs_and_keywords(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "statsu"]) == 1
    assert capsys.readouterr().err == "piranha: neither verb nor keyword: statsu; did you mean stats or status?\n"
    assert main(["help", "schedular"]) == 1
    assert "did you mean scheduler" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["help", "version"])
def test_help_on_help_or_version_is_that_of_all_verbs(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", word]) == 0
    assert capsys.readouterr().out.startswith("usage: piranha VERB")


def test_wrong_arguments_of_a_verb_are_one_line_and_status_64(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["why"])
    assert ended.value.code == 64
    assert capsys.readouterr().err.count("\n") == 1


def test_wrong_usage_with_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["why", "--json"])
    assert ended.value.code == 64
    assert json.loads(capsys.readouterr().out)["status"] == 64
    assert main(["statsu", "--json"]) == 64
    assert "unknown verb 'statsu'" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.slow
def test_ctrl_c_while_the_command_is_loaded_ends_it_quietly() -> None:
    program = """import signal, sys
class PressesCtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == "piranha.cli.main":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, PressesCtrlC())
from piranha.cli.entry import main
sys.exit(main())
"""
    # As at a login: who runs the tests in the background has the signal ignored.
    words = ["env", "--default-signal=INT", sys.executable, "-c", program, "version"]
    done = subprocess.run(words, env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb with a defect in it."""
    nothing: dict[str, int] = {}
    module = types.ModuleType("piranha.cli.broken")
    vars(module)["main"] = lambda _words: nothing["missing"]
    monkeypatch.setitem(sys.modules, "piranha.cli.broken", module)
    monkeypatch.setitem(command.VERBS, "broken", "fails")


@pytest.mark.usefixtures("broken")
def test_a_defect_is_two_lines_and_a_traceback_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broken"]) == 70
    err = capsys.readouterr().err
    assert err.startswith("piranha: defect: KeyError: 'missing' (<lambda>, line ")
    assert "Traceback" not in err
    assert main(["broken", "--debug"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_what_was_typed_does_not_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert send_arp.main(["-i", "\x1b[31mx", "192.0.2.1", "020000000001", "192.0.2.1", "020000000001"]) == 1
    assert main(["keygen", "/\x1b[31mx/y"]) == 1
    assert main(["\x1b[31mx"]) == 64
    assert capsys.readouterr().err.replace("\n", "").isprintable()
