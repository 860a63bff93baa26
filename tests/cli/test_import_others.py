"""`piranha import` of what is one file or one folder: where it is looked for, and what is said when it is not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from piranha.cli.main import main

LVS_CF = """# our pair
primary = 192.0.2.2
virtual web {
    active = 1
    address = 192.0.2.10 nosuchdev0:1
    port = 80
    server a { active = 1; address = 10.0.0.1 }
}
"""
RULES = "-A -t 192.0.2.10:443 -s wlc\n-a -t 192.0.2.10:443 -r 10.0.0.1:443 -m -w 1\n"


@pytest.fixture
def sysconfig(tmp_path: Path) -> Path:
    """A folder as the original had it."""
    (tmp_path / "ha" / "conf").mkdir(parents=True)
    (tmp_path / "ha" / "lvs.cf").write_text(LVS_CF)
    (tmp_path / "ha" / "conf" / "piranha.passwd").write_text("piranha:x\n")
    (tmp_path / "pulse").write_text("OPTIONS=--fos=/usr/sbin/fos\n")
    return tmp_path


@pytest.mark.parametrize("given", ["ha", "ha/lvs.cf"])
def test_the_folder_of_the_original_becomes_the_same_file_with_notes(
    given: str, sysconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "piranha", str(sysconfig / given)]) == 0
    told = capsys.readouterr()
    assert told.out == LVS_CF
    assert "lvs.cf:5: warning: this machine has no device nosuchdev0" in told.err
    assert "piranha.passwd: warning: users of the web tool are not taken over" in told.err
    assert "pulse:1: warning: --fos: the new pulse starts the lvsd of its own package" in told.err


@pytest.mark.slow
def test_rules_are_read_from_standard_input() -> None:
    command = [sys.executable, "-m", "piranha.cli.main", "import", "ipvsadm", "-"]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        command, input=RULES, capture_output=True, text=True, env=environment, check=False, timeout=60
    )
    assert done.returncode == 0
    assert "address = 192.0.2.10" in done.stdout
    assert "standard input: warning: rules know no checks" in done.stderr


@pytest.mark.parametrize("kind", ["piranha", "ldirectord", "ipvsadm"])
def test_what_cannot_be_read_is_one_line(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", kind, str(tmp_path / "none")]) == 2
    assert capsys.readouterr() == ("", f"piranha: {tmp_path}/none: No such file or directory\n")
    assert main(["import", kind, str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize("kind", ["piranha", "ldirectord", "ipvsadm"])
def test_two_files_are_one_too_many(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", kind, str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert capsys.readouterr() == ("", "a: error: 2 files: give one\n")
