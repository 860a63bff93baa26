"""Which lines of `monitor_hosts` are answered: of each at least one address must answer ping.

Like the election it reads no clock and holds no socket: `tick` returns whom to ask, `asked` and
`answered` take in what came of it, every judgement is made in `tick`. Read before judging: call
`answered` for all that waits before `tick`. `now` is monotonic seconds.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from piranha.terms import Address

Lines = tuple[tuple[Address, ...], ...]
"""`monitor_hosts`: addresses, line by line."""


class Answers(StrEnum):
    """What is known of a line."""

    UNKNOWN = "unknown"  # none has answered yet, and they still have time
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """One line. since_s: while it is silent, when one of its addresses last answered (or it began to ask)."""

    addresses: tuple[Address, ...]
    answers: Answers
    since_s: float = 0.0
    why: str = ""  # what this machine has against asking, empty = nothing

    @property
    def silent(self) -> bool:
        """Whether this router counts as cut off."""
        return self.answers is Answers.NO

    @property
    def name(self) -> str:
        """`192.0.2.1 192.0.2.254`."""
        return " ".join(map(str, self.addresses))

    def trouble(self, now: float) -> str:
        """Why this router counts as cut off, empty when it does not."""
        if not self.silent:
            return ""
        why = f": {self.why}" if self.why else ""
        return f"no answer to ping from {self.name} for {now - self.since_s:.0f} s{why}"


@dataclass(slots=True)
class Host:
    """One address. silent_from: from when its silence counts. heard_at: None = it never answered. why: see LineState.

    since: when it answered last, or was first to be asked.
    """

    silent_from: float
    heard_at: float | None = None
    why: str = ""
    since: float = 0.0


class Hosts:
    """All lines of a router. The pauses of its own process count for nobody's silence."""

    def __init__(self, lines: Lines, keepalive_s: float, deadtime_s: float, now: float) -> None:
        self._keepalive_s = keepalive_s
        self.deadtime_s = deadtime_s
        self._hosts: dict[Address, Host] = {}
        self._lines: Lines = ()
        self._round_at = self._due = now
        self._spared_until = -inf  # a machine whose every timer is late must come to a judgement all the same
        self.states: tuple[LineState, ...] = ()
        self.reconfigure(lines, keepalive_s, deadtime_s, now)

    def reconfigure(self, lines: Lines, keepalive_s: float, deadtime_s: float, now: float) -> None:
        """Take in a reloaded file; what is known of addresses that stay is kept, new ones are asked at once."""
        self._keepalive_s, self.deadtime_s = keepalive_s, deadtime_s
        self._lines = tuple(dict.fromkeys(tuple(dict.fromkeys(line)) for line in lines))
        wanted = dict.fromkeys(address for line in self._lines for address in line)
        if wanted.keys() - self._hosts.keys() or now + keepalive_s < self._round_at:
            self._round_at = now
        self._hosts = {one: self._hosts.get(one) or Host(silent_from=now, since=now) for one in wanted}
        self._judge(now)

    @property
    def hosts(self) -> dict[Address, Host]:
        """What is known of each address."""
        return self._hosts

    def silent(self, address: Address, now: float) -> bool:
        """Whether one address has not answered for `deadtime`."""
        return now >= self._hosts[address].silent_from + self.deadtime_s

    def deadline(self) -> float:
        """Return when `tick` must be called next; inf = never."""
        return self._due if self._lines else inf

    def answered(self, address: Address, now: float) -> None:
        """Take in an answer. now: when the kernel received it; it may be late, never early."""
        host = self._hosts.get(address)
        if host is not None:
            host.heard_at = max(now, host.heard_at or -inf)
            host.silent_from = max(now, host.silent_from)
            host.since = host.heard_at
            host.why = ""

    def asked(self, address: Address, why: str = "") -> None:
        """Take in that the question is on its way. why: it is not, since this machine could not send it."""
        host = self._hosts.get(address)
        if host is not None:
            host.why = why

    def tick(self, now: float) -> tuple[Address, ...]:
        """Judge; return whom to ask now."""
        if now > self._due:
            self._excuse(now - self._due, now)
        ask: tuple[Address, ...] = ()
        if now >= self._round_at:
            self._round_at = now + self._keepalive_s
            ask = tuple(self._hosts)
        self._judge(now)
        return ask

    def _excuse(self, late_s: float, now: float) -> None:
        """Give everybody the time that this process stood still; after a pause also the time to answer once."""
        spared = now >= self._spared_until
        long = late_s >= self._keepalive_s / 2 and (spared or late_s >= self.deadtime_s)
        if long:
            self._spared_until = now + self.deadtime_s
            self._round_at = now
        for host in self._hosts.values():
            if now < host.silent_from + self.deadtime_s + late_s:
                host.silent_from = min(now, host.silent_from + late_s)
                if long:
                    host.silent_from = max(host.silent_from, now - self.deadtime_s + self._keepalive_s)

    def _judge(self, now: float) -> None:
        self.states = tuple(self._state(line, now) for line in self._lines)
        ends = (host.silent_from + self.deadtime_s for host in self._hosts.values())
        self._due = min([self._round_at, *(end for end in ends if end > now)])

    def _state(self, line: tuple[Address, ...], now: float) -> LineState:
        hosts = [self._hosts[address] for address in line]
        lasting = [host for host in hosts if now < host.silent_from + self.deadtime_s]
        if any(host.heard_at is not None for host in lasting):
            return LineState(addresses=line, answers=Answers.YES)
        # One that is new beside one that is silent gets no time: it is asked at once, and may answer.
        if len(lasting) == len(hosts):
            return LineState(addresses=line, answers=Answers.UNKNOWN)
        since_s = max(host.since for host in hosts if host not in lasting)
        why = next((host.why for host in hosts if host.why), "")
        return LineState(addresses=line, answers=Answers.NO, since_s=since_s, why=why)
