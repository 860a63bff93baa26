"""The words of ipvsadm: options, which of them a command allows, and the help text."""

from enum import StrEnum
from typing import Final

from piranha.cli.ipvsadm.popt import Argument, Option, Options


class Verb(StrEnum):
    """A command, by the name it has in messages."""

    ADD = "add-service"
    EDIT = "edit-service"
    DELETE = "delete-service"
    FLUSH = "flush"
    LIST = "list"
    ADD_SERVER = "add-server"
    DELETE_SERVER = "delete-server"
    EDIT_SERVER = "edit-server"
    SET = "set"
    START_DAEMON = "start-daemon"
    STOP_DAEMON = "stop-daemon"
    RESTORE = "restore"
    SAVE = "save"
    ZERO = "zero"
    DIFF = "diff"


COMMANDS: Final = {
    "add-service": Verb.ADD,
    "edit-service": Verb.EDIT,
    "delete-service": Verb.DELETE,
    "clear": Verb.FLUSH,
    "list": Verb.LIST,
    "zero": Verb.ZERO,
    "add-server": Verb.ADD_SERVER,
    "edit-server": Verb.EDIT_SERVER,
    "delete-server": Verb.DELETE_SERVER,
    "set": Verb.SET,
    "start-daemon": Verb.START_DAEMON,
    "stop-daemon": Verb.STOP_DAEMON,
    "restore": Verb.RESTORE,
    "save": Verb.SAVE,
    "diff": Verb.DIFF,
}

_COMMAND_OPTIONS = (
    Option("add-service", "A"),
    Option("edit-service", "E"),
    Option("delete-service", "D"),
    Option("clear", "C"),
    Option("list", "L"),
    Option("list", "l"),
    Option("zero", "Z"),
    Option("add-server", "a"),
    Option("edit-server", "e"),
    Option("delete-server", "d"),
    Option("set"),
    Option("help", "h"),
    Option("version", "v"),
    Option("restore", "R"),
    Option("save", "S"),
    Option("start-daemon", "", Argument.REQUIRED),
    Option("stop-daemon", "", Argument.REQUIRED),
    Option("diff", "", Argument.OPTIONAL),
)
_FLAGS = (
    "timeout daemon stats rate thresholds persistent-conn nosort sort tun-info tun-nocsum tun-csum tun-remcsum "
    "json dry-run"
)
_VALUES = "sctp-service pe tun-type tun-port mcast-interface syncid sync-maxlen mcast-group mcast-port mcast-ttl"

OPTIONS: Final = Options(
    *_COMMAND_OPTIONS,
    Option("tcp-service", "t", Argument.REQUIRED),
    Option("udp-service", "u", Argument.REQUIRED),
    Option("fwmark-service", "f", Argument.REQUIRED),
    Option("ipv6", "6"),
    Option("scheduler", "s", Argument.REQUIRED),
    Option("persistent", "p", Argument.OPTIONAL),
    Option("netmask", "M", Argument.REQUIRED),
    Option("real-server", "r", Argument.REQUIRED),
    Option("masquerading", "m"),
    Option("ipip", "i"),
    Option("gatewaying", "g"),
    Option("weight", "w", Argument.REQUIRED),
    Option("u-threshold", "x", Argument.REQUIRED),
    Option("l-threshold", "y", Argument.REQUIRED),
    Option("numeric", "n"),
    Option("connection", "c"),
    Option("exact", "X"),
    Option("ops", "o"),
    Option("sched-flags", "b", Argument.REQUIRED),
    *(Option(name) for name in _FLAGS.split()),
    *(Option(name, "", Argument.REQUIRED) for name in _VALUES.split()),
)

# What each option counts as; several may share one name, which may then be given once in all.
COUNTS_AS: Final = {
    "tcp-service": "service-address",
    "udp-service": "service-address",
    "sctp-service": "service-address",
    "fwmark-service": "service-address",
    "masquerading": "forwarding-method",
    "ipip": "forwarding-method",
    "gatewaying": "forwarding-method",
}

# The order in which the C tool judges options; those that it does not have come last.
_ORDER = [
    "numeric",
    "connection",
    "service-address",
    "scheduler",
    "persistent",
    "netmask",
    "real-server",
    "forwarding-method",
    "weight",
    "u-threshold",
    "l-threshold",
    "mcast-interface",
    "timeout",
    "daemon",
    "stats",
    "rate",
    "thresholds",
    "persistent-conn",
    "nosort",
    "syncid",
    "exact",
    "ops",
    "pe",
    "sched-flags",
    "mcast-group",
    "mcast-port",
    "mcast-ttl",
    "sync-maxlen",
    "tun-info",
    "tun-type",
    "tun-port",
    "tun-nocsum",
    "tun-csum",
    "tun-remcsum",
    "json",
    "dry-run",
]

_SERVICE_SETTINGS = ["scheduler", "persistent", "netmask", "ops", "pe", "sched-flags"]
_TUNNEL = ["tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum"]
_SERVER_SETTINGS = ["forwarding-method", "weight", "u-threshold", "l-threshold", *_TUNNEL]
_COLUMNS = ["stats", "rate", "thresholds", "persistent-conn", "exact", "tun-info"]
_LISTING = ["numeric", "nosort", "syncid", "json", *_COLUMNS]
_DAEMON = ["mcast-interface", "syncid", "mcast-group", "mcast-port", "mcast-ttl", "sync-maxlen"]
_ONE_OF = ["connection", "service-address", "timeout", "daemon"]

_REQUIRED: Final[dict[Verb, list[str]]] = {
    Verb.ADD: ["service-address"],
    Verb.EDIT: ["service-address"],
    Verb.DELETE: ["service-address"],
    Verb.ADD_SERVER: ["service-address", "real-server"],
    Verb.EDIT_SERVER: ["service-address", "real-server"],
    Verb.DELETE_SERVER: ["service-address", "real-server"],
}
_ALLOWED: Final[dict[Verb, list[str]]] = {
    Verb.ADD: _SERVICE_SETTINGS,
    Verb.EDIT: _SERVICE_SETTINGS,
    Verb.ADD_SERVER: _SERVER_SETTINGS,
    Verb.EDIT_SERVER: _SERVER_SETTINGS,
    Verb.LIST: _LISTING,
    Verb.SAVE: ["numeric"],
    Verb.RESTORE: ["dry-run", "json"],
    Verb.DIFF: ["json"],
    Verb.ZERO: ["service-address"],
    Verb.START_DAEMON: _DAEMON,
    Verb.STOP_DAEMON: ["syncid"],
}


def complaint(verb: Verb, given: set[str]) -> str | None:
    """Return what is wrong with the options of a command, None if it may have them all."""
    chosen: str | None = None
    for name in _ORDER:
        if name in _REQUIRED.get(verb, ()):
            if name not in given:
                return f"You need to supply the '{name}' option for the '{verb}' command"
        elif name in given and verb is Verb.LIST and name in _ONE_OF:
            if chosen is not None:
                return f"The option '{name}' conflicts with the '{chosen}' option in the '{verb}' command"
            chosen = name
        elif name in given and name not in _ALLOWED.get(verb, ()):
            return f"Illegal '{name}' option with the '{verb}' command"
    return None


def hint(program: str) -> str:
    """Return the line that answers a first word that is no command."""
    return f"Try `{program} -h' or '{program} --help' for more information."
