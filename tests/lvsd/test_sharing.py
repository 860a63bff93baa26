"""Checks that are the same run once, and each of those who asked judges the results on its own."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from piranha.lvscf.check_values import Check, CheckTiming, Exchange, Expect, run_key
from piranha.lvsd.sharing import News, Sharing
from piranha.nanny.results import Assignment, ProbeResult, Reason

TIMING = CheckTiming(interval_s=2.0, check_timeout_s=1.0, fast_interval_s=0.5)
HTTP = Exchange(send=b"GET", expect=Expect(text=b"HTTP"))
NOW = 100.0


def asked(
    check_id: str, check: Check = HTTP, *, up: bool | None = True, timing: CheckTiming = TIMING, port: int = 80
) -> Assignment:
    return Assignment(
        id=check_id, address=ip_address("10.0.0.1"), port=port, check=check, timing=timing, believed_up=up
    )


def result(run_id: str, reason: Reason = Reason.OK, started_s: float = NOW) -> ProbeResult:
    return ProbeResult(id=run_id, reason=reason, detail=str(reason), started_s=started_s)


def sharing(*assignments: Assignment, on: bool = True) -> Sharing:
    made = Sharing(on=on)
    made.reassign((), assignments, NOW)
    return made


def told(news: News) -> list[str]:
    return [one.id for one in news.assign]


def heard(made: Sharing, run_id: str) -> list[str]:
    return [one.id for one in made.results([result(run_id)])]


def test_checks_of_one_address_that_ask_the_same_are_one_run_and_each_gets_its_result() -> None:
    made = sharing(asked("www/a"), asked("shop/a"), asked("mail/a", port=25))

    assert [one.id for one in made.runs()] == ["www/a", "mail/a"]
    assert heard(made, "www/a") == ["www/a", "shop/a"]
    assert heard(made, "mail/a") == ["mail/a"]
    assert (made.with_whom("shop/a"), made.with_whom("mail/a")) == (("www/a",), ())


def test_another_request_limit_or_interval_is_another_run_other_patience_is_not() -> None:
    made = sharing(
        asked("a/a"),
        asked("b/a", Exchange(send=b"HEAD")),
        asked("c/a", timing=replace(TIMING, interval_s=3.0)),
        asked("d/a", timing=replace(TIMING, check_timeout_s=0.5)),
        asked("e/a", timing=replace(TIMING, fall=5, rise=3, reentry_s=0.0)),
    )

    assert [one.id for one in made.runs()] == ["a/a", "b/a", "c/a", "d/a"]
    assert heard(made, "a/a") == ["a/a", "e/a"]


def test_without_share_checks_each_runs_on_its_own() -> None:
    assert len(sharing(asked("www/a"), asked("shop/a"), on=False).runs()) == 2


def test_while_the_sharers_believe_different_things_every_result_is_news() -> None:
    made = sharing(asked("www/a"), asked("shop/a"))
    first = made.believe("www/a", False)
    assert (first and first.believed_up, made.believe("www/a", False)) == (None, None)
    both = made.believe("shop/a", False)
    assert both is not None
    assert (both.id, both.believed_up) == ("www/a", False)


def test_one_that_changes_leaves_the_run_and_the_other_is_not_disturbed() -> None:
    made = sharing(asked("www/a"), asked("shop/a"))

    news = made.reassign((), [asked("www/a", Exchange())], NOW)
    assert (news.gone, told(news)) == ((), ["www/a (2)"])
    assert heard(made, "www/a") == ["shop/a"]
    assert heard(made, "www/a (2)") == ["www/a"]


def test_one_that_is_deleted_leaves_the_run_as_it_is() -> None:
    made = sharing(asked("www/a"), asked("shop/a"))

    assert made.reassign(["www/a"], (), NOW) == News()
    assert heard(made, "www/a") == ["shop/a"]
    assert made.reassign(["shop/a"], (), NOW).gone == ("www/a",)
    assert heard(made, "www/a") == []


def test_a_lone_check_that_changes_goes_on_under_its_name() -> None:
    made = sharing(asked("www/a"))

    news = made.reassign((), [asked("www/a", timing=replace(TIMING, interval_s=9.0))], NOW)
    assert (news.gone, told(news)) == ((), ["www/a"])


def test_one_that_becomes_the_same_as_another_joins_its_run() -> None:
    made = sharing(asked("www/a"), asked("shop/a", Exchange()))

    news = made.reassign((), [asked("shop/a")], NOW)
    assert (news.gone, told(news)) == (("shop/a",), [])
    assert heard(made, "www/a") == ["www/a", "shop/a"]


def test_who_joins_and_knows_nothing_gets_the_last_result_at_once_unless_it_is_old() -> None:
    made = sharing(asked("www/a"))
    list(made.results([result("www/a", Reason.REFUSED)]))

    assert made.reassign((), [asked("up/a")], NOW + 1).answers == ()
    assert made.reassign((), [asked("new/a", up=None)], NOW + 1).answers == (result("new/a", Reason.REFUSED),)
    assert made.reassign((), [asked("late/a", up=None)], NOW + 60).answers == ()
    list(made.results([result("www/a", Reason.ERROR)]))
    assert made.reassign((), [asked("newer/a", up=None)], NOW + 1).answers == ()


def test_what_did_not_change_is_not_told_again() -> None:
    made = sharing(asked("www/a"), asked("shop/a"), asked("mail/a", port=25))
    again = [asked("www/a"), asked("shop/a"), asked("mail/a", port=25)]

    assert made.reassign((), again, NOW) == News()


def test_share_checks_can_be_switched_while_checks_run() -> None:
    made = sharing(asked("www/a"), asked("shop/a"), asked("mail/a", port=25))

    apart = made.switch(on=False, now=NOW)
    assert (apart.gone, len(made.runs())) == ((), 3)
    assert sorted(name for run in made.runs() for name in heard(made, run.id)) == ["mail/a", "shop/a", "www/a"]
    together = made.switch(on=True, now=NOW)
    assert (len(together.gone), len(made.runs())) == (1, 2)
    assert sorted(name for run in made.runs() for name in heard(made, run.id)) == ["mail/a", "shop/a", "www/a"]


NAMES = st.sampled_from(["www/a", "shop/a", "mail/a", "www/a (2)"])
ASKED = st.builds(
    asked,
    NAMES,
    st.sampled_from([HTTP, Exchange()]),
    up=st.sampled_from([True, False, None]),
    timing=st.sampled_from([TIMING, replace(TIMING, fall=7), replace(TIMING, interval_s=5.0)]),
)


@given(
    st.lists(st.tuples(st.lists(NAMES, max_size=2), st.lists(ASKED, max_size=4), st.none() | st.booleans()), max_size=6)
)
def test_whatever_is_reloaded_nannies_run_each_thing_that_is_asked_once_for_all_who_ask(
    reloads: Sequence[tuple[list[str], list[Assignment], bool | None]],
) -> None:
    made, nannies, wanted, on = Sharing(on=True), dict[str, Assignment](), dict[str, Assignment](), True
    for gone, assignments, switch in reloads:
        news = [made.reassign(gone, assignments, NOW)]
        for check_id in gone:
            wanted.pop(check_id, None)
        wanted |= {one.id: one for one in assignments}
        if switch is not None:
            on = switch
            news.append(made.switch(on=on, now=NOW))
        for told_now in news:
            for run_id in told_now.gone:
                del nannies[run_id]
            nannies |= {run.id: run for run in told_now.assign}

        assert nannies == {run.id: run for run in made.runs()}
        heard_by = {check_id: run for run in nannies.values() for check_id in heard(made, run.id)}
        assert heard_by.keys() == wanted.keys()
        for check_id, run in heard_by.items():
            one = wanted[check_id]
            assert run_key(run.address, run.port, run.check, run.timing) == run_key(
                one.address, one.port, one.check, one.timing
            )
        keys = {run_key(one.address, one.port, one.check, one.timing) for one in wanted.values()}
        assert len(nannies) == (len(keys) if on else len(wanted))
