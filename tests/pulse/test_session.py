"""Replay protection: recorded heartbeats open nothing, and no restart locks anybody out."""

import copy
import random

from piranha.lvscf.config import HeartbeatAuth
from piranha.pulse.heartbeat import Heartbeat, Place
from piranha.pulse.keys import Key, KeyRing
from piranha.pulse.session import Session
from piranha.pulse.verdicts import Accepted, Alive, Evidence, Introduced, Rejected, Verdict

RING = KeyRing((Key("k1", bytes(32)),))
GENERATOR = random.Random(1)


def session(place: Place, cluster: str = "lvs", keys: KeyRing = RING) -> Session:
    return Session(place=place, cluster=cluster, keys=keys, auth=HeartbeatAuth.REQUIRED, fresh=GENERATOR.randbytes)


def say(sender: Session, path: str = "public", revision: int = 1, seen_revision: int = 0) -> bytes:
    place = sender._place
    return sender.write(path, Heartbeat(place=place, revision=revision, seen_revision=seen_revision))


def pair() -> tuple[Session, Session]:
    return session(Place.PRIMARY), session(Place.BACKUP)


def converse(one: Session, other: Session, rounds: int = 3) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for _ in range(rounds):
        verdicts = [other.read("public", say(one)), one.read("public", say(other))]
    return verdicts


def accepted(verdict: Verdict) -> bool:
    return isinstance(verdict, Accepted)


def evidence(verdict: Verdict) -> Evidence | None:
    return verdict.evidence if isinstance(verdict, Rejected | Alive) else None


def test_a_session_counts_only_after_it_echoed_our_nonce() -> None:
    primary, backup = pair()

    assert isinstance(backup.read("public", say(primary)), Introduced)
    first = primary.read("public", say(backup))  # it echoes the primary's nonce
    assert isinstance(first, Accepted)
    assert first.opened
    assert accepted(backup.read("public", say(primary)))


def test_the_same_datagram_counts_once() -> None:
    primary, backup = pair()
    converse(primary, backup)
    data = say(primary)

    assert accepted(backup.read("public", data))
    assert evidence(backup.read("public", data)) is Evidence.REPLAYED


def test_a_datagram_that_a_later_one_overtook_on_its_path_is_void() -> None:
    primary, backup = pair()
    converse(primary, backup)
    early, late = say(primary), say(primary)

    assert accepted(backup.read("public", late))
    assert evidence(backup.read("public", early)) is Evidence.REPLAYED


def test_the_slower_path_proves_life_and_brings_no_old_news() -> None:
    primary, backup = pair()
    converse(primary, backup)
    slow, fast = say(primary, "private"), say(primary, "public")

    assert accepted(backup.read("public", fast))
    verdict = backup.read("private", slow)
    assert isinstance(verdict, Accepted)
    assert not verdict.newest


def test_what_was_sent_on_one_path_is_void_on_another() -> None:
    primary, backup = pair()
    converse(primary, backup)

    assert evidence(backup.read("private", say(primary, "public"))) is Evidence.OTHER_PATH


def test_another_cluster_and_our_own_place_are_refused() -> None:
    backup = session(Place.BACKUP)

    assert evidence(backup.read("public", say(session(Place.PRIMARY, "other")))) is Evidence.OTHER_CLUSTER
    assert evidence(backup.read("public", say(session(Place.BACKUP)))) is Evidence.SAME_PLACE
    assert evidence(backup.read("public", say(backup))) is Evidence.SAME_PLACE


def test_datagrams_recorded_from_a_former_session_open_nothing() -> None:
    old, backup = pair()
    recorded = []
    for _ in range(5):
        recorded.append(say(old))
        backup.read("public", recorded[-1])
        old.read("public", say(backup))
    primary = session(Place.PRIMARY)
    converse(primary, backup)

    for data in recorded:
        assert isinstance(backup.read("public", data), Introduced)
    assert accepted(backup.read("public", say(primary)))


def test_a_flood_of_recorded_datagrams_does_not_lock_the_partner_out() -> None:
    old, backup = pair()
    recorded = []
    for _ in range(20):
        recorded.append(say(old))
        backup.read("public", recorded[-1])
        old.read("public", say(backup))
    primary = session(Place.PRIMARY)
    converse(primary, backup)

    for data in recorded:
        backup.read("public", data)
        assert accepted(primary.read("public", say(backup)))
        assert accepted(backup.read("public", say(primary)))


def test_a_restart_of_either_or_both_locks_nobody_out() -> None:
    primary, backup = pair()
    converse(primary, backup)

    primary = session(Place.PRIMARY)
    assert all(map(accepted, converse(primary, backup)))
    primary, backup = pair()
    assert all(map(accepted, converse(primary, backup)))


def test_a_restored_snapshot_begins_a_new_session() -> None:
    primary, backup = pair()
    converse(primary, backup)
    snapshot = copy.deepcopy(primary)
    recorded = []
    for _ in range(5):
        recorded.append(say(primary))
        backup.read("public", recorded[-1])
        primary.read("public", say(backup))

    restored = snapshot
    assert evidence(backup.read("public", say(restored))) is Evidence.REPLAYED
    restored.read("public", say(backup))  # is told of a counter that it has never reached
    assert all(map(accepted, converse(restored, backup)))
    for data in recorded:
        assert not accepted(backup.read("public", data))


def test_both_restored_at_once_find_together() -> None:
    primary, backup = pair()
    converse(primary, backup)
    snapshots = copy.deepcopy((primary, backup))
    converse(primary, backup, 10)

    assert all(map(accepted, converse(*snapshots)))


def test_a_one_way_path_keeps_an_accepted_session_alive() -> None:
    primary, backup = pair()
    converse(primary, backup)

    assert all(accepted(backup.read("public", say(primary))) for _ in range(100))


def test_a_later_version_keeps_the_partner_alive() -> None:
    primary, backup = pair()
    converse(primary, backup)
    later = primary.stamp("public", Heartbeat(place=Place.PRIMARY))._replace(version=9, heartbeat=None)

    assert evidence(backup.judge("public", later)) is Evidence.OTHER_VERSION


def test_what_the_partner_saw_of_a_former_session_says_nothing_about_this_one() -> None:
    primary, backup = pair()
    converse(primary, backup)
    primary = session(Place.PRIMARY)
    backup.read("public", say(primary))

    verdict = primary.read("public", say(backup, seen_revision=50))
    assert isinstance(verdict, Accepted)
    assert verdict.heartbeat.seen_revision == 0


def test_a_new_key_is_rolled_in_without_a_gap() -> None:
    primary, backup = pair()
    converse(primary, backup)
    old, new = RING.keys[0], Key("k2", bytes(range(32)))

    for ring in (KeyRing((old, new)), KeyRing((new, old)), KeyRing((new,))):
        for each in (primary, backup):
            each.rekey(cluster="lvs", keys=ring, auth=HeartbeatAuth.REQUIRED)
            assert all(map(accepted, converse(primary, backup, 1)))


def test_a_wrong_key_is_told_apart_from_an_unknown_one() -> None:
    backup = session(Place.BACKUP)

    assert (
        evidence(backup.read("public", say(session(Place.PRIMARY, keys=KeyRing((Key("k1", bytes(16)),))))))
        is Evidence.BAD_SIGNATURE
    )
    assert (
        evidence(backup.read("public", say(session(Place.PRIMARY, keys=KeyRing((Key("k7", bytes(16)),))))))
        is Evidence.UNKNOWN_KEY
    )
