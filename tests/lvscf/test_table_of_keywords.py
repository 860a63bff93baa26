"""The table of keywords is the only place that says which keywords there are and what they are by default."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from piranha.lvscf import directives
from piranha.lvscf.checks_blocks import ONLY, REQUIRED
from piranha.lvscf.checks_together import NEEDS
from piranha.lvscf.codes import STORIES
from piranha.lvscf.config import Config, HeartbeatSettings, LvsdSettings, VipSettings, meaning
from piranha.lvscf.directives import ALL, Directive, Scope
from piranha.lvscf.load import load
from piranha.lvscf.settings import default_of

SOURCE = Path(__file__).resolve().parent.parent.parent / "src" / "piranha" / "lvscf"
READERS = sorted(path for path in SOURCE.glob("*.py") if path.name != "manual.py")
# How a section of the file is asked for a keyword; any number of names for `place`.
ASKED = {"value", "get", "maybe", "address", "all", "place"}
NAMES = {directive.name for directive in ALL}
FIXED = [directive for directive in ALL if directive.fixed]
# The files of `config` have no check block, and no key: see below.
IN_THE_FRAME = [d for d in FIXED if d.scopes[0] is not Scope.CHECK and d.name != "heartbeat_auth"]

PAIR = """primary = 192.0.2.2
primary_private = 10.0.9.2
backup = 192.0.2.3
backup_private = 10.0.9.3
backup_active = 1
heartbeat_auth = none
"""


@cache
def questions(path: Path) -> list[tuple[str, int, str, bool]]:
    """Each keyword that the module asks a section for: how, line, keyword, whether it gives a default of its own."""
    return list(find_questions(path))


def find_questions(path: Path) -> Iterator[tuple[str, int, str, bool]]:
    """See `questions`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKED:
            words = node.args if node.func.attr == "place" else node.args[:1]
            given = node.func.attr == "get" and len(node.args) == 2
            for word in words:
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    yield node.func.attr, node.lineno, word.value, given
        # "pmask" in section.given
        if (
            isinstance(node, ast.Compare)
            and isinstance(node.left, ast.Constant)
            and isinstance(node.left.value, str)
            and isinstance(node.comparators[0], ast.Attribute)
            and node.comparators[0].attr in ("given", "tried", "wrong")
        ):
            yield "in", node.lineno, node.left.value, False


def test_the_reading_of_the_file_names_no_keyword_that_the_table_does_not_have() -> None:
    asked = [(path.name, line, word) for path in READERS for _, line, word, _ in questions(path)]
    assert len(asked) > 60
    assert [found for found in asked if found[2] not in NAMES and not directives.find(found[2], Scope.GLOBAL)] == []


def test_keywords_that_are_judged_together_are_in_the_table() -> None:
    assert NEEDS.keys() | set(NEEDS.values()) <= NAMES
    of_checks = directives.of(Scope.CHECK)
    assert ONLY.keys() | set(REQUIRED.values()) <= of_checks.keys()
    kinds = set(of_checks["kind"].choices)
    assert REQUIRED.keys() | {kind for some in ONLY.values() for kind in some} <= kinds


SETTING = re.compile(r"(?<![\w-])([a-z][a-z_0-9]+) = ")


def test_what_findings_and_stories_advise_are_keywords() -> None:
    """Each `keyword = value` in the words of a finding, a hint or a story."""
    advised = {
        (path.name, word)
        for path in [*READERS, *sorted((SOURCE / "codes").glob("*.py"))]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value
        for word in SETTING.findall(node.value)
    }
    misspelt_on_purpose = {story.bad for story in STORIES.values()}
    wrong = [
        (name, word)
        for name, word in sorted(advised)
        if word != "no"  # "there is no = behind the keyword"
        and not directives.find(word, Scope.GLOBAL)
        and word not in NAMES
        and not any(f"{word} = " in bad for bad in misspelt_on_purpose)
    ]
    assert len(advised) > 60
    assert wrong == []


def test_a_default_is_written_in_the_table_alone() -> None:
    """`get` with a default of its own is for keywords that have none, or a computed one, in some scope."""
    free = {directive.name for directive in ALL if not directive.fixed}
    wrong = [
        (path.name, line, word)
        for path in READERS
        for _, line, word, default in questions(path)
        if default and word not in free
    ]
    assert wrong == []


@pytest.mark.parametrize("directive", FIXED, ids=lambda directive: f"{directive.scopes[0]}-{directive.name}")
def test_a_fixed_default_is_a_value_of_its_type(directive: Directive) -> None:
    for scope in directive.scopes:
        if directive.name in directives.of(scope):
            default_of(scope, directive.name)


@pytest.mark.parametrize("directive", [d for d in ALL if d.computed], ids=lambda directive: directive.name)
def test_a_computed_default_is_told_in_words(directive: Directive) -> None:
    assert directive.default not in ("", "-")
    assert not directive.default.isdigit()


def config(line: str, scope: Scope) -> Config:
    """A file for two routers with one more setting."""
    top = line if scope is Scope.GLOBAL else ""
    virtual = line if scope is Scope.VIRTUAL else ""
    server = line if scope is Scope.SERVER else ""
    asleep = (
        f"virtual spare {{\naddress = 192.0.2.11 eth0\n{virtual}\nserver a {{\naddress = 10.0.0.21\n{server}\n}}\n}}"
    )
    awake = "virtual web { active = 1; address = 192.0.2.10 eth0; server a { active = 1; address = 10.0.0.21 } }"
    top = (
        "\n".join(kept for kept in PAIR.splitlines() if not top or kept.split(" ")[0] != top.split(" ")[0]) + "\n" + top
    )
    loaded = load(f"{top}\n{asleep}\n{awake}\n".encode(), "lvs.cf")
    assert loaded.config is not None, loaded.render()
    return loaded.config


@pytest.mark.parametrize("directive", IN_THE_FRAME, ids=lambda directive: f"{directive.scopes[0]}-{directive.name}")
def test_to_write_the_default_means_the_same_as_to_write_nothing(directive: Directive) -> None:
    scope = directive.scopes[0]
    without = "\n" if directive.name != "backup_active" else "backup_active = 0"
    named = f"{directive.name} = {directive.default}"
    assert meaning(config(named, scope)) == meaning(config(without, scope))


def test_heartbeats_are_signed_unless_the_file_says_otherwise() -> None:
    signed = PAIR.replace("heartbeat_auth = none", "heartbeat_key_file = /etc/piranha/heartbeat.key")
    served = "virtual web { active = 1; address = 192.0.2.10 eth0; server a { active = 1; address = 10.0.0.21 } }\n"
    said = load(f"{signed}heartbeat_auth = {default_of(Scope.GLOBAL, 'heartbeat_auth')}\n{served}".encode(), "lvs.cf")
    silent = load((signed + served).encode(), "lvs.cf")
    assert said.config is not None
    assert silent.config is not None
    assert meaning(said.config) == meaning(silent.config)


def test_the_values_that_tests_and_tools_make_have_the_defaults_of_the_table() -> None:
    made = config("", Scope.GLOBAL)
    assert (made.lvsd, made.vips) == (LvsdSettings(), VipSettings())
    heartbeat, default = made.heartbeat, HeartbeatSettings()
    for name in ("port", "keepalive_s", "deadtime_s", "initdead_s", "warntime_s"):
        assert getattr(heartbeat, name) == getattr(default, name), name
