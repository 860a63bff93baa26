"""What outlives the daemon: the accepted file with its generation, and which services are ours."""

import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from piranha.control.state_files import StateFiles
from piranha.lvscf.config import Config, LvsdSettings, Router
from piranha.lvsd.accepted import FACTS, FILE, read_accepted, store_accepted
from piranha.lvsd.ours import FILE as SERVICES_FILE
from piranha.lvsd.ours import Ours
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey
from piranha.terms import Family, Protocol

CONFIG = Config(primary=Router(public=ip_address("192.0.2.2")), serial_no=7)
SERVICES = {
    ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 80)),
    ServiceKey(AddressMatch(Protocol.UDP, ip_address("2001:db8::10"), 53)),
    ServiceKey(FirewallMark(20)),
    ServiceKey(FirewallMark(20, Family.IPV6)),
}


def kept(folder: Path) -> StateFiles:
    return StateFiles(folder, folder / "run")


def test_the_first_accepted_file_is_generation_1(tmp_path: Path) -> None:
    assert read_accepted(kept(tmp_path)) is None
    stored = store_accepted(kept(tmp_path), b"serial_no = 7\n", CONFIG).accepted
    assert (stored.generation, stored.serial_no) == (1, 7)
    assert read_accepted(kept(tmp_path)) == stored
    assert (tmp_path / FILE).read_bytes() == b"serial_no = 7\n"


def test_another_serial_number_is_no_new_generation_but_another_meaning_is(tmp_path: Path) -> None:
    store_accepted(kept(tmp_path), b"", CONFIG)
    same = store_accepted(kept(tmp_path), b"", replace(CONFIG, serial_no=8)).accepted
    assert (same.generation, same.serial_no) == (1, 8)
    other = store_accepted(kept(tmp_path), b"", replace(CONFIG, lvsd=LvsdSettings(keep_table=True))).accepted
    assert other.generation == 2


def test_a_damaged_record_is_as_none(tmp_path: Path) -> None:
    for damaged in (b"", b"{", b"[]", b'{"generation": "x"}'):
        (tmp_path / FACTS).write_bytes(damaged)
        assert read_accepted(kept(tmp_path)) is None


def test_the_accepted_file_is_closed_to_others(tmp_path: Path) -> None:
    store_accepted(kept(tmp_path), b"", CONFIG)
    assert (tmp_path / FILE).stat().st_mode & 0o007 == 0


def test_which_services_are_ours_outlives_the_daemon(tmp_path: Path) -> None:
    Ours(kept(tmp_path)).keep(SERVICES)
    assert Ours(kept(tmp_path)).services == SERVICES
    Ours(kept(tmp_path)).keep([])
    assert Ours(kept(tmp_path)).services == frozenset()


def test_a_damaged_list_of_services_is_as_none(tmp_path: Path) -> None:
    Ours(kept(tmp_path)).keep(SERVICES)
    for damaged in ("", "[{}]", "{", '[{"mark": "x", "family": "ipv9"}]', '"text"'):
        (tmp_path / "lvsd-services.json").write_text(damaged)
        assert Ours(kept(tmp_path)).services == frozenset()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mark", "family", "protocol", "address", "port", "generation", "meaning", "serial_no"]),
            inner,
        )
    ),
    max_leaves=10,
)


@given(value=JSON)
@example(value=[{"mark": float("inf"), "family": "ipv4"}])
@example(value={"generation": float("inf"), "meaning": "", "serial_no": 1})
def test_whatever_is_in_the_kept_files_is_read_or_passed_over(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in (SERVICES_FILE, FACTS):
        (folder / name).write_text(json.dumps(value))
    read_accepted(kept(folder))
    assert all(isinstance(key, ServiceKey) for key in Ours(kept(folder)).services)


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[" * 100_000, b'[{"mark":1,"family":4}]', b'[{"mark":1,"fa'])
def test_half_written_and_broken_files_are_passed_over(tmp_path: Path, damage: bytes) -> None:
    for name in (SERVICES_FILE, FACTS):
        (tmp_path / name).write_bytes(damage)
    assert read_accepted(kept(tmp_path)) is None
    assert Ours(kept(tmp_path)).services == frozenset()
