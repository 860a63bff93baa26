"""`piranha edit`: nothing that happens to editor, terminal or file loses what was written or breaks what runs."""

import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal

from piranha.cli.editor import NoEditor, words_of
from piranha.cli.main import main

TEXT = "primary = 192.0.2.2   # ours\nvirtual web {\n    active = 1\n    address = 192.0.2.10 eth0\n    port = 80\n}\n"
BETTER = TEXT.replace("= 80", "= 443")


Open = Callable[[str], Terminal]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file to edit."""
    path = tmp_path / "lvs.cf"
    path.write_text(TEXT)
    path.chmod(0o660)
    return path


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Opens terminals whose editor is a script; `$1` is the copy."""
    opened: list[Terminal] = []

    def start(script: str) -> Terminal:
        editor = tmp_path / "editor.sh"
        editor.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        editor.chmod(0o755)
        folders = ("--run-dir", str(tmp_path / "run"), "--state-dir", str(tmp_path / "state"))
        opened.append(Terminal(editor, str(tmp_path / "lvs.cf"), *folders))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def copies(folder: Path) -> list[str]:
    """What copies there are, without the state they began with."""
    return [path.read_text() for path in sorted((folder / "state" / "edit").iterdir()) if path.suffix == ".cf"]


WRITES = "sed -i 's/= 80/= 443/' \"$1\""
BREAKS = "sed -i 's/= 80/= many/' \"$1\""


@pytest.mark.slow
def test_a_copy_is_edited_and_written_when_it_is_right(file: Path, terminal: Open) -> None:
    session = terminal(f'stat -c "copy %a" "$1"; stat -c "folder %a" "$(dirname "$1")"\n{WRITES}')
    session.expect("copy 600\nfolder 700\n")
    session.expect("lvs.cf:5: - port = 80\n")
    session.expect("lvs.cf:5: + port = 443\n")
    session.answer("y")
    assert session.end() == 0
    assert file.read_text() == BETTER
    assert stat.S_IMODE(file.stat().st_mode) == 0o660
    assert copies(file.parent) == []


@pytest.mark.slow
def test_a_file_that_was_not_touched_is_no_change(file: Path, terminal: Open) -> None:
    session = terminal("true")
    session.expect("no changes")
    assert session.end() == 0
    assert (file.read_text(), copies(file.parent)) == (TEXT, [])


@pytest.mark.slow
def test_errors_are_shown_and_the_copy_can_be_edited_again(file: Path, terminal: Open) -> None:
    session = terminal(f'if grep -q many "$1"; then sed -i s/many/443/ "$1"; else {BREAKS}; fi')
    session.expect("[E013]")
    session.expect("What now?")
    session.answer("e")
    session.expect("+ port = 443\n")
    session.answer("y")
    assert session.end() == 0
    assert file.read_text() == BETTER


@pytest.mark.slow
def test_what_was_given_up_is_kept_and_can_be_continued(file: Path, terminal: Open) -> None:
    session = terminal(BREAKS)
    session.expect("What now?")
    session.answer("q")
    session.expect("your version is ")
    assert session.end() == 1
    assert file.read_text() == TEXT
    assert copies(file.parent) == [TEXT.replace("80", "many")]

    session = terminal('sed -i s/many/443/ "$1"')
    session.expect("was not used (given up)")
    session.answer("c")
    session.expect("Write")
    session.answer("y")
    assert session.end() == 0
    assert (file.read_text(), copies(file.parent)) == (BETTER, [])


@pytest.mark.slow
def test_a_copy_of_an_older_file_is_put_aside_not_used(file: Path, terminal: Open) -> None:
    session = terminal(BREAKS)
    session.expect("What now?")
    session.answer("q")
    session.end()
    file.write_text(TEXT.replace("80", "81"))

    session = terminal("true")
    session.expect("it cannot simply go on")
    session.answer("n")
    session.expect("kept as ")
    session.expect("no changes")
    assert session.end() == 0
    kept = list((file.parent / "state" / "edit").glob("*.old"))
    assert [path.read_text() for path in kept] == [TEXT.replace("80", "many")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "words"), [("kill -KILL $$", "the editor was killed by SIGKILL"), ("exit 3", "ended with status 3")]
)
def test_an_editor_that_fails_changes_nothing(file: Path, terminal: Open, end: str, words: str) -> None:
    session = terminal(f"{WRITES}; {end}")
    session.expect(words)
    session.expect("your version is ")
    assert session.end() == 1
    assert (file.read_text(), copies(file.parent)) == (TEXT, [BETTER])


@pytest.mark.slow
def test_a_file_that_somebody_else_changed_meanwhile_is_left_alone(file: Path, terminal: Open) -> None:
    session = terminal(f"echo '# mine' >> lvs.cf; {WRITES}")
    session.expect("was changed meanwhile by somebody else")
    assert session.end() == 1
    assert (file.read_text(), copies(file.parent)) == (TEXT + "# mine\n", [BETTER])


@pytest.mark.slow
def test_only_one_edits_at_a_time_and_a_crash_of_the_terminal_loses_nothing(file: Path, terminal: Open) -> None:
    os.mkfifo(file.parent / "pause")
    first = terminal(f"{WRITES}; echo written; cat pause")
    first.expect("written")
    second = terminal("true")
    second.expect("is being edited already")
    assert second.end() == 1
    first.break_off()
    assert first.process.returncode == -signal.SIGHUP

    third = terminal("true")
    third.expect("was never finished")
    third.answer("c")
    third.expect("+ port = 443")
    third.answer("y")
    assert third.end() == 0
    assert file.read_text() == BETTER


@pytest.mark.slow
def test_who_says_no_may_edit_again(file: Path, terminal: Open) -> None:
    session = terminal(f'grep -q 443 "$1" && cp lvs.cf "$1"; {WRITES}')
    session.expect("Write")
    session.answer("n")
    session.expect("What now?")
    session.answer("e")
    session.expect("Write")
    session.answer("y")
    assert session.end() == 0
    assert file.read_text() == BETTER


def test_without_a_terminal_it_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", str(file)]) == 1
    assert capsys.readouterr().err.startswith("piranha: edit needs a terminal")


def test_the_command_of_the_editor_is_cut_into_words_as_sudo_does(tmp_path: Path) -> None:
    program = tmp_path / "my editor"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert words_of({"VISUAL": f"'{program}' -x \"a b\" c\\ d", "EDITOR": "ed"}) == [str(program), "-x", "a b", "c d"]
    assert words_of({"VISUAL": " ", "EDITOR": "sh -c", "PATH": "/bin:/usr/bin"}) == ["sh", "-c"]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"VISUAL": "/no/such -x"}, "'/no/such', which VISUAL names, is no program"),
        ({"EDITOR": "'sh"}, "EDITOR cannot be read as a command"),
        ({"PATH": "/nowhere"}, "vi is not here"),
    ],
)
def test_an_editor_that_is_missing_is_one_clear_line(environment: dict[str, str], words: str) -> None:
    with pytest.raises(NoEditor, match=words):
        words_of(environment)
