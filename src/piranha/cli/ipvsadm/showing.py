"""Shell: prints what commands of ipvsadm show, as text of the C tool or as JSON."""

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from piranha.cli.ipvsadm.asked import Kernel
from piranha.cli.ipvsadm.connections import TITLE, TITLE_WITH_ENGINE, connection_rows
from piranha.cli.ipvsadm.grammar import Invocation
from piranha.cli.ipvsadm.names import resolved
from piranha.cli.ipvsadm.refusals import refusal
from piranha.cli.ipvsadm.services import print_rows, save_table, show_services, show_table
from piranha.cli.ipvsadm.usage import Verb
from piranha.dataclass import dataclass
from piranha.errors import PiranhaError
from piranha.kernel.ipvs import SyncDaemon
from piranha.kernel.socket import NetlinkError
from piranha.table.words import Names, numeric

_CONNECTIONS = "/proc/net/ip_vs_conn"


class NotListed(PiranhaError):
    """What is to be listed cannot be read."""


Lines = AbstractContextManager[Iterable[str]]


def proc_connections() -> Lines:
    """Open the kernel's list of the connections of this network namespace. Raises OSError."""
    return os.fdopen(os.open(_CONNECTIONS, os.O_RDONLY))  # pathlib would slow every start


@dataclass(frozen=True, slots=True)
class Showing:
    """Carries out the commands that only show. connections: opens the kernel's list of them, raises OSError."""

    kernel: Kernel
    connections: Callable[[], Lines] = proc_connections

    def __call__(self, invocation: Invocation) -> None:
        """Print what `-L` or `-S` asks for. Raises NetlinkError and NotListed."""
        given = invocation.given
        try:
            if "json" in given:
                from piranha.cli.ipvsadm.as_json import show  # noqa: PLC0415 -- json takes time, few ask for it

                show(self.kernel, self.connections, invocation)
            elif invocation.verb is Verb.SAVE:
                save_table(self.kernel, given)
            elif "connection" in given:
                self._connections(given)
            elif "timeout" in given:
                timeouts = self.kernel.timeouts()
                print(f"Timeout (tcp tcpfin udp): {timeouts.tcp_s} {timeouts.tcpfin_s} {timeouts.udp_s}")
            elif "daemon" in given:
                for daemon in daemons(self.kernel):
                    print(_daemon_words(daemon))
            else:
                self._services(invocation)
        except OSError as error:
            raise NotListed(f"cannot open file {_CONNECTIONS}") from error

    def _services(self, invocation: Invocation) -> None:
        if invocation.service is None:
            show_table(self.kernel, self.kernel.info(), invocation.given)
        else:
            show_services(self.kernel, invocation.given, self.kernel.service_row(invocation.service))

    def _connections(self, given: set[str]) -> None:
        engines = "persistent-conn" in given
        with self.connections() as lines:
            print("\n".join(TITLE_WITH_ENGINE if engines else TITLE))
            print_rows(connection_rows(lines, names(given), engines=engines))


def why_not_shown(show: Callable[[Invocation], None], invocation: Invocation) -> str:
    """Carry out a command that only shows, by `show`; return what keeps it from that in words, empty: nothing."""
    try:
        show(invocation)
    except NetlinkError as error:
        return refusal(invocation.verb, error.code, os.strerror(error.code))
    except NotListed as error:
        return str(error)
    return ""


def daemons(kernel: Kernel) -> list[SyncDaemon]:
    """Read the sync daemons, the one that sends first."""
    return sorted(kernel.daemons(), key=lambda daemon: not daemon.sender)


def names(given: set[str]) -> Names:
    """Return how addresses are to be written."""
    return numeric if "numeric" in given else resolved


def _daemon_words(daemon: SyncDaemon) -> str:
    facts = [f"mcast={daemon.interface}", f"syncid={daemon.sync_id}"]
    optional = {"maxlen": daemon.max_length, "group": daemon.group, "port": daemon.port, "ttl": daemon.ttl}
    facts += [f"{name}={value}" for name, value in optional.items() if value is not None]
    return f"{'master' if daemon.sender else 'backup'} sync daemon ({', '.join(facts)})"
