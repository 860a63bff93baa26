"""What the command shows of an `lvsd` that only observes."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.answers import lvsd, server, virtual
from tests.cli.daemons import Daemons
from tests.cli.test_unanswered import TEXT

from piranha.cli import status
from piranha.cli.main import main
from piranha.cli.standing import stands
from piranha.cli.status_facts import judge
from piranha.cli.verdict import Verdict


def observing(*differences: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "since_s": 540_000.0,
        "differences": [*differences],
        "now": len(differences),
        "began": {"weight": 2, "server too many": 12},
        "brief": {"server too many": 11},
        "brief_s": 30.0,
    } | more


def difference(age_s: float, subject: str = "www/web2") -> dict[str, Any]:
    words = "10.11.12.22:8443: weight is 7, lvsd would have 20"
    return {"kind": "weight", "subject": subject, "what": words, "age_s": age_s, "lasting": age_s >= 30}


def found(**more: Any) -> tuple[Verdict, list[str]]:
    verdict, findings = judge(None, lvsd(virtual("www", server("web1")), **more), pulse_expected=False)
    return verdict, [f"{one.mark} {one.subject}  {one.text}" for one in findings]


def test_that_nothing_is_written_is_said_with_the_counts() -> None:
    assert found(observing=observing()) == (
        Verdict.OK,
        ["i lvsd  observing for 6d 6h, nothing is written: 14 differences from the table, 11 brief; 0 now"],
    )


def test_a_difference_is_a_note_until_it_has_lasted() -> None:
    verdict, [_, note] = found(observing=observing(difference(4.0)))
    assert (verdict, note) == (
        Verdict.OK,
        "i www/web2  weight for 4.0s: 10.11.12.22:8443: weight is 7, lvsd would have 20",
    )
    verdict, [fault, _] = found(observing=observing(difference(300.0)))
    assert (verdict, fault[:9]) == (Verdict.DEGRADED, "! www/web")


def test_of_many_differences_the_longest_are_shown_and_the_rest_is_counted() -> None:
    many = [difference(9.0 - n, f"www/web{n}") for n in range(8)]
    _, lines = found(observing=observing(*many))
    assert len(lines) == 7
    assert lines[-1] == "i table  3 more differences (piranha events)"


def test_why_table_lists_what_differs() -> None:
    answer = lvsd(observing=observing(difference(4.0)), table_age_s=1.0)
    assert stands("table", {}, answer, str, 0.0) == [
        "the table is only observed, read 1.0s ago: 1 difference from what lvsd would have",
        "  www/web2: 10.11.12.22:8443: weight is 7, lvsd would have 20",
    ]


@pytest.mark.parametrize("verb", ["apply", "set"])
def test_who_would_put_a_file_in_force_is_told_that_nobody_here_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    file = tmp_path / "lvs.cf"
    file.write_text(TEXT)
    (tmp_path / "observe").mkdir()
    beside = Daemons(tmp_path / "observe")
    words = [str(file)] if verb == "apply" else ["-c", str(file), "www", "port", "81"]
    try:
        beside.add("lvsd", lvsd(observing=observing()))
        assert main([verb, "--run-dir", str(tmp_path), "--state-dir", str(tmp_path), *words]) == 3
    finally:
        beside.close()
    assert "lvsd only observes here (--observe), and takes a file up with SIGHUP" in capsys.readouterr().err


def test_one_that_observes_answers_where_no_other_lvsd_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "observe").mkdir()
    beside = Daemons(tmp_path / "observe")
    real = Daemons(tmp_path)
    try:
        beside.add("lvsd", lvsd(observing=observing(), cluster="observed"))
        status.main(["--json", "--run-dir", str(tmp_path)])
        assert json.loads(capsys.readouterr().out)["lvsd"]["cluster"] == "observed"
        real.add("lvsd", lvsd(cluster="kept"))
        status.main(["--json", "--run-dir", str(tmp_path)])
        assert json.loads(capsys.readouterr().out)["lvsd"]["cluster"] == "kept"
    finally:
        beside.close()
        real.close()
