"""The heartbeat datagram: bytes to values and back, signature included.

    envelope (the same in every version) · body (of the version named in it) · signature

All numbers are in network byte order. The envelope holds what proves life and freshness, so a
heartbeat whose body is of another version still counts as alive. Unknown flags and bytes behind
the known body are ignored: room for later. Source: docs/heartbeat-protocol.md.
"""

import hashlib
import hmac
from functools import cache
from struct import Struct
from typing import NamedTuple

from piranha.lvscf.config import HeartbeatAuth
from piranha.pulse.heartbeat import NO_LIMIT, Heartbeat, Obstacle, Place, Role
from piranha.pulse.keys import Key, KeyRing
from piranha.pulse.verdicts import Evidence, Rejected

MAGIC = b"PIRH"
VERSION = 1
SPOKEN = (1,)  # a later version N speaks N - 1 too
MAX_SIZE = 512
NO_NONCE = bytes(8)
SIGNATURE_SIZE = 32
PERSON = b"piranha-pulse"

# magic, version, speaks, place, reserved, path, cluster, key, boot, counter,
# nonce, echo, echo of a newcomer's nonce, seen boot, seen counter, length of the body
ENVELOPE = Struct("!4sBBBBI8s16s8sQ8s8s8s8sQH")
# role, readiness, obstacle, reserved, flags, back within s, term, revision, seen revision,
# keepalive ms, deadtime ms, lease ms, generation, meaning
BODY = Struct("!BBBBHHQIIIIIQ8s")
LEASE_NO_LIMIT = 0xFFFFFFFF
MAX_MS = 0xFFFFFFFE

PLACES = {1: Place.PRIMARY, 2: Place.BACKUP}
PLACE_CODES = {place: code for code, place in PLACES.items()}
ROLES = {0: Role.STANDBY, 1: Role.ACTIVE}
ROLE_CODES = {role: code for code, role in ROLES.items()}
FLAGS = {"hears": 1, "order": 2, "handover": 4, "goodbye": 8, "bad_signatures": 16}


class Datagram(NamedTuple):
    """A datagram as a value. heartbeat None: the body is of a version that is not spoken, or damaged.

    boot: names the sender's session; counter: grows with each datagram of it. nonce: to be echoed
    by the partner; echo, newcomer_echo: nonces heard from the established and from a new session
    of the partner, `NO_NONCE` = none. seen_boot, seen_counter: session of the partner that the
    sender has accepted and the highest counter seen in it. path, cluster: `path_tag`, `cluster_tag`.
    """

    place: Place
    path: int
    cluster: bytes
    boot: bytes
    counter: int
    nonce: bytes
    echo: bytes = NO_NONCE
    newcomer_echo: bytes = NO_NONCE
    seen_boot: bytes = NO_NONCE
    seen_counter: int = 0
    version: int = VERSION
    speaks: int = VERSION
    heartbeat: Heartbeat | None = None


@cache  # of the few names that lvs.cf knows; asked for with each datagram
def path_tag(name: str) -> int:
    """Return the number that stands for a path's name, so that what was sent on one path is void on another."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")


def cluster_tag(name: str) -> bytes:
    """Return the 8 bytes that stand for the cluster's name."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def encode(datagram: Datagram, key: Key | None) -> bytes:
    """Return the bytes of `datagram`, signed with `key`; without one its signature is a mere checksum.

    A datagram without heartbeat is encoded with an empty body.
    """
    body = _encode_body(datagram.heartbeat) if datagram.heartbeat else b""
    envelope = ENVELOPE.pack(
        MAGIC,
        datagram.version,
        datagram.speaks,
        PLACE_CODES[datagram.place],
        0,
        datagram.path,
        datagram.cluster,
        key.name.encode() if key else b"",
        datagram.boot,
        datagram.counter,
        datagram.nonce,
        datagram.echo,
        datagram.newcomer_echo,
        datagram.seen_boot,
        datagram.seen_counter,
        len(body),
    )
    signed = envelope + body
    return signed + _signature(signed, key)


def decode(data: bytes, keys: KeyRing, auth: HeartbeatAuth) -> Datagram | Rejected:
    """Return what `data` says, or why it counts for nothing. Never raises, whatever the bytes."""
    if not ENVELOPE.size + SIGNATURE_SIZE <= len(data) <= MAX_SIZE or data[:4] != MAGIC:
        return Rejected(Evidence.NOT_A_HEARTBEAT, f"{len(data)} bytes")
    fields = ENVELOPE.unpack_from(data)
    place = PLACES.get(fields[3])
    if place is None or len(data) != ENVELOPE.size + fields[15] + SIGNATURE_SIZE:
        return Rejected(Evidence.NOT_A_HEARTBEAT, f"{len(data)} bytes")
    refused = _verify(data, fields[7].rstrip(b"\0"), keys, auth)
    if refused is not None:
        return refused
    return Datagram(
        version=fields[1],
        speaks=fields[2],
        place=place,
        path=fields[5],
        cluster=fields[6],
        boot=fields[8],
        counter=fields[9],
        nonce=fields[10],
        echo=fields[11],
        newcomer_echo=fields[12],
        seen_boot=fields[13],
        seen_counter=fields[14],
        heartbeat=_decode_body(data[ENVELOPE.size : -SIGNATURE_SIZE], place) if fields[1] in SPOKEN else None,
    )


def _signature(signed: bytes, key: Key | None) -> bytes:
    secret = key.secret if key else b""
    return hashlib.blake2b(signed, digest_size=SIGNATURE_SIZE, key=secret, person=PERSON).digest()


def _verify(data: bytes, key_name: bytes, keys: KeyRing, auth: HeartbeatAuth) -> Rejected | None:
    """Return why the datagram is refused, None when it may be believed under `auth`."""
    key: Key | None = None
    if key_name:
        name = key_name.decode("ascii", "replace")
        key = keys.find(name)
        if key is None:
            # Without authentication nothing is verified: a partner that signs already must still be heard.
            return None if auth is HeartbeatAuth.NONE else Rejected(Evidence.UNKNOWN_KEY, f"key {name!r}")
    elif auth is HeartbeatAuth.REQUIRED:
        return Rejected(Evidence.UNSIGNED)
    expected = _signature(data[:-SIGNATURE_SIZE], key)
    if hmac.compare_digest(expected, data[-SIGNATURE_SIZE:]):
        return None
    return Rejected(Evidence.BAD_SIGNATURE, f"key {key.name!r}" if key else "damaged")


def _encode_body(heartbeat: Heartbeat) -> bytes:
    flags = 0
    for name, bit in FLAGS.items():
        if getattr(heartbeat, name):
            flags |= bit
    return BODY.pack(
        ROLE_CODES[heartbeat.role],
        heartbeat.readiness,
        heartbeat.obstacle,
        0,
        flags,
        min(heartbeat.back_within_s, 0xFFFF),
        heartbeat.term,
        heartbeat.revision,
        heartbeat.seen_revision,
        _ms(heartbeat.keepalive_s),
        _ms(heartbeat.deadtime_s),
        LEASE_NO_LIMIT if heartbeat.lease_s == NO_LIMIT else _ms(heartbeat.lease_s),
        heartbeat.generation,
        bytes.fromhex(heartbeat.meaning).ljust(8, b"\0"),
    )


def _decode_body(body: bytes, place: Place) -> Heartbeat | None:
    if len(body) < BODY.size:
        return None
    (
        role,
        readiness,
        obstacle,
        _reserved,
        flags,
        back_within_s,
        term,
        revision,
        seen_revision,
        keepalive_ms,
        deadtime_ms,
        lease_ms,
        generation,
        meaning,
    ) = BODY.unpack_from(body)
    if role not in ROLES or readiness > 100 or not keepalive_ms or not deadtime_ms:
        return None
    return Heartbeat(
        place=place,
        role=ROLES[role],
        term=term,
        revision=revision,
        seen_revision=seen_revision,
        readiness=readiness,
        obstacle=Obstacle(obstacle) if obstacle in Obstacle.__members__.values() else Obstacle.OTHER,
        keepalive_s=keepalive_ms / 1000,
        deadtime_s=deadtime_ms / 1000,
        lease_s=NO_LIMIT if lease_ms == LEASE_NO_LIMIT else lease_ms / 1000,
        hears=bool(flags & FLAGS["hears"]),
        order=bool(flags & FLAGS["order"]),
        handover=bool(flags & FLAGS["handover"]),
        goodbye=bool(flags & FLAGS["goodbye"]),
        bad_signatures=bool(flags & FLAGS["bad_signatures"]),
        back_within_s=back_within_s,
        generation=generation,
        meaning=meaning.hex() if any(meaning) else "",
    )


def _ms(seconds: float) -> int:
    return min(MAX_MS, round(seconds * 1000))
