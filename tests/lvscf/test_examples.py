"""Every file in examples/ is one that may be copied: it loads without a finding."""

from pathlib import Path

import pytest

from piranha.lvscf.read import read_and_load

EXAMPLES = sorted((Path(__file__).resolve().parent.parent.parent / "examples").glob("*.cf"))


def test_there_is_an_example_of_each_kind() -> None:
    names = {"nat-pair", "direct-routing-pair", "lone-router", "ipv6", "firewall-mark", "dns"}
    assert names <= {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_loads_without_a_finding(path: Path) -> None:
    loaded = read_and_load(path)
    assert not loaded.findings, loaded.render()
    assert loaded.config is not None
    assert loaded.config.active_virtuals()
