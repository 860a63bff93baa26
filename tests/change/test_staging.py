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


def test_what_is_left_lying_is_forgotten_and_makes_room() -> None:
    staging = Staging()
    for number in range(MOST):
        staging.add(str(number), 5, 0, "", now=0.0)
    with pytest.raises(Refused, match="too many"):
        staging.add("one more", 5, 0, "", now=KEPT_S)
    staging.add("one more", 5, 0, "", now=KEPT_S + 1)
