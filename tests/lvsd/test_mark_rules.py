"""The daemon and its firewall: rules are kept as the file says, named when others change them, gone at the end."""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine, Sequence
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from tests.lvscf.reading import config
from tests.properties import examples

from piranha.control.state_files import StateFiles
from piranha.events.event import Event, Level
from piranha.events.record import Recorder
from piranha.events.teller import Teller
from piranha.forwarding.firewall import FirewallMissing, FirewallUnavailable
from piranha.lvscf.config import Config
from piranha.lvsd.mark_rules import FILE, MarkRules, firewalls, marked
from piranha.lvsd.marked import marked_data, marked_from
from piranha.table.mark_rules import Difference, Hook, Kept, Marked, MarkRule, difference, wanted_rules
from piranha.terms import Protocol


class FakeFirewall:
    """A firewall in memory. trouble: what it answers instead of working."""

    def __init__(self, name: str, trouble: FirewallUnavailable | None = None) -> None:
        self.name = name
        self.place = f"the place of {name}"
        self.trouble = trouble
        self.kept = Kept()
        self.asked = 0

    def look(self) -> Kept:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return self.kept

    def bring(self, wanted: Sequence[MarkRule]) -> Difference:
        found = difference(self.look(), wanted)
        self.kept = Kept(dict.fromkeys(Hook, tuple(wanted))) if wanted else Kept()
        return found

    @property
    def marks(self) -> set[str]:
        """What is marked, in words."""
        return set(map(str, self.kept.at_work()))


NO_NFTABLES = FirewallMissing("this kernel has no nftables: module nf_tables")
NO_IPTABLES = FirewallMissing("iptables is not installed")
PORT_80, PORT_443 = "tcp 192.0.2.20:80 gets mark 20", "tcp 192.0.2.20:443 gets mark 20"


def shop(ports: str = "80 443", more: str = "") -> Config:
    return config(
        f"virtual shop {{\nactive = 1\naddress = 192.0.2.20 eth0\nfwmark = 20\nports = {ports}\n{more}\n"
        "server a { active = 1; address = 10.0.0.1 }\n}\n"
    )


class Daemon:
    """What `lvsd` has of it; each call is a stretch of the daemon's life, and returns what was told in it."""

    def __init__(self, folder: Path, *among: FakeFirewall, sees_marks: bool = True) -> None:
        self._recorder = Recorder(None)
        self._told = 0
        kept, teller = StateFiles(folder, folder / "run"), Teller("lvsd", self._recorder)
        self.rules = MarkRules(lambda: among, kept, teller, sees_marks=sees_marks)

    def take(self, of: Config) -> list[Event]:
        return self._run(self.rules.take(of))

    def read_back(self) -> list[Event]:
        return self._run(self.rules.one_pass())

    def stop(self) -> list[Event]:
        return self._run(self.rules.remove())

    @property
    def facts(self) -> dict[str, object]:
        """What `status` tells."""
        return self.rules.facts(time.monotonic()) or {}

    def _run(self, work: Coroutine[object, object, object]) -> list[Event]:
        asyncio.run(work)
        found = self._recorder.after(self._told)
        self._told += len(found)
        return [record.event for record in found]


def words(events: Sequence[Event]) -> list[str]:
    return [f"{event.subject}: {event.message}" for event in events]


def test_the_rules_of_the_file_are_set_and_told_once(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)

    (event,) = daemon.take(shop())
    assert (event.subject, event.message) == ("shop", "mark rules set: tcp 192.0.2.20:80,443 gets mark 20")
    assert event.facts == (("place", "the place of nftables"),)
    assert nftables.marks == {PORT_80, PORT_443}
    assert daemon.read_back() == []


def test_a_file_without_marks_looks_at_no_firewall(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)

    assert daemon.take(shop(more="mark_rules = 0")) == []
    assert daemon.read_back() == []
    assert daemon.stop() == []
    assert nftables.asked == 0
    assert daemon.facts == {}


def test_another_file_changes_only_its_rules(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    daemon.take(shop("80 443"))

    (come, gone) = daemon.take(shop("443 8080"))
    assert come.message == "mark rules set: tcp 192.0.2.20:8080 gets mark 20"
    assert gone.message == "mark rules removed: tcp 192.0.2.20:80 gets mark 20"
    assert gone.cause == "the file does not ask for them"
    assert (daemon.facts["trouble"], daemon.facts["repaired"], daemon.facts["rules"]) == ("", [], 2)


def test_mark_rules_0_takes_the_rules_away(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    daemon.take(shop())

    assert words(daemon.take(shop(more="mark_rules = 0"))) == [
        "shop: mark rules removed: tcp 192.0.2.20:80,443 gets mark 20"
    ]
    assert nftables.kept.empty


def test_a_rule_that_somebody_deleted_comes_back_and_is_named(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    daemon.take(shop())
    nftables.kept = Kept({hook: rules[1:] for hook, rules in nftables.kept.rules.items()})

    (event,) = daemon.read_back()
    assert (event.subject, event.level) == ("shop", Level.WARNING)
    assert event.message == "mark rules repaired: tcp 192.0.2.20:80 gets mark 20 put back"
    assert "removed by somebody else" in event.cause
    assert nftables.marks == {PORT_80, PORT_443}
    assert "'what': 'shop: tcp 192.0.2.20:80 gets mark 20 put back'" in str(daemon.facts["repaired"])


def test_what_somebody_put_into_our_place_goes_and_is_named(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    daemon.take(shop("80"))
    other = MarkRule(ip_address("192.0.2.20"), Protocol.TCP, 22, 22, 7)
    nftables.kept = Kept({hook: (*rules, other, None) for hook, rules in nftables.kept.rules.items()})

    assert words(daemon.read_back()) == [
        "table: mark rules repaired: tcp 192.0.2.20:22 gets mark 7, which no file asks for, removed",
        "table: mark rules repaired: what is no mark rule of lvsd removed",
    ]


def test_a_place_that_was_switched_off_is_named_although_no_rule_was_missing(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    daemon.take(shop())
    nftables.kept = Kept(nftables.kept.rules, broken="it is switched off")

    (event,) = daemon.read_back()
    assert event.message == "mark rules repaired: the place of nftables made anew"
    assert event.cause == "it is switched off"


def test_where_the_kernel_has_no_nftables_iptables_marks(tmp_path: Path) -> None:
    nftables, iptables = FakeFirewall("nftables", NO_NFTABLES), FakeFirewall("iptables")
    daemon = Daemon(tmp_path, nftables, iptables)
    daemon.take(shop())

    assert iptables.marks == {PORT_80, PORT_443}
    assert daemon.facts["firewall"] == "iptables"


def test_a_machine_with_neither_is_told_what_is_missing_and_tried_again(tmp_path: Path) -> None:
    nftables, iptables = FakeFirewall("nftables", NO_NFTABLES), FakeFirewall("iptables", NO_IPTABLES)
    daemon = Daemon(tmp_path, nftables, iptables)

    (event,) = daemon.take(shop())
    assert (event.subject, event.level) == ("table", Level.ERROR)
    assert event.cause == f"{NO_NFTABLES}; {NO_IPTABLES}"
    assert event.facts == (("virtuals", "1"), ("first", "shop"))
    assert daemon.facts["trouble"] == event.cause
    assert daemon.read_back() == []

    iptables.trouble = None
    assert words(daemon.read_back()) == [
        "table: the firewall takes the mark rules again",
        "shop: mark rules set: tcp 192.0.2.20:80,443 gets mark 20",
    ]
    assert daemon.facts["trouble"] == ""


def test_a_firewall_that_does_not_answer_leaves_rules_that_are_set(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    daemon.take(shop())
    nftables.trouble = FirewallUnavailable("it does not answer")

    assert words(daemon.read_back()) == ["table: mark rules cannot be read back"]
    assert daemon.facts["set"]


def test_what_holds_rules_is_written_down_only_when_that_changes(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, FakeFirewall("nftables", NO_NFTABLES), FakeFirewall("iptables"))
    daemon.take(shop())
    written = (tmp_path / FILE).stat().st_ino
    daemon.read_back()

    assert (tmp_path / FILE).read_text() == '["iptables"]\n'
    assert (tmp_path / FILE).stat().st_ino == written


def test_a_firewall_that_refuses_is_not_gone_round_by_the_next_one(tmp_path: Path) -> None:
    nftables, iptables = FakeFirewall("nftables", FirewallUnavailable("not permitted")), FakeFirewall("iptables")
    daemon = Daemon(tmp_path, nftables, iptables)

    (event,) = daemon.take(shop())
    assert event.cause == "not permitted"
    assert iptables.asked == 0


def test_rules_move_when_the_better_firewall_is_there_at_last(tmp_path: Path) -> None:
    nftables, iptables = FakeFirewall("nftables", NO_NFTABLES), FakeFirewall("iptables")
    daemon = Daemon(tmp_path, nftables, iptables)
    daemon.take(shop())
    nftables.trouble = None
    daemon.read_back()

    assert nftables.marks == {PORT_80, PORT_443}
    assert iptables.kept.empty


def test_a_clean_stop_takes_the_rules_away_for_good(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    daemon.take(shop())

    (event,) = daemon.stop()
    assert event.cause == "lvsd stops"
    assert nftables.kept.empty
    daemon.read_back()
    assert nftables.kept.empty


def test_the_next_daemon_finds_the_rules_and_says_nothing(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    Daemon(tmp_path, nftables).take(shop())

    assert Daemon(tmp_path, nftables).take(shop()) == []


def test_rules_that_a_file_stopped_asking_for_while_no_daemon_ran_go_at_its_start(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    Daemon(tmp_path, nftables).take(shop())

    assert words(Daemon(tmp_path, nftables).take(shop(more="mark_rules = 0"))) == [
        "shop: mark rules removed: tcp 192.0.2.20:80,443 gets mark 20"
    ]
    assert nftables.kept.empty


def test_old_rules_that_cannot_be_removed_are_named(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    daemon.take(shop())
    nftables.trouble = FirewallUnavailable("it is busy")

    (event,) = daemon.take(shop(more="mark_rules = 0"))
    assert event.message == "old mark rules stay"
    assert event.cause == "rules that are not needed any more stay: it is busy"


def test_a_plan_is_told_which_rules_are_there_and_why_there_can_be_none(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)
    assert asyncio.run(daemon.rules.marked()) == Marked()
    assert nftables.asked == 0

    daemon.take(shop())
    found = asyncio.run(daemon.rules.marked())
    assert found is not None
    assert {str(rule) for rule in found.rules} == {PORT_80, PORT_443}
    assert marked_from(json.loads(json.dumps(marked_data(found)))) == found

    nftables.trouble = NO_NFTABLES
    assert asyncio.run(daemon.rules.marked()) == Marked(trouble=str(NO_NFTABLES))


def test_rules_are_found_wherever_they_lie() -> None:
    nftables, iptables = FakeFirewall("nftables"), FakeFirewall("iptables")
    rules = list(wanted_rules(shop()))
    iptables.bring(rules)
    assert marked([nftables, iptables]) == Marked(frozenset(rules))
    assert marked([FakeFirewall("nftables", NO_NFTABLES), iptables]) == Marked(frozenset(rules))


def test_nftables_goes_before_iptables() -> None:
    assert [one.name for one in firewalls()] == ["nftables", "iptables"]


def test_who_only_observes_forgets_nothing_that_lies_in_a_firewall(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    Daemon(tmp_path, nftables).take(shop())
    observer = Daemon(tmp_path, sees_marks=False)
    observer.take(shop(more="mark_rules = 0"))
    observer.stop()

    assert nftables.marks == {PORT_80, PORT_443}
    assert words(Daemon(tmp_path, nftables).take(shop(more="mark_rules = 0"))) == [
        "shop: mark rules removed: tcp 192.0.2.20:80,443 gets mark 20"
    ]


def test_a_plane_that_sees_no_marks_gets_no_rules_and_old_ones_go(tmp_path: Path) -> None:
    nftables = FakeFirewall("nftables")
    Daemon(tmp_path, nftables).take(shop())
    daemon = Daemon(tmp_path, nftables, sees_marks=False)

    assert words(daemon.take(shop())) == ["shop: mark rules removed: tcp 192.0.2.20:80,443 gets mark 20"]
    assert nftables.kept.empty
    assert asyncio.run(daemon.rules.marked()) is None


def test_a_file_that_comes_while_somebody_looks_has_its_rules_at_once(tmp_path: Path) -> None:
    looked, go_on = threading.Event(), threading.Event()

    class SlowFirewall(FakeFirewall):
        def bring(self, wanted: Sequence[MarkRule]) -> Difference:
            looked.set()
            assert go_on.wait(20)
            return super().bring(wanted)

    nftables = SlowFirewall("nftables")
    daemon = Daemon(tmp_path, nftables)

    async def reload_meanwhile() -> None:
        before = asyncio.create_task(daemon.rules.take(shop("80")))
        await asyncio.to_thread(looked.wait, 20)
        after = asyncio.create_task(daemon.rules.take(shop("443")))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(before, after)

    asyncio.run(reload_meanwhile())
    assert nftables.marks == {PORT_443}


def test_the_first_rules_are_awaited_until_they_are_there_or_refused(tmp_path: Path) -> None:
    for trouble in (None, NO_NFTABLES):
        daemon = Daemon(tmp_path, FakeFirewall("nftables", trouble))
        assert not daemon.rules.awaited

        async def take(rules: MarkRules = daemon.rules) -> bool:
            taking = asyncio.create_task(rules.take(shop()))
            await asyncio.sleep(0)
            on_their_way = rules.awaited
            await taking
            return on_their_way

        assert asyncio.run(take())
        assert not daemon.rules.awaited


files = st.sampled_from(["80", "443", "80 443", "443 8000-8010", ""])


@given(st.lists(st.tuples(files, st.booleans(), st.sampled_from(["", "flush", "add", "break"])), max_size=4), files)
@examples(15)
def test_whatever_happens_one_pass_of_a_firewall_that_works_leaves_the_rules_of_the_file_and_no_others(
    turns: list[tuple[str, bool, str]], last: str
) -> None:
    nftables, iptables = FakeFirewall("nftables"), FakeFirewall("iptables")

    def file(ports: str) -> Config:
        return shop(ports or "80", more="" if ports else "mark_rules = 0")

    with TemporaryDirectory() as folder:
        for ports, works, tampering in turns:
            nftables.trouble = None if works else NO_NFTABLES
            # What a kernel has not got holds nothing.
            nftables.kept = nftables.kept if works else Kept()
            Daemon(Path(folder), nftables, iptables).take(file(ports))
            held = nftables.kept.rules
            if tampering == "flush":
                nftables.kept = Kept()
            elif tampering == "add" and held:
                nftables.kept = Kept({hook: (*rules, None, *rules[:1]) for hook, rules in held.items()})
            elif tampering == "break" and held:
                nftables.kept = Kept(held, broken="it is switched off")
        nftables.trouble = None
        daemon = Daemon(Path(folder), nftables, iptables)
        daemon.take(file(last))
        again = daemon.read_back()

    wanted = {str(rule) for rule in wanted_rules(file(last))}
    assert nftables.marks == wanted
    assert iptables.kept.empty
    assert again == []
    assert None not in [one for held_by in nftables.kept.rules.values() for one in held_by]
