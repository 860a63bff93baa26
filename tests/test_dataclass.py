"""Our dataclasses and those of the standard library: the same class, made by both, behaves the same."""

import copy
import dataclasses
import inspect
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import piranha.dataclass as ours
from piranha.table.changes import AddDestination
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import FirewallMark, ServiceKey
from piranha.terms import ForwardingMethod


class Classes(NamedTuple):
    """One of each kind."""

    point: Any  # frozen, ordered
    settings: Any  # frozen, by keyword, with something worked out
    draft: Any  # may change, with factories
    name: Any  # only itself is equal to it


def made_by(dataclass: Callable[..., Any], field: Callable[..., Any]) -> Classes:
    """The classes as `dataclass` makes them."""

    @dataclass(frozen=True, slots=True, order=True)
    class Point:
        x: int
        y: int = 7
        label: str = field(default="", compare=False, repr=False)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings:
        weight: int = 1
        name: str
        doubled: int = field(init=False, repr=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "doubled", 2 * self.weight)

    @dataclass(slots=True)
    class Draft:
        name: str
        words: list[str] = field(default_factory=list)
        count: int = field(default=0, init=False)
        seen: set[int] = field(default_factory=set, init=False)

    @dataclass(slots=True, eq=False)
    class Name:
        text: str

        def __repr__(self) -> str:
            return self.text

    return Classes(Point, Settings, Draft, Name)


STANDARD = made_by(dataclasses.dataclass, dataclasses.field)
OURS = made_by(ours.dataclass, ours.field)
POINTS = st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(["", "a"]))
CHANGE = AddDestination(
    ServiceKey(FirewallMark(1)),
    DestinationKey(ip_address("10.0.0.1"), 80),
    Destination(forwarding=ForwardingMethod.NAT),
)


@given(POINTS, POINTS)
def test_values_are_equal_ordered_and_hashed_by_the_fields_that_are_compared(one: Any, other: Any) -> None:
    facts = []
    for made in (STANDARD, OURS):
        a, b = made.point(*one), made.point(*other)
        facts.append((a == b, a != b, a < b, a <= b, a > b, a >= b, hash(a) == hash(b)))

    assert facts[0] == facts[1]


def test_values_of_two_classes_are_neither_equal_nor_ordered() -> None:
    assert OURS.point(1) != STANDARD.point(1)
    with pytest.raises(TypeError):
        assert OURS.point(1) < STANDARD.point(1)


@pytest.mark.parametrize(
    "what",
    [
        lambda made: made.point(1),
        lambda made: made.point(1, label="a"),
        lambda made: made.point(),
        lambda made: made.point(1, 2, "a", 4),
        lambda made: made.point(1, z=2),
        lambda made: made.settings(name="a").doubled,
        lambda made: made.settings(name="a", weight=4),
        lambda made: made.settings("a"),
        lambda made: made.settings(name="a", doubled=2),
        lambda made: made.draft("a"),
        lambda made: made.draft("a", ["b"]),
        lambda made: made.draft("a") == made.draft("a"),
        lambda made: made.draft("a").words is made.draft("a").words,
        lambda made: hash(made.draft("a")),
        lambda made: made.draft("a", count=1),
        lambda made: made.name("a"),
        lambda made: made.name("a") == made.name("a"),
        lambda made: {one := made.name("a"), one},
        lambda made: inspect.signature(made.settings).parameters.keys(),
        lambda made: (made.point.__match_args__, made.settings.__match_args__, made.draft.__match_args__),
        lambda made: (made.point.__slots__, made.settings.__slots__, made.draft.__slots__),
        lambda made: dataclasses.replace(made.settings(name="a"), weight=5).doubled,
        lambda made: [(one.name, one.init, one.repr, one.compare) for one in dataclasses.fields(made.settings)],
        lambda made: [one.name for one in dataclasses.fields(made.draft("a"))],
        lambda made: dataclasses.asdict(made.draft("a", ["b"])),
        lambda made: dataclasses.is_dataclass(made.point),
        lambda made: (ours.field_names(made.point), ours.field_names(made.draft), ours.field_names(int)),
        lambda made: dataclasses.make_dataclass("Later", [("z", int, 3)], bases=(made.point,), frozen=True)(x=1),
        lambda made: dataclasses.make_dataclass("Later", [("z", int, 3)], bases=(made.point,)),
    ],
)
def test_both_answer_alike(what: Callable[[Classes], object]) -> None:
    answers = []
    for made in (STANDARD, OURS):
        try:
            answers.append(repr(what(made)))
        except TypeError as error:
            answers.append(str(error))

    assert answers[0] == answers[1]


def test_a_frozen_value_refuses_every_change() -> None:
    value = OURS.point(1)

    with pytest.raises(dataclasses.FrozenInstanceError):
        value.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.x
    with pytest.raises(AttributeError):
        value.z = 2
    assert value == OURS.point(1)


def test_one_that_is_not_frozen_changes_and_takes_no_field_that_it_does_not_have() -> None:
    draft = OURS.draft("a")
    draft.count += 1

    with pytest.raises(AttributeError):
        draft.length = 2
    assert (draft.count, draft.name) == (1, "a")


def test_replace_keeps_what_is_not_named_and_works_out_the_rest() -> None:
    value = ours.replace(OURS.settings(name="a", weight=2), weight=3)

    assert (value.name, value.weight, value.doubled) == ("a", 3, 6)
    with pytest.raises(TypeError):
        ours.replace(value, height=1)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])  # noqa: S301
def test_a_copy_is_equal_and_found_by_its_hash(copied: Callable[[object], Any]) -> None:
    found = copied(CHANGE)

    assert found == CHANGE
    assert found.server in {CHANGE.server: 0}


def test_a_class_without_fields_of_its_own_may_begin_with_those_of_another() -> None:
    @ours.dataclass(slots=True)
    class Named:
        name: str

    class Numbered(Named):
        def __init__(self, number: int) -> None:
            super().__init__(f"number {number}")

    assert [Numbered(1).name, Numbered(2).name] == ["number 1", "number 2"]


def test_threads_that_use_a_class_for_the_first_time_at_once_get_equal_values() -> None:
    point, together = made_by(ours.dataclass, ours.field).point, threading.Barrier(8)

    def first() -> tuple[Any, int]:
        together.wait(10)
        made = point(1, 2)
        return made, hash(made)

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(first) for _ in range(8)]
        assert {one.result() for one in asked} == {(point(1, 2), hash(point(1, 2)))}


def test_a_default_that_all_values_would_share_is_refused() -> None:
    with pytest.raises(ValueError, match="use default_factory"):

        @ours.dataclass(slots=True)
        class _Shared:
            words: list[str] = []  # noqa: RUF012 -- what is refused


def test_what_only_the_standard_library_can_make_is_refused() -> None:
    with pytest.raises(TypeError, match="without slots"):
        ours.dataclass(slots=False)
    for base in (OURS.point, STANDARD.point):
        with pytest.raises(TypeError, match="Space inherits fields"):
            ours.dataclass(slots=True)(type("Space", (base,), {}))
