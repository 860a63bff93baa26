"""How many examples a property gets: in `make test` as many as it says, in `make check` a part of them."""

from hypothesis import settings


def examples(count: int) -> settings:
    """Settings of a property for which the hundred examples of `make test` are too few, or needlessly many."""
    return settings(max_examples=max(1, count * settings().max_examples // 100))
