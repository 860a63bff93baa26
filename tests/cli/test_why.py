"""`piranha why` and `piranha events`: the story from the records, also of dead daemons."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.cli.answers import ADDED, by_hand, leaving, lvsd, partner, pulse, server, virtual

from piranha.cli import events, why
from piranha.cli.names import subjects
from piranha.cli.standing import outlook, server_now, stands
from piranha.cli.story import belongs
from piranha.control.server import ControlServer, Peer
from piranha.events.event import Event, Level
from piranha.events.record import Recorder

SOURCE = Path(__file__).parents[2] / "src"
NOON = time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder whose daemons are dead and have left their records."""
    state = tmp_path / "state"
    state.mkdir()
    ticks = iter(range(100))
    lvsd_records = Recorder(state / "lvsd-events.jsonl", wall_clock=lambda: NOON + next(ticks))
    lvsd_records.record_all(
        [
            Event(
                when_s=1,
                subject="www/web1",
                message="[ active ] making 10.0.0.1:80 available",
                before="unknown",
                after="up",
                rule="first check",
                cause="connect: accepted",
            ),
            Event(
                when_s=2,
                subject="www/web2",
                message="[ active ] making 10.0.0.2:80 available",
                before="unknown",
                after="up",
            ),
            Event(
                when_s=3,
                subject="www/web1",
                message="[inactive] shutting down 10.0.0.1:80 due to connection failure",
                before="up",
                after="down",
                rule="fall = 2",
                cause="connect: no answer in 2000 ms",
                level=Level.WARNING,
            ),
            Event(when_s=4, subject="config", message="rereading configuration file", cause="SIGHUP"),
        ]
    )
    lvsd_records.close()
    pulse_records = Recorder(state / "pulse-events.jsonl", wall_clock=lambda: NOON + 30)
    pulse_records.record(
        Event(
            when_s=9,
            subject="router",
            message="partner dead: activating lvs",
            before="standby",
            after="active",
            rule="deadtime = 6",
        )
    )
    pulse_records.close()
    return tmp_path


def told(folder: Path, *words: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert why.main([*words, "--run-dir", str(folder)]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_story_of_a_server_has_rule_and_cause(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(folder, "www/web1", capsys=capsys)
    assert lines[0].endswith("www/web1: [ active ] making 10.0.0.1:80 available  unknown -> up")
    assert lines[1].strip() == "connect: accepted (first check)"
    assert lines[2].endswith("due to connection failure  up -> down")
    assert lines[3].strip() == "connect: no answer in 2000 ms (fall = 2)"
    assert len(lines) == 4


def test_the_story_of_a_virtual_server_is_that_of_its_servers_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any("10.0.0.2:80" in line for line in told(folder, "www", capsys=capsys))


def test_vip_and_router_tell_who_was_active(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("vip", "router", "partner"):
        assert "partner dead: activating lvs" in told(folder, name, capsys=capsys)[0]


def test_config_tells_of_reloads(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(folder, "config", capsys=capsys)[1].strip() == "SIGHUP"


def test_the_story_can_end_at_a_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(folder, "www/web1", "--at", "2026-11-22 12:00:01", capsys=capsys)
    assert len(lines) == 2


def test_only_the_last_records_are_told_and_the_others_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(folder, "www", "--limit", "1", capsys=capsys)
    assert "[inactive]" in lines[0]
    assert lines[-1] == "  2 earlier records (--limit shows more)"


def test_a_limit_of_none_counts_the_records_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(folder, "www", "--limit", "0", capsys=capsys) == ["  3 earlier records (--limit shows more)"]


def test_json_has_one_object_a_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = json.loads("".join(told(folder, "www/web1", "--json", capsys=capsys)))
    assert [(one["daemon"], one["after"]) for one in said] == [("lvsd", "up"), ("lvsd", "down")]


def test_an_unknown_name_gets_the_nearest_ones(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert why.main(["www/web9", "--run-dir", str(folder)]) == 1
    assert capsys.readouterr().err.startswith("piranha: no such name: www/web9; near: www/web")


def test_a_folder_without_records_is_status_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert why.main(["www", "--run-dir", str(tmp_path)]) == 3
    assert events.main(["--run-dir", str(tmp_path)]) == 3
    assert capsys.readouterr().err.count("no record can be read") == 2


def test_events_of_both_daemons_come_in_the_order_of_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert events.main(["--run-dir", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in lines] == ["lvsd"] * 4 + ["pulse"]
    assert lines[-1].endswith('partner dead: activating lvs: subject=router from=standby to=active rule="deadtime = 6"')


@pytest.mark.slow
def test_events_can_be_followed(tmp_path: Path) -> None:
    recorder = Recorder(None)
    recorder.record(Event(when_s=1, subject="www", message="old"))

    async def answer(args: Mapping[str, object], _peer: Peer) -> object:
        return recorder.answer(args)

    async def follow() -> list[bytes]:
        server = ControlServer(tmp_path / "lvsd.sock", {"events": answer})
        await server.start()
        words = ["-m", "piranha.cli.main", "events", "--follow", "--run-dir", str(tmp_path)]
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        process = await asyncio.create_subprocess_exec(sys.executable, *words, env=environment, stdout=-1)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(20):
                first = await process.stdout.readline()
                recorder.record(Event(when_s=2, subject="www", message="new"))
                return [first, await process.stdout.readline()]
        finally:
            process.terminate()
            await process.wait()
            await server.close()

    old, new = asyncio.run(follow())
    assert old.endswith(b"lvsd   old: subject=www\n")
    assert new.endswith(b"lvsd   new: subject=www\n")


def test_a_server_that_is_down_is_told_with_what_brings_it_back() -> None:
    says = lvsd(virtual("www", server("web1", "down")))
    [line] = server_now("www/web1", says, lambda at_s: f"{at_s:.0f}", 1000.0)
    assert line == "www/web1 (10.11.12.21:8443) is DOWN since 756, 4m04s (lvs.cf line 58)"
    assert outlook("www/web1", says) == [
        "  last check 0.7s ago: connect: accepted (connect 0.3 ms)",
        "Back in after 15 s of good checks (reentry = 15, rise = 1).",
    ]


def about(subject: str, message: str = "", *facts: tuple[str, str]) -> Event:
    return Event(when_s=1, subject=subject, message=message, facts=facts)


def test_names_choose_their_subjects() -> None:
    assert belongs(about("www/web1"), ["www"])
    assert not belongs(about("www2"), ["www"])
    assert belongs(about("vip 192.0.2.10"), ["vip"])
    assert not belongs(about("config"), ["vip"])


def test_every_change_of_the_table_belongs_to_its_story() -> None:
    assert belongs(about("www/web1", "table repaired"), ["table"])
    assert belongs(about("www/web1", "server added to the table", ("service", "tcp 192.0.2.10:80")), ["table"])
    assert belongs(about("www", "change of the table refused", ("change", "add service")), ["table"])
    assert not belongs(about("www/web1", "[ active ] making 10.0.0.1:80 available"), ["table"])


def test_a_failed_check_is_told_before_it_counts() -> None:
    refused = {"reason": "refused", "detail": "connect: refused", "age_s": 0.4}
    says = lvsd(virtual("www", server("web1", "falling 1/2", last_check=refused, last_failure=refused, disagreeing=1)))
    assert outlook("www/web1", says) == [
        "  last check 0.4s ago: connect: refused",
        "Out after 2 failed checks in a row (fall = 2); 1 of 2 so far.",
    ]


def test_a_check_that_is_shared_names_some_of_those_it_counts_for() -> None:
    checked, others = {"reason": "ok", "detail": "connect: accepted", "age_s": 0.4}, [f"v{n}/web1" for n in range(5)]
    says = lvsd(virtual("www", server("web1", last_check=checked, shares_checks_with=others)))
    assert outlook("www/web1", says)[1] == (
        "  that check is run once, also for v0/web1, v1/web1, v2/web1 and 2 more (share_checks = 1)"
    )


def test_a_weight_that_a_check_says_is_told_beside_that_of_the_file() -> None:
    says = lvsd(virtual("www", server("web1", weight_by_check=50, configured_weight=100)))
    assert "Weight 50 by its check (weight_from); weight = 100 in lvs.cf." in outlook("www/web1", says)


def test_a_failed_check_that_did_not_count_is_remembered() -> None:
    refused = {"reason": "refused", "detail": "connect: refused", "age_s": 75.0}
    says = lvsd(virtual("www", server("web1", last_failure=refused)))
    assert "  last failed check 1m15s ago: connect: refused" in outlook("www/web1", says)


def now(name: str, says_pulse: dict[str, object], says_lvsd: dict[str, object] | None = None) -> list[str]:
    return stands(name, says_pulse, says_lvsd or {}, lambda at_s: f"{at_s:.0f}", 1000.0)


def test_a_router_stands_with_the_reason_of_its_role() -> None:
    says = pulse(since_s=100.0, why="partner dead: activating lvs", not_ready=["nannies fail"])
    assert now("router", says) == [
        "primary (this router) is ACTIVE since 900, 1m40s: partner dead: activating lvs",
        "  not ready: nannies fail",
    ]


def test_a_drained_server_stands_with_what_brings_it_back() -> None:
    says = lvsd(virtual("www", server("web1", "drain", drained_by="/m/web1", drained_s=61.0)))
    assert "Gets no new connections for as long as /m/web1 is there (maintenance_dir)." in outlook("www/web1", says)


def test_a_weight_set_by_hand_stands_with_what_ends_it() -> None:
    says = lvsd(virtual("www", server("web1", weight=3, **by_hand(3)), added_by_hand=[ADDED]))
    assert outlook("www/web1", says)[1:3] == [
        "Weight 3 by hand for 1m01s (10 in lvs.cf), 41 connections: foreign_edits = adopt keeps it.",
        "It ends when the weight of lvs.cf is set with ipvsadm, or with: piranha repair",
    ]
    assert now("www/10.9.9.9:80", {}, says) == [
        "www/10.9.9.9:80 is not in lvs.cf: added by hand 1m00s ago with weight 5, not checked, 7 connections"
    ]
    assert subjects("10.9.9.9", {}, says) == ["www/10.9.9.9:80"]


def test_a_server_that_leaves_stands_with_its_time_and_is_a_name() -> None:
    says = lvsd(virtual("www", server("web1"), leaving=[leaving("web2")]))
    where = "www/web2 (10.11.12.22:8443) is LEAVING"
    assert now("www/web2", {}, says) == [f"{where}: not in lvs.cf; leaves within 4m00s, 41 connections"]
    assert subjects("10.11.12.22", {}, says) == ["www/web2"]


def test_a_partner_stands_as_it_was_heard() -> None:
    assert now("partner", pulse()) == [
        "backup (the partner) is STANDBY, ready; heard on public 0.4s ago, private 0.4s ago"
    ]
    silent = pulse(partner=partner(alive=False, age_s=30.0, role="active"))
    assert now("partner", silent) == ["backup (the partner) is UNKNOWN since 970, 30s; it was ACTIVE"]
    assert now("partner", pulse(partner=None, uptime_s=70.0)) == [
        "the partner was never heard since pulse started, 1m10s ago"
    ]


def test_a_vip_stands_where_it_is() -> None:
    assert now("vip 192.0.2.10", pulse()) == ["192.0.2.10 is on primary (this router), eth0, lease 2.4 of 3 s"]
    standby = pulse(role="standby", partner=partner(role="active"), vips=[{"address": "192.0.2.10", "held": False}])
    assert now("vip", standby) == ["192.0.2.10 is on backup (the partner, which says that it is active)"]
    dead = pulse(links=[{"device": "eth0", "up": True, "carrier": False}])
    assert now("vip", dead)[0].endswith("; no carrier: nobody can reach it")


def test_configuration_and_table_stand_with_what_was_refused() -> None:
    refused = {"path": "/etc/piranha/lvs.cf", "findings": ["line 14: unknown scheduler"], "age_s": 180.0}
    assert now("config", pulse(file="/etc/piranha/lvs.cf", refused_file=refused)) == [
        "generation 3, serial 42, of /etc/piranha/lvs.cf",
        "  the file as it is now was refused 3m00s ago:",
        "  line 14: unknown scheduler",
    ]
    assert now("table", {}, lvsd(table_equal=True, table_age_s=4.0)) == [
        "the table is what file and health ask for, read 4.0s ago"
    ]
    assert now("table", {}, lvsd(table_equal=False, table_age_s=4.0, refused_changes=["add x: ENOENT"])) == [
        "the table is not what the file asks for, read 4.0s ago: 1 change refused",
        "add x: ENOENT",
    ]


def test_lvsd_and_its_nannies_stand_with_what_ails_them() -> None:
    assert now("lvsd", {}, lvsd(pid=7, uptime_s=70.0)) == ["lvsd is process 7, runs for 1m10s, ready"]
    assert now("lvsd", {}, lvsd(pid=7, uptime_s=70.0, not_ready=["nannies fail"])) == [
        "lvsd is process 7, runs for 1m10s, not ready:",
        "  nannies fail",
    ]
    nannies = {"processes": 1, "checks": 3, "age_s": 0.4, "trouble": None}
    assert now("nanny", {}, lvsd(nannies=nannies)) == ["3 checks in 1 process, heard 0.4s ago"]
    fewer = now("nanny", {}, lvsd(nannies=nannies | {"asked": 40}))
    assert fewer == ["3 checks in 1 process for 40 that are asked for (share_checks = 1), heard 0.4s ago"]
    failing = nannies | {"trouble": "nannies fail: 3 times within 60 s"}
    assert now("nanny", {}, lvsd(nannies=failing))[1] == "  nannies fail: 3 times within 60 s"


def test_what_follows_a_clock_that_was_set_back_is_told_after_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    wall, monotonic = iter((NOON + 7200, NOON, NOON + 1)), iter((100.0, 101.0, 102.0))
    recorder = Recorder(
        state / "lvsd-events.jsonl", wall_clock=lambda: next(wall), monotonic=lambda: next(monotonic), boot="one"
    )
    for when_s, message in enumerate(("first", "second", "third"), 100):
        recorder.record(Event(when_s=when_s, subject="www", message=message))
    recorder.close()
    lines = told(tmp_path, "www", capsys=capsys)
    words = [next(word for word in ("first", "set back", "second", "third", "by_s") if word in line) for line in lines]
    assert words == ["first", "set back", "by_s", "second", "third"]


def test_what_others_wrote_cannot_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").mkdir()
    evil = "\x1b[2J"
    recorder = Recorder(tmp_path / "state" / "lvsd-events.jsonl")
    recorder.record(Event(when_s=1, subject="www", message=evil, before=evil, after=evil, rule=evil, cause=evil))
    recorder.close()
    for words in (["www"], ["www", "--json"], ["\x1b[2J"]):
        why.main([*words, "--run-dir", str(tmp_path)])
    events.main(["--run-dir", str(tmp_path)])
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err


@pytest.mark.parametrize("words", [["--at", "yesterday"], ["--at", "25:99"], ["--limit", "-1"], ["--limit", "few"]])
def test_what_is_no_time_or_no_number_is_one_line_and_wrong_usage(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        why.main(["www", *words, "--run-dir", str(folder)])
    assert ended.value.code == 64
    err = capsys.readouterr().err
    assert err.startswith(f"piranha why: argument {words[0]}: {words[1]}: not a ") and err.count("\n") == 1


@pytest.mark.parametrize("number", ["-1", "few"])
def test_a_limit_of_events_that_is_no_number_is_wrong_usage(
    folder: Path, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        events.main(["--limit", number, "--run-dir", str(folder)])
    assert ended.value.code == 64
    expected = f"piranha events: argument --limit: {number}: not a number from 0 on; see piranha events --help\n"
    assert capsys.readouterr().err == expected


def test_why_a_virtual_server_with_a_mark_says_who_sets_it() -> None:
    marks = {
        "firewall": "nftables",
        "place": "tables ip piranha and ip6 piranha",
        "virtuals": ["www"],
        "age_s": 12.0,
        "set": True,
    }
    www = virtual("www", server("web1"))

    def told(**more: object) -> list[str]:
        return server_now("www", lvsd(www, mark_rules=marks | more), lambda at_s: f"{at_s:.0f}", 1000.0)[1:]

    assert told() == ["  lvsd marks its packets: tables ip piranha and ip6 piranha of nftables, read 12s ago"]
    assert told(trouble="iptables is not installed", set=False) == [
        "  its packets are not marked: iptables is not installed (mark_rules = 1)"
    ]
    assert told(virtuals=["shop"]) == []


def test_why_a_virtual_server_behind_nat_says_that_the_machine_does_not_forward() -> None:
    says = lvsd(virtual("www", server("web1"), not_forwarded={"setting": "net.ipv4.ip_forward", "whole": True}))

    assert server_now("www", says, lambda at_s: f"{at_s:.0f}", 1000.0) == [
        "www (tcp 192.0.2.10:443): 1 of 1 servers up",
        "  net.ipv4.ip_forward is 0: nothing comes through from real servers behind NAT (ip_forward = 1)",
    ]


def test_why_a_virtual_server_that_the_kernel_refuses_says_so_first() -> None:
    refused = "add service tcp 192.0.2.10:443: scheduler twos is not available: module ip_vs_twos is missing"
    away = virtual("www", server("web1"), in_table=[False])
    says = lvsd(away, refused_changes=[refused, "add service tcp 192.0.2.10:44: another"])

    assert server_now("www", says, str, 1000.0) == [
        "www (tcp 192.0.2.10:443): 1 of 1 servers up",
        "  tcp 192.0.2.10:443 is not in the table: clients are refused",
        f"  refused by the kernel: {refused}",
    ]
    standby = lvsd({**away, "cold": True})
    assert server_now("www", standby, str, 1000.0) == ["www (tcp 192.0.2.10:443): 1 of 1 servers up"]


def test_the_kernel_stands_with_the_settings_that_the_file_names() -> None:
    kernel = {
        "settings": {"net.ipv4.vs.conntrack": "1"},
        "refused": [{"setting": "net.ipv4.vs.sloppy_tcp", "why": "this kernel has no such setting"}],
    }
    assert now("kernel", {}, lvsd(kernel=kernel)) == [
        "net.ipv4.vs.conntrack is 1, lvs.cf names it",
        "net.ipv4.vs.sloppy_tcp is refused: this kernel has no such setting",
    ]
    assert now("kernel", {}, lvsd(kernel={})) == ["lvs.cf names no setting of the kernel"]
