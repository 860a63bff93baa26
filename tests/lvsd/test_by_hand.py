"""Weights that were set by hand: what the pool makes of them, and how they outlive the daemon."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.change.configs import NAT, all_up, config, server, table_of, virtual
from tests.lvsd.test_foreign_edits import WEB1, WEB2, WWW, at, two

from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.lvscf.config import Config, Quota, SorryServer
from piranha.lvsd.by_hand import edits_data, edits_from, merged
from piranha.lvsd.foreign import FILE, Foreign, read_edits
from piranha.lvsd.monitor import Health
from piranha.lvsd.outlook import Belief, Beliefs, outlook
from piranha.lvsd.pool import Pool, standings
from piranha.lvsd.standing import Standing, standing_data, standing_from
from piranha.nanny.results import ProbeResult, Reason
from piranha.table.desired import NO_EDITS, Edits, ServerVerdict, WeightByHand

SORRY = SorryServer(address=ip_address("10.0.0.8"), port=80, forwarding=NAT)
THREE = Edits(weights={(WWW, at(1)): WeightByHand(3, 10, 5.0)}, added={(WWW, at(9)): 6.0})


def a_pool(**settings: Any) -> Pool:
    """web1 and web2, both up."""
    return Pool(replace(two().virtuals[0], **settings), {"web1", "web2"}, now=0.0)


def test_a_pool_whose_last_server_was_drained_by_hand_says_so_and_calls_the_sorry_server() -> None:
    www = a_pool(sorry_server=SORRY)
    assert www.weigh({WEB1: 0}, now=1.0) == []
    [event] = www.weigh({WEB1: 0, WEB2: 0}, now=2.0)
    assert event.message == "Virtual Server www: No real servers; activate sorry_server 10.0.0.8"
    assert event.cause == "www/web2 weight 0: set by hand"
    [event] = www.weigh({WEB1: 0}, now=3.0)
    assert event.message == "Virtual Server www: 1 real servers; deactivate sorry_server 10.0.0.8"
    assert www.weigh({WEB1: 0}, now=4.0) == []


def test_a_drain_by_hand_is_no_desertion_that_takes_a_change_back() -> None:
    www = a_pool()
    www.weigh({WEB1: 0, WEB2: 0}, now=1.0)
    assert standings([www]) == {"www": (0, 2, False)}


def test_quorum_and_keep_active_count_a_weight_set_by_hand_as_that_of_the_file() -> None:
    www = a_pool(sorry_server=SORRY, quorum=Quota(percent=50.0))
    www.weigh({WEB1: 1}, now=1.0)
    for now in (2.0, 3.0):
        www.observe(ProbeResult(id="www/web2", reason=Reason.REFUSED, detail="", started_s=now), now)
    assert www.below_quorum  # 1 of 11 is left
    www.weigh({WEB1: 20}, now=4.0)
    assert not www.below_quorum  # 20 of 30


def test_a_server_that_leaves_the_file_takes_its_weight_along() -> None:
    www = a_pool()
    www.weigh({WEB1: 0}, now=1.0)
    www.reconfigure(replace(www.virtual, servers=(server("web2", 2, weight=10),)), {"web2"}, now=2.0)
    assert www.by_hand == {}


def test_the_plan_knows_who_was_drained_by_hand_now_and_then() -> None:
    file, both = two(), Edits({(WWW, at(n)): WeightByHand(0, 10) for n in (1, 2)})
    up = dict.fromkeys((WEB1, WEB2), Belief(Health.UP))
    after = config(virtual("www", 10, server("web1", 1, weight=10), server("web2", 2, weight=20)))
    assert outlook(file, after, table_of(file), Beliefs(servers=up, edits=both), 0.0).then == all_up(after)
    standing = Standing(live=table_of(file), beliefs=Beliefs(servers=up, edits=both))
    assert standing_from(json.loads(json.dumps(standing_data(standing)))).beliefs.edits == both


def foreign(folder: Path, changed: list[str] | None = None, file: Callable[[], Config] = two) -> Foreign:
    noted = changed if changed is not None else []
    files = StateFiles(folder, folder / "run")
    return Foreign(files, Teller("lvsd", Recorder(None)), lambda: noted.append("changed"), file)


def test_what_is_by_hand_is_on_the_disk_before_the_pass_goes_on_and_closed_to_others(tmp_path: Path) -> None:
    changed: list[str] = []
    lvsd = foreign(tmp_path, changed)
    asyncio.run(lvsd.found(NO_EDITS, THREE, table_of(two())))
    assert changed == ["changed"]
    assert foreign(tmp_path).edits == THREE
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o640


def test_what_report_leaves_alone_is_not_kept(tmp_path: Path) -> None:
    asyncio.run(foreign(tmp_path).found(NO_EDITS, Edits(reported={(WWW, None): "gone"}), {}))
    assert foreign(tmp_path).edits == NO_EDITS


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{", b"[]", b'{"weights": 3}', b'{"weights": [{"weight": "x"}], "added": []}', b"[" * 100_000],
)
def test_a_damaged_file_is_as_none(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / FILE).write_bytes(damaged)
    assert read_edits(StateFiles(tmp_path, tmp_path / "run")) == NO_EDITS


def test_what_a_reload_ended_while_a_pass_was_under_way_stays_ended(tmp_path: Path) -> None:
    files = [two()]
    lvsd = foreign(tmp_path, file=lambda: files[-1])
    asyncio.run(lvsd.found(NO_EDITS, THREE, {}))
    before = lvsd.edits
    found = replace(before, weights={**before.weights, (WWW, at(2)): WeightByHand(7, 10)})
    file = config(virtual("www", 10, server("web1", 1, weight=20), server("web2", 2, weight=10)))
    lvsd.reload(two(), file)
    files.append(file)
    asyncio.run(lvsd.found(before, found, {}))
    assert {at for _, at in lvsd.edits.weights} == {at(2)}


edits_drawn = st.builds(
    Edits,
    st.dictionaries(
        st.tuples(st.just(WWW), st.builds(at, st.integers(1, 3))),
        st.builds(WeightByHand, st.integers(0, 4), st.integers(0, 4), st.floats(0, 10)),
    ),
    st.dictionaries(st.tuples(st.just(WWW), st.builds(at, st.integers(7, 9))), st.floats(0, 10)),
    st.dictionaries(st.tuples(st.just(WWW), st.none() | st.builds(at, st.integers(1, 3))), st.text(max_size=3)),
)


@given(edits_drawn)
def test_edits_come_back_from_json_as_they_were(edits: Edits) -> None:
    assert edits_from(json.loads(json.dumps(edits_data(edits)))) == edits


@given(edits_drawn, edits_drawn)
def test_what_a_pass_made_of_edits_that_nobody_else_changed_is_what_it_says(before: Edits, after: Edits) -> None:
    assert merged(before, before, after) == after
    assert merged(replace(before), before, after) == after


def test_servers_whose_health_is_unknown_are_not_waited_for_when_they_were_drained_by_hand() -> None:
    www = Pool(two().virtuals[0], (), now=0.0)
    assert not www.deserted()
    www.weigh({WEB1: 0, WEB2: 0}, now=1.0)
    assert www.deserted()
    assert set(www.verdicts(1.0).values()) == {ServerVerdict.UNKNOWN}
