"""The heartbeat datagram: what is written is read, what was changed or is foreign is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.lvscf.config import HeartbeatAuth
from piranha.pulse.heartbeat import NO_LIMIT, Heartbeat, Obstacle, Place, Role
from piranha.pulse.keys import Key, KeyRing
from piranha.pulse.packet import MAX_SIZE, VERSION, Datagram, cluster_tag, decode, encode, path_tag
from piranha.pulse.verdicts import Evidence, Rejected

GOLDEN = Path(__file__).parent.parent / "golden" / "heartbeat"
KEY = Key("k1", bytes(range(32)))
OTHER = Key("k2", bytes(32))
RING = KeyRing((KEY, OTHER))
REQUIRED, MIGRATE, NONE = HeartbeatAuth.REQUIRED, HeartbeatAuth.MIGRATE, HeartbeatAuth.NONE

milliseconds = st.integers(1, 10**7).map(lambda ms: ms / 1000)
heartbeats = st.builds(
    Heartbeat,
    place=st.sampled_from(Place),
    role=st.sampled_from(Role),
    term=st.integers(0, 2**64 - 1),
    revision=st.integers(0, 2**32 - 1),
    seen_revision=st.integers(0, 2**32 - 1),
    readiness=st.integers(0, 100),
    obstacle=st.sampled_from(Obstacle),
    keepalive_s=milliseconds,
    deadtime_s=milliseconds,
    lease_s=st.just(0.0) | milliseconds | st.just(NO_LIMIT),
    hears=st.booleans(),
    order=st.booleans(),
    handover=st.booleans(),
    goodbye=st.booleans(),
    back_within_s=st.integers(0, 2**16 - 1),
    bad_signatures=st.booleans(),
    generation=st.integers(0, 2**64 - 1),
    meaning=st.just("") | st.binary(min_size=8, max_size=8).filter(any).map(bytes.hex),
)
EXAMPLE = Heartbeat(
    place=Place.PRIMARY,
    role=Role.ACTIVE,
    term=7,
    revision=42,
    seen_revision=41,
    keepalive_s=2.0,
    deadtime_s=6.0,
    lease_s=3.0,
    hears=True,
    order=True,
    generation=3,
    meaning="0123456789abcdef",
)


def datagram(heartbeat: Heartbeat | None = EXAMPLE, version: int = VERSION) -> Datagram:
    return Datagram(
        place=Place.PRIMARY,
        path=path_tag("public"),
        cluster=cluster_tag("lvs"),
        boot=b"bootboot",
        counter=1000,
        nonce=b"my nonce",
        echo=b"yournonc",
        newcomer_echo=b"newcomer",
        seen_boot=b"yourboot",
        seen_counter=999,
        version=version,
        heartbeat=heartbeat,
    )


@given(heartbeats)
def test_every_heartbeat_is_read_as_it_was_written(heartbeat: Heartbeat) -> None:
    written = datagram(heartbeat)._replace(place=heartbeat.place)

    assert decode(encode(written, KEY), RING, REQUIRED) == written


@pytest.mark.parametrize(
    ("name", "written", "key"),
    [
        ("v1-active-signed", datagram(), KEY),
        ("v1-standby-unsigned", datagram(Heartbeat(place=Place.PRIMARY, lease_s=NO_LIMIT, goodbye=True)), None),
    ],
)
def test_the_bytes_on_the_wire_stay_as_they_are(name: str, written: Datagram, key: Key | None) -> None:
    golden = bytes.fromhex((GOLDEN / f"{name}.hex").read_text())

    assert encode(written, key) == golden
    assert decode(golden, RING, MIGRATE) == written


@examples(300)
@given(st.binary(max_size=MAX_SIZE + 40), st.sampled_from(HeartbeatAuth))
def test_arbitrary_bytes_are_an_answer_not_an_error(data: bytes, auth: HeartbeatAuth) -> None:
    assert isinstance(decode(data, RING, auth), Rejected)
    assert isinstance(decode(b"PIRH" + data, RING, auth), Rejected | Datagram)


@given(st.integers(0, len(encode(datagram(), KEY)) * 8 - 1))
def test_one_bit_changed_anywhere_is_refused(bit: int) -> None:
    data = bytearray(encode(datagram(), KEY))
    data[bit // 8] ^= 1 << bit % 8

    assert isinstance(decode(bytes(data), RING, REQUIRED), Rejected)


@given(st.integers(0, 400))
def test_a_datagram_cut_or_lengthened_is_refused(length: int) -> None:
    data = encode(datagram(), KEY)
    if length != len(data):
        assert isinstance(decode(data[:length].ljust(length, b"\0"), RING, REQUIRED), Rejected)


def refusal(key: Key | None, ring: KeyRing, auth: HeartbeatAuth) -> Evidence | None:
    verdict = decode(encode(datagram(), key), ring, auth)
    return verdict.evidence if isinstance(verdict, Rejected) else None


@pytest.mark.parametrize(
    ("key", "auth", "evidence"),
    [
        (KEY, REQUIRED, None),
        (OTHER, REQUIRED, None),
        (None, REQUIRED, Evidence.UNSIGNED),
        (Key("k1", bytes(16)), REQUIRED, Evidence.BAD_SIGNATURE),
        (Key("k9", bytes(16)), REQUIRED, Evidence.UNKNOWN_KEY),
        (KEY, MIGRATE, None),
        (None, MIGRATE, None),
        (Key("k1", bytes(16)), MIGRATE, Evidence.BAD_SIGNATURE),
        (Key("k9", bytes(16)), MIGRATE, Evidence.UNKNOWN_KEY),
        (None, NONE, None),
        (Key("k9", bytes(16)), NONE, None),
    ],
)
def test_who_may_speak_depends_on_heartbeat_auth(
    key: Key | None, auth: HeartbeatAuth, evidence: Evidence | None
) -> None:
    assert refusal(key, RING, auth) == evidence


def test_a_router_that_signs_already_is_heard_by_one_that_has_no_key_yet() -> None:
    assert refusal(KEY, KeyRing(), NONE) is None


def test_a_later_version_is_authentic_and_cannot_be_used() -> None:
    read = decode(encode(datagram(version=2), KEY), RING, REQUIRED)

    assert isinstance(read, Datagram)
    assert (read.version, read.heartbeat, read.counter) == (2, None, 1000)


def test_a_body_that_makes_no_sense_is_authentic_and_cannot_be_used() -> None:
    read = decode(encode(datagram(replace(EXAMPLE, readiness=101)), KEY), RING, REQUIRED)

    assert isinstance(read, Datagram)
    assert read.heartbeat is None


def test_an_obstacle_of_a_later_version_is_some_obstacle() -> None:
    unknown: Obstacle = int.__new__(Obstacle, 77)  # as a later version would send it
    read = decode(encode(datagram(replace(EXAMPLE, obstacle=unknown)), KEY), RING, REQUIRED)

    assert isinstance(read, Datagram)
    assert read.heartbeat is not None
    assert read.heartbeat.obstacle is Obstacle.OTHER


def test_no_datagram_is_longer_than_what_is_read() -> None:
    assert len(encode(datagram(), KEY)) < MAX_SIZE // 2
