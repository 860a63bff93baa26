"""The connections that `ipvsadm -L -c` lists: rows of the C tool, and never all of them in memory."""

import io
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

import pytest
from tests.ipvsadm.fake_ipvs import FakeIpvs

from piranha.cli.ipvsadm.addresses import Lookup
from piranha.cli.ipvsadm.connections import TITLE, connection_rows
from piranha.cli.ipvsadm.grammar import parse
from piranha.cli.ipvsadm.showing import Showing
from piranha.table.words import numeric

ROOT = Path(__file__).resolve().parents[2]
PROC = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C0A80164 D431 C0A81A01 0050 0A0B0C01 0050 ESTABLISHED     899
IP  C0A80100 0000 00000050 0000 0A0B0C01 0000 NONE           6000
UDP 20010db8000000000000000000000064 0035 20010db8000000000000000000000080 0035 broken 0035 UDP 1
TCP 2001:0db8:0000:0000:0000:0000:0000:0064 D431 2001:0db8:0000:0000:0000:0000:0000:0080 0050 \
2001:0db8:0000:0000:0000:0000:0000:a0a0 0050 FIN_WAIT         7
UDP C0A80165 13C4 C0A81A09 13C4 0A0B0C03 13C4 UDP            300 sip 1234@host
"""


def test_connections_are_listed_with_the_time_they_have_left() -> None:
    assert TITLE[1] == "pro expire state       source             virtual            destination"
    assert list(connection_rows(PROC.splitlines(), numeric, engines=False)) == [
        "TCP 14:59  ESTABLISHED 192.168.1.100:54321 192.168.26.1:80    10.11.12.1:80",
        "IP  100:00 NONE        192.168.1.0:0      0.0.0.80:0         10.11.12.1:0",
        "TCP 00:07  FIN_WAIT    [2001:db8::64]:54321 [2001:db8::80]:80  [2001:db8::a0a0]:80",
        "UDP 05:00  UDP         192.168.1.101:5060 192.168.26.9:5060  10.11.12.3:5060",
    ]


def test_persistence_engines_of_connections_are_listed_on_request() -> None:
    assert list(connection_rows(PROC.splitlines(), numeric, engines=True))[-1] == (
        "UDP 05:00  UDP         192.168.1.101:5060 192.168.26.9:5060  10.11.12.3:5060  sip                1234@host"
    )


def many(count: int) -> Iterator[str]:
    """What the kernel would list with `count` clients, made line by line."""
    for client in range(count):
        yield f"TCP {client + 0x0A000000:08X} {client & 0xFFFF:04X} C0A81A01 0050 0A0B0C01 0050 ESTABLISHED     899\n"


def nobody() -> Lookup:
    return Lookup(host=lambda _: None, port=lambda _, __: None)


class Counted(io.TextIOBase):
    """A stdout that keeps nothing but how many lines it got."""

    lines = 0

    def write(self, text: str, /) -> int:
        self.lines += text.count("\n")
        return len(text)


def peak_of_a_listing(words: str, count: int) -> int:
    """List `count` connections; return the most bytes that this took at a time."""
    show = Showing(FakeIpvs(), connections=lambda: nullcontext(many(count)))
    output = Counted()
    tracemalloc.start()
    try:
        with redirect_stdout(output):
            show(parse(words.split(), nobody()))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert output.lines >= count


@pytest.mark.parametrize("words", ["-L -n -c", "-L -c --json"])
def test_twice_the_connections_are_listed_in_the_same_memory(words: str) -> None:
    few = peak_of_a_listing(words, 600)

    # The lines alone of the others would be 50 kB.
    assert peak_of_a_listing(words, 1_200) < few + 30_000


@pytest.mark.slow
@pytest.mark.parametrize("words", ["-L -n -c", "-L -c --json"])
def test_a_listing_of_hundreds_of_thousands_takes_next_to_no_memory(words: str) -> None:
    program = f"""
import resource, sys
from contextlib import nullcontext
from tests.ipvsadm.test_connections import FakeIpvs, Showing, many, nobody, parse

show = Showing(FakeIpvs(), connections=lambda: nullcontext(many(int(sys.argv[1]))))
show(parse({words.split()!r}, nobody()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""

    def kilobytes(count: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", program, str(count)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            check=True,
        )
        return int(done.stderr)

    # All of the rows would be 20 MB.
    assert kilobytes(150_000) < kilobytes(1_000) + 4_000
