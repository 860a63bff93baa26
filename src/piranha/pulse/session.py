"""Proves that heartbeats are fresh: counters, nonces and their echoes. Reads no clock, holds no socket.

The shell makes one `Session` a process and one call each way:

    verdict = session.read(path, data)      # bytes from the partner's address
    data = session.write(path, heartbeat)   # bytes to send

Rules (docs/heartbeat-protocol.md): a new session of the partner counts only after it echoed our
nonce, and then our nonce changes, so that nothing recorded before can open a session again. Within
a session the counter must grow on each path. A router that is told of a higher counter than it has
ever sent was set back (a restored snapshot) and begins a new session.
"""

from collections.abc import Callable
from dataclasses import replace

from piranha.lvscf.config import HeartbeatAuth
from piranha.pulse.heartbeat import Heartbeat, Place
from piranha.pulse.keys import KeyRing
from piranha.pulse.packet import NO_NONCE, Datagram, cluster_tag, decode, encode, path_tag
from piranha.pulse.verdicts import Accepted, Alive, Evidence, Introduced, Rejected, Verdict


class Session:
    """One router's half of the conversation; survives reloads (`rekey`), not restarts.

    fresh: returns that many random bytes (os.urandom).
    """

    _boot: bytes  # names this session of ours
    _counter: int  # of the last datagram stamped
    _nonce: bytes  # the partner has to echo it to open a session; new after each that was opened
    _proof: bytes  # the nonce that opened the accepted session
    _partner_boot: bytes  # the accepted session, NO_NONCE = none
    _partner_nonce: bytes
    _newcomer_nonce: bytes  # of the last session that was not proven
    _highest: dict[str, int]  # counters seen in the accepted session, path by path
    _newest: int

    def __init__(
        self, *, place: Place, cluster: str, keys: KeyRing, auth: HeartbeatAuth, fresh: Callable[[int], bytes]
    ) -> None:
        self._place = place
        self._fresh = fresh
        self.rekey(cluster=cluster, keys=keys, auth=auth)
        self._begin()

    def rekey(self, *, cluster: str, keys: KeyRing, auth: HeartbeatAuth) -> None:
        """Take in a reloaded configuration or key file."""
        self._cluster = cluster_tag(cluster)
        self._keys = keys
        self._auth = auth

    def write(self, path: str, heartbeat: Heartbeat) -> bytes:
        """Return the datagram that carries `heartbeat` over `path`; each call counts one up."""
        return encode(self.stamp(path, heartbeat), None if self._auth is HeartbeatAuth.NONE else self._keys.signing)

    def read(self, path: str, data: bytes) -> Verdict:
        """Judge what came from the partner's address on `path`. Never raises, whatever the bytes."""
        datagram = decode(data, self._keys, self._auth)
        return datagram if isinstance(datagram, Rejected) else self.judge(path, datagram)

    def stamp(self, path: str, heartbeat: Heartbeat) -> Datagram:
        """Return the datagram as a value, before it is signed."""
        self._counter += 1
        return Datagram(
            place=self._place,
            path=path_tag(path),
            cluster=self._cluster,
            boot=self._boot,
            counter=self._counter,
            nonce=self._nonce,
            echo=self._partner_nonce,
            newcomer_echo=self._newcomer_nonce,
            seen_boot=self._partner_boot,
            seen_counter=self._newest,
            heartbeat=heartbeat,
        )

    def judge(self, path: str, datagram: Datagram) -> Verdict:
        """Judge a datagram whose signature is right."""
        if datagram.cluster != self._cluster:
            return Rejected(Evidence.OTHER_CLUSTER)
        if datagram.place is self._place:
            return Rejected(Evidence.SAME_PLACE)
        if datagram.path != path_tag(path):
            return Rejected(Evidence.OTHER_PATH)
        if datagram.seen_boot == self._boot and datagram.seen_counter > self._counter:
            self._begin()
        opened = datagram.boot != self._partner_boot
        if not self._is_fresh(path, datagram):
            if not opened:
                return Rejected(Evidence.REPLAYED)
            self._newcomer_nonce = datagram.nonce
            return Introduced()
        newest = datagram.counter > self._newest
        self._newest = max(self._newest, datagram.counter)
        self._highest[path] = datagram.counter
        if newest:
            self._partner_nonce = datagram.nonce
        heartbeat = datagram.heartbeat
        if heartbeat is None:
            return Alive(Evidence.OTHER_VERSION, f"version {datagram.version}")
        if heartbeat.seen_revision and datagram.seen_boot != self._boot:
            # What the partner saw of a former session of ours says nothing about this one.
            heartbeat = replace(heartbeat, seen_revision=0)
        return Accepted(heartbeat, newest, opened)

    def _is_fresh(self, path: str, datagram: Datagram) -> bool:
        """Whether the datagram belongs to the accepted session and is new, or opens a session that is proven."""
        echoes = (datagram.echo, datagram.newcomer_echo)
        if datagram.boot == self._partner_boot:
            known = self._nonce in echoes or self._proof in echoes
            return known and datagram.counter > self._highest.get(path, 0)
        if self._nonce not in echoes:
            return False
        self._partner_boot = datagram.boot
        self._highest = {}
        self._newest = 0
        self._newcomer_nonce = NO_NONCE
        self._proof, self._nonce = self._nonce, self._fresh(8)
        return True

    def _begin(self) -> None:
        """Open a new session of our own; the partner has to prove itself again."""
        self._boot = self._fresh(8)
        self._counter = 0
        self._nonce = self._fresh(8)
        self._proof = self._nonce
        self._partner_boot = NO_NONCE
        self._partner_nonce = NO_NONCE
        self._newcomer_nonce = NO_NONCE
        self._highest = {}
        self._newest = 0
