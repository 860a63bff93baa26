"""What ipvsadm has beyond the C tool, on a real kernel: a table is saved, compared and restored wholly."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ipvsadm.both_tools import Answer, Tools, both_tools

pytestmark = pytest.mark.kernel

SOURCE = Path(__file__).resolve().parents[2] / "src"
SAVED = """\
-A -t 192.0.2.10:0 -s rr -p 600 -M 255.255.255.0
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.11.12.1:8080 -m -w 2000 -x 500 -y 400
-a -t 192.0.2.10:80 -r 10.11.12.2:80 -i -w 3 -x 9 --tun-type gre --tun-csum
-A -u 192.0.2.10:53 -s sed -o
-a -u 192.0.2.10:53 -r 10.11.12.3:53 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-A -u 192.0.2.10:5060 -s wlc -p 60 --pe sip
-A -t [2001:db8::80]:80 -s sh -p 100 -M 64 -b sh-port,flag-3
-a -t [2001:db8::80]:80 -r 10.11.12.1:80 -i -w 0 --tun-type ipip
-A -f 7 -s mh -b mh-fallback
-A -f 4294967295 -6 -s lc -b flag-1,flag-2,flag-3
"""


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with both_tools() as made:
        yield made


@pytest.fixture
def table(tools: Tools) -> Tools:
    """A kernel with the table above."""
    tools.ask_ours(["-C"])
    assert tools.ask_ours(["-R"], SAVED) == Answer(0, "", "")
    return tools


def test_a_saved_table_restores_wholly(table: Tools) -> None:
    before = table.ask_ours(["-L", "-n", "--thresholds"])

    assert table.ask_ours(["-S", "-n"]) == Answer(0, SAVED, "")
    assert table.ask_ours(["--diff"], SAVED) == Answer(0, "", "")
    table.ask_ours(["-C"])
    table.ask_ours(["-R"], SAVED)
    assert table.ask_ours(["-L", "-n", "--thresholds"]) == before


def test_what_a_diff_prints_makes_the_table_that_was_wanted(table: Tools) -> None:
    wanted = "-A -t 192.0.2.10:80 -s rr\n-a -t 192.0.2.10:80 -r 10.11.12.9:80 -g -w 1\n-A -f 8 -s wlc\n"

    steps = table.ask_ours(["--diff"], wanted)
    assert (steps.status, steps.complaints) == (1, "")
    assert table.ask_ours(["-S", "-n"]).output == SAVED
    assert table.ask_ours(["-R", "--dry-run"], steps.output) == steps
    assert table.ask_ours(["-R"], steps.output) == Answer(0, "", "")
    assert table.ask_ours(["-S", "-n"]).output == wanted
    assert table.ask_ours(["--diff"], wanted) == Answer(0, "", "")


def test_the_kernels_table_is_told_as_json(table: Tools) -> None:
    document = json.loads(table.ask_ours(["-L", "--json"]).output)

    web = next(one for one in document["services"] if one["service"] == "tcp 192.0.2.10:80")
    assert [(one["server"], one["upper_threshold"], one["active_connections"]) for one in web["servers"]] == [
        ("10.11.12.1:8080", 500, 0),
        ("10.11.12.2:80", 9, 0),
    ]
    assert [one["mark"] for one in document["services"]][-2:] == [7, 4294967295]
    assert json.loads(table.ask_ours(["-L", "-c", "--json"]).output) == {"connections": []}
    assert set(json.loads(table.ask_ours(["-L", "--timeout", "--json"]).output)) == {"tcp_s", "tcpfin_s", "udp_s"}
    assert json.loads(table.ask_ours(["-L", "--daemon", "--json"]).output) == {"daemons": []}


def test_a_file_is_compared_with_the_kernels_table(table: Tools, tmp_path: Path) -> None:
    (tmp_path / "rules").write_text(f"# saved\n{SAVED}-A -f 9 -s rr # new\n")

    assert table.ask_ours(["--diff", f"{tmp_path}/rules"]) == Answer(1, "-A -f 9 -s rr\n", "")
    assert table.ask_ours(["--diff", f"{tmp_path}/none"]).status == 2


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("-R", 1, "ipvsadm: cannot read the rules: it is closed\n"),
        ("-R --dry-run", 2, "ipvsadm: standard input: it is closed\n"),
        ("--diff", 2, "ipvsadm: standard input: it is closed\n"),
        ("-L -t 192.0.2.99:80", 1, "No such service\n"),
    ],
)
def test_without_a_standard_input_rules_cannot_be_read(table: Tools, command: str, status: int, words: str) -> None:
    program = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from piranha.cli.ipvsadm.entry import main; main()"
    with table.ours.entered():
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" -S -c "$1" {command} <&-', sys.executable, program],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            check=False,
        )

    assert (done.returncode, done.stdout, done.stderr) == (status, "", words)
