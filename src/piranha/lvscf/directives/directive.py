"""What one keyword of lvs.cf is: where it stands, what it takes, what it means."""

from enum import Enum, StrEnum

from piranha.dataclass import dataclass


class Scope(StrEnum):
    """Where a keyword may stand. A keyword of several scopes is inherited: server from virtual from file."""

    GLOBAL = "global"
    VIRTUAL = "virtual"
    SERVER = "server"
    CHECK = "check"
    FAILOVER = "failover"


class Status(Enum):
    """What this version does with a keyword."""

    ACTED_ON = "acted on"
    WAITING = "waiting"  # understood and checked; a warning says that nothing acts on it yet
    NO_EFFECT = "no effect"  # of the original, kept for old files; a warning says what to do instead
    REJECTED = "rejected"  # the original's web tool wrote it, the original's daemons refused the file


class Type(StrEnum):
    """What the words behind `=` must be."""

    BOOL = "bool"
    INT = "int"
    COUNT_OR_PERCENT = "int or percent"
    PERCENTS = "percent percent"
    PERCENT = "percent"
    PORT = "port"
    PORTS = "ports"
    DURATION = "duration"
    KERNEL_VALUE = "keep or number [number]"
    ADDRESS = "address"
    ADDRESSES = "addresses"
    OWN_ADDRESSES = "own addresses"
    GROUP = "multicast group"
    FLOATING = "address [device]"
    HOSTPORT = "address [port]"
    HEARTBEAT_PATH = "address address [name]"
    NETMASK = "netmask"
    PERSISTENCE_MASK = "netmask or prefix"
    DEVICE = "device"
    WORD = "word"
    WORDS = "words"
    CHOICE = "choice"
    CHOICES = "choices"
    CHOICE_OR_DURATION = "choice or duration"
    LISTEN = "address:port"
    URL = "url"
    HEX = "hexadecimal digits"
    HEX_PATTERN = "hexadecimal digits or x"
    TEXT = "text"
    PATH = "path"
    COMMAND = "command"
    OLD_LIST = "[ list ]"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """One keyword.

    default: a value as it would stand in the file, `-` = none; in words where it is computed, mostly from
    other settings. low, high: bounds of a number, both allowed.
    choices: the words of a CHOICE, CHOICES or CHOICE_OR_DURATION. repeats: adds up when repeated (otherwise the last
    one wins). old: the original knew it. quiet: values that ask for nothing, so that no warning is due.
    instead: for NO_EFFECT and REJECTED, what to do instead. nonzero: 0.0.0.0 is no answer. own: each block has
    its own, although there are several scopes.
    """

    name: str
    scopes: tuple[Scope, ...]
    type: Type
    default: str
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    repeats: bool = False
    old: bool = False
    status: Status = Status.ACTED_ON
    quiet: tuple[str, ...] = ()
    instead: str = ""
    nonzero: bool = False
    computed: bool = False
    own: bool = False

    @property
    def fixed(self) -> bool:
        """Whether the default is a value that could stand in the file."""
        return self.default != "-" and not self.computed
