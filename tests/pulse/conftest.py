"""What tests of `pulse` on a real kernel share."""

from collections.abc import Iterator

import pytest
from tests.pulse.far_end import far_end


@pytest.fixture
def far() -> Iterator[int]:
    """A network of our own, and another one at the far end of a cable: the process that keeps it."""
    with far_end() as keeper:
        yield keeper
