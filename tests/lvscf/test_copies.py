"""Copies of values with some fields changed."""

from dataclasses import FrozenInstanceError
from ipaddress import ip_address

import pytest

from piranha.dataclass import dataclass, replace
from piranha.lvscf.check_values import CheckTiming, Exchange
from piranha.lvscf.config import HeartbeatSettings, RealServer
from piranha.lvscf.copies import copier
from piranha.terms import ForwardingMethod

TIMING = CheckTiming(interval_s=2, check_timeout_s=2, fast_interval_s=2)
SERVER = RealServer(
    name="a", address=ip_address("10.0.0.1"), port=80, forwarding=ForwardingMethod.NAT, check=Exchange(), timing=TIMING
)


def test_a_copy_is_what_replace_makes() -> None:
    made = copier(RealServer, "port", "name")(SERVER, 81, "b")
    assert made == replace(SERVER, name="b", port=81)
    assert (type(made), hash(made), repr(made)) == (RealServer, hash(replace(made)), repr(replace(made)))


def test_a_copy_is_frozen_and_leaves_the_other_as_it_was() -> None:
    made = copier(RealServer, "port")(SERVER, 81)
    with pytest.raises(FrozenInstanceError):
        setattr(made, "port", 82)  # noqa: B010 -- mypy would see it
    assert (made.port, SERVER.port) == (81, 80)


def test_a_class_whose_values_check_themselves_is_not_copied_so() -> None:
    with pytest.raises(ValueError, match="HeartbeatSettings"):
        copier(HeartbeatSettings, "port")


def test_a_field_that_the_class_does_not_have_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Point:
        x: int

    with pytest.raises(ValueError, match="Point"):
        copier(Point, "y")
