"""What is fuzzed holds for the files the fuzzer begins with; `make fuzz` goes on from there."""

import pytest
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_corpus(name: str) -> None:
    corpus = TARGETS[name].corpus()
    assert corpus
    for path in corpus:
        TARGETS[name].run(path.read_bytes().decode("utf-8", "surrogateescape"))
