"""What an lvsd that only observes would do otherwise: told once when it begins, once when it ends, and counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.lvsd.test_reconcile import NAT, WWW, all_up, at, config, real, www
from tests.properties import examples

from piranha.events.event import Event
from piranha.lvsd.opinions import ONE_BY_ONE, Kind, Opinions
from piranha.lvsd.reconcile import Reconciler, subject_of
from piranha.table.desired import ServerVerdict, Verdicts, desired
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import ServiceSettings
from piranha.table.table import Service, Table

FILE = config(www(real(1), real(2)))
AGREED = desired(FILE, all_up(FILE), {}, ())
BRIEF_S = 30.0


class Observer:
    """Looks at tables that somebody else writes."""

    def __init__(self) -> None:
        self.opinions = Opinions(0.0)
        self.reconciler = Reconciler()

    def __call__(self, table: Table, now: float, verdicts: Verdicts | None = None) -> list[Event]:
        plan = self.reconciler.prepare(FILE, all_up(FILE) if verdicts is None else verdicts, table, ())
        names = plan.names
        return self.opinions.look(
            plan.changes, table, lambda target: subject_of(names, target), brief_s=BRIEF_S, now=now
        )

    def kinds(self) -> list[Kind]:
        return [one.kind for one in self.opinions.now]


def pool(**weights: int) -> Mapping[DestinationKey, Destination]:
    return {at(int(name[3:])): Destination(forwarding=NAT, weight=weight) for name, weight in weights.items()}


def table(servers: Mapping[DestinationKey, Destination], scheduler: str = "wlc") -> Table:
    return {WWW: Service(ServiceSettings(scheduler=scheduler), servers)}


SOME = [
    table(pool(web1=1, web2=1), "rr"),
    table(pool(web1=5, web2=1)),
    table(pool(web1=0)),
    table(pool(web1=1, web2=2, web9=1), "rr"),
    table({}),
]


def test_a_table_that_is_as_it_should_be_needs_no_word() -> None:
    observe = Observer()
    assert observe(AGREED, 1.0) == observe(AGREED, 3.0) == []
    assert observe.kinds() == []


def test_a_difference_is_told_when_it_begins_and_when_it_ends_and_not_in_between() -> None:
    observe = Observer()
    [begun] = observe(table(pool(web1=1, web2=7)), 1.0)
    assert observe(table(pool(web1=1, web2=8)), 50.0) == []
    [ended] = observe(AGREED, 61.0)

    assert (begun.subject, begun.after, begun.cause) == (
        "www/web2",
        "weight",
        "10.0.0.2:80: weight is 7, lvsd would have 1",
    )
    assert (ended.subject, ended.before, ended.facts) == ("www/web2", "weight", (("for_s", "60.0"), ("brief", "no")))
    assert (observe.opinions.began, observe.opinions.brief) == ({Kind.WEIGHT: 1}, {})


def test_each_kind_has_its_name_and_its_words() -> None:
    for found, kind, words in (
        ({}, Kind.SERVICE_MISSING, "the table does not have tcp 192.0.2.10:80"),
        (table(pool(web1=1)), Kind.SERVER_MISSING, "the table does not have 10.0.0.2:80, lvsd would, with weight 1"),
        (
            table(pool(web1=1, web2=1, web9=3)),
            Kind.SERVER_TOO_MANY,
            "the table has 10.0.0.9:80 with weight 3, lvsd would not",
        ),
        (table(pool(web1=0, web2=1)), Kind.WEIGHT, "10.0.0.1:80: weight is 0, lvsd would have 1"),
        (table(pool(web1=1, web2=1), "rr"), Kind.SETTINGS, "scheduler is rr, lvsd would have wlc"),
    ):
        observe = Observer()
        [event] = observe(found, 1.0)
        assert (observe.kinds(), event.after, event.cause) == ([kind], kind, words)
    limited = table({**pool(web1=1), at(2): Destination(forwarding=NAT, weight=2, upper_threshold=9)})
    observe = Observer()
    observe(limited, 1.0)
    assert observe.kinds() == [Kind.SETTINGS]


def test_both_see_the_same_death_one_after_the_other_which_is_brief() -> None:
    observe, down = Observer(), {**all_up(FILE), ("www", "web2"): ServerVerdict.DOWN}
    [begun] = observe(AGREED, 10.0, down)
    [ended] = observe(table(pool(web1=1)), 11.0, down)

    assert begun.after == Kind.SERVER_TOO_MANY
    assert ended.facts == (("for_s", "1.0"), ("brief", "yes"))
    assert (observe.opinions.began, observe.opinions.brief) == (
        {Kind.SERVER_TOO_MANY: 1},
        {Kind.SERVER_TOO_MANY: 1},
    )


def told(events: list[Event]) -> list[tuple[str, str, str, str]]:
    return [(one.subject, one.message, one.before, one.after) for one in events]


def test_a_difference_that_turns_into_another_has_not_ended() -> None:
    observe = Observer()
    observe(table(pool(web1=1, web2=1), "rr"), 1.0)
    empty = replace(FILE, virtuals=())
    agreed_on = table(pool(web1=1, web2=1), "rr")
    plan = observe.reconciler.prepare(empty, {}, agreed_on, {WWW})
    turned = observe.opinions.look(plan.changes, agreed_on, lambda _: "www", brief_s=BRIEF_S, now=11.0)
    assert told(turned) == [
        ("www", "the table differs otherwise than before", "settings", "service too many"),
    ]
    assert (turned[0].cause, turned[0].facts) == (
        "the table has tcp 192.0.2.10:80, lvsd would not",
        (("for_s", "10.0"),),
    )
    assert observe.kinds() == [Kind.SERVICE_TOO_MANY]
    # 20 s as the one and 15 s as the other: no matter of timing.
    [ended] = observe(AGREED, 36.0)
    assert ended.facts == (("for_s", "35.0"), ("brief", "no"))
    assert (observe.opinions.began, observe.opinions.brief) == ({Kind.SETTINGS: 1}, {})


def test_what_turned_and_was_over_soon_is_brief_as_what_it_began_as() -> None:
    observe, down = Observer(), {**all_up(FILE), ("www", "web2"): ServerVerdict.DOWN}
    observe(table(pool(web1=1)), 1.0)
    [turned] = observe(table(pool(web1=1, web2=0)), 3.0)
    assert told([turned]) == [("www/web2", "the table differs otherwise than before", "server missing", "weight")]
    assert observe(table(pool(web1=1)), 5.0, down)[0].facts == (("for_s", "4.0"), ("brief", "yes"))
    assert observe.opinions.began == observe.opinions.brief == {Kind.SERVER_MISSING: 1}


def test_what_a_service_swallows_that_goes_has_not_ended() -> None:
    observe = Observer()
    observe(table(pool(web1=5, web2=1)), 1.0)
    events = observe({}, 3.0)
    assert told(events) == [
        ("www", "the table differs from what lvsd would have", "", "service missing"),
        ("www/web1", "the difference is a part of another one", "weight", "service missing"),
    ]
    [ended] = observe(AGREED, 9.0)
    assert ended.facts == (("for_s", "8.0"), ("brief", "yes"))
    assert observe.opinions.began == observe.opinions.brief == {Kind.WEIGHT: 1, Kind.SERVICE_MISSING: 1}


def test_a_service_that_comes_without_its_servers_is_not_yet_what_it_should_be() -> None:
    observe = Observer()
    observe({}, 1.0)
    events = observe(table(pool(web1=1)), 3.0)
    assert told(events) == [
        ("www/web2", "the table differs from what lvsd would have", "", "server missing"),
        ("www", "the difference is a part of another one", "service missing", "server missing"),
    ]
    observe(AGREED, 50.0)
    assert (observe.opinions.began, observe.opinions.brief) == ({Kind.SERVICE_MISSING: 1, Kind.SERVER_MISSING: 1}, {})


@examples(60)
@given(st.lists(st.sampled_from([{}, AGREED, *SOME]), min_size=1, max_size=6))
def test_every_difference_is_counted_once_when_it_began_and_is_over_when_the_tables_agree(seen: list[Table]) -> None:
    observe = Observer()
    for now, one in enumerate(seen):
        observe(one, float(now))
        open_ones = [kind for one in observe.opinions.now for kind in one.counted]
        assert observe.opinions.began == observe.opinions.brief + Counter(open_ones)
    observe(AGREED, float(len(seen)))
    assert observe.kinds() == []
    assert observe.opinions.began == observe.opinions.brief


def test_a_look_at_some_services_ends_nothing_elsewhere() -> None:
    observe = Observer()
    observe(table(pool(web1=1)), 1.0)
    assert observe.opinions.look([], AGREED, str, brief_s=BRIEF_S, now=2.0, part=()) == []
    assert observe.kinds() == [Kind.SERVER_MISSING]


def test_a_flood_is_one_line_with_counts() -> None:
    many = config(www(*map(real, range(1, ONE_BY_ONE + 3))))
    full, half = desired(many, all_up(many), {}, ()), table({at(1): replace(pool(web1=1)[at(1)], weight=5)})
    reconciler, opinions = Reconciler(), Opinions(0.0)
    told = []
    for now, found in ((1.0, half), (9.0, full)):
        plan = reconciler.prepare(many, all_up(many), found, ())
        told += opinions.look(plan.changes, found, str, brief_s=BRIEF_S, now=now)

    assert [one.facts for one in told] == [(("server_missing", str(ONE_BY_ONE + 1)), ("weight", "1"))] * 2
    assert opinions.brief.total() == ONE_BY_ONE + 2
