"""`ipvsadm -R`: many commands from stdin, sent in batches, with the C tool's idea of a mistake."""

from io import BytesIO
from ipaddress import IPv4Address
from itertools import islice

import pytest
from tests.ipvsadm.fake_ipvs import FakeIpvs

from piranha.cli.ipvsadm.draft import UsageError
from piranha.cli.ipvsadm.grammar import VersionAsked
from piranha.cli.ipvsadm.session import LONGEST_LINE, Session, lines_of
from piranha.cli.ipvsadm.showing import Showing
from piranha.table.rules import print_rules
from piranha.table.service import AddressMatch, ServiceKey
from piranha.terms import Protocol


def restore(kernel: FakeIpvs, text: str) -> int:
    lines = text.encode().splitlines(keepends=True)
    return Session(kernel, Showing(kernel), "ipvsadm").restore(lines)


def www(port: int) -> ServiceKey:
    return ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), port))


def test_rules_are_carried_out_and_saved_as_they_were() -> None:
    kernel = FakeIpvs()
    rules = "-A -t 192.0.2.10:80 -s wlc\n-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 5\n-A -f 7 -6 -s rr -p 360\n"

    assert restore(kernel, rules) == 0
    assert print_rules(kernel.kernel.services) == rules


def test_blanks_empty_lines_and_the_programs_name_are_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs()

    assert restore(kernel, "ipvsadm -A  -t\t192.0.2.10:1\r\n\n  \t\nipvsadm\n-A -t 192.0.2.10:2") == 0
    assert set(kernel.kernel.services) == {www(1), www(2)}
    assert capsys.readouterr().err == ""


def test_what_the_kernel_refuses_is_told_and_the_rest_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs()

    assert restore(kernel, "-A -t 192.0.2.10:1\n-A -t 192.0.2.10:1\n-D -t 192.0.2.10:9\n-A -t 192.0.2.10:2\n") == 0
    assert capsys.readouterr().err == "line 2: Service already exists\nline 3: No such service\n"
    assert set(kernel.kernel.services) == {www(1), www(2)}


def test_services_of_sctp_are_remembered_for_a_kernel_that_takes_them_and_balances_none() -> None:
    for rules, sctp in (("-A -t 192.0.2.10:1", False), ("-A -t 192.0.2.10:1\n-A --sctp-service 192.0.2.10:1", True)):
        session = Session(kernel := FakeIpvs(), Showing(kernel), "ipvsadm")
        session.restore(rules.encode().splitlines())
        assert session.sctp is sctp


def test_the_status_is_that_of_the_last_line() -> None:
    assert restore(FakeIpvs(), "-A -t 192.0.2.10:1\n-A -t 192.0.2.10:1\n") == 255
    assert restore(FakeIpvs(), "-A -t 192.0.2.10:1 --bogus\n") == 255
    assert restore(FakeIpvs(), "-A -t 192.0.2.10:1 --bogus\n-A -t 192.0.2.10:1\n") == 0
    assert restore(FakeIpvs(), "") == 0


@pytest.mark.parametrize(("line", "status"), [("-A -t 192.0.2.10:2 -w 5", 2), ("hello", 255), ("-R", 255)])
def test_a_line_that_is_no_command_ends_it_and_what_came_before_stays(line: str, status: int) -> None:
    kernel = FakeIpvs()

    with pytest.raises(UsageError) as caught:
        restore(kernel, f"-A -t 192.0.2.10:1\n{line}\n-A -t 192.0.2.10:3\n")

    assert caught.value.status == status
    assert str(caught.value).startswith("line 2: ")
    assert set(kernel.kernel.services) == {www(1)}


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b"hello -t 1", "'hello'"),
        (b"-R", "'-R'"),
        (b"\xff\xfe-\0A\0", r"'\xff\xfe-\x00A\x00'"),
        (b"x" * 99, f"'{'x' * 40}'"),
    ],
)
def test_a_line_that_is_no_command_is_named_by_its_first_word(line: bytes, word: str) -> None:
    kernel = FakeIpvs()
    with pytest.raises(UsageError) as caught:
        Session(kernel, Showing(kernel), "ipvsadm").restore([b"# rules\n", line])
    said = f"line 2: {word} is no command here: Try `ipvsadm -h' or 'ipvsadm --help' for more information."
    assert str(caught.value) == said


def test_a_byte_order_mark_is_passed_over_where_files_begin() -> None:
    kernel = FakeIpvs()
    assert restore(kernel, "\ufeff-A -t 192.0.2.10:1\n\ufeff-A -t 192.0.2.10:2\n\ufeff# rules\n\ufeff\n") == 0
    assert set(kernel.kernel.services) == {www(1), www(2)}


def test_asking_for_the_version_ends_it_after_what_came_before() -> None:
    kernel = FakeIpvs()

    with pytest.raises(VersionAsked):
        restore(kernel, "-A -t 192.0.2.10:1\n-v\n")

    assert set(kernel.kernel.services) == {www(1)}


def test_a_word_that_popt_cannot_read_is_told_and_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs()

    restore(kernel, "-A -t 192.0.2.10:1\n-A -t 192.0.2.10:2 --bogus\n-A -t 192.0.2.10:3\n")

    assert capsys.readouterr().err == "line 2: --bogus: unknown option\n"
    assert set(kernel.kernel.services) == {www(1), www(3)}


def test_a_line_without_end_is_no_rule_and_fills_no_memory() -> None:
    kernel = FakeIpvs()
    with open("/dev/zero", "rb") as zeros, pytest.raises(UsageError) as caught:  # noqa: PTH123
        Session(kernel, Showing(kernel), "ipvsadm").restore([b"-A -t 192.0.2.10:1\n", *islice(lines_of(zeros), 1)])
    assert (str(caught.value), caught.value.status) == ("line 2: longer than 65536 bytes, so these are no rules", 2)
    assert set(kernel.kernel.services) == {www(1)}


def test_the_longest_line_is_read() -> None:
    kernel = FakeIpvs()
    line = b"-A -t 192.0.2.10:1 #".ljust(LONGEST_LINE - 1, b"-") + b"\n"
    rules = BytesIO(line + b"-A -t 192.0.2.10:2")
    assert Session(kernel, Showing(kernel), "ipvsadm").restore(lines_of(rules)) == 0
    assert set(kernel.kernel.services) == {www(1), www(2)}


def test_comments_are_passed_over_and_lines_are_counted_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs()
    text = "# all of it\n-A -t 192.0.2.10:1 # web\n\n  # -A -t 192.0.2.10:2\n-D -t 192.0.2.10:3 #gone\n"

    assert restore(kernel, text) == 255
    assert capsys.readouterr().err == "line 5: No such service\n"
    assert set(kernel.kernel.services) == {www(1)}


def test_a_refused_change_is_named_by_its_own_line_also_in_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs()

    restore(kernel, "-A -t 192.0.2.10:1\n\n-A -t 192.0.2.10:1\n-A -t 192.0.2.10:2\n-L -t 192.0.2.10:7 -n\n-C\n")

    assert capsys.readouterr().err == "line 3: Service already exists\nline 5: No such service\n"
    assert set(kernel.kernel.services) == {www(1), www(2)}  # a listing that fails ends it


def test_changes_are_sent_in_large_batches() -> None:
    kernel = FakeIpvs()

    restore(kernel, "".join(f"-A -t 192.0.2.10:{port}\n" for port in range(1, 601)))

    assert kernel.batches == [256, 256, 88]
    assert len(kernel.kernel.services) == 600


def test_other_commands_stand_where_they_are_among_changes(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs("-A -t 192.0.2.10:9\n")
    text = "-A -t 192.0.2.10:1\n-S -n\n-C\n-A -t 192.0.2.10:2\n-L -n -t 192.0.2.10:2\n--set 1 2 3\n-L --timeout\n"

    assert restore(kernel, text) == 0
    assert capsys.readouterr().out == (
        "-A -t 192.0.2.10:1 -s wlc\n"
        "-A -t 192.0.2.10:9 -s wlc\n"
        "Prot LocalAddress:Port Scheduler Flags\n"
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
        "TCP  192.0.2.10:2 wlc\n"
        "Timeout (tcp tcpfin udp): 1 2 3\n"
    )


def test_a_listing_of_what_is_not_there_has_status_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert restore(FakeIpvs(), "-L -t 192.0.2.10:1\n") == 1
    assert capsys.readouterr().err == "line 1: No such service\n"


def test_sync_daemons_are_started_listed_and_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs()

    assert restore(kernel, "--start-daemon backup --syncid 5\n--start-daemon master\n-L --daemon\n") == 0
    assert capsys.readouterr().out == (
        "master sync daemon (mcast=eth0, syncid=0)\nbackup sync daemon (mcast=eth0, syncid=5)\n"
    )
    assert restore(kernel, "--stop-daemon backup\n--stop-daemon master\n") == 0
    assert restore(kernel, "--stop-daemon master\n") == 255
    assert capsys.readouterr().err == "line 1: No daemon is running\n"
