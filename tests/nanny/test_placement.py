"""Which nanny checks what."""

from collections import Counter

from tests.nanny.servers import assignment

from piranha.lvscf.check_values import Exchange, Program
from piranha.nanny.placement import Placement
from piranha.nanny.results import Assignment


def checks(number: int, *, program: bool = False) -> list[Assignment]:
    check = Program(command=("true",)) if program else Exchange()
    kind = "program" if program else "tcp"
    return [assignment(check, 80, name=f"{kind}/web{n}") for n in range(number)]


def loads(placement: Placement, assignments: list[Assignment]) -> Counter[int]:
    return Counter(placement.place(one) for one in assignments)


def test_each_check_has_a_process_of_its_own_while_there_are_enough() -> None:
    assert loads(Placement(32, 20), checks(32)) == Counter(dict.fromkeys(range(32), 1))


def test_more_checks_than_processes_share_them_evenly() -> None:
    assert set(loads(Placement(4, 20), checks(42)).values()) == {10, 11}


def test_a_check_stays_where_it_is_and_its_place_is_free_when_it_goes() -> None:
    placement = Placement(4, 20)
    one, two, three = checks(3)
    places = [placement.place(each) for each in (one, two, three)]

    assert [placement.place(each) for each in (one, two, three)] == places
    assert placement.forget(two.id) == places[1]
    assert placement.where(two.id) is None
    assert placement.checks_of(places[1]) == set()
    assert placement.place(checks(4)[3]) == places[1]


def test_programs_in_all_processes_together_keep_to_script_limit() -> None:
    for processes, limit in ((32, 20), (4, 20), (1, 7), (32, 1), (8, 9)):
        placement = Placement(processes, limit)
        used = loads(placement, checks(200, program=True))
        assert len(used) * placement.program_limit <= limit


def test_a_check_that_becomes_a_program_moves_to_a_process_that_may_run_programs() -> None:
    placement = Placement(4, 1)
    plain = checks(4)
    for one in plain:
        placement.place(one)
    moved = assignment(Program(command=("true",)), 80, name=plain[3].id)

    assert placement.place(moved) == 0
    assert plain[3].id not in placement.checks_of(3)
