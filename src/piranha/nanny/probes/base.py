"""Shell: what the engine and a check in progress know of each other."""

import errno
import os
import select
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import NamedTuple

from piranha.nanny.results import Advice, Assignment, ProbeResult, Reason
from piranha.terms import Address

# Errors of connect(2) and send(2) that say something of the way to the server; words for an operator.
_UNREACHABLE = {
    errno.ENETUNREACH: "no route to the network",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETDOWN: "the network is down",
    errno.EHOSTDOWN: "the host is down",
    errno.EAFNOSUPPORT: "this router does not speak its address family",
    errno.EACCES: "forbidden by a rule of this router",
    errno.EPERM: "forbidden by a rule of this router",
    errno.EINVAL: "no way to this address",
}


class Outcome(NamedTuple):
    """How a check ended, in words."""

    reason: Reason
    detail: str


class Watcher(ABC):
    """Something that is told when one of its descriptors is ready."""

    @abstractmethod
    def ready(self, fd: int, events: int, now: float) -> None:
        """`events` (epoll bits) happened to `fd`; must not block."""


class Watch:
    """One epoll, and who waits for which descriptor. ended: probes whose outcome was not yet collected."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._owners: dict[int, Watcher] = {}
        self.ended: list[Probe] = []

    def add(self, fd: int, events: int, owner: Watcher) -> None:
        """Tell `owner` of `events`; level-triggered."""
        self._epoll.register(fd, events)
        self._owners[fd] = owner

    def modify(self, fd: int, events: int) -> None:
        """Wait for other events from now on."""
        self._epoll.modify(fd, events)

    def drop(self, fd: int) -> None:
        """Forget `fd`; call it before closing: a fork may keep the file open, and epoll with it."""
        if self._owners.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def wait(self, timeout_s: float) -> list[tuple[Watcher, int, int]]:
        """Return (owner, descriptor, events) of what is ready, within `timeout_s`."""
        return [
            (owner, fd, events)
            for fd, events in self._epoll.poll(max(0.0, timeout_s))
            if (owner := self._owners.get(fd)) is not None
        ]

    def is_owner(self, fd: int, owner: Watcher) -> bool:
        """Whether `owner` still waits for `fd`; an earlier event of the same pass may have ended that."""
        return self._owners.get(fd) is owner

    def close(self) -> None:
        """Close the epoll."""
        self._epoll.close()


@lru_cache(maxsize=65536)
def host_text(address: Address) -> str:
    """Return `address` as the socket calls want it; made once."""
    return str(address)


class Probe(Watcher):
    """One check in progress. The engine calls `start`, then `ready` until `outcome` is set, or `expire`.

    Phases are named in the order in which they pass; each lasts from the end of the one before.
    """

    def __init__(self, assignment: Assignment, watch: Watch) -> None:
        self.assignment = assignment
        self.watch = watch
        self.outcome: Outcome | None = None
        self.advice: Advice | None = None
        self.started_s = 0.0
        self._phases: list[tuple[str, float]] = []
        self._phase_from_s = 0.0

    def begin(self, now: float) -> None:
        """Start; whatever this machine cannot do is an outcome, not an exception."""
        self.started_s = self._phase_from_s = now
        try:
            self.start(now)
        except OSError as error:
            self.failed("start", error.errno or 0)

    @abstractmethod
    def start(self, now: float) -> None:
        """Open what is needed and watch it."""

    @abstractmethod
    def expire(self, now: float) -> None:
        """The time limit is over: set `outcome`."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything, whether the check has ended or not."""

    def passed(self, phase: str, now: float) -> None:
        """Note that `phase` ended."""
        self._phases.append((phase, (now - self._phase_from_s) * 1000))
        self._phase_from_s = now

    def end(self, reason: Reason, detail: str) -> None:
        """Set the outcome, if it is not set."""
        if self.outcome is None:
            self.outcome = Outcome(reason, detail)
            self.watch.ended.append(self)

    def failed(self, phase: str, code: int) -> None:
        """End with what an errno value says."""
        if code == errno.ECONNREFUSED:
            self.end(Reason.REFUSED, f"{phase}: refused")
        elif code in _UNREACHABLE:
            self.end(Reason.UNREACHABLE, f"{phase}: {_UNREACHABLE[code]}")
        elif code == errno.ETIMEDOUT:
            self.end(Reason.TIMEOUT, f"{phase}: no answer, the kernel gave up")
        elif code in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
            self.end(Reason.CLOSED, f"{phase}: reset by the server")
        else:
            name = errno.errorcode.get(code, str(code))
            self.end(Reason.ERROR, f"{phase}: this router could not check: {os.strerror(code)} ({name})")

    def no_answer(self, phase: str) -> None:
        """End because the time limit is over."""
        limit_ms = self.assignment.timing.check_timeout_s * 1000
        self.end(Reason.TIMEOUT, f"{phase}: no answer in {limit_ms:.0f} ms")

    def result(self) -> ProbeResult:
        """Return the outcome as the result to report."""
        reason, detail = self.outcome or Outcome(Reason.ERROR, "not finished")
        return ProbeResult(
            id=self.assignment.id,
            reason=reason,
            detail=detail,
            started_s=self.started_s,
            phases_ms=tuple(self._phases),
            advice=self.advice if reason is Reason.OK else None,
        )
