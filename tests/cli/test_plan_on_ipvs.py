"""`piranha plan` without a daemon, on a real kernel: it reads a table that somebody else made, and writes nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import Struct
from types import FrameType

import pytest

from piranha.cli.main import main
from piranha.forwarding.ipvs import IpvsPlane
from piranha.kernel.addresses import Addresses
from piranha.kernel.generic import CONTROL_FAMILY
from piranha.kernel.ipvs_numbers import Command
from piranha.kernel.route import RTM_GETADDR
from piranha.kernel.socket import NetlinkSocket
from piranha.table.changes import RemoveService
from piranha.table.diff import diff
from piranha.table.rules import parse_rules

pytestmark = pytest.mark.kernel

HEADER = Struct("=IHHII")  # struct nlmsghdr (linux/netlink.h)
READS = {Command.GET_SERVICE, Command.GET_DEST}
RULES = """-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.21:80 -m -w 1
-a -t 192.0.2.10:80 -r 10.0.0.22:80 -m -w 1
"""
FILE = """primary = 192.0.2.2
virtual www {
    active = 1
    address = 192.0.2.10
    server web1 { active = 1; address = 10.0.0.21 }
    server web2 { active = 1; address = 10.0.0.22 }
}
"""


@pytest.fixture
def plane() -> Iterator[IpvsPlane]:
    made = IpvsPlane()
    made.apply(diff(made.dump(), parse_rules(RULES)))
    yield made
    made.apply([RemoveService(key) for key in made.dump()])
    made.close()


@contextmanager
def recorded() -> Iterator[list[bytes]]:
    """Collect every netlink message that this process sends."""
    sent: list[bytes] = []

    def look(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code is NetlinkSocket._send.__code__:
            sent.extend(frame.f_locals["data"])

    before: Callable[..., object] | None = sys.getprofile()
    sys.setprofile(look)
    try:
        yield sent
    finally:
        sys.setprofile(before)


def is_read(message: bytes) -> bool:
    _, kind, _, _, _ = HEADER.unpack_from(message)
    if kind in (CONTROL_FAMILY, RTM_GETADDR):
        return True
    return message[HEADER.size] in READS  # struct genlmsghdr: the command comes first


def planned(folder: Path, text: str) -> int:
    file = folder / "new.cf"
    file.write_text(text)
    return main(["plan", str(file), "--run-dir", str(folder)])


def test_a_table_that_somebody_else_made_leaves_nothing_to_do(
    plane: IpvsPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned(tmp_path, FILE) == 0
    said = capsys.readouterr().out
    assert said.startswith("serial 0 against this machine's kernel\n")
    assert "Nothing to do" in said


def test_what_differs_is_told_and_no_message_writes(
    plane: IpvsPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Addresses() as kernel:
        before = plane.dump(), kernel.addresses()
        with recorded() as sent:
            text = FILE.replace("address = 192.0.2.10", "address = 192.0.2.10\n scheduler = rr")
            assert planned(tmp_path, text.replace("10.0.0.22", "10.0.0.23")) == 2
        assert (plane.dump(), kernel.addresses()) == before
    said = capsys.readouterr().out
    assert "scheduler wlc -> rr" in said
    assert "- www" in said
    assert "www/web2  10.0.0.23:80 weight 1" in said
    assert len(sent) >= 4
    assert [message.hex() for message in sent if not is_read(message)] == []


def test_a_server_that_is_down_there_is_no_change_but_is_named(
    plane: IpvsPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_a_third = FILE.replace("}\n}", "}\n    server web3 { active = 1; address = 10.0.0.23 }\n}")
    assert planned(tmp_path, with_a_third) == 0
    assert "www/web3" in capsys.readouterr().out
