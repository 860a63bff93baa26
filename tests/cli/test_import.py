"""`piranha import keepalived`: files, includes, standard input, what it writes and what it answers."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from piranha.cli.import_keepalived import braces
from piranha.cli.main import main
from piranha.lvscf.syntax.limits import SIZE_LIMIT

GOLDEN = Path(__file__).parent.parent / "golden" / "import" / "keepalived"
SERVED = """virtual_server 192.0.2.10 80 {
    protocol TCP
    real_server 192.0.2.31 80 {
        TCP_CHECK {
        }
    }
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small keepalived.conf."""
    path = tmp_path / "keepalived.conf"
    path.write_text(SERVED)
    return path


def test_the_result_goes_to_stdout_and_the_notes_to_stderr(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "keepalived", str(file)]) == 0

    out, err = capsys.readouterr()
    assert "\nvirtual tcp-192.0.2.10-80 {" in out
    assert err.startswith(f"{file}: warning: no vrrp_instance")


def test_a_result_that_does_not_do_what_the_original_did_has_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "keepalived", str(GOLDEN / "active-active.conf")]) == 1

    out, err = capsys.readouterr()
    assert out.startswith("# Made by")
    assert "active-active.conf:15: error: the master of this instance is the other router" in err


def test_out_is_written_once_and_passes_piranha_check(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = file.with_name("lvs.cf")

    assert main(["import", "keepalived", str(file), "-o", str(out)]) == 0
    assert main(["check", str(out)]) == 0
    assert f"({out}:" in capsys.readouterr().err

    out.write_text("mine")
    assert main(["import", "keepalived", str(file), "-o", str(out)]) == 1
    assert out.read_text() == "mine"
    said = f"piranha: {out}: File exists; nothing is written: remove it, or give another name, or -o - for stdout\n"
    assert capsys.readouterr().err.startswith(said)


def test_out_with_errors_is_said_not_to_be_used(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SERVED.replace("TCP_CHECK {", "HTTP_GET {\nurl {\npath no\n}"))
    out = file.with_name("lvs.cf")
    assert main(["import", "keepalived", str(file), "-o", str(out)]) == 1
    assert capsys.readouterr().err.endswith(f"{out}: written, but not to be used before these errors are mended\n")


def test_a_dash_as_out_is_standard_output(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert main(["import", "keepalived", str(file), "-o", "-"]) == 0
    assert "\nvirtual tcp-192.0.2.10-80 {" in capsys.readouterr().out
    assert not file.with_name("-").exists()


def test_json_has_text_and_notes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "keepalived", "--json", str(file)]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["text"].startswith("# Made by")
    assert told["errors"] is False
    assert {"severity", "source", "source_line", "line", "message"} == set(told["notes"][0])


def test_both_files_of_a_pair_fill_both_routers(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(GOLDEN / "nat-pair.conf"), str(GOLDEN / "nat-pair.backup.conf")]

    assert main(["import", "keepalived", *files]) == 0
    by_itself = capsys.readouterr().out
    assert main(["import", "keepalived", *files, "--router", "backup", "--router", "primary"]) == 0
    said = capsys.readouterr().out

    assert "\nprimary = 192.0.2.2 " in by_itself
    assert "\nprimary = 192.0.2.3 " in said


def test_included_files_are_read_relative_to_the_file_that_includes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conf.d" / "deep").mkdir(parents=True)
    (tmp_path / "keepalived.conf").write_text("include conf.d/*.conf\ninclude none.conf\n")
    (tmp_path / "conf.d" / "a.conf").write_text("include {deep,shallow}/servers.conf\n")
    (tmp_path / "conf.d" / "deep" / "servers.conf").write_text(SERVED)
    os.mkfifo(tmp_path / "conf.d" / "pipe.conf")  # nobody waits for it

    main(["import", "keepalived", str(tmp_path / "keepalived.conf")])

    out, err = capsys.readouterr()
    assert f"virtual tcp-192.0.2.10-80 {{  # {tmp_path}/conf.d/deep/servers.conf:1\n" in out
    assert f"{tmp_path}/keepalived.conf:2: warning: nothing can be read where 'none.conf' points to" in err


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SERVED.encode())))

    assert main(["import", "keepalived", "-"]) == 0
    assert "# standard input:1\n" in capsys.readouterr().out


def test_what_cannot_be_read_has_status_2_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    large, pipe = tmp_path / "large.conf", tmp_path / "pipe"
    with large.open("wb") as writing:
        writing.truncate(SIZE_LIMIT + 1)
    os.mkfifo(pipe)
    for path, why in (
        (tmp_path / "none", "No such file or directory"),
        (tmp_path, "this is a directory, not a file"),
        (pipe, "this is a FIFO, not a file"),
        (Path("/dev/zero"), "this is a device, not a file"),
        (large, f"larger than {SIZE_LIMIT // 1024 // 1024} MiB"),
    ):
        assert main(["import", "keepalived", str(path)]) == 2
        assert capsys.readouterr() == ("", f"piranha: {path}: {why}\n")


def test_a_kind_that_is_none_and_a_router_said_twice_are_wrong_usage(file: Path) -> None:
    for words in (
        ["pacemaker", str(file)],
        ["keepalived"],
        ["keepalived", str(file), "--router", "primary", "--router", "primary"],
        ["keepalived", str(file), "--router", "primary", "--router", "backup"],
    ):
        with pytest.raises(SystemExit) as end:
            main(["import", *words])
        assert end.value.code == 64


def test_braces_stand_for_what_csh_makes_of_them() -> None:
    assert braces("{foo/{,cat,dog},bar}.conf") == ["foo/.conf", "bar.conf", "foo/cat.conf", "foo/dog.conf"]
    assert braces("plain") == ["plain"]
    assert braces("a}b{c") == ["a}b{c"]
    assert len(braces("{a,b}" * 20)) == 256
