"""`piranha set` and `unset`: one setting changes, what comes of it is shown, and no wrong file is written."""

import json
from pathlib import Path

import pytest

from piranha.cli.main import main

TEXT = """# ours
primary = 192.0.2.2     # lvs1
monitor_hosts = 192.0.2.1 192.0.2.254

virtual www {
     active = 1
     address = 192.0.2.10 eth0:1
     port = 443
     server web1 { active = 1; address = 10.11.12.21; weight = 10 }
     server web2 {
         # old
         active = 1
         address = 10.11.12.22
     }
}

virtual shop {
     active = 1
     address = 192.0.2.20 eth0:2
     server web1 { active = 1; address = 10.11.12.21 }
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file as people write it."""
    path = tmp_path / "lvs.cf"
    path.write_text(TEXT)
    return path


def run(verb: str, file: Path, *words: str) -> int:
    """The exit status of a verb that writes what comes of it into the same file."""
    return main([verb, "-c", str(file), "--output", str(file), *words])


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ("www port 8443", "port = 443", "port = 8443"),
        ("www/web1 weight 20", "weight = 10", "weight = 20"),
        ("www/web2 weight 5", "= 10.11.12.22\n", "= 10.11.12.22\n         weight = 5\n"),
        ("10.11.12.22 weight 5", "= 10.11.12.22\n", "= 10.11.12.22\n         weight = 5\n"),
        ("10.11.12.21:443 weight 5", "weight = 10", "weight = 5"),
        ("global serial_no 3", "# ours\n", "# ours\nserial_no = 3\n"),
        ("www send GET / HTTP/1.0", "port = 443\n", 'port = 443\n     send = "GET / HTTP/1.0"\n'),
        ("global monitor_hosts 192.0.2.9", "192.0.2.1 192.0.2.254", "192.0.2.9"),
        ("--add global monitor_hosts 192.0.2.9", ".254\n", ".254\nmonitor_hosts = 192.0.2.9\n"),
    ],
)
def test_set_changes_one_setting(file: Path, words: str, old: str, new: str) -> None:
    assert run("set", file, *words.split()) == 0
    assert file.read_text() == TEXT.replace(old, new, 1)


def test_a_name_that_fits_several_servers_changes_all_of_them(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("set", file, "*/web1", "weight", "30") == 0
    assert file.read_text() == TEXT.replace("weight = 10", "weight = 30").replace(
        "address = 10.11.12.21 }", "address = 10.11.12.21; weight = 30 }"
    )
    assert capsys.readouterr().out == (
        f"{file}:9: - server web1 {{ active = 1; address = 10.11.12.21; weight = 10 }}\n"
        f"{file}:9: + server web1 {{ active = 1; address = 10.11.12.21; weight = 30 }}\n"
        f"{file}:20: - server web1 {{ active = 1; address = 10.11.12.21 }}\n"
        f"{file}:20: + server web1 {{ active = 1; address = 10.11.12.21; weight = 30 }}\n"
    )


def test_unset_takes_a_setting_out(file: Path) -> None:
    assert run("unset", file, "www/web1", "weight") == 0
    assert file.read_text() == TEXT.replace("; weight = 10", "")
    assert run("unset", file, "global", "monitor_hosts", "192.0.2.1", "192.0.2.254") == 0
    assert "monitor_hosts" not in file.read_text()


def test_what_is_so_already_is_no_change(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("set", file, "www", "port", "443") == 0
    assert run("unset", file, "www", "persistent") == 0
    assert run("unset", file, "global", "monitor_hosts", "192.0.2.77") == 0
    assert capsys.readouterr().out == f"nothing to do: {file} says so already\n" * 3
    assert file.read_text() == TEXT


def test_a_value_that_would_be_an_error_is_refused_with_its_finding(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("set", file, "www", "scheduler", "wlcc") == 1
    err = capsys.readouterr().err
    assert "unknown scheduler 'wlcc' [E014]" in err
    assert "did you mean 'wlc'?" in err
    assert err.endswith(f"piranha: refused, nothing was changed: {file} is as it was\n")
    assert run("set", file, "www", "wieght", "1") == 1
    assert "unknown keyword 'wieght'" in capsys.readouterr().err
    assert run("set", file, "www", "weight", "1") == 1
    assert "it belongs in a server block" in capsys.readouterr().err
    assert file.read_text() == TEXT


def test_only_warnings_that_the_change_brings_are_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TEXT.replace("port = 443\n", "port = 443\n     port = 443\n"))
    assert run("set", file, "www/web1", "weight", "11") == 0
    assert capsys.readouterr().err == ""
    assert run("set", file, "global", "script_user", "root") == 0
    err = capsys.readouterr().err
    assert "[W020]" in err
    assert "[W002]" not in err


def test_a_name_that_fits_nothing_is_told_with_the_nearest(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("set", file, "ww/web1", "weight", "1") == 1
    assert "near: www/web1" in capsys.readouterr().err
    assert run("unset", file, "www", "persistant") == 1
    assert "near: persistent" in capsys.readouterr().err
    assert run("set", file, "--add", "www", "port", "1") == 1
    assert "does not add up" in capsys.readouterr().err
    assert run("set", file, "www", "send_program", 'a "b"') == 1
    assert file.read_text() == TEXT


def test_an_error_can_be_set_right(file: Path) -> None:
    file.write_text(TEXT.replace("port = 443", "port = many"))
    assert run("set", file, "www", "port", "443") == 0
    assert file.read_text() == TEXT


def test_a_dry_run_writes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["set", "-c", str(file), "--dry-run", "www", "port", "1"]) == 2
    assert main(["set", "-c", str(file), "--dry-run", "www", "port", "443"]) == 0
    capsys.readouterr()
    assert main(["set", "-c", str(file), "--dry-run", "--json", "www", "port", "1"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "path": str(file),
        "names": ["www"],
        "lines": [
            {"line": 8, "sign": "-", "text": "     port = 443"},
            {"line": 8, "sign": "+", "text": "     port = 1"},
        ],
        "findings": [],
        "status": 2,
    }
    assert file.read_text() == TEXT


def test_the_result_can_go_elsewhere(file: Path, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    assert main(["set", "-c", str(file), "--output", "-", "www", "port", "1"]) == 0
    assert capsysbinary.readouterr().out.decode() == TEXT.replace("443", "1")
    other = tmp_path / "other.cf"
    assert main(["unset", "-c", str(file), "--output", str(other), "www", "port"]) == 0
    assert other.read_text() == TEXT.replace("     port = 443\n", "")
    assert file.read_text() == TEXT


def test_where_no_daemon_runs_the_file_is_written_and_that_is_told(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-c", str(file), "--run-dir", str(file.parent / "run")]
    assert main(["set", *words, "www", "port", "1"]) == 0
    assert file.read_text() == TEXT.replace("443", "1")
    assert f"{file}: written, not in force: no daemon runs here" in capsys.readouterr().err


def test_a_check_block_is_named_with_its_kind(file: Path) -> None:
    file.write_text(TEXT + "check ping1 {\n    kind = ping\n}\n")
    assert run("set", file, "check/ping1", "kind", "tcp") == 0
    assert file.read_text().endswith("check ping1 {\n    kind = tcp\n}\n")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["set", "-c", str(tmp_path / "none"), "www", "port", "1"]) == 2
    assert capsys.readouterr().err == f"piranha: {tmp_path}/none: No such file or directory\n"
