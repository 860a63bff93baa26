"""What thousands of changes leave behind: nothing. `make soak` does a million."""

import pytest
from tests.kernel.soak import MILLION, SAMPLES, WARM_UP, Sample, grows, growth, soak


def samples(bytes_an_operation: float, operations: int = MILLION, descriptors: int = 5) -> list[Sample]:
    """Memory that grows evenly, on top of a warm process that breathes by a page."""
    step = operations // SAMPLES
    return [
        Sample(number * step, 20 << 20 | int(number * step * bytes_an_operation) + number % 2 * 4096, descriptors)
        for number in range(WARM_UP, SAMPLES)
    ]


def test_steady_memory_does_not_grow() -> None:
    assert abs(growth(samples(0))) < 4096
    assert not grows(samples(0))


def test_a_byte_lost_in_each_of_a_million_operations_is_seen() -> None:
    assert grows(samples(1))


def test_a_hundred_bytes_lost_in_each_of_ten_thousand_operations_are_seen() -> None:
    assert grows(samples(100, operations=10_000))


def test_a_descriptor_more_is_seen() -> None:
    assert grows([*samples(0), *samples(0, descriptors=6)[-1:]])


@pytest.mark.kernel
def test_ten_thousand_operations_leave_nothing_behind() -> None:
    taken = soak(10_000)

    steady = taken[len(taken) // 5 :]
    assert taken[-1].operations >= 10_000
    assert not grows(steady), (growth(steady), steady)
