"""What a real server is asked, and with what patience: one check as a value.

Source of every meaning and default: lvs.cf(5). All times are seconds as floats.
"""

from enum import StrEnum

from piranha.dataclass import dataclass
from piranha.terms import Address, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What a server must answer.

    text: bytes (escapes of lvs.cf already resolved). With `regex`: a POSIX extended regular
    expression searched anywhere in a bounded part of the answer. `anything`: any single byte
    (`expect = "*"`). mask: of `expect_hex`, as long as `text`: the bits of each byte that count, the others of
    `text` are 0; empty = `text` is a text. anywhere: `text` is found anywhere in a bounded part, as `regex` is.
    """

    text: bytes
    regex: bool = False
    anything: bool = False
    mask: bytes = b""
    anywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpExpect:
    """What an HTTP server must answer.

    statuses: good ones, as ranges with both ends. body: what must be found anywhere in the first 64 kB of the body,
    without its chunks; None = nothing.
    """

    statuses: tuple[tuple[int, int], ...]
    body: Expect | None = None

    def accepts(self, status: int) -> bool:
        """Whether a status is a good one."""
        return any(first <= status <= last for first, last in self.statuses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Connect; send, if there is something to send; compare the start of the answer, if asked.

    With transport UDP: send a datagram (an empty one if `send` is empty); port unreachable is a
    failure; silence is a failure only with `expect`. http: what an HTTP answer must be, instead of
    `expect`. sources: own addresses to ask from: the first of the server's family that this router has;
    empty = whatever the routes say.
    """

    transport: Protocol = Protocol.TCP
    send: bytes = b""
    expect: Expect | None = None
    http: HttpExpect | None = None
    sources: tuple[Address, ...] = ()


class WeightFrom(StrEnum):
    """What of a program sets the weight of its server (`weight_from`)."""

    NONE = "none"
    STATUS = "status"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An external check: words of the command, `%h` and `%p` not yet replaced.

    honour_status: exit status other than 0 is a failure (`send_program_status`). weight_from: STATUS: exit status
    2 to 255 is no failure and sets weight 0 to 253; OUTPUT: a percent on the first line.
    """

    command: tuple[str, ...]
    expect: Expect | None = None
    honour_status: bool = True
    weight_from: WeightFrom = WeightFrom.NONE


Check = Exchange | Program


def sets_weight(check: Check) -> bool:
    """Whether a check says of its server what its weight is."""
    return isinstance(check, Program) and check.weight_from is not WeightFrom.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTiming:
    """When a server is checked and how much patience it gets.

    interval_s: between the starts of two checks. check_timeout_s: limit of one check. fall:
    failures in a row that make an up server down. rise: good checks in a row for up, besides
    reentry_s: how long a server that was taken out must pass every check. reentry_max_s: of a server that
    keeps failing reentry_s doubles up to this; no less than reentry_s, 0 = it does not double.
    """

    interval_s: float
    check_timeout_s: float
    fast_interval_s: float
    fall: int = 2
    rise: int = 1
    reentry_s: float = 180.0
    reentry_max_s: float = 0.0

    @property
    def out_by_s(self) -> float:
        """Longest time a dead server stays in the pool, whether it refuses or hangs."""
        slowest_repeat = max(self.fast_interval_s, self.check_timeout_s)
        return self.interval_s + (self.fall - 1) * slowest_repeat + self.check_timeout_s


def run_key(address: Address, port: int, check: Check, timing: CheckTiming) -> tuple[object, ...]:
    """Return what two checks have in common if one run of it serves both (`share_checks`).

    Patience (fall, rise, reentry) is not part of it: each of them judges the result in its own way.
    """
    return address, port, check, timing.interval_s, timing.check_timeout_s, timing.fast_interval_s


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherCheck:
    """One of several checks of a server. name: of its block or kind. address, port: None, 0 = the server's."""

    name: str
    check: Check
    timing: CheckTiming
    address: Address | None = None
    port: int = 0
