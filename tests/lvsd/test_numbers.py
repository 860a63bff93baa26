"""Totals and rates out of counters that the plane sets back whenever it likes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from piranha.forwarding.plane import NOTHING, Counters, ServerStatistics, ServiceStatistics
from piranha.lvsd.numbers import COUNTED, Numbers, Rates, Statistics, anew, counted, numbers_data, numbers_from
from piranha.table.destination import DestinationKey
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey
from piranha.terms import Family, Protocol

WWW = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 80))
MARK = ServiceKey(FirewallMark(7, Family.IPV6))
WEB1, WEB2 = (DestinationKey(ip_address(f"10.0.0.{n}"), 80) for n in (1, 2))


def traffic(connections: int) -> Counters:
    """What so many connections of one size leave behind."""
    return Counters(
        connections=connections,
        packets_in=6 * connections,
        packets_out=5 * connections,
        bytes_in=500 * connections,
        bytes_out=2000 * connections,
    )


def sample(service: int, **servers: int) -> Statistics:
    """What a plane says; servers: connections of `web1` and `web2`."""
    places = {"web1": WEB1, "web2": WEB2}
    found = {places[name]: ServerStatistics(counters=traffic(n)) for name, n in servers.items()}
    return {WWW: ServiceStatistics(counters=traffic(service), servers=found)}


@dataclass
class Reader:
    """Takes samples 10 s apart."""

    numbers: Numbers = field(default_factory=Numbers)
    now: float = 0.0

    def __call__(self, *found: Statistics) -> Numbers:
        for one in found:
            self.numbers.take(one, counted(self.numbers.counts, one), self.now)
            self.now += 10.0
        return self.numbers


def test_before_the_second_sample_there_are_totals_and_no_rates() -> None:
    numbers = Reader()(sample(100, web1=60, web2=40))

    assert (numbers.total(WWW), numbers.total(WWW, WEB2)) == (traffic(100), traffic(40))
    assert (numbers.rates(WWW), numbers.rates_over_s) == (None, None)


def test_rates_are_what_passed_between_two_samples_in_a_second() -> None:
    numbers = Reader()(sample(100, web1=60), sample(150, web1=80))

    assert numbers.rates(WWW, WEB1) == Rates(
        connections=2.0, packets_in=12.0, packets_out=10.0, bytes_in=1000.0, bytes_out=4000.0
    )
    assert numbers.rates_over_s == 10.0


def test_rates_of_a_sample_each_second_are_those_of_the_last_ten_or_little_more() -> None:
    numbers = Numbers()
    for second in range(60):
        found = sample(second * (5 if second < 40 else 7))
        numbers.take(found, counted(numbers.counts, found), float(second))

    assert 10.0 <= (numbers.rates_over_s or 0.0) <= 15.0
    assert numbers.rates(WWW) == Rates(
        connections=7.0, packets_in=42.0, packets_out=35.0, bytes_in=3500.0, bytes_out=14e3
    )


def test_a_moment_is_too_short_for_a_rate() -> None:
    numbers = Numbers()
    for now in (0.0, 1.0):
        numbers.take(sample(100), counted(numbers.counts, sample(100)), now)

    assert numbers.rates(WWW) is None


def test_counters_set_to_zero_are_neither_negative_rates_nor_lost_totals() -> None:
    numbers = Reader()(sample(1000), sample(1010), sample(5))

    assert numbers.total(WWW) == traffic(1015)
    rates = numbers.rates(WWW)
    assert rates is not None
    assert rates.connections == 0.5


def test_a_server_that_was_away_keeps_its_totals_whether_its_counters_begin_anew_or_go_on() -> None:
    away = sample(110, web1=100)
    anew_ = Reader()(sample(100, web1=60, web2=40), away, sample(120, web1=105, web2=3))
    goes_on = Reader()(sample(100, web1=60, web2=40), away, sample(120, web1=105, web2=43))

    assert anew_.total(WWW, WEB2) == goes_on.total(WWW, WEB2) == traffic(43)
    assert Reader()(sample(100, web2=40), away).total(WWW, WEB2) == traffic(40)


def test_a_service_that_was_not_there_before_is_no_spike() -> None:
    numbers = Reader()({}, sample(10**9, web1=10**9))

    assert (numbers.total(WWW), numbers.rates(WWW), numbers.rates(WWW, WEB1)) == (traffic(10**9), None, None)


def test_a_sample_of_some_services_counts_what_they_had_before_they_are_changed() -> None:
    reader = Reader()
    reader(sample(100, web1=60, web2=40), sample(110, web1=66, web2=44))
    reader.numbers.take_some(sample(120, web1=72, web2=48), [WWW])
    numbers = reader(sample(121, web1=73), sample(125, web1=76, web2=1))

    assert numbers.total(WWW, WEB2) == traffic(49)
    numbers.take_some({}, [WWW])
    assert (numbers.statistics, numbers.total(WWW)) == ({}, traffic(125))


def test_what_the_file_does_not_have_any_more_is_forgotten() -> None:
    numbers = Reader()(sample(100, web1=60, web2=40))

    numbers.forget({WWW: [WEB1]})
    assert (numbers.total(WWW, WEB1), numbers.total(WWW, WEB2)) == (traffic(60), NOTHING)
    numbers.forget({})
    assert numbers.total(WWW) == NOTHING


def test_what_is_kept_goes_on_also_where_the_machine_was_booted() -> None:
    before = {**Reader()(sample(100, web1=60), sample(7, web1=5)).counts, **counted({}, {MARK: sample(1)[WWW]})}
    kept = numbers_from(numbers_data(before))
    assert kept == before

    same, booted = Numbers(), Numbers()
    same.resume(kept, at_s=3.0)
    booted.resume(anew(kept), at_s=None)
    for numbers in (same, booted):
        numbers.take(sample(27, web1=9), counted(numbers.counts, sample(27, web1=9)), 13.0)

    assert (same.total(WWW), booted.total(WWW)) == (traffic(127), traffic(134))
    assert (same.total(WWW, WEB1), booted.total(WWW, WEB1)) == (traffic(69), traffic(74))
    rates = same.rates(WWW)
    assert rates is not None
    assert (rates.connections, booted.rates(WWW)) == (2.0, None)


KINDS = ("traffic", "set to zero", "set to zero unseen", "away")


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 1000), st.floats(0.1, 60)), max_size=30))
def test_totals_never_fall_nor_exceed_what_passed_and_rates_are_never_negative(
    steps: Sequence[tuple[str, int, float]],
) -> None:
    numbers, now, kernel, passed, before = Numbers(), 0.0, 0, 0, 0
    for kind, connections, pause_s in steps:
        if kind == "traffic":
            kernel, passed = kernel + connections, passed + connections
        elif kind == "set to zero":
            kernel = 0
        elif kind == "set to zero unseen":
            kernel, passed = connections, passed + connections
        now += pause_s
        found = sample(kernel, web1=kernel) if kind != "away" else {}
        numbers.take(found, counted(numbers.counts, found), now)
        assert before <= numbers.total(WWW, WEB1).connections <= passed
        before = numbers.total(WWW, WEB1).connections
        for rates in (numbers.rates(WWW), numbers.rates(WWW, WEB1)):
            assert rates is None or min(getattr(rates, name) for name in COUNTED) >= 0

    # Of what was set to zero and had more than before when it was seen again, nobody can tell.
    if "set to zero unseen" not in {kind for kind, _, _ in steps}:
        assert before == passed
