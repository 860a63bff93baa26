"""The command line of ipvsadm: words in, one Invocation out, or a complaint in the C tool's words."""

from collections.abc import Sequence

from piranha.cli.ipvsadm.addresses import Lookup
from piranha.cli.ipvsadm.draft import MISUSE, NOT_UNDERSTOOD, Draft, UsageError, timeout
from piranha.cli.ipvsadm.popt import OptionError, Parser
from piranha.cli.ipvsadm.usage import COMMANDS, OPTIONS, Verb, complaint, hint
from piranha.dataclass import dataclass, field
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.table.destination import Destination, DestinationKey
from piranha.table.flags import flag_number
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import Family, ForwardingMethod, Protocol, Tunnel, TunnelType

_DEFAULT_INTERFACE = "eth0"
_STATES = {"master": True, "backup": False}  # words of the kernel's interface, kept for compatibility


class HelpAsked(Exception):
    """The first word was `-h` or `--help`."""


class VersionAsked(Exception):
    """The first word was `-v` or `--version`."""


@dataclass(slots=True, kw_only=True)
class Invocation:
    """One command with everything it needs.

    given: names of the options, as in messages. file: with the rules of `--diff`, empty or `-` = stdin.
    """

    verb: Verb
    given: set[str] = field(default_factory=set)
    service: ServiceKey | None = None
    settings: ServiceSettings = field(default_factory=ServiceSettings)
    server: DestinationKey | None = None
    destination: Destination = field(default_factory=lambda: Destination(forwarding=ForwardingMethod.DIRECT))
    timeouts: Timeouts = field(default_factory=Timeouts)
    daemon: SyncDaemon | None = None
    file: str = ""


def parse(words: Sequence[str], lookup: Lookup, program: str = "ipvsadm") -> Invocation:
    """Read one command line without the program's name.

    Raises UsageError, HelpAsked or VersionAsked.
    """
    parser = Parser(OPTIONS, words)
    options = iter(parser)
    try:
        first = next(options, None)
    except OptionError:
        first = None
    if first is not None and first.name == "help":
        raise HelpAsked
    if first is not None and first.name == "version":
        raise VersionAsked
    if first is None or first.name not in COMMANDS:
        raise UsageError(NOT_UNDERSTOOD, hint(program))
    invocation = Invocation(verb=COMMANDS[first.name], file=(first.value or "") if first.name == "diff" else "")
    sender = _sender(first.name, first.value)
    draft = Draft(lookup)
    try:
        for option in options:
            if option.name == "diff" and invocation.verb is Verb.RESTORE:
                invocation.verb, invocation.file = Verb.DIFF, option.value or ""
            elif option.name in COMMANDS or option.name in ("help", "version"):
                raise UsageError(MISUSE, f"invalid option `{option.word}'")
            else:
                draft.take(option)
    except OptionError as error:
        raise UsageError(NOT_UNDERSTOOD, str(error), ends=False) from None
    arguments = parser.arguments
    if invocation.verb is Verb.SET:
        invocation.timeouts = _timeouts(arguments)
        arguments = arguments[3:]
    if arguments and (invocation.verb is not Verb.DIFF or arguments != ["-"]):
        raise UsageError(MISUSE, f"unexpected argument {arguments[0]}")
    flags = _scheduler_flags(draft.scheduler, draft.flags)
    wrong = complaint(invocation.verb, draft.given)
    if wrong is not None:
        raise UsageError(MISUSE, wrong)
    _complete(invocation, draft, flags)
    if sender is not None:
        invocation.daemon = _daemon(draft, sender=sender)
    return invocation


def _sender(command: str, value: str | None) -> bool | None:
    """Return the role of a sync daemon that the command names, None for other commands."""
    if command not in ("start-daemon", "stop-daemon"):
        return None
    if value not in _STATES:
        word = "start-daemon parameter" if command == "start-daemon" else "start_daemon"
        raise UsageError(MISUSE, f"illegal {word} specified")
    return _STATES[value]


def _timeouts(arguments: Sequence[str]) -> Timeouts:
    if len(arguments) < 3:
        raise UsageError(MISUSE, "--set option requires 3 timeout values")
    return Timeouts(*(timeout(text, 0) for text in arguments[:3]))


def _complete(invocation: Invocation, draft: Draft, scheduler_flags: int) -> None:
    """Fill the invocation, judging what depends on several options in the order of the C tool."""
    invocation.given = draft.given
    if draft.mark:
        invocation.service = ServiceKey(FirewallMark(draft.mark, draft.family or Family.IPV4))
    elif draft.address is not None and draft.protocol is not None:
        invocation.service = ServiceKey(AddressMatch(draft.protocol, draft.address, draft.port))
    match invocation.verb:
        case Verb.ADD | Verb.EDIT:
            invocation.settings = _settings(draft, scheduler_flags)
        case Verb.ADD_SERVER | Verb.EDIT_SERVER:
            invocation.destination = _destination(draft)
            invocation.server = _server(draft)
        case Verb.DELETE_SERVER:
            invocation.server = _server(draft)
        case Verb.LIST:
            only = draft.given & {"connection", "timeout", "daemon"}
            counted = draft.given & {"stats", "rate", "thresholds"}
            if (only and counted) or (only - {"connection"} and "persistent-conn" in draft.given):
                raise UsageError(MISUSE, "options conflicts in the list command")
        case Verb.RESTORE:
            if "json" in draft.given and "dry-run" not in draft.given:
                raise UsageError(MISUSE, "You need to supply the 'dry-run' option for the 'json' option of 'restore'")


def _settings(draft: Draft, scheduler_flags: int) -> ServiceSettings:
    if not draft.mark and not draft.port and not draft.persistence_s:
        raise UsageError(MISUSE, "Zero port specified for non-persistent service")
    one_packet = "ops" in draft.given
    if one_packet and not draft.mark and draft.protocol is not Protocol.UDP:
        raise UsageError(MISUSE, "One-Packet Scheduling is only for UDP virtual services")
    whole = 0xFFFFFFFF if draft.family is Family.IPV4 else 128
    return ServiceSettings(
        scheduler=draft.scheduler or "wlc",
        scheduler_flags=scheduler_flags,
        persistence_s=draft.persistence_s,
        persistence_mask=None if draft.mask == whole else draft.mask,
        persistence_engine=draft.engine,
        one_packet=one_packet,
    )


def _scheduler_flags(scheduler: str, words: str) -> int:
    flags = 0
    for name in filter(None, words.split(",")):
        known = flag_number(name)
        if known is None:
            raise UsageError(MISUSE, f"invalid scheduler flag `{name}'")
        if known[0] not in ("", scheduler):
            raise UsageError(MISUSE, f"incompatible scheduler flag `{name}'")
        flags |= known[1]
    return flags


def _server(draft: Draft) -> DestinationKey:
    if draft.server is None:
        raise UsageError(MISUSE, "illegal real server address[:port] specified")
    return DestinationKey(draft.server, draft.server_port)


def _destination(draft: Draft) -> Destination:
    tunnelled = draft.forwarding is ForwardingMethod.TUNNEL
    # Only NAT rewrites the port.
    if not draft.mark and draft.forwarding is not ForwardingMethod.NAT:
        draft.server_port = draft.port
    if draft.server is not None and Family.of(draft.server) is not draft.family and not tunnelled:
        raise UsageError(MISUSE, "Different address family is allowed only for tunneling servers")
    options = [name for name in _TUNNEL_OPTIONS if name in draft.given]
    if options and not tunnelled:
        raise UsageError(MISUSE, "Tunnel options conflict with forward method")
    _judge_tunnel(draft.tunnel, options)
    return Destination(
        forwarding=draft.forwarding,
        weight=draft.weight,
        upper_threshold=draft.upper,
        lower_threshold=draft.lower,
        tunnel=Tunnel(type=draft.tunnel, port=draft.tunnel_port, checksum=draft.checksum),
    )


_TUNNEL_OPTIONS = ("tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum")
_ILLEGAL = {
    TunnelType.IPIP: ("tun-port", "tun-nocsum", "tun-csum", "tun-remcsum"),
    TunnelType.GUE: (),
    TunnelType.GRE: ("tun-port", "tun-remcsum"),
}


def _judge_tunnel(kind: TunnelType, options: Sequence[str]) -> None:
    checksum = ""
    for name in _TUNNEL_OPTIONS[1:]:
        if name == "tun-port" and kind is TunnelType.GUE and name not in options:
            raise UsageError(MISUSE, f"You need to supply the '{name}' option for the '{kind}' tunnel type")
        if name not in options:
            continue
        if name in _ILLEGAL[kind]:
            raise UsageError(MISUSE, f"Illegal '{name}' option with the '{kind}' tunnel type")
        if name == "tun-port":
            continue
        if checksum:
            raise UsageError(
                MISUSE, f"The option '{name}' conflicts with the '{checksum}' option in the '{kind}' tunnel type"
            )
        checksum = name


def _daemon(draft: Draft, *, sender: bool) -> SyncDaemon:
    return SyncDaemon(
        sender=sender,
        interface=draft.interface or _DEFAULT_INTERFACE,
        sync_id=draft.sync_id,
        max_length=draft.max_length,
        group=draft.group,
        port=draft.mcast_port,
        ttl=draft.ttl,
    )
