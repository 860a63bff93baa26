"""A file comes in pieces: bounded, in order, and of one user."""

import base64

import pytest

from piranha.change.staging import KEPT_S, MOST, Staging
from piranha.control.messages import Refused
from piranha.lvscf.syntax.limits import SIZE_LIMIT


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_pieces_in_order_become_the_file() -> None:
    staging = Staging()
    assert staging.add("t", 5, 0, coded(b"one "), now=0.0) == 4
    assert staging.add("t", 5, 4, coded(b"two"), now=1.0) == 7
    assert staging.get("t", 5, now=2.0) == b"one two"


def test_nobody_else_adds_to_it_or_reads_it() -> None:
    staging = Staging()
    staging.add("t", 5, 0, coded(b"one"), now=0.0)
    with pytest.raises(Refused):
        staging.add("t", 6, 3, coded(b"two"), now=0.0)
    with pytest.raises(Refused):
        staging.get("t", 6, now=0.0)


@pytest.mark.parametrize(("offset", "piece"), [(2, coded(b"x")), (3, "no base64!")])
def test_a_piece_that_does_not_fit_is_refused(offset: int, piece: str) -> None:
    staging = Staging()
    staging.add("t", 5, 0, coded(b"one"), now=0.0)
    with pytest.raises(Refused):
        staging.add("t", 5, offset, piece, now=0.0)


def test_a_file_larger_than_any_lvs_cf_is_refused_and_forgotten() -> None:
    staging = Staging()
    with pytest.raises(Refused, match="larger than"):
        staging.add("t", 5, 0, coded(bytes(SIZE_LIMIT + 1)), now=0.0)
    with pytest.raises(Refused, match="not handed over"):
        staging.get("t", 5, now=0.0)


def test_what_is_left_lying_is_forgotten() -> None:
    staging = Staging()
    staging.add("t", 5, 0, coded(b"one"), now=0.0)
    with pytest.raises(Refused, match="too long ago"):
        staging.get("t", 5, now=KEPT_S + 1)


def test_a_new_file_always_finds_room_and_the_oldest_of_the_same_user_gives_way() -> None:
    staging = Staging()
    staging.add("other", 6, 0, coded(b"other"), now=0.0)
    for number in range(MOST - 1):
        staging.add(str(number), 5, 0, coded(b"mine"), now=1.0 + number)
    staging.add("one more", 5, 0, coded(b"new"), now=20.0)
    assert staging.get("one more", 5, now=20.0) == b"new"
    assert staging.get("other", 6, now=20.0) == b"other"
    with pytest.raises(Refused):
        staging.get("0", 5, now=20.0)


def test_a_user_who_has_none_finds_room_among_those_of_others() -> None:
    staging = Staging()
    for number in range(MOST):
        staging.add(str(number), 5, 0, "", now=float(number))
    staging.add("t", 6, 0, coded(b"new"), now=20.0)
    assert staging.get("t", 6, now=20.0) == b"new"


def test_what_will_not_be_used_is_forgotten_by_who_handed_it_over_and_nobody_else() -> None:
    staging = Staging()
    staging.add("t", 5, 0, coded(b"one"), now=0.0)
    staging.drop("t", 6)
    assert staging.get("t", 5, now=0.0) == b"one"
    staging.drop("t", 5)
    with pytest.raises(Refused):
        staging.get("t", 5, now=0.0)
