"""How bad it is: what `piranha status` makes of the answers of both daemons."""

from typing import Any

import pytest
from tests.cli.answers import lvsd, partner, pulse, server, virtual

from piranha.cli.status_facts import _unconfirmed, judge, server_state, synchronised
from piranha.cli.verdict import Verdict

OK, DEGRADED, OUTAGE, UNKNOWN = Verdict.OK, Verdict.DEGRADED, Verdict.OUTAGE, Verdict.UNKNOWN


def judged(
    pulse_says: dict[str, Any] | None, lvsd_says: dict[str, Any] | None, expected: bool = True
) -> tuple[Verdict, list[str]]:
    verdict, findings = judge(pulse_says, lvsd_says, pulse_expected=expected)
    return verdict, [f"{one.mark} {one.subject}: {one.text}" for one in findings]


def test_state_that_cannot_be_written_is_a_fault() -> None:
    verdict, [finding] = judge(None, lvsd(state_trouble="/x: No space left on device"), pulse_expected=False)
    assert (verdict, finding.text) == (
        Verdict.DEGRADED,
        "state cannot be written: /x: No space left on device",
    )


def test_all_is_well() -> None:
    assert judged(pulse(), lvsd(virtual("www", server("web1")))) == (OK, [])


def test_an_lvsd_that_runs_alone_needs_no_pulse() -> None:
    assert judged(None, lvsd(virtual("www", server("web1"))), expected=False) == (OK, [])


def test_a_server_that_is_down_degrades() -> None:
    check = {"reason": "timeout", "detail": "connect: no answer in 2000 ms", "age_s": 0.7}
    www = virtual("www", server("web1"), server("web3", "down", last_check=check))
    assert judged(pulse(), lvsd(www)) == (DEGRADED, ["! www/web3: down 4m04s: connect: no answer in 2000 ms"])


def test_a_virtual_server_that_serves_nobody_is_an_outage() -> None:
    verdict, lines = judged(pulse(), lvsd(virtual("www", server("web1", "down"))))
    assert verdict is OUTAGE
    assert lines[0] == "! www: serves nobody: no real server is up"


def test_a_sorry_server_that_serves_degrades_only() -> None:
    verdict, lines = judged(pulse(), lvsd(virtual("www", server("web1", "down"), sorry=True)))
    assert verdict is DEGRADED
    assert "! www: only the sorry server serves" in lines


def test_a_service_that_is_not_in_the_table_is_an_outage() -> None:
    verdict, _ = judged(pulse(), lvsd(virtual("www", server("web1"), in_table=[False])))
    assert verdict is OUTAGE


@pytest.mark.parametrize(
    ("role", "whole", "verdict"),
    [("active", True, OUTAGE), ("", True, OUTAGE), ("standby", True, DEGRADED), ("active", False, DEGRADED)],
)
def test_nat_that_the_machine_does_not_forward_is_an_outage_where_it_serves(
    role: str, whole: bool, verdict: Verdict
) -> None:
    www = virtual("www", server("web1"), not_forwarded={"setting": "net.ipv4.ip_forward", "whole": whole})

    assert judged(None, lvsd(www, role=role), expected=False) == (
        verdict,
        ["! www: net.ipv4.ip_forward is 0: nothing comes through from real servers behind NAT (ip_forward = 1)"],
    )


MARKS = {
    "firewall": "nftables",
    "place": "tables ip piranha and ip6 piranha",
    "virtuals": ["www"],
    "age_s": 3.0,
    "set": True,
}


@pytest.mark.parametrize(
    ("role", "is_set", "verdict", "words"),
    [
        ("active", False, OUTAGE, "its packets are not marked"),
        ("standby", False, DEGRADED, "its packets are not marked"),
        ("active", True, DEGRADED, "its mark rules cannot be read back"),
    ],
)
def test_packets_that_are_not_marked_are_an_outage_where_they_would_be_served(
    role: str, is_set: bool, verdict: Verdict, words: str
) -> None:
    marks = MARKS | {"trouble": "iptables is not installed", "set": is_set}

    assert judged(None, lvsd(virtual("www", server("web1")), role=role, mark_rules=marks), expected=False) == (
        verdict,
        [f"! www: {words}: iptables is not installed"],
    )


def test_mark_rules_that_were_put_back_are_a_note() -> None:
    marks = MARKS | {"trouble": "", "repaired": [{"what": "www: tcp 192.0.2.10:80 put back", "age_s": 12.0}]}
    assert judged(pulse(), lvsd(virtual("www", server("web1")), mark_rules=marks)) == (
        OK,
        ["i table: mark rules repaired 12s ago: www: tcp 192.0.2.10:80 put back"],
    )


def test_a_table_that_was_not_read_for_the_answer_is_shown_with_its_age() -> None:
    www = virtual("www", server("web1"))
    assert judged(pulse(), lvsd(www, table_age_s=0.9)) == (OK, [])
    assert judged(pulse(), lvsd(www, table_age_s=12.0)) == (
        OK,
        ["i table: read 12s ago: the kernel is slow to show it"],
    )


def test_a_drained_server_and_a_repaired_table_are_notes() -> None:
    www = virtual("www", server("web1"), server("web2", "drain", weight=0))
    verdict, lines = judged(pulse(), lvsd(www, overruled=[{"what": "tcp 192.0.2.10:443 was removed", "age_s": 2.0}]))
    assert verdict is OK
    assert [line[0] for line in lines] == ["i", "i"]


def test_a_refused_file_and_refused_changes_degrade() -> None:
    refused = {"path": "/etc/piranha/lvs.cf", "findings": ["line 14: unknown scheduler", "line 20: x"], "age_s": 180}
    verdict, lines = judged(pulse(), lvsd(refused_file=refused, refused_changes=["add service mark 1: ENOENT"]))
    assert verdict is DEGRADED
    assert "! config: /etc/piranha/lvs.cf refused 3m00s ago: line 14: unknown scheduler and 1 more" in lines
    assert "! table: refused: add service mark 1: ENOENT" in lines


def test_a_daemon_that_does_not_answer_is_unknown_whatever_the_other_says() -> None:
    assert judged(None, lvsd())[0] is UNKNOWN
    assert judged(pulse(), None)[0] is UNKNOWN
    assert judged(None, None)[0] is UNKNOWN


def test_a_cold_standby_has_no_lvsd() -> None:
    standby = pulse(role="standby", standby="cold", partner=partner(role="active"), vips=[])
    assert judged(standby, None) == (OK, [])


@pytest.mark.parametrize(
    ("says", "verdict", "line"),
    [
        ({"role": "standby", "vips": []}, OUTAGE, "! router: no active router is heard"),
        ({"partner": partner(role="active")}, OUTAGE, "! router: both routers are active"),
        ({"partner": partner(ready=False, obstacle="table")}, DEGRADED, "! partner: the partner is not ready: table"),
        (
            {"partner": partner(alive=False, age_s=12.0)},
            DEGRADED,
            "! partner: the partner is not heard, last heartbeat 12s ago",
        ),
        ({"partner": None}, DEGRADED, "! partner: the partner was never heard"),
        (
            {"partner": partner(meaning="def")},
            DEGRADED,
            "! config: the routers run different configurations: apply one file on both",
        ),
        ({"warnings": ["no key"]}, DEGRADED, "! router: no key"),
        ({"not_ready": ["lvsd does not run"]}, DEGRADED, "! router: this router is not ready: lvsd does not run"),
        (
            {"vips": [{"address": "192.0.2.10", "held": False}]},
            OUTAGE,
            "! vip: 192.0.2.10 not held by the active router",
        ),
    ],
)
def test_what_is_wrong_between_the_routers(says: dict[str, Any], verdict: Verdict, line: str) -> None:
    found, lines = judged(pulse(**says), lvsd())
    assert (found, lines[0]) == (verdict, line)


def test_a_path_that_is_silent_is_named_while_another_one_delivers() -> None:
    paths = [{"name": "public", "age_s": 0.4, "alive": True}, {"name": "private", "age_s": 9.0, "alive": False}]
    verdict, lines = judged(pulse(paths=paths), lvsd())
    assert (verdict, lines[0].strip()) == (DEGRADED, "! partner: path private: silent for 9.0s")


def test_a_lone_router_misses_no_partner_even_if_its_file_still_names_one() -> None:
    paths = [{"name": "public", "age_s": None, "alive": False}]
    lone, _ = judged(pulse(paths=paths, partner=None, paired=False), lvsd())
    paired, _ = judged(pulse(paths=paths, partner=None, paired=True), lvsd())
    assert (lone, paired) == (OK, DEGRADED)


def test_a_check_older_than_three_intervals_says_nothing_any_more() -> None:
    def with_age(age_s: float) -> str:
        return server_state(server("web1", last_check={"detail": "ok", "age_s": age_s}))

    assert with_age(7.9) == "up"
    assert with_age(8.1) == "unknown since 8.1s ago"


def test_weight_0_by_a_check_is_a_note_and_one_that_keep_active_overrules_counts() -> None:
    check = {"reason": "ok", "detail": "program: exit status 2, weight 0", "age_s": 0.5}
    drained = server("web1", "drain", weight_by_check=0, active=3, last_check=check)
    kept = server("web1", "kept", weight_by_check=0, last_check=check)
    lines = [judged(pulse(), lvsd(virtuals=[virtual("www", one, server("web2"))]))[1][0] for one in (drained, kept)]
    assert lines == [
        "i www/web1: weight 0 by its check, 3 connections",
        "! www/web1: given weight 0 by its check, kept by keep_active: program: exit status 2, weight 0",
    ]


def test_a_server_that_this_router_cannot_check_is_named_whatever_is_believed() -> None:
    check = {"reason": "error", "detail": "source: this router does not have 10.0.0.9", "age_s": 0.5}
    web1 = server("web1", last_check=check)
    verdict, lines = judged(pulse(), lvsd(virtuals=[virtual("www", web1)]))
    assert (verdict, lines[0]) == (
        DEGRADED,
        "! www/web1: cannot be checked, believed up: source: this router does not have 10.0.0.9",
    )


def test_a_check_that_waits_for_the_summary_of_its_nanny_is_not_stale() -> None:
    fast = server("web1", interval_s=0.3, check_timeout_s=0.3, last_check={"detail": "ok", "age_s": 1.4})
    assert server_state(fast) == "up"


def test_answers_of_another_version_are_no_defect_here() -> None:
    odd = {"virtuals": [{"name": 7, "servers": "none"}, None], "not_ready": "x", "refused_file": 3}
    assert judged({"partner": 3, "vips": 1, "paths": None}, odd)[0] is OUTAGE


def test_a_change_that_waits_is_a_note_with_its_countdown_and_one_that_cannot_go_back_a_fault() -> None:
    waits = {"who": "alice, uid 0, process 7", "age_s": 17.0, "left_s": 43.2, "serial_no": 43, "back_to_serial_no": 42}
    assert [(one.mark, one.text) for one in _unconfirmed({"unconfirmed": waits})] == [
        ("i", "serial 43, applied by alice 17s ago, goes back to serial 42 in 43s (piranha confirm)")
    ]
    stuck = waits | {"going_back": "not confirmed within 60 s", "trouble": "lvs.cf: No space left on device"}
    assert [(one.mark, one.text) for one in _unconfirmed({"unconfirmed": stuck})] == [
        ("!", "serial 43 is being taken back: not confirmed within 60 s; lvs.cf: No space left on device")
    ]
    assert _unconfirmed({"unconfirmed": None}) == []


def test_a_refused_setting_of_the_kernel_degrades_and_one_put_right_is_a_note() -> None:
    kernel = {
        "refused": [{"setting": "net.ipv4.vs.conntrack", "why": "this kernel has no such setting"}],
        "overruled": [{"what": "net.ipv4.vs.sloppy_tcp was 0, is 1 again", "age_s": 61.0}],
    }
    verdict, lines = judged(pulse(), lvsd(virtual("www", server("web1")), kernel=kernel))
    assert verdict is DEGRADED
    assert lines == [
        "! kernel: net.ipv4.vs.conntrack cannot be set: this kernel has no such setting",
        "i kernel: put right 1m01s ago: net.ipv4.vs.sloppy_tcp was 0, is 1 again",
    ]


def sync(**more: Any) -> dict[str, Any]:
    shown = {"states": ["backup"], "interface": "eth1", "id": 7, "backup_only": "1", "lacking": [], "trouble": ""}
    return {"sync": {**shown, **more}}


def test_connections_that_are_not_synchronised_degrade_and_say_why() -> None:
    www = virtual("www", server("web1"))
    assert judged(pulse(), lvsd(www, kernel=sync())) == (OK, [])
    assert judged(pulse(), lvsd(www, kernel=sync(trouble="there is no interface eth7"))) == (
        DEGRADED,
        ["! kernel: connections are not synchronised: there is no interface eth7"],
    )
    goes_on = sync(trouble="there is no interface eth7", goes_on="sync daemon backup on eth1 with id 7")
    assert judged(pulse(), lvsd(www, kernel=goes_on)) == (
        DEGRADED,
        [
            "! kernel: connections are synchronised, but not as they should be: "
            "by sync daemon backup on eth1 with id 7: there is no interface eth7"
        ],
    )
    assert judged(pulse(), lvsd(www, kernel=sync(lacking=["syncd_port", "syncd_ttl"]))) == (
        DEGRADED,
        ["! kernel: this kernel knows no syncd_port, syncd_ttl: Linux 4.3 does"],
    )
    assert judged(pulse(), lvsd(www, kernel=sync(otherwise="syncd_port 8848 -> 9000"))) == (
        DEGRADED,
        ["! kernel: the kernel has made the sync daemon otherwise: syncd_port 8848 -> 9000"],
    )


def test_connections_of_which_nobody_knows_whether_they_are_synchronised_are_not_said_to_be_or_not_to_be() -> None:
    blind = sync(trouble="list sync daemons: ENOBUFS", unknown=True)
    assert judged(pulse(), lvsd(virtual("www", server("web1")), kernel=blind)) == (
        DEGRADED,
        ["! kernel: whether connections are synchronised is unknown: list sync daemons: ENOBUFS"],
    )
    assert synchronised(blind["sync"]) == "unknown: list sync daemons: ENOBUFS"


def test_a_virtual_server_that_a_standby_leaves_out_on_purpose_is_a_note() -> None:
    www = virtual("www", server("web1"), in_table=[False], cold=True)
    assert judged(pulse(), lvsd(www, role="standby")) == (
        OK,
        ["i www: not in the table of this standby: it is a real server, without backup_only"],
    )
