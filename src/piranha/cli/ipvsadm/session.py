"""Shell: carries out the commands of ipvsadm, one after the other, on one netlink socket."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, Protocol

from piranha import terms
from piranha.cli.ipvsadm.draft import DONE, MISUSE, NOT_THERE, NOT_UNDERSTOOD, UsageError
from piranha.cli.ipvsadm.grammar import HelpAsked, Invocation, VersionAsked, parse
from piranha.cli.ipvsadm.names import system_lookup
from piranha.cli.ipvsadm.refusals import refusal
from piranha.cli.ipvsadm.showing import why_not_shown
from piranha.cli.ipvsadm.usage import Verb, hint
from piranha.dataclass import dataclass, field
from piranha.kernel.ipvs import SyncDaemon, Timeouts
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
from piranha.table.rules import words_of
from piranha.table.service import AddressMatch, ServiceKey

REFUSED = 255
BOM_UTF8 = b"\xef\xbb\xbf"
"""What some editors begin a file with; among rules also where files were joined."""
LONGEST_LINE = 65_536
"""Bytes of a line of rules: what is no text has lines without end, and a router has other uses for its memory."""


class Kernel(Protocol):
    """What a session needs of `kernel.ipvs_socket.IpvsSocket`; every method raises NetlinkError."""

    def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Carry out changes, return the failures."""

    def flush(self) -> None:
        """Remove every service."""

    def zero(self, key: ServiceKey | None = None) -> None:
        """Set counters to zero."""

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """Set timeouts."""

    def start_daemon(self, daemon: SyncDaemon) -> None:
        """Start a sync daemon."""

    def stop_daemon(self, daemon: SyncDaemon) -> None:
        """Stop a sync daemon."""


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file of rules; of one that is too long only the beginning. Raises OSError."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line


@dataclass(slots=True)
class Session:
    """Commands on one kernel.

    show: carries out what only shows, raises NetlinkError and NotListed. program: the name that hints give for
    `ipvsadm`. rules: what `-R` reads. complaints: how many were told on stderr. sctp: whether services of it were to be
    added.
    """

    kernel: Kernel
    show: Callable[[Invocation], None]
    program: str
    rules: Iterable[bytes] = ()
    complaints: int = field(default=0, init=False)
    sctp: bool = field(default=False, init=False)
    _line: int = 0  # of the rules, 0 = the command line
    _pending: list[tuple[Verb, Change, int]] = field(default_factory=list)

    def run(self, invocation: Invocation) -> int:
        """Carry out one command, tell on stderr what the kernel refuses, return the exit status."""
        change = _change(invocation)
        if change is not None:
            self._pending.append((invocation.verb, change, self._line))
            return self.settle()
        match invocation.verb:
            case Verb.LIST | Verb.SAVE:
                return self._show(invocation)
            case Verb.RESTORE:
                return self.restore(self.rules)
            case _:
                return self._order(invocation)

    def restore(self, lines: Iterable[bytes]) -> int:
        """Carry out one command a line; the status is that of the last one. A listing that fails ends it.

        A change that the kernel refuses is told and the rest goes on; a line that is no command raises
        UsageError, and everything before it stays done. Both name the line, counted from 1. Changes go
        to the kernel in batches.
        """
        lookup = system_lookup()
        status = DONE
        for self._line, line in enumerate(lines, 1):
            if len(line) > LONGEST_LINE:
                self.settle()
                raise UsageError(MISUSE, _at(self._line, f"longer than {LONGEST_LINE} bytes, so these are no rules"))
            words = words_of(line.removeprefix(BOM_UTF8).decode("utf-8", "surrogateescape"))
            if words[:1] == ["ipvsadm"]:
                words = words[1:]
            if not words:
                continue
            try:
                invocation = parse(words, lookup, self.program)
                if invocation.verb in (Verb.RESTORE, Verb.DIFF):
                    raise UsageError(NOT_UNDERSTOOD, hint(self.program))
            except UsageError as error:
                self.settle()
                if error.ends:
                    named = _no_command(words[0]) if str(error) == hint(self.program) else ""
                    raise UsageError(error.status, _at(self._line, named + str(error))) from None
                self._tell(str(error), self._line)
                status = error.status
                continue
            except (HelpAsked, VersionAsked):
                self.settle()
                raise
            change = _change(invocation)
            if change is None:
                self.settle()
                status = self.run(invocation)
                if status == NOT_THERE:
                    return status
                continue
            self._pending.append((invocation.verb, change, self._line))
            status = self.settle() if len(self._pending) >= BATCH_LIMIT else DONE
        return self.settle() if self._pending else status

    def settle(self) -> int:
        """Send the changes that wait; return the status of the last of them, 0 if there was none."""
        pending, self._pending = self._pending, []
        try:
            failures = self.kernel.apply([change for _, change, _ in pending])
        except NetlinkError as error:
            return self._refused(None, error.code, 0)
        self.sctp = self.sctp or any(verb is Verb.ADD and _is_sctp(change) for verb, change, _ in pending)
        status = DONE
        for failure in failures:
            verb, _, line = pending[failure.index]
            refused = self._refused(verb, failure.code, line)
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

    def _show(self, invocation: Invocation) -> int:
        problem = why_not_shown(self.show, invocation)
        if problem:
            self._tell(problem, self._line)
        return NOT_THERE if problem else DONE

    def _refused(self, verb: Verb | None, code: int, line: int | None = None) -> int:
        self._tell(refusal(verb, code, os.strerror(code)), self._line if line is None else line)
        return REFUSED

    def _tell(self, text: str, line: int) -> None:
        self.complaints += 1
        sys.stdout.flush()
        print(_at(line, text), file=sys.stderr)


def _is_sctp(change: Change) -> bool:
    match = change.service.match
    return isinstance(match, AddressMatch) and match.protocol is terms.Protocol.SCTP


def _no_command(word: str) -> str:
    """Say that a line does not begin with a command; what it begins with may be no text at all."""
    start = word[:40]
    shown = f"'{start}'" if start.isprintable() else repr(start.encode("utf-8", "surrogateescape"))[1:]
    return f"{shown} is no command here: "


def _at(line: int, text: str) -> str:
    return f"line {line}: {text}" if line else text


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
