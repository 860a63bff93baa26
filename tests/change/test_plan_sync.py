"""The plan of connection synchronisation is made against the sync daemon that runs, where lvsd tells of it."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.change.plan_sync import SyncSeen, sync_drift, sync_lines
from piranha.kernel.ipvs import SyncDaemon
from piranha.lvscf.config import Config, Router
from piranha.lvscf.kernel_values import KernelSettings, SyncSettings
from piranha.lvsd.sync_seen import sync_data, sync_from

FILE = SyncSettings(device="private", sync_id=7, max_length=None, group=None, port=None, ttl=None)
GROUP = ip_address("224.0.0.81")
RUNS = SyncDaemon(sender=True, interface="eth1", sync_id=7, max_length=1472, group=GROUP, port=8848, ttl=1)
SEEN = SyncSeen(sender=True, runs=RUNS, interface="eth1")
BOTH = "a takeover ends connections until both routers have it"
ALREADY = "the sync daemon runs so already"


def file(sync: SyncSettings | None) -> Config:
    return Config(primary=Router(public=ip_address("192.0.2.2")), kernel=KernelSettings(sync=sync))


@pytest.mark.parametrize(
    ("after", "seen", "line"),
    [
        (replace(FILE, port=9000), None, ("syncd_port - -> 9000", BOTH)),
        (replace(FILE, port=9000), SEEN, ("syncd_port 8848 -> 9000", BOTH)),
        (replace(FILE, port=9000), replace(SEEN, runs=replace(RUNS, port=9000)), ("syncd_port - -> 9000", ALREADY)),
        (replace(FILE, port=9000), replace(SEEN, runs=None), ("syncd_port - -> 9000", f"{BOTH}; none runs now")),
        (
            replace(FILE, ttl=3),
            replace(SEEN, runs=replace(RUNS, port=9000)),
            ("syncd_port 9000 -> 8848, syncd_ttl 1 -> 3", BOTH),
        ),
        (replace(FILE, device="eth1"), SEEN, ("syncd_iface private -> eth1", ALREADY)),
        (replace(FILE, device="eth2"), SEEN, ("syncd_iface eth1 -> eth2", BOTH)),
        (replace(FILE, device="public", ttl=2), SEEN, ("syncd_iface private -> public, syncd_ttl 1 -> 2", BOTH)),
        (
            replace(FILE, ttl=2),
            SyncSeen(sender=True, unknown=True, trouble="list sync daemons: ENOBUFS"),
            ("syncd_ttl - -> 2", f"{BOTH}; which sync daemons run is unknown: list sync daemons: ENOBUFS"),
        ),
    ],
)
def test_a_change_is_told_against_what_runs(after: SyncSettings, seen: SyncSeen | None, line: tuple[str, str]) -> None:
    assert [(one.what, one.effect) for one in sync_lines(file(FILE), file(after), seen)] == [line]
    assert sync_drift(file(FILE), file(after), seen) == ([], [])


def test_a_file_that_newly_asks_for_what_runs_says_so() -> None:
    asked = replace(FILE, device="eth1")
    assert [one.effect for one in sync_lines(file(None), file(asked), SEEN)] == [ALREADY]
    [line] = sync_lines(file(None), file(asked), replace(SEEN, runs=None))
    assert line.effect.endswith("; none runs now")


@pytest.mark.parametrize(
    ("seen", "lines"),
    [
        (None, []),
        (SEEN, []),
        (replace(SEEN, runs=replace(RUNS, ttl=9)), [("syncd_ttl 9 -> 1", "changed by somebody else: started again")]),
        (replace(SEEN, runs=replace(RUNS, ttl=9), otherwise="syncd_ttl 9 -> 1"), []),
        (replace(SEEN, runs=None), [("no sync daemon master runs", "started again")]),
        (replace(SEEN, interface="", trouble="there is no interface eth7"), []),
        (SyncSeen(sender=True, unknown=True, trouble="ENOBUFS"), []),
    ],
)
def test_what_runs_otherwise_than_both_files_say_is_drift(seen: SyncSeen | None, lines: list[tuple[str, str]]) -> None:
    drift, hindered = sync_drift(file(FILE), file(FILE), seen)
    assert ([(one.what, one.effect) for one in drift], hindered) == (lines, [])
    assert [*sync_lines(file(FILE), file(FILE), seen)] == []


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (replace(SEEN, runs=None, trouble="eth1 is down"), ("no sync daemon master runs", "eth1 is down")),
        (
            replace(SEEN, runs=replace(RUNS, sync_id=5), trouble="of somebody else, and is left"),
            ("master runs on eth1, id 5", "of somebody else, and is left"),
        ),
    ],
)
def test_what_lvsd_cannot_put_right_is_not_called_repaired(seen: SyncSeen, line: tuple[str, str]) -> None:
    drift, hindered = sync_drift(file(FILE), file(FILE), seen)
    assert (drift, [(one.what, one.effect) for one in hindered]) == ([], [line])


numbers = st.none() | st.integers(1, 255)
daemons = st.builds(
    SyncDaemon,
    sender=st.just(True),
    interface=st.sampled_from(["eth0", "eth1"]),
    sync_id=st.integers(0, 255),
    max_length=numbers,
    group=st.sampled_from([None, GROUP, ip_address("ff02::51")]),
    port=numbers,
    ttl=numbers,
)


@examples(30)
@given(st.none() | daemons, st.text(max_size=5), st.booleans())
def test_what_lvsd_answers_of_it_is_read_as_it_was(runs: SyncDaemon | None, words: str, unknown: bool) -> None:
    seen = SyncSeen(sender=True, runs=runs, interface=words, otherwise=words, unknown=unknown, trouble=words)
    assert sync_from(sync_data(seen)) == seen
