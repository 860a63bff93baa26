"""Reading lvs.cf from the disk: whatever the path leads to, there is an answer at once."""

import os
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest

from piranha.lvscf.changed import apart
from piranha.lvscf.load import load
from piranha.lvscf.read import ReadError, read_and_load
from piranha.lvscf.resolve import THREADS, ask_system, resolve
from piranha.lvscf.syntax.limits import SIZE_LIMIT
from piranha.terms import Address

TEXT = "primary = localhost\nvirtual web {\n    active = 1\n    address = 192.0.2.10 eth0\n}\n"


def code(path: Path) -> str:
    """The only finding."""
    (finding,) = read_and_load(path).findings
    return finding.code


def test_a_file_is_read_and_its_host_names_are_resolved(tmp_path: Path) -> None:
    path = tmp_path / "lvs.cf"
    path.write_text(TEXT)
    loaded = read_and_load(path)
    assert loaded.config is not None
    assert loaded.config.primary is not None
    assert str(loaded.config.primary.public) == "127.0.0.1"
    assert [finding.code for finding in loaded.findings] == ["W006", "W035"]
    assert loaded.text == TEXT


def test_a_fifo_that_nobody_writes_to_is_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lvs.cf")
    with pytest.raises(ReadError, match="this is a FIFO, not a file"):
        read_and_load(tmp_path / "lvs.cf")


@pytest.mark.parametrize("path", ["/", "/dev/zero", "/dev/null"])
def test_a_directory_or_device_is_told(path: str) -> None:
    with pytest.raises(ReadError, match=r"this is a (directory|device), not a file"):
        read_and_load(path)


def test_a_file_that_is_too_large_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lvs.cf"
    path.write_bytes(b"#" * (SIZE_LIMIT + 1))
    assert code(path) == "E025"


def test_an_empty_file_and_a_program_are_told(tmp_path: Path) -> None:
    path = tmp_path / "lvs.cf"
    path.write_bytes(b"")
    assert code(path) == "E001"
    path.write_bytes(b"\x7fELF\0\0\0" + bytes(range(256)))
    assert code(path) == "E024"


def test_a_file_that_cannot_be_opened_is_an_error_of_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none", str(tmp_path / "a\0b"), tmp_path / "none" / "lvs.cf"):
        with pytest.raises(ReadError) as caught:
            read_and_load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(OSError, match=r"none: No such file or directory"):
        read_and_load(tmp_path / "none")


def test_a_name_that_is_not_known_in_time_is_left_out() -> None:
    never = threading.Event()

    def ask(name: str) -> Address | None:
        if name == "slow":
            never.wait(60)
        return ip_address("192.0.2.1") if name == "quick" else None

    assert resolve(["slow", "quick", "unknown"], limit_s=0.2, ask=ask) == {"quick": ip_address("192.0.2.1")}
    never.set()


def test_a_file_full_of_names_does_not_start_a_thread_for_each() -> None:
    busy = set()

    def ask(_name: str) -> Address | None:
        busy.add(threading.get_ident())
        return ip_address("192.0.2.1")

    assert len(resolve([f"host{number}" for number in range(5000)], ask=ask)) == 5000
    assert len(busy) <= THREADS


def test_what_is_no_name_at_all_has_no_address() -> None:
    assert ask_system("x" * 300) is None


def test_a_file_cut_off_anywhere_loads_with_whole_virtual_servers_or_not_at_all() -> None:
    block = (
        "virtual {0} {{\n    active = 1\n    address = 192.0.2.1{1} eth0\n    port = 8080\n    server a {{\n"
        "        active = 1\n        address = 10.0.0.11\n        port = 8081\n    }}\n"
        "    server b {{ active = 1; address = 10.0.0.12; port = 8081 }}\n}}\n"
    )
    whole = ("primary = 192.0.2.2\n" + block.format("web", 0) + "\n" + block.format("mail", 1)).encode()
    config = load(whole, "lvs.cf").config
    assert config is not None
    shorter = [found.virtuals for end in range(len(whole)) if (found := load(whole[:end], "lvs.cf").config) is not None]
    first = config.virtuals[:1]
    # Behind the } of a virtual server, its newline and the empty line: nothing tells these from a shorter file.
    assert shorter == [first, first, first, config.virtuals]


def test_a_virtual_server_that_means_the_same_on_other_lines_has_not_changed() -> None:
    web = TEXT.replace("localhost", "192.0.2.2")
    mail = TEXT[TEXT.index("virtual") :].replace("web", "mail").replace(".10", ".11")
    files = (web + mail, f"{mail}\n# moved\n{web}", web + mail.replace(".11", ".12"))
    before, after, other = (load(text.encode(), "lvs.cf").config for text in files)
    assert before is not None
    assert after is not None
    assert other is not None
    assert [part.virtuals for part in apart(before, after)] == [(), ()]
    assert [part.virtuals for part in apart(before, other)] == [before.virtuals[1:], other.virtuals[1:]]
