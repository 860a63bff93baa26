"""The numbers on the disk: what a restart goes on from."""

import asyncio
import json
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest
from tests.lvsd.test_numbers import WEB1, WEB2, WWW, sample, traffic

from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.forwarding.plane import NOTHING
from piranha.lvsd.kept_numbers import FILE, KeptNumbers
from piranha.lvsd.numbers import Statistics
from piranha.table.destination import DestinationKey
from piranha.table.service import ServiceKey

PLACES = {WWW: [WEB1, WEB2]}


class Life:
    """One daemon after the other on one state folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.kept = StateFiles(folder, folder / "run")
        self.recorder = Recorder(None)

    def __call__(
        self, *found: Statistics, places: Mapping[ServiceKey, Collection[DestinationKey]] = PLACES
    ) -> KeptNumbers:
        """Take samples as a new daemon does, and keep them."""
        numbers = KeptNumbers(self.kept, Teller("lvsd", self.recorder), lambda: places)

        async def run() -> None:
            for one in found:
                await numbers.take(one, time.monotonic())
            await numbers.keep()

        asyncio.run(run())
        return numbers

    def told(self) -> list[str]:
        return [record.event.message for record in self.recorder.last()]


def test_a_restart_goes_on_with_totals_and_rates(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life(sample(100, web1=60, web2=40), sample(0, web1=0))
    data = json.loads(life.kept.read(FILE))
    life.kept.write({FILE: json.dumps(data | {"at_s": time.monotonic() - 20.0}).encode()})

    after = life(sample(40, web1=25, web2=15))

    assert after.since_s == data["since"]
    assert (after.now.total(WWW), after.now.total(WWW, WEB2)) == (traffic(140), traffic(55))
    rates = after.now.rates(WWW)
    assert rates is not None
    assert rates.connections == pytest.approx(2.0, rel=0.1)
    assert life.told() == []


def test_after_a_boot_totals_go_on_and_the_time_before_gives_no_rate(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life(sample(100, web1=60))
    data = json.loads(life.kept.read(FILE))
    life.kept.write({FILE: json.dumps(data | {"boot": "another", "at_s": time.monotonic() - 20.0}).encode()})

    after = life(sample(130, web1=61))

    assert (after.now.total(WWW), after.now.total(WWW, WEB1), after.now.rates(WWW)) == (
        traffic(230),
        traffic(121),
        None,
    )


def test_what_the_file_dropped_while_nobody_ran_is_not_kept_for_ever(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life(sample(100, web1=60, web2=40))

    after = life({}, places={WWW: [WEB1]})

    assert (after.now.total(WWW, WEB1), after.now.total(WWW, WEB2)) == (traffic(60), NOTHING)


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"{}", b'{"boot":"x","at_s":1,"since":1,"services":[[{},[[1,2,3,4,-5]],[]]]}', b"[" * 9999],
)
def test_a_damaged_file_is_put_aside_and_named_and_totals_begin_anew(tmp_path: Path, damage: bytes) -> None:
    life = Life(tmp_path)
    life.kept.write({FILE: damage})

    after = life(sample(100, web1=60))

    assert (after.now.total(WWW), life.told()) == (traffic(100), ["the kept numbers cannot be read: totals begin anew"])
    assert (tmp_path / f"{FILE}.damaged").read_bytes() == damage
    assert life(sample(120, web1=60)).now.total(WWW) == traffic(120)


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life(sample(100, web1=60))
    written = (tmp_path / FILE).stat().st_ino

    life(sample(100, web1=60))
    assert (tmp_path / FILE).stat().st_ino == written
    life(sample(101, web1=60))
    assert (tmp_path / FILE).stat().st_ino != written


def test_who_asks_gets_a_sample_after_a_second_and_otherwise_they_are_further_apart(tmp_path: Path) -> None:
    numbers = Life(tmp_path)(sample(100))

    assert 4.0 < numbers.due_in_s() <= 5.0
    assert not numbers.looked_at
    numbers.ask()
    assert (numbers.due_in_s() <= 1.0, numbers.looked_at) == (True, True)
