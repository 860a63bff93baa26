"""Shell: carries out the commands of ipvsadm, one after the other, on one netlink socket."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from piranha.cli.ipvsadm.connections import TITLE, TITLE_WITH_ENGINE, connection_rows
from piranha.cli.ipvsadm.draft import NOT_UNDERSTOOD, UsageError
from piranha.cli.ipvsadm.grammar import HelpAsked, Invocation, VersionAsked, parse
from piranha.cli.ipvsadm.listing import Mode, Pools, Style, listing, version_line
from piranha.cli.ipvsadm.names import resolved, system_lookup
from piranha.cli.ipvsadm.refusals import refusal
from piranha.cli.ipvsadm.usage import Verb, hint
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_answers import DestinationEntry, KernelInfo, ServiceEntry
from piranha.kernel.socket import BATCH_LIMIT, Failure, NetlinkError
from piranha.table.changes import (
    AddDestination,
    AddService,
    Change,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
)
from piranha.table.rules import numeric, print_rules
from piranha.table.service import ServiceKey
from piranha.table.table import Service

DONE = 0
NOT_THERE = 1
REFUSED = 255

_CONNECTIONS = "/proc/net/ip_vs_conn"


class Kernel(Protocol):
    """What a session needs of `kernel.ipvs_socket.IpvsSocket`; every method raises NetlinkError."""

    def info(self) -> KernelInfo:
        """Read version and size."""

    def services(self) -> list[ServiceEntry]:
        """List all services."""

    def service(self, key: ServiceKey) -> ServiceEntry:
        """Read one service, ESRCH if there is none."""

    def destinations(self, key: ServiceKey) -> list[DestinationEntry]:
        """List the servers of one service."""

    def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Carry out changes, return the failures."""

    def flush(self) -> None:
        """Remove every service."""

    def zero(self, key: ServiceKey | None = None) -> None:
        """Set counters to zero."""

    def timeouts(self) -> Timeouts:
        """Read the timeouts."""

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """Set timeouts."""

    def daemons(self) -> list[SyncDaemon]:
        """List sync daemons."""

    def start_daemon(self, daemon: SyncDaemon) -> None:
        """Start a sync daemon."""

    def stop_daemon(self, daemon: SyncDaemon) -> None:
        """Stop a sync daemon."""


@dataclass(slots=True)
class Session:
    """Commands on one kernel. program: the name that hints give for `ipvsadm`; rules: what `-R` reads."""

    kernel: Kernel
    program: str
    rules: Iterable[bytes]
    _pending: list[tuple[Verb, Change]] = field(default_factory=list)

    def run(self, invocation: Invocation) -> int:
        """Carry out one command, tell on stderr what the kernel refuses, return the exit status."""
        change = _change(invocation)
        if change is not None:
            self._pending.append((invocation.verb, change))
            return self.settle()
        match invocation.verb:
            case Verb.LIST:
                return self._list(invocation)
            case Verb.SAVE:
                return self._save(invocation)
            case Verb.RESTORE:
                return self.restore(self.rules)
            case _:
                return self._order(invocation)

    def restore(self, lines: Iterable[bytes]) -> int:
        """Carry out one command a line; the status is that of the last one.

        A change that the kernel refuses is told and the rest goes on; a line that is no command raises
        UsageError, and everything before it stays done. Changes go to the kernel in batches.
        """
        lookup = system_lookup()
        status = DONE
        for line in lines:
            words = line.decode("utf-8", "surrogateescape").split()
            if words[:1] == ["ipvsadm"]:
                words = words[1:]
            if not words:
                continue
            try:
                invocation = parse(words, lookup, self.program)
                if invocation.verb is Verb.RESTORE:
                    raise UsageError(NOT_UNDERSTOOD, hint(self.program))
            except UsageError as error:
                self.settle()
                if error.ends:
                    raise
                print(error, file=sys.stderr)
                status = error.status
                continue
            except (HelpAsked, VersionAsked):
                self.settle()
                raise
            change = _change(invocation)
            if change is None:
                self.settle()
                status = self.run(invocation)
                continue
            self._pending.append((invocation.verb, change))
            status = self.settle() if len(self._pending) >= BATCH_LIMIT else DONE
        return self.settle() if self._pending else status

    def settle(self) -> int:
        """Send the changes that wait; return the status of the last of them, 0 if there was none."""
        pending, self._pending = self._pending, []
        try:
            failures = self.kernel.apply([change for _, change in pending])
        except NetlinkError as error:
            return self._refused(None, error.code)
        status = DONE
        for failure in failures:
            refused = self._refused(pending[failure.index][0], failure.code)
            if failure.index == len(pending) - 1:
                status = refused
        return status

    def _order(self, invocation: Invocation) -> int:
        kernel, daemon = self.kernel, invocation.daemon or SyncDaemon(sender=True)
        orders: dict[Verb, Callable[[], None]] = {
            Verb.FLUSH: kernel.flush,
            Verb.ZERO: lambda: kernel.zero(invocation.service),
            Verb.SET: lambda: kernel.set_timeouts(invocation.timeouts),
            Verb.START_DAEMON: lambda: kernel.start_daemon(daemon),
            Verb.STOP_DAEMON: lambda: kernel.stop_daemon(daemon),
        }
        try:
            orders[invocation.verb]()
        except NetlinkError as error:
            return self._refused(invocation.verb, error.code)
        return DONE

    def _list(self, invocation: Invocation) -> int:
        try:
            if "connection" in invocation.given:
                return self._list_connections(invocation)
            if "timeout" in invocation.given:
                timeouts = self.kernel.timeouts()
                print(f"Timeout (tcp tcpfin udp): {timeouts.tcp_s} {timeouts.tcpfin_s} {timeouts.udp_s}")
            elif "daemon" in invocation.given:
                for daemon in sorted(self.kernel.daemons(), key=lambda daemon: not daemon.sender):
                    print(_daemon_words(daemon))
            else:
                self._list_services(invocation)
        except NetlinkError as error:
            self._refused(Verb.LIST, error.code)
            return NOT_THERE
        return DONE

    def _list_services(self, invocation: Invocation) -> None:
        if invocation.service is None:
            print(version_line(self.kernel.info()))
            pools = self._pools()
        else:
            service = self.kernel.service(invocation.service)
            pools = [(service, self.kernel.destinations(service.key))]
        style = Style(
            names=numeric if "numeric" in invocation.given else resolved,
            mode=next((mode for mode in Mode if mode in invocation.given), Mode.PLAIN),
            exact="exact" in invocation.given,
            ordered="nosort" not in invocation.given,
        )
        print("\n".join(listing(pools, style)))

    def _list_connections(self, invocation: Invocation) -> int:
        engines = "persistent-conn" in invocation.given
        try:
            with os.fdopen(os.open(_CONNECTIONS, os.O_RDONLY)) as file:  # pathlib would slow every start
                lines = file.readlines()
        except OSError:
            print(f"cannot open file {_CONNECTIONS}", file=sys.stderr)
            return NOT_THERE
        names = numeric if "numeric" in invocation.given else resolved
        print("\n".join(TITLE_WITH_ENGINE if engines else TITLE))
        for row in connection_rows(lines, names, engines=engines):
            print(row)
        return DONE

    def _save(self, invocation: Invocation) -> int:
        try:
            pools = self._pools()
        except NetlinkError as error:
            self._refused(Verb.SAVE, error.code)
            return NOT_THERE
        table = {
            service.key: Service(service.settings, {server.key: server.destination for server in servers})
            for service, servers in pools
        }
        print(print_rules(table, numeric if "numeric" in invocation.given else resolved), end="")
        return DONE

    def _pools(self) -> Pools:
        return [(service, self.kernel.destinations(service.key)) for service in self.kernel.services()]

    def _refused(self, verb: Verb | None, code: int) -> int:
        sys.stdout.flush()
        print(refusal(verb, code, os.strerror(code)), file=sys.stderr)
        return REFUSED


def _change(invocation: Invocation) -> Change | None:
    """Return the command as a change of the table, None if it is none."""
    service, server = invocation.service, invocation.server
    if service is None:
        return None
    match invocation.verb:
        case Verb.ADD:
            return AddService(service, invocation.settings)
        case Verb.EDIT:
            return EditService(service, invocation.settings)
        case Verb.DELETE:
            return RemoveService(service)
        case Verb.ADD_SERVER if server is not None:
            return AddDestination(service, server, invocation.destination)
        case Verb.EDIT_SERVER if server is not None:
            return EditDestination(service, server, invocation.destination)
        case Verb.DELETE_SERVER if server is not None:
            return RemoveDestination(service, server)
        case _:
            return None


def _daemon_words(daemon: SyncDaemon) -> str:
    facts = [f"mcast={daemon.interface}", f"syncid={daemon.sync_id}"]
    optional = {"maxlen": daemon.max_length, "group": daemon.group, "port": daemon.port, "ttl": daemon.ttl}
    facts += [f"{name}={value}" for name, value in optional.items() if value is not None]
    return f"{'master' if daemon.sender else 'backup'} sync daemon ({', '.join(facts)})"
