"""`lvsd --observe` and the table of somebody else: everything is computed, nothing is written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.fake_kernel import FakePlane
from tests.lvsd.test_reconcile import WWW, all_up, at, config, real, www

from piranha.control.state_files import StateFiles
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.forwarding.read_only import ReadOnly, ReadOnlyPlane
from piranha.lvscf.config import Config
from piranha.lvsd.kept_table import Wanted
from piranha.lvsd.observed_table import ObservedTable
from piranha.lvsd.ours import FILE as OURS
from piranha.lvsd.ours import Ours
from piranha.lvsd.planes import PlaneThread
from piranha.table.changes import AddDestination, AddService, RemoveDestination, RemoveService
from piranha.table.desired import ServerVerdict, Verdicts, desired
from piranha.table.destination import Destination
from piranha.table.diff import diff
from piranha.table.service import ServiceSettings
from piranha.terms import ForwardingMethod

FILE = config(www(real(1), real(2)))
NAT = Destination(forwarding=ForwardingMethod.NAT)


@dataclass
class Beside:
    """An observer beside somebody who keeps the table: `plane`."""

    folder: Path
    plane: FakePlane = field(default_factory=FakePlane)
    file: Config = FILE
    verdicts: Verdicts = field(default_factory=lambda: all_up(FILE))
    facts: Any = None

    def __post_init__(self) -> None:
        self.recorder = Recorder(None)
        self.kept = StateFiles(self.folder, self.folder / "run")
        self.plane.apply(diff({}, desired(FILE, all_up(FILE), {}, ())))

    def run(self, *steps: Callable[[], object]) -> ObservedTable:
        """Look, and once more after each step; then stop."""
        thread = PlaneThread(ReadOnlyPlane(self.plane), lambda: None, lambda: None)
        teller = Teller("lvsd", self.recorder)

        async def go() -> ObservedTable:
            table = ObservedTable(
                thread,
                Ours(self.kept),
                teller,
                lambda _: Wanted(self.file, self.verdicts),
                lambda: None,
                kept=self.kept,
            )
            await table.adopt()
            await table.claim(self.file, ())
            await table.set_timeouts((900, 0, 0))
            assert await table.try_pass()
            for step in steps:
                step()
                before = dict(self.plane.kernel.services)
                assert await table.try_pass()
                await table.one_pass({WWW: "www"})
                assert self.plane.kernel.services == before
            facts = table.observing()
            await table.remove()
            table.close()
            self.facts = facts
            return table

        return asyncio.run(go())

    def told(self) -> list[tuple[str, str, str]]:
        events = [record.event for record in self.recorder.last()]
        return [(one.subject, one.before or "", one.after or "") for one in events if "would have" in one.message]


def test_what_health_and_others_change_is_told_and_never_written(tmp_path: Path) -> None:
    beside = Beside(tmp_path)

    def dies() -> None:
        beside.verdicts = {**beside.verdicts, ("www", "web2"): ServerVerdict.DOWN}

    beside.run(
        dies,
        lambda: beside.plane.apply([RemoveDestination(WWW, at(2))]),
        lambda: beside.plane.apply([AddDestination(WWW, at(9), NAT)]),
        lambda: beside.plane.apply([RemoveService(WWW)]),
    )

    assert beside.told() == [
        ("www/web2", "", "server too many"),
        ("www/web2", "server too many", ""),
        ("www/10.0.0.9:80", "", "server too many"),
        ("www", "", "service missing"),
        ("www/10.0.0.9:80", "server too many", ""),
    ]
    assert beside.facts["now"] == 1
    assert beside.facts["began"] == {"server too many": 2, "service missing": 1}
    assert beside.facts["brief"] == {"server too many": 2}
    [one] = beside.facts["differences"]
    assert (one["subject"], one["lasting"]) == ("www", False)


def test_stopping_removes_nothing_and_nothing_is_claimed(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    table = beside.run()

    assert beside.plane.kernel.services == table.live != {}
    assert not (tmp_path / OURS).exists()
    assert beside.plane.timeouts_s == (900, 120, 300)


def test_a_table_that_is_there_is_observed_and_not_called_adopted(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    beside.run()

    [event] = [record.event for record in beside.recorder.last() if "that is there" in record.event.message]
    assert event.message == "observing the table that is there"
    assert dict(event.facts) == {"services": "1", "servers": "2"}


def test_services_that_the_file_does_not_name_are_not_compared(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    other = next(iter(desired(config(www(real(1), port=25)), {}, {}, ())))

    beside.run(lambda: beside.plane.apply([AddService(other, ServiceSettings())]))
    assert beside.told() == []


def test_a_plane_that_is_observed_has_no_hands() -> None:
    plane = FakePlane()
    observed = ReadOnlyPlane(plane)

    assert observed.apply([]) == []
    with pytest.raises(ReadOnly):
        observed.apply([AddService(WWW, ServiceSettings())])
    with pytest.raises(ReadOnly):
        observed.set_timeouts(1, 2, 3)
    assert (plane.kernel.services, plane.timeouts_s) == ({}, (900, 120, 300))
