"""How verbs that come to nothing end: one line on stderr, one documented status, and with `--json` one object."""

import json
from pathlib import Path

import pytest
from tests.cli.daemons import Daemons
from tests.cli.test_plan import HEAD, WWW, standing

from piranha.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("set -c {good} www/web9 weight 1", 1),
        ("set -c {good} www/web1 weight -3", 1),
        ("set -c {none} www port 1", 2),
        ("unset -c {good} www/web9 weight", 1),
        ("plan {none}", 1),
        ("plan {bad}", 1),
        ("plan {folder}", 1),
        ("show -c {none} global", 2),
        ("show -c {bad} global", 1),
        ("show -c {good} nosuch", 1),
        ("fmt {none}", 2),
        ("fmt {bad}", 1),
        ("check {none}", 2),
        ("check {folder}", 2),
        ("explain E999", 1),
        ("apply {none}", 3),
        ("confirm", 3),
        ("rollback", 3),
        ("rollback 7", 3),
        ("diff {none} {good}", 3),
        ("import keepalived {none}", 2),
    ],
)
def test_with_json_a_failure_is_one_object_beside_its_line(
    tmp_path: Path, words: str, status: int, capsys: Capture
) -> None:
    (tmp_path / "good").write_text(HEAD + WWW)
    (tmp_path / "bad").write_text(HEAD + "nonsense\n")
    names = {name: tmp_path / name for name in ("good", "bad", "none", "folder")}
    names["folder"].mkdir()
    verb, *rest = words.format(**names).split()
    folders = [] if verb in ("fmt", "check", "explain", "import") else ["--run-dir", str(tmp_path)]
    assert main([verb, "--json", *folders, *rest]) == status
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert said["status"] == status
    assert f"piranha: {said['error']}\n" in err


def test_plan_without_a_file_is_about_that_of_the_running_daemon(daemons: Daemons, capsys: Capture) -> None:
    file = daemons.folder / "lvs.cf"
    file.write_text(HEAD + "serial_no = 43\n" + WWW)
    status = {"file": str(file), "unconfirmed": None}
    daemons.add("lvsd", status, standing=lambda: standing(WWW))
    assert main(["plan", "--run-dir", str(daemons.folder)]) == 0
    assert "serial 42 -> 43" in capsys.readouterr().out


def test_the_command_that_plan_offers_repeats_the_folders(daemons: Daemons, capsys: Capture) -> None:
    file = daemons.folder / "new.cf"
    file.write_text(HEAD + WWW + "virtual two {\n active = 1\n address = 192.0.2.11\n}\n")
    daemons.add("lvsd", {}, standing=lambda: standing(WWW))
    folders = ["--run-dir", str(daemons.folder), "--state-dir", str(daemons.folder / "a state")]
    assert main(["plan", str(file), *folders]) == 2
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"piranha apply {file}" in last
    assert last.endswith(f" --run-dir {daemons.folder} --state-dir '{daemons.folder}/a state'")


def test_show_reads_the_file_of_the_running_daemon(daemons: Daemons, capsys: Capture) -> None:
    file = daemons.folder / "lvs.cf"
    file.write_text(HEAD + WWW)
    daemons.add("lvsd", {"file": str(file), "unconfirmed": None})
    assert main(["show", "www/web2", "--run-dir", str(daemons.folder)]) == 0
    assert capsys.readouterr().out.startswith(f"{file}, the file of the daemon that runs here\n")


def test_one_check_starts_and_several_start(daemons: Daemons, capsys: Capture) -> None:
    file = daemons.folder / "new.cf"
    daemons.add("lvsd", {}, standing=lambda: standing(WWW))
    for servers, said in ((1, "1 check starts"), (2, "2 checks start")):
        more = "".join(f"server n{n} {{ active = 1; address = 10.0.1.{n} }}\n" for n in range(servers))
        file.write_text(HEAD + WWW.removesuffix("}\n") + more + "}\n")
        assert main(["plan", str(file), "--run-dir", str(daemons.folder)]) == 2
        assert f"{said}, 0 stop" in capsys.readouterr().out


def test_a_refused_change_is_not_shown_as_if_it_were_made(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "lvs.cf"
    file.write_text(HEAD + WWW)
    assert main(["set", "-c", str(file), "www/web1", "weight", "-3", "--yes", "--run-dir", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(f"piranha: refused, nothing was changed: {file} is as it was\n")


def test_set_does_not_open_a_block_and_says_what_does(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "lvs.cf"
    file.write_text(HEAD + WWW)
    assert main(["set", "-c", str(file), "www", "server", "web4"]) == 1
    assert capsys.readouterr().err == "piranha: server opens a block, which set does not: use piranha edit\n"
