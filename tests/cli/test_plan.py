"""`piranha plan`: what it asks, what it prints, how it ends."""

import json
from collections.abc import Mapping

import pytest
from tests.change.configs import all_up, busy, table_of
from tests.change.test_plan_golden import config
from tests.cli.daemons import Answer, Daemons

from piranha.change.plan import plan
from piranha.cli.main import main
from piranha.cli.plan_screen import hint
from piranha.control.messages import Refused
from piranha.forwarding.userspace.protocol import statistics_data, table_data
from piranha.lvsd.by_hand import edits_data, target_data
from piranha.table.desired import Edits, ServerVerdict, Verdicts, WeightByHand, services_of
from piranha.table.key_data import service_data
from piranha.table.table import Table

HEAD = """primary = 192.0.2.2
primary_private = 10.0.0.2
backup_active = 1
backup = 192.0.2.3
backup_private = 10.0.0.3
heartbeat_auth = none
"""
WWW = """virtual www {
    active = 1
    address = 192.0.2.10
    server web1 { active = 1; address = 10.0.0.21 }
    server web2 { active = 1; address = 10.0.0.22 }
}
"""
CONNECTIONS: Mapping[str, int] = {"h21": 30, "h22": 500}


def standing(text: str, *, live: Table | None = None, verdicts: Verdicts | None = None) -> Answer:
    """What a running lvsd answers about the file `text`."""
    file = config(text)
    table = table_of(file) if live is None else live
    return {
        "node": "primary",
        "role": "active",
        "generation": 1,
        "serial_no": 42,
        "accepted": HEAD + "serial_no = 42\n" + text,
        "now": 100.0,
        "beliefs": [
            {"virtual": virtual, "server": server, "health": str(one), "since_s": 1.0, "recovered_s": None}
            for (virtual, server), one in (verdicts or all_up(file)).items()
        ],
        "below_quorum": [],
        "ours": [service_data(key) for key in services_of(file)],
        "table": table_data(table),
        "statistics": statistics_data(busy(table, **CONNECTIONS)),
    }


def planned(daemons: Daemons, new: str, *options: str) -> int:
    file = daemons.folder / "new.cf"
    file.write_text(HEAD + "serial_no = 43\n" + new)
    return main(["plan", str(file), "--run-dir", str(daemons.folder), *options])


def test_the_file_in_force_leaves_nothing_to_do(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("lvsd", {}, standing=lambda: standing(WWW))
    assert planned(daemons, WWW) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "serial 42 -> 43 against the live table of primary (active)"
    assert "Nothing to do: what is there is what the file asks for." in said


def test_changes_are_shown_with_what_they_cost_and_how_to_make_them(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("lvsd", {}, standing=lambda: standing(WWW))
    new = WWW.replace("address = 192.0.2.10", "address = 192.0.2.10\n    scheduler = sed\n    drain_time = 0")
    new = new.replace("    server web1 { active = 1; address = 10.0.0.21 }\n", "")
    assert planned(daemons, new) == 2
    said = capsys.readouterr().out
    assert "~ www       scheduler wlc -> sed  edited in place, 530 connections stay" in said
    assert "~ www       drain_time 5m -> 0s   for servers that are deleted from now on" in said
    assert "- www/web1  10.0.0.21:80          30 connections end: removed at once" in said
    assert "3 changes: 2 safe, 1 disruptive. Nothing has been changed." in said
    assert f"piranha apply {daemons.folder}/new.cf --allow disruptive --confirm 60" in said


def test_json_has_every_line_and_what_is_needed_to_apply(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("lvsd", {}, standing=lambda: standing(WWW))
    new = WWW.replace("address = 10.0.0.22", "address = 10.0.0.22; weight = 0")
    assert planned(daemons, new, "--json") == 2
    said = json.loads(capsys.readouterr().out)
    assert (said["allow"], said["nothing_to_do"], said["serial_no"]) == ("drains", False, {"before": 42, "after": 43})
    [line] = said["lines"]
    assert (line["subject"], line["kind"], line["connections_end"]) == ("www/web2", "drains", 0)
    assert line["effect"] == "500 connections stay; no new ones"


def test_a_server_that_is_down_takes_its_new_weight_when_it_is_back(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    down = {("www", "web1"): ServerVerdict.UP, ("www", "web2"): ServerVerdict.DOWN}
    live = table_of(config(WWW), down)
    daemons.add("lvsd", {}, standing=lambda: standing(WWW, live=live, verdicts=down))
    new = WWW.replace("address = 10.0.0.22", "address = 10.0.0.22; weight = 5")
    assert planned(daemons, new) == 2
    assert "not in the table now: counts when it is up" in capsys.readouterr().out


def test_a_file_with_errors_is_not_planned_and_all_of_them_are_shown(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned(daemons, WWW.replace("scheduler", "x") + "virtual b {\n  sheduler = rr\n}\nx = 1\n") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("error:") >= 2


def test_a_file_that_is_not_there_is_one_line(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(daemons.folder / "none.cf"), "--run-dir", str(daemons.folder)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_daemon_whose_table_is_out_of_reach_cannot_tell(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    def out_of_reach() -> Answer:
        raise Refused("the forwarder does not answer")

    daemons.add("lvsd", {}, standing=out_of_reach)
    assert planned(daemons, WWW) == 3
    said = capsys.readouterr().err
    assert said == "piranha: lvsd does not say what is there: the forwarder does not answer\n"


def test_an_answer_of_another_shape_cannot_tell(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("lvsd", {}, standing=lambda: {**standing(WWW), "table": 7})
    assert planned(daemons, WWW) == 3
    assert "is it of another version?" in capsys.readouterr().err


def test_an_lvsd_that_does_not_know_the_question_cannot_tell(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("lvsd", {})
    assert planned(daemons, WWW) == 3
    assert "lvsd does not say what is there: " in capsys.readouterr().err


def test_a_pulse_without_its_lvsd_cannot_tell(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("pulse", {"node": "primary", "role": "active"})
    assert planned(daemons, WWW) == 3
    assert capsys.readouterr().err.startswith("piranha: lvsd does not run")


def test_a_cold_standby_plans_against_the_table_that_it_would_load(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    daemons.add("pulse", {"node": "backup", "role": "standby"})
    state = daemons.folder / "state"
    state.mkdir()
    (state / "accepted.cf").write_text(HEAD + "standby = cold\n" + WWW)
    assert planned(daemons, "standby = cold\n" + WWW) == 0
    assert "against what would be the table of backup (cold standby)" in capsys.readouterr().out


def test_without_a_forwarder_the_table_of_user_space_is_empty(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned(daemons, WWW, "--plane", "userspace") == 2
    said = capsys.readouterr().out
    assert "against an empty table: no forwarder runs here" in said
    assert "piranha apply" not in said  # nobody runs who could


def test_a_change_that_removes_too_much_names_mass() -> None:
    made = plan(config(WWW), config(WWW), {})
    assert hint(made, "new.cf", mass=True) == "piranha apply new.cf --allow mass --confirm 60"


def test_what_others_wrote_cannot_drive_the_terminal(daemons: Daemons, capsys: pytest.CaptureFixture[str]) -> None:
    daemons.add("lvsd", {}, standing=lambda: {**standing(WWW), "node": "a\x1b[2J"})
    assert planned(daemons, WWW) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_what_the_kernel_refuses_is_not_called_changed_by_somebody_else(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    [key] = services_of(config(WWW))
    refused = [{**target_data((key, None)), "why": "module ip_vs_wlc is missing (ENOENT)"}]
    daemons.add("lvsd", {}, standing=lambda: standing(WWW, live={}) | {"refused": refused})
    assert planned(daemons, WWW) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "refused now: tried again with or without this file + www tcp 192.0.2.10:80 wlc" in said
    assert "module ip_vs_wlc is missing (ENOENT)" in said
    assert "somebody else" not in said
    assert planned(daemons, WWW, "--json") == 0
    assert [line["subject"] for line in json.loads(capsys.readouterr().out)["refused"]] == ["www"]


def test_of_many_lines_about_what_stays_the_first_are_shown_and_the_rest_is_counted(
    daemons: Daemons, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = [f"    server web{n} {{ active = 1; address = 10.0.1.{n} }}\n" for n in range(1, 41)]
    text = WWW.replace("}\n}", "}\n" + "".join(servers) + "}")
    [key] = services_of(config(text))
    places = [at for at in table_of(config(text))[key].destinations if str(at.address).startswith("10.0.1.")]
    edits = Edits({(key, at): WeightByHand(0, 1) for at in places})
    daemons.add("lvsd", {}, standing=lambda: standing(text) | {"by_hand": edits_data(edits)})
    assert planned(daemons, text) == 0
    said = capsys.readouterr().out
    assert (said.count("by hand  stays"), said.count("35 more like these (--all lists them)")) == (5, 1)
    assert planned(daemons, text, "--all") == 0
    assert capsys.readouterr().out.count("by hand  stays") == 40
    assert planned(daemons, text.replace("}\n}", "}\n    scheduler = rr\n}").replace("10.0.1.", "10.0.2.")) == 2
    assert capsys.readouterr().out.count("10.0.2.") == 40  # what the file changes is listed
