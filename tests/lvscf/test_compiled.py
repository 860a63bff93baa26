"""What a file means is kept in a form that is read back faster; it says what the file says, or nothing."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.field import FILES
from tests.lvscf.layouts import file
from tests.properties import examples

from piranha.lvscf import compiled
from piranha.lvscf.config import Config
from piranha.lvscf.diagnostics import Diagnostic
from piranha.lvscf.load import Loaded, load

GOLDEN = [path for folder in ("tests/golden", "examples") for path in sorted(Path(folder).rglob("*.cf"))]


def there_and_back(loaded: Loaded) -> tuple[Config, tuple[Diagnostic, ...]]:
    assert loaded.config is not None
    return compiled.unpack(json.loads(json.dumps(compiled.pack(loaded.config, loaded.findings))))


@pytest.mark.parametrize("path", [*GOLDEN, *FILES], ids=lambda path: path.stem)
def test_every_example_comes_back_as_it_was_read(path: Path) -> None:
    loaded = load(path.read_bytes(), "lvs.cf")
    if loaded.config is not None:
        assert there_and_back(loaded) == (loaded.config, loaded.findings)


@examples(40)
@given(st.integers(0, 1 << 32))
def test_any_file_comes_back_with_its_types(seed: int) -> None:
    loaded = load(file(seed).encode(), "lvs.cf")
    if loaded.config is not None:
        back = there_and_back(loaded)
        assert back == (loaded.config, loaded.findings)
        assert repr(back[0]) == repr(loaded.config)  # 1 and 1.0 and True are equal


def within(hint: object) -> Iterator[type]:
    if get_args(hint) or isinstance(hint, UnionType):
        for part in get_args(hint):
            yield from within(part)
    elif isinstance(hint, type):
        yield hint


def reachable(kind: type, seen: set[type]) -> set[type]:
    if kind not in seen:
        seen.add(kind)
        for hint in get_type_hints(kind).values() if is_dataclass(kind) else ():
            for part in within(hint):
                reachable(part, seen)
    return seen


def test_every_kind_of_value_that_a_configuration_may_hold_can_be_kept() -> None:
    for kind in reachable(Config, set()) | reachable(Diagnostic, set()):
        if kind.__module__.startswith("piranha"):
            said = fields(kind) if is_dataclass(kind) else ()
            assert compiled.known(kind) == tuple(one.name for one in said if one.init)
            assert all(one.init or not one.compare for one in said)


@given(st.data())
@examples(40)
def test_of_a_damaged_form_nothing_is_taken_but_what_was_there(data: st.DataObject) -> None:
    loaded = load(Path("examples/nat-pair.cf").read_bytes(), "lvs.cf")
    assert loaded.config is not None
    table = json.loads(json.dumps(compiled.pack(loaded.config, loaded.findings)))
    row = data.draw(st.integers(0, len(table) - 1))
    table[row] = data.draw(
        st.one_of(st.none(), st.integers(-3, 3), st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers())))
    )
    try:
        found, _ = compiled.unpack(table)
    except ValueError:
        return
    assert isinstance(found, Config)


def test_another_file_has_another_key() -> None:
    assert compiled.key(b"a") != compiled.key(b"b")
