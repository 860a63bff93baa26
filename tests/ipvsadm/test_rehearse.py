"""`ipvsadm -R --dry-run` and `ipvsadm --diff`: what rules would change, while nothing does."""

import json
from pathlib import Path

import pytest
from tests.ipvsadm.fake_ipvs import FakeIpvs

from piranha.cli.ipvsadm.addresses import Lookup
from piranha.cli.ipvsadm.draft import UsageError
from piranha.cli.ipvsadm.grammar import parse
from piranha.cli.ipvsadm.rehearse import rehearse
from piranha.kernel.ipvs import SyncDaemon
from piranha.table.rules import print_rules

NOBODY = Lookup(host=lambda _: None, port=lambda _, __: None)
LIVE = """\
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 1
-A -f 7 -s rr
"""


def asked(command: str, rules: str, kernel: FakeIpvs | None = None) -> int:
    """The exit status of a command that reads `rules`, on a kernel that it must leave as it was."""
    kernel = kernel or FakeIpvs(LIVE)
    before = print_rules(kernel.kernel.services), kernel.times, list(kernel.running)
    try:
        return rehearse(kernel, parse(command.split(), NOBODY), "ipvsadm", rules.encode().splitlines(keepends=True))
    finally:
        assert (print_rules(kernel.kernel.services), kernel.times, kernel.running) == before
        assert kernel.batches == []


def test_a_dry_run_says_what_the_commands_would_change(capsys: pytest.CaptureFixture[str]) -> None:
    rules = "-e -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 5 # more\n-A -u 192.0.2.10:53\n-D -f 7\n"

    assert asked("-R --dry-run", rules) == 1
    assert capsys.readouterr().out == (
        "-e -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 5  # weight 1 -> 5\n-A -u 192.0.2.10:53 -s wlc\n-D -f 7\n"
    )


def test_a_dry_run_that_would_change_nothing_has_status_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("-R --dry-run", "-D -f 7\n-A -f 7 -s rr\n-L -n\n-S\n") == 0
    assert capsys.readouterr() == ("", "")


def test_a_dry_run_names_what_would_be_refused_and_shows_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    rules = "-A -f 7\n-A -f 8\n-d -f 8 -r 10.0.0.9\n-e -f 9 -r 10.0.0.9\n-a -f 8 -r 10.0.0.9 -y 5\n-Z -f 9\n"

    assert asked("-R --dry-run", rules) == 255
    told = capsys.readouterr()
    assert told.out == "-A -f 8 -s wlc\n"
    assert told.err == (
        "line 1: Service already exists\nline 3: No such destination\nline 4: Service not defined\n"
        "line 5: Numerical result out of range\nline 6: No such service\n"
    )


def test_a_dry_run_shows_what_a_mistake_would_leave_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="line 2: Illegal 'weight' option") as caught:
        asked("-R --dry-run", "-A -f 8\n-A -f 9 -w 5\n-A -f 10\n")

    assert caught.value.status == 2
    assert capsys.readouterr().out == "-A -f 8 -s wlc\n"


def test_a_dry_run_tells_orders_beside_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs(LIVE)
    kernel.running = [SyncDaemon(sender=False, interface="eth1")]
    rules = "--set 0 0 300\n--set 0 60 0\n-Z -f 7\n-Z\n--start-daemon master --mcast-ttl 3\n--stop-daemon backup\n"

    assert asked("-R --dry-run", rules, kernel) == 1
    assert capsys.readouterr().out.splitlines() == [
        "--set 900 60 300",
        "-Z -f 7",
        "-Z",
        "--start-daemon master --mcast-interface eth0 --syncid 0 --mcast-ttl 3",
        "--stop-daemon backup",
    ]
    assert asked("-R --dry-run", "--start-daemon backup\n", kernel) == 255
    assert asked("-R --dry-run", "--stop-daemon master\n", kernel) == 255


@pytest.mark.parametrize("command", ["--diff", "--diff -", "-R --diff", "-R --diff=-"])
def test_a_diff_takes_the_rules_for_the_whole_table(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    rules = "-C\n-A -t 192.0.2.10:80 -s wlc\n-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m\n"

    assert asked(command, rules) == 1
    assert capsys.readouterr().out == (
        "-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m -w 1\n-d -t 192.0.2.10:80 -r 10.0.0.1:80\n-D -f 7\n"
    )


def test_a_diff_reads_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "rules"
    saved.write_text(LIVE)

    assert asked(f"--diff {saved}", "what stdin has does not matter\n") == 0
    assert capsys.readouterr() == ("", "")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        asked(f"--diff {tmp_path}/none", "")

    assert (caught.value.status, str(caught.value)) == (2, f"ipvsadm: {tmp_path}/none: No such file or directory")


@pytest.mark.parametrize(
    ("rules", "status", "words"),
    [
        ("-A -f 7 -w 5\n", 2, "line 1: Illegal 'weight' option with the 'add-service' command"),
        (
            "-A -f 7\nhello\n",
            255,
            "line 2: 'hello' is no command here: Try `ipvsadm -h' or 'ipvsadm --help' for more information.",
        ),
        ("-A -f 7\n--set 1 2 3\n", 2, "--diff compares services and servers only: --set 1 2 3"),
        ("-A -f 7\n--start-daemon master\n", 2, "--diff compares services and servers only: --start-daemon master"),
    ],
)
def test_a_diff_of_rules_with_a_mistake_shows_nothing(
    rules: str, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        asked("--diff", rules)

    assert caught.value.status == status
    assert str(caught.value).startswith(words)
    assert capsys.readouterr().out == ""


def test_a_diff_of_rules_that_contradict_each_other_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("--diff", "-A -f 7\n-A -f 7\n") == 255
    assert capsys.readouterr() == ("", "line 2: Service already exists\n")


def test_changes_are_also_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    rules = "-e -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 5\n-D -f 7\n--set 1 0 0\n"

    assert asked("-R --dry-run --json", rules) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["orders"] == ["--set 1 120 300"]
    edit, removal = told["changes"]
    assert {name: edit[name] for name in ("change", "service", "server", "rule")} == {
        "change": "edit server 10.0.0.1:80 of tcp 192.0.2.10:80",
        "service": "tcp 192.0.2.10:80",
        "server": "10.0.0.1:80",
        "rule": "-e -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 5",
    }
    assert (edit["before"]["weight"], edit["after"]["weight"]) == (1, 5)
    assert (removal["server"], removal["before"]["scheduler"], removal["after"]) == (None, "rr", None)


def test_no_change_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("--diff --json", LIVE) == 0
    assert json.loads(capsys.readouterr().out) == {"orders": [], "changes": []}
