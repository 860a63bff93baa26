"""The same commands to both tools, each in a network namespace of its own: same table, status and output."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ipvsadm.both_tools import C_TOOL, Answer, Tools, both_tools
from tests.ipvsadm.generated import CommandMaker

FOLDER = Path(__file__).parent / "golden"
# How many seeds of generated commands; a long run: IPVSADM_SEEDS=1000 tools/with-ipvs .venv/bin/pytest THIS-FILE.
SEEDS = int(os.environ.get("IPVSADM_SEEDS", "15"))
FIRST_SEED = int(os.environ.get("IPVSADM_FIRST_SEED", "0"))
COMMANDS_OF_A_SEED = 20
SOURCE = Path(__file__).resolve().parents[2] / "src"
CONNECTIONS = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP  C0A80164 D431 C0A81A01 0050 0A0B0C01 1F90 ESTABLISHED     899
IP   C0A80100 0000 00000050 0000 0A0B0C01 0050 NONE           6000
SCTP C0A80164 D431 C0A81A01 0050 0A0B0C01 0050 ESTABLISHED       0
TCP  2001:0db8:0000:0000:0000:0000:0000:0064 D431 2001:0db8:0000:0000:0000:0000:0000:0080 0050 \
2001:0db8:0000:0000:0000:0000:0000:a0a0 0050 FIN_WAIT         7
TCP  0000:0000:0000:0000:0000:ffff:c0a8:0101 D431 0000:0000:0000:0000:0000:ffff:7f00:0001 0050 \
0A0B0C01 0016 TIME_WAIT       60
UDP  C0A80165 13C4 C0A81A09 13C4 0A0B0C03 0035 UDP            300 sip 1234@host
"""
CHANGES_OF_A_SEED = 15

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not Path(C_TOOL).exists(), reason="apt-get install ipvsadm"),
]

# Where ours differs on purpose; docs/ipvsadm-compatibility.md says why.
OWN_WORDS = {"-v", "-v -L", "-h", "-h foo"}


@pytest.fixture(scope="module")
def both() -> Iterator[Tools]:
    with both_tools() as made:
        yield made


@pytest.fixture
def tools(both: Tools) -> Tools:
    both.clear()
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
        "ipvsadm -A -t 1.1.1.1:9\n\n  \t\n-A   -t\t1.1.1.1:10\r\n-A -t 1.1.1.1:11",
        "-A -t 1.1.1.1:13\n-R\n-A -t 1.1.1.1:14\n",
        "foo\n",
        "foo -A -t 1.1.1.1:14\n",
        "ipvsadm\n-A -t 1.1.1.1:15\n",
        "-A -t 1.1.1.1:15\n-L -n -t 1.1.1.1:15\n-D -t 1.1.1.1:15\n-L -n -t 1.1.1.1:15\n",
        "-A -t 1.1.1.1:15\n-L -n -t 1.1.1.1:16\n-A -t 1.1.1.1:17\n",
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


@pytest.mark.parametrize("options", ["-L -n -c", "-L -c", "-L -n -c --persistent-conn"])
def test_the_same_list_of_connections_is_shown_alike(tools: Tools, options: str, tmp_path: Path) -> None:
    """Both read a list that is put in the place of the kernel's."""
    (tmp_path / "ip_vs_conn").write_text(CONNECTIONS)
    place = f"mount --bind {tmp_path} /proc/$$/net && exec"
    ours = f"env PYTHONPATH={SOURCE} {sys.executable} -m piranha.cli.ipvsadm.entry"

    theirs, shown = (
        tools.ours.run(["unshare", "-m", "sh", "-c", f"{place} {tool} {options}"]) for tool in (C_TOOL, ours)
    )

    assert theirs == shown
    assert theirs.count("\n") == 8


def test_generated_commands_have_the_same_answers_and_leave_the_same_table(tools: Tools) -> None:
    differences = []
    for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
        maker = CommandMaker(seed)
        for _ in range(COMMANDS_OF_A_SEED):
            words = maker.command()
            ours, theirs = tools.compare(words)
            if ours != theirs:
                differences.append(f"seed {seed}: ipvsadm {words}\n  ours:   {ours}\n  theirs: {theirs}")
        differences += _different_tables(tools, f"seed {seed}")
    assert not differences, "\n".join(differences)


def test_a_random_history_of_changes_leaves_the_same_table_after_each(tools: Tools) -> None:
    """Both get it as rules, each change followed by two listings of the table."""
    differences = []
    for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
        tools.clear()
        maker = CommandMaker(seed)
        lines = [line for _ in range(CHANGES_OF_A_SEED) for line in (maker.change(), "-S -n", maker.listing())]
        ours, theirs = tools.compare(["-R"], "".join(f"{line}\n" for line in lines))
        assert ours.status == 0, f"seed {seed}: a mistake of usage ended it"
        if ours != theirs:
            differences.append(f"seed {seed}\n  ours:   {ours}\n  theirs: {theirs}")
        differences += _different_tables(tools, f"seed {seed}")
    assert not differences, "\n".join(differences)


def _different_tables(tools: Tools, what: str) -> list[str]:
    listings = ("-S -n", "-S", "-L -n", "-Ln --thresholds", "-Ln --tun-info", "-Ln --nosort", "-L --timeout")
    ours, theirs = tools.compare(["-R"], "\n".join(listings))
    if ours == theirs:
        return []
    tools.clear()
    return [f"{what}: the table\n  ours:   {ours}\n  theirs: {theirs}"]
