"""Read before judging: everything that waits is taken in before the election is asked what follows."""

import asyncio

from piranha.pulse.endpoint import Datagram, PathError
from piranha.pulse.inbox import ROUNDS, Inbox


class Wire:
    """Datagrams that wait, a hundred at a time; reading one batch takes `pause_s`."""

    def __init__(self, waiting: int, pause_s: float = 0.0) -> None:
        self.waiting = waiting
        self.pauses = [pause_s]
        self.now = 1000.0
        self.more = False
        self.drained = 0

    def drain(self) -> list[Datagram | PathError]:
        part = min(self.waiting, 100)
        self.waiting -= part
        self.more = part == 100
        self.drained += 1
        self.now += self.pauses.pop() if self.pauses else 0.0
        return [Datagram("public", b"", self.now - 500 + number) for number in range(part)]

    def descriptors(self) -> tuple[int, ...]:
        return ()


class Taken:
    """An inbox on `wire` with all that was taken in, by its time."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.times: list[float] = []
        self.inbox = Inbox(wire, lambda _item, now: self.times.append(now), wire.now, lambda: wire.now)


def test_all_that_waits_is_read_however_much_it_is() -> None:
    taken = Taken(Wire(waiting=1234))
    taken.inbox.take_in()
    assert len(taken.times) == 1234 and taken.wire.waiting == 0


def test_a_flood_cannot_keep_us_from_judging() -> None:
    taken = Taken(Wire(waiting=10**9))
    assert taken.inbox.take_in() == 1000.0
    assert taken.wire.drained == ROUNDS


def test_after_a_pause_while_reading_what_came_meanwhile_is_read_first() -> None:
    taken = Taken(Wire(waiting=1, pause_s=30.0))
    assert taken.inbox.take_in() == 1030.0
    assert taken.wire.drained == 2


def test_time_never_goes_back() -> None:
    taken = Taken(Wire(waiting=3))
    taken.inbox.take_in()
    assert taken.times == [1000.0] * 3, "the stamps are older than the last judgement"


def test_inputs_are_taken_in_after_the_wire_and_in_order() -> None:
    taken = Taken(Wire(waiting=1))
    story: list[str] = []
    taken.inbox.post(lambda _now: story.append(f"first after {len(taken.times)}"))
    taken.inbox.post(lambda _now: story.append(f"second after {len(taken.times)}"))
    taken.inbox.take_in()
    assert story == ["first after 1", "second after 1"]


def test_an_input_that_brings_another_one_has_it_taken_in_as_well() -> None:
    taken = Taken(Wire(waiting=0))
    story: list[float] = []
    taken.inbox.post(lambda _now: taken.inbox.post(story.append))
    taken.inbox.take_in()
    assert story == [1000.0]


def test_an_input_ends_the_wait() -> None:
    taken = Taken(Wire(waiting=0))

    async def wait() -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        loop.call_later(0.01, taken.inbox.post, lambda _now: None)
        await taken.inbox.wait(begun + 60)
        await taken.inbox.wait(float("-inf"))
        assert loop.time() < begun + 30

    asyncio.run(wait())
