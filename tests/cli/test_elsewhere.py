"""Who asks where no daemon answers learns where it was looked, and where one with folders of its own runs."""

import json
from argparse import Namespace
from pathlib import Path

import pytest
from tests.cli.answers import lvsd
from tests.cli.daemons import Daemons

from piranha.cli import apply, events, history, plan, repair, rollback, stats, status, why
from piranha.cli.elsewhere import listening, where_to_look
from piranha.control.daemon import Folders

UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000000081f5077c: 00000002 00000000 00010000 0001 01 9871488 /run/lvs one/lvsd.sock
0000000081f5077d: 00000002 00000000 00010000 0001 01     7 /run/two/observe/lvsd.sock
0000000081f5077e: 00000003 00000000 00000000 0001 03 9871490
0000000081f5077f: 00000002 00000000 00010000 0001 01 9871491 @piranha-lvsd
0000000081f50780: 00000002 00000000 00010000 0001 01 9871492 run/pulse.sock
0000000081f50781: 00000002 00000000 00010000 0001 01 9871493 /run/docker.sock
"""


def test_sockets_of_daemons_are_found_in_what_the_kernel_lists() -> None:
    assert [*listening(UNIX.splitlines())] == [Path("/run/lvs one/lvsd.sock"), Path("/run/two/observe/lvsd.sock")]


def test_status_without_a_daemon_says_where_it_looked_and_how_to_look_elsewhere(
    daemons: Daemons, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("lvsd", lvsd())
    nobody = tmp_path / "nobody"
    assert status.main(["--run-dir", str(nobody)]) == 3
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(f"looked in {nobody} and {nobody}/state; daemons run elsewhere: ")
    assert status.main(["--run-dir", str(nobody), "--json"]) == 3
    assert str(tmp_path) in json.loads(capsys.readouterr().out)["elsewhere"]


def test_why_and_events_without_records_say_so_too(
    daemons: Daemons, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("lvsd", lvsd())
    for asked in (why.main(["www", "--run-dir", f"{tmp_path}/x"]), events.main(["--run-dir", f"{tmp_path}/x"])):
        assert asked == 3
    said = capsys.readouterr().err
    assert said.count(f"no record can be read: looked in {tmp_path}/x and {tmp_path}/x/state; daemons run") == 2


def test_a_socket_of_somebody_else_or_a_file_in_its_place_is_not_named(daemons: Daemons, tmp_path: Path) -> None:
    daemons.add("lvsd", lvsd())
    (tmp_path / "lvsd.sock").rename(tmp_path / "away")
    (tmp_path / "lvsd.sock").touch()
    words = where_to_look(Namespace(run_dir=None), Folders.of(tmp_path / "x", None))
    assert f"--run-dir {tmp_path}" not in words.split(", ")


FILE = """primary = 192.0.2.2
forwarding_plane = userspace
virtual www {
    active = 1
    address = 192.0.2.10
    server web1 { active = 1; address = 10.11.12.21 }
}
"""


def test_verbs_that_ask_or_command_a_daemon_name_those_that_run_elsewhere(
    daemons: Daemons, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("lvsd", lvsd())
    (tmp_path / "new.cf").write_text(FILE)
    file, nobody = str(tmp_path / "new.cf"), ["--run-dir", f"{tmp_path}/x"]
    for run, words, status_of_it in (
        (plan.main, [file], 2),
        (apply.main, [file], 3),
        (rollback.main, [], 3),
        (repair.main, [], 3),
        (history.main, [], 0),
    ):
        assert run([*words, *nobody]) == status_of_it
        said = capsys.readouterr()
        assert "; daemons run elsewhere: --run-dir " in (said.out + said.err).splitlines()[-1]
    assert plan.main([file, *nobody, "--json"]) == 2
    assert str(tmp_path) in json.loads(capsys.readouterr().out)["elsewhere"]


def test_figures_of_a_table_without_its_daemon_name_daemons_that_run_elsewhere(
    daemons: Daemons, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("lvsd", lvsd())
    stats.main(["--run-dir", f"{tmp_path}/x"])  # 0, or 3 where the kernel has no IPVS
    said = capsys.readouterr()
    assert "daemons run elsewhere: --run-dir " in (said.out + said.err).splitlines()[-1]
