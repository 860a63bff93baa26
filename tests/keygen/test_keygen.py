"""`piranha keygen`: a secret that nobody else can read, and that is never lost by mistake."""

import os
import stat
from pathlib import Path

import pytest

from piranha.cli.keygen import SECRET_BYTES, main
from piranha.pulse.keys import parse_keys


def keys_of(path: Path) -> list[tuple[str, bytes]]:
    ring, findings = parse_keys(path.read_text())
    assert findings == ()
    return [(key.name, key.secret) for key in ring.keys]


def test_it_writes_one_key_of_32_random_bytes_that_only_the_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    before = os.umask(0)
    try:
        assert main([str(path), "--id", "k1"]) == 0
    finally:
        os.umask(before)

    ((name, secret),) = keys_of(path)
    assert name == "k1" and len(secret) == SECRET_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path], "nothing else is left"


def test_two_keys_are_never_the_same(tmp_path: Path) -> None:
    main([str(tmp_path / "a")])
    main([str(tmp_path / "b")])

    assert keys_of(tmp_path / "a")[0][1] != keys_of(tmp_path / "b")[0][1]


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key"
    path.write_text("precious\n")

    assert main([str(path)]) == 1
    assert path.read_text() == "precious\n"
    assert f"piranha keygen: {path} exists already: --add adds a second key" in capsys.readouterr().err


def test_with_force_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    main([str(path), "--id", "old"])

    assert main([str(path), "--id", "new", "--force"]) == 0
    assert [name for name, _ in keys_of(path)] == ["new"]


def test_a_key_is_added_behind_the_one_that_signs(tmp_path: Path) -> None:
    path = tmp_path / "key"
    main([str(path), "--id", "old"])
    old = keys_of(path)

    assert main([str(path), "--add", "--id", "new"]) == 0
    assert keys_of(path)[:1] == old
    assert [name for name, _ in keys_of(path)] == ["old", "new"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_that_is_taken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key"
    main([str(path), "--id", "k1"])

    assert main([str(path), "--add", "--id", "k1"]) == 1
    assert "has a key k1 already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["two words", "x" * 17, "k\n1"])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    assert main([str(tmp_path / "key"), "--id", name]) == 1
    assert not (tmp_path / "key").exists()


def test_a_folder_that_does_not_exist_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing" / "key")]) == 1
    assert capsys.readouterr().err == f"piranha keygen: {tmp_path}/missing/key: No such file or directory\n"


def test_wrong_usage_has_a_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--frce"])
    assert ended.value.code == 64
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("flag", [[], ["--force"], ["--add"]])
@pytest.mark.parametrize("kind", ["FIFO", "socket", "directory", "link to a FIFO"])
def test_what_is_no_regular_file_stays_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, flag: list[str]
) -> None:
    path = tmp_path / "it"
    if kind == "directory":
        path.mkdir()
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    else:
        os.mkfifo(path)
    named = path
    if kind == "link to a FIFO":
        named = tmp_path / "link"
        named.symlink_to(path)
    before = sorted((entry.name, entry.lstat().st_ino) for entry in tmp_path.iterdir())

    assert main([str(named), *flag]) == 1
    assert capsys.readouterr().err == f"piranha keygen: {named} is no regular file: it is left as it is\n"
    assert sorted((entry.name, entry.lstat().st_ino) for entry in tmp_path.iterdir()) == before


@pytest.mark.parametrize("flag", ["--force", "--add"])
def test_a_link_to_a_file_stays_a_link_and_the_file_gets_the_key(tmp_path: Path, flag: str) -> None:
    path, link = tmp_path / "key", tmp_path / "link"
    main([str(path), "--id", "old"])
    link.symlink_to(path)

    assert main([str(link), "--id", "new", flag]) == 0
    assert link.is_symlink()
    assert "new" in [name for name, _ in keys_of(path)]


def test_a_dash_is_no_name_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["-"])
    assert ended.value.code == 64
    assert "a key is not written to standard output" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
