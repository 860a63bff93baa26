"""`piranha check`: findings on stderr, a summary on stdout, a documented exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from piranha.cli.check import main
from piranha.lvscf.codes import CODES

GOOD = """primary = 192.0.2.2
virtual web {
    active = 1
    address = 192.0.2.10 eth0
    server a { active = 1; address = 10.0.0.1 }
    server b { active = 1; address = 10.0.0.2 }
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lvs.cf"
    path.write_text(GOOD)
    return path


def test_a_valid_file_is_summed_up_with_status_0(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(file)]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("lvs.cf: valid, 1 virtual server, 2 real servers\n", "")


def test_warnings_are_told_and_the_file_is_still_valid(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("debug_level = ALL\n" + GOOD)
    assert main([str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == "lvs.cf: valid, 1 virtual server, 2 real servers, 1 warning\n"
    assert err.startswith(f"{file}:1:1: warning: 'debug_level' has no effect [W003]\n")


def test_errors_have_their_place_and_status_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(GOOD.replace("192.0.2.10 eth0", "192.0.2.10 eth0\n    scheduler = wlcc\n    port = 80 81"))
    assert main([str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == "lvs.cf: 2 errors\n"
    assert err.splitlines()[:4] == [
        f"{file}:5:17: error: unknown scheduler 'wlcc' [E014]",
        "        scheduler = wlcc",
        "                    ^^^^",
        "    hint: did you mean 'wlc'?",
    ]


def test_a_file_that_cannot_be_read_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"piranha: {tmp_path}/none: No such file or directory\n")


@pytest.mark.parametrize("what", ["directory", "FIFO", "device"])
def test_what_is_no_file_is_status_2_at_once(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "fifo")
    path = {"directory": tmp_path, "FIFO": tmp_path / "fifo", "device": Path("/dev/zero")}[what]
    assert main([str(path)]) == 2
    assert capsys.readouterr() == ("", f"piranha: {path}: this is a {what}, not a file\n")


def run(*words: str, given: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """`piranha check` as a process of its own."""
    command = [sys.executable, "-m", "piranha.cli.main", "check", *words]
    environment = {"PYTHONPATH": ":".join(sys.path), **variables}
    return subprocess.run(command, input=given, capture_output=True, env=environment, check=False, timeout=60)


@pytest.mark.slow
def test_a_dash_reads_standard_input() -> None:
    done = run("-", given=GOOD.replace("lvs.cf", "").encode())
    assert (done.returncode, done.stdout) == (0, b"standard input: valid, 1 virtual server, 2 real servers\n")
    assert run("-", given=b"primry = 1\n").stderr.startswith(b"standard input:1:1: error: unknown keyword 'primry'")


@pytest.mark.slow
def test_no_character_of_the_file_or_its_name_drives_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31mlvs.cf"
    path.write_text('\x1b[2J = 1\nvirtual \u202eweb {\n  send = "\x9b31m\n  \u2066x = \x07\r\x1b\n}\n')
    for done in (run(str(path)), run(str(path.with_name("\x1b"))), run("--\x1b[2J")):
        told = (done.stdout + done.stderr).decode()
        assert told
        assert all(line.isprintable() for line in told.replace("\t", " ").splitlines())


def test_a_value_without_end_is_told_in_a_few_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lvs.cf"
    for text in ("primary = %s\n", "%s = 1\n", "%s\n", "virtual %s {\n", "primary = '%s\n"):
        path.write_text(text % ("x" * 200_000))
        assert main([str(path)]) == 1
        assert len(capsys.readouterr().err) < 1500


def test_json_has_every_finding_and_the_hash_of_meaning(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", str(file)]) == 0
    good = json.loads(capsys.readouterr().out)
    assert (good["valid"], good["virtual_servers"], good["real_servers"]) == (True, 1, 2)
    assert len(good["meaning"]) == 16
    file.write_text("primry = 192.0.2.2\n")
    assert main(["--json", str(file)]) == 1
    bad = json.loads(capsys.readouterr().out)
    assert (bad["valid"], bad["meaning"]) == (False, None)
    (finding,) = bad["findings"]
    assert (finding["code"], finding["line"], finding["column"], finding["length"]) == ("E006", 1, 1, 6)
    assert finding["hint"] == "did you mean 'primary'?"


def test_json_names_what_nothing_acts_on_and_what_the_codes_mean(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("witness = 198.51.100.9\n" + GOOD)
    assert main(["--json", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["waiting"] == [{"keyword": "witness", "line": 1}]
    assert told["codes"] == {"W004": CODES["W004"]}


def test_from_original_adds_notes_that_change_no_exit_status(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from-original", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == "lvs.cf: valid, 1 virtual server, 2 real servers, 6 notes\n"
    assert f"{file}:4:15: note: web: a VIP without vip_nmask is /32, 192.0.2.10 was /24 by its class [N003]" in err
    assert main(["--from-original", "--json", str(file)]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["severity"] for finding in findings} == {"note"}
    assert len(findings) == 6


def test_a_file_with_errors_has_no_notes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("primry = 1\n" + GOOD)
    assert main(["--from-original", str(file)]) == 1
    assert "note:" not in capsys.readouterr().err


def test_findings_end_with_the_command_that_tells_more(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("debug_level = ALL\n" + GOOD)
    main([str(file)])
    assert capsys.readouterr().err.endswith("\nmore: piranha explain W003\n")


def test_wrong_usage_is_status_64() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--nonsense"])
    assert caught.value.code == 64


@pytest.mark.slow
def test_bytes_that_no_terminal_can_show_do_not_end_in_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "lvs.cf"
    path.write_bytes(b"primary = \xff\xfe\x1b[2J\nvirtual gr\xc3\xbc\xc3\x9f {\n")
    done = run(str(path), LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stderr
    assert b"E010" in done.stderr
