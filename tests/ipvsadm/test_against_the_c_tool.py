"""The same commands to both tools, each in a network namespace of its own: same table, status and output."""

import io
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from piranha.cli.ipvsadm.main import main
from piranha.lab.namespaces import Namespace

C_TOOL = "/usr/sbin/ipvsadm"
FOLDER = Path(__file__).parent / "golden"

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not Path(C_TOOL).exists(), reason="apt-get install ipvsadm"),
]

# Where ours differs on purpose; docs/ipvsadm-compatibility.md says why.
OWN_WORDS = {"-v", "-v -L", "-h", "-h foo"}


@dataclass(frozen=True)
class Answer:
    status: int
    output: str
    complaints: str


@dataclass(frozen=True)
class Tools:
    """Both tools, each with a table of its own."""

    theirs: Namespace
    ours: Namespace

    def ask_theirs(self, words: list[str], rules: str = "") -> Answer:
        with self.theirs.entered():
            done = subprocess.run([C_TOOL, *words], input=rules, capture_output=True, text=True, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def ask_ours(self, words: list[str], rules: str = "") -> Answer:
        output, complaints = io.StringIO(), io.StringIO()
        with self.ours.entered(), redirect_stdout(output), redirect_stderr(complaints):
            status = main([C_TOOL, *words], rules.encode().splitlines(keepends=True))
        return Answer(status, output.getvalue(), complaints.getvalue())

    def agree(self, line: str, rules: str = "") -> Answer:
        """Give both one command line; return the answer, which is the same."""
        ours, theirs = self.ask_ours(line.split(), rules), self.ask_theirs(line.split(), rules)
        program = Answer(theirs.status, theirs.output, theirs.complaints.replace(C_TOOL, "ipvsadm"))
        assert ours == program, f"ipvsadm {line}"
        return ours


@pytest.fixture(scope="module")
def both() -> Iterator[Tools]:
    made = Tools(Namespace.create("theirs"), Namespace.create("ours"))
    try:
        for namespace in (made.theirs, made.ours):
            namespace.run(["ip", "link", "set", "lo", "up"])
            namespace.run(["ip", "link", "add", "dummy0", "type", "dummy"])
            namespace.run(["ip", "address", "add", "10.77.0.1/24", "dev", "dummy0"])
            namespace.run(["ip", "link", "set", "dummy0", "up", "multicast", "on"])
        yield made
    finally:
        made.theirs.close()
        made.ours.close()


@pytest.fixture
def tools(both: Tools) -> Tools:
    """Both with an empty table and the kernel's timeouts."""
    both.agree("-C")
    both.agree("--set 900 120 300")
    return both


def test_hundreds_of_command_lines_have_the_same_answers_and_leave_the_same_table(tools: Tools) -> None:
    for line in (FOLDER / "commands.txt").read_text().splitlines():
        if line not in OWN_WORDS:
            tools.agree(line)
    for line in ("-S -n", "-S", "-L -n", "-L", "-Ln --stats", "-Ln --rate", "-Ln --thresholds", "-Ln --tun-info"):
        tools.agree(line)
    assert tools.agree("-S -n").output.count("\n") > 40


@pytest.mark.parametrize(
    "rules",
    [
        "-A -t 1.1.1.1:1\n-A -t 1.1.1.1:1\n-A -t 1.1.1.1:2\n",
        "-A -t 1.1.1.1:3\n-A -t 1.1.1.1:3\n",
        "-A -t 1.1.1.1:4\n-A -t 1.1.1.1:4 --bogus\n-A -t 1.1.1.1:5\n",
        "-A -t 1.1.1.1:6\n-A -t 1.1.1.1:7 -w 5\n-A -t 1.1.1.1:8\n",
        "# foo\n-A -t 1.1.1.1:9\n",
        "-A -t 1.1.1.1:1\n# foo\n-A -t 1.1.1.1:9\n",
        "ipvsadm -A -t 1.1.1.1:9\n\n  \t\n-A   -t\t1.1.1.1:10\r\n-A -t 1.1.1.1:11",
        "-A -t 1.1.1.1:12 # c\n-A -t 1.1.1.1:13\n",
        "-A -t 1.1.1.1:13\n-R\n-A -t 1.1.1.1:14\n",
        "foo\n",
        "foo -A -t 1.1.1.1:14\n",
        "ipvsadm\n-A -t 1.1.1.1:15\n",
        "-A -t 1.1.1.1:15\n-L -n -t 1.1.1.1:15\n-D -t 1.1.1.1:15\n-L -n -t 1.1.1.1:15\n",
        "-A -t 1.1.1.1:15\n-C\n-A -t 1.2.3.4:81\n-S -n\n",
        "",
    ],
)
def test_rules_from_stdin_have_the_same_effect(tools: Tools, rules: str) -> None:
    tools.agree("-R", rules)
    tools.agree("-S -n")


def test_each_tool_restores_what_the_other_saved(tools: Tools) -> None:
    rules = (FOLDER / "saved.txt").read_text()

    assert tools.agree("-R", rules) == Answer(0, "", "")
    assert tools.agree("-S -n").output == rules
    tools.agree("-L -n")


def test_sync_daemons_are_started_and_stopped_alike(tools: Tools) -> None:
    for line in (
        "--start-daemon backup --mcast-interface dummy0 --syncid 3",
        "--start-daemon backup --mcast-interface dummy0",
        "--start-daemon master --mcast-interface dummy0 --sync-maxlen 1000 --mcast-group 224.0.0.90 --mcast-port 9000",
        "-L --daemon",
        "--stop-daemon master",
        "--start-daemon master --mcast-interface dummy0 --mcast-group ff02::90 --mcast-ttl 3",
        "-L --daemon",
        "--stop-daemon master --syncid 7",
        "--stop-daemon backup",
        "-L --daemon",
    ):
        tools.agree(line)
