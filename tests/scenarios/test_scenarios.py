"""Golden scenarios: each text file says what is done and what must come of it."""

import os
from pathlib import Path

import pytest
from tests.scenarios.play import play

FILES = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_scenario_ends_as_it_is_written(path: Path) -> None:
    text = path.read_text()
    outcome = play(text)
    if os.environ.get("REWRITE") == "1":
        path.write_text(outcome)  # to be read before it is committed
    assert outcome == text
