"""An edit of lvs.cf changes what it is asked to change, and no other byte."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lvscf.layouts import files, unlined

from piranha.lvscf.config import Config, RealServer, Virtual, meaning
from piranha.lvscf.load import load
from piranha.lvscf.syntax.edit import Draft
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.tree import Block, Setting, Tree
from piranha.terms import Scheduler

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = sorted([*(ROOT / "examples").glob("*.cf"), *(ROOT / "tests" / "golden" / "lvscf").glob("row-*.cf")])

# Keyword, value in the file, and what becomes of the Config: of the file, a virtual server, a real server.
OF_FILE: dict[str, tuple[str, Callable[[Config], Config]]] = {
    "serial_no": ("12", lambda config: replace(config, serial_no=12)),
    "arp_count": ("9", lambda config: replace(config, vips=replace(config.vips, arp_count=9))),
    "cluster": ('"other net"', lambda config: replace(config, cluster="other net")),
    "script_limit": ("7", lambda config: replace(config, lvsd=replace(config.lvsd, script_limit=7))),
}
OF_VIRTUAL: dict[str, tuple[str, Callable[[Virtual], Virtual]]] = {
    "persistent": ("60", lambda virtual: replace(virtual, persistence_s=60)),
    "scheduler": ("sh", lambda virtual: replace(virtual, scheduler=Scheduler.SH)),
    "quiesce_server": ("1", lambda virtual: replace(virtual, quiesce_server=True)),
}
OF_SERVER: dict[str, tuple[str, Callable[[RealServer], RealServer]]] = {
    "weight": ("50", lambda server: replace(server, weight=50)),
    "upper_threshold": ("3000", lambda server: replace(server, upper_threshold=3000)),
}
ALL = {**OF_FILE, **OF_VIRTUAL, **OF_SERVER}


def drafted(text: str, edit: Callable[[Draft, Tree], object]) -> str:
    """The text after one edit."""
    tree, _ = parse(text)
    draft = Draft(tree)
    edit(draft, tree)
    return draft.text()


def block_at(tree: Tree, place: tuple[int, ...]) -> Block | None:
    """The file, a virtual, or a server of it, by number."""
    block = None
    for depth, number in enumerate(place):
        block = list((block or tree).blocks("server" if depth else "virtual"))[number]
    return block


def places(tree: Tree) -> list[tuple[int, ...]]:
    """Every place that `block_at` takes."""
    found: list[tuple[int, ...]] = [()]
    for number, virtual in enumerate(tree.blocks("virtual")):
        found.append((number,))
        found += [(number, at) for at, _ in enumerate(virtual.blocks("server"))]
    return found


def places_of(config: Config) -> list[tuple[int, ...]]:
    """The same for a file none of whose blocks is left out."""
    found: list[tuple[int, ...]] = [()]
    for number, virtual in enumerate(config.virtuals):
        found += [(number,), *((number, at) for at, _ in enumerate(virtual.servers))]
    return found


def keywords(place: tuple[int, ...]) -> list[str]:
    """The keywords of `ALL` that may stand there."""
    return list((OF_FILE, OF_VIRTUAL, OF_SERVER)[len(place)])


def changed(config: Config, place: tuple[int, ...], keyword: str) -> Config:
    """What a file must mean after `set`."""
    if not place:
        return OF_FILE[keyword][1](config)
    virtuals = list(config.virtuals)
    virtual = virtuals[place[0]]
    if len(place) == 1:
        virtuals[place[0]] = OF_VIRTUAL[keyword][1](virtual)
    else:
        servers = list(virtual.servers)
        servers[place[1]] = OF_SERVER[keyword][1](servers[place[1]])
        virtuals[place[0]] = replace(virtual, servers=tuple(servers))
    return replace(config, virtuals=tuple(virtuals))


def read(text: str) -> Config:
    """The Config of a file without errors."""
    loaded = load(text.encode(), "lvs.cf")
    assert loaded.config is not None, f"{text}\n{loaded.render()}"
    return loaded.config


def written(text: str, place: tuple[int, ...], keyword: str) -> str:
    """The text after `set`."""
    return drafted(text, lambda draft, tree: draft.set(block_at(tree, place), keyword, [ALL[keyword][0]]))


def without(text: str, place: tuple[int, ...], keyword: str) -> str:
    """The text after `unset`."""
    return drafted(text, lambda draft, tree: draft.unset(block_at(tree, place), keyword))


def only_change(old: str, new: str) -> tuple[str, str]:
    """What stands in `old` and `new` between the longest beginning and end that they share."""
    start = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return old[start : len(old) - end], new[start : len(new) - end]


def counts(text: str, place: tuple[int, ...], keyword: str) -> Setting | None:
    """The setting that counts."""
    block = block_at(tree := parse(text)[0], place)
    return next((one for one in reversed(list((block or tree).settings())) if one.name == keyword), None)


def edits(text: str) -> list[tuple[tuple[int, ...], str]]:
    """Every place of a file with each keyword for it."""
    return [(place, keyword) for place in places(parse(text)[0]) for keyword in keywords(place)]


@given(files(), st.data())
def test_set_changes_one_value_of_the_config_and_no_byte_besides(text: str, data: st.DataObject) -> None:
    place, keyword = data.draw(st.sampled_from(edits(text)))
    new = written(text, place, keyword)

    assert unlined(read(new)) == unlined(changed(read(text), place, keyword))
    before, after = only_change(text, new)
    if (setting := counts(text, place, keyword)) is not None:
        assert before in "".join(value.before + value.text for value in setting.values)
    else:
        assert before == ""
        assert inked(after) in inked(f"{keyword}={ALL[keyword][0]}" * 2)
    assert written(new, place, keyword) == new


@given(files(), st.data())
def test_set_then_unset_of_what_was_not_there_gives_the_file_back(text: str, data: st.DataObject) -> None:
    place, keyword = data.draw(st.sampled_from(edits(text)))
    new = without(written(text, place, keyword), place, keyword)
    gone = without(text, place, keyword)
    assert meaning(read(new)) == meaning(read(gone))
    if counts(text, place, keyword) is None:
        assert gone == text
        assert inked(new) == inked(text)
    assert without(new, place, keyword) == new
    assert counts(new, place, keyword) is None


@given(files(), st.data())
def test_unset_takes_out_nothing_but_the_setting(text: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(parse(text)[0])))
    tree = parse(text)[0]
    names = sorted({setting.name for setting in (block_at(tree, place) or tree).settings()} - {"active", "address"})
    if not names:
        return
    keyword = data.draw(st.sampled_from(names))
    block = block_at(tree, place)
    new_tree, findings = parse(without(text, place, keyword))
    assert not findings
    left = [setting.values for setting in (block_at(new_tree, place) or new_tree).settings()]
    assert [[word.text for word in values] for values in left] == [
        [word.text for word in setting.values] for setting in (block or tree).settings() if setting.name != keyword
    ]
    for other in places(tree):
        if other != place:
            assert texts(new_tree, other) == texts(tree, other)


def texts(tree: Tree, place: tuple[int, ...]) -> list[tuple[str, ...]]:
    """What the settings of one block say."""
    block = block_at(tree, place)
    return [(one.name, *(word.text for word in one.values)) for one in (block or tree).settings()]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_setting_of_a_sample_can_be_set_and_unset(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    tree, findings = parse(text)
    if findings:
        assert Draft(tree).text() == text  # others are edited once they are right
        return
    config = load(path.read_bytes(), "lvs.cf").config
    said = {place: texts(tree, place) for place in places(tree)}
    for place, keyword in edits(text):
        new = written(text, place, keyword)
        after = parse(new)[0]
        assert texts(after, place).count((keyword, ALL[keyword][0])) >= 1
        assert {other: texts(after, other) for other in said if other != place} == {
            other: words for other, words in said.items() if other != place
        }
        if config is not None and list(said) == places_of(config):
            assert unlined(read(new)) == unlined(changed(config, place, keyword))


@given(files())
def test_a_draft_without_edits_is_the_file(text: str) -> None:
    assert drafted(text, lambda *_: None) == text


@given(files(), st.data())
def test_a_block_that_is_added_then_removed_leaves_the_file_as_it_was(text: str, data: st.DataObject) -> None:
    tree = parse(text)[0]
    parent = data.draw(st.sampled_from([place for place in places(tree) if len(place) < 2]))
    kind = "server" if parent else data.draw(st.sampled_from(["virtual", "check"]))
    settings = {
        "server": [("weight", ["4"]), ("address", ["10.9.9.9"]), ("active", ["1"])],
        "virtual": [("address", ["192.0.2.99", "eth0"]), ("active", ["1"])],
        "check": [("kind", ["https"])],
    }[kind]
    new = drafted(text, lambda draft, tree: draft.add_block(block_at(tree, parent), kind, "fresh", settings))

    assert only_change(text, new)[0] == ""
    now, findings = parse(new)
    assert not findings, new
    (block,) = [one for one in (block_at(now, parent) or now).blocks(kind) if one.name and one.name.text == "fresh"]
    assert sorted((one.name, [word.text for word in one.values]) for one in block.settings()) == sorted(settings)
    if kind != "check":
        assert len(read(new).virtuals) == len(read(text).virtuals) + (kind == "virtual")
    draft = Draft(now)
    draft.remove_block(block)
    assert meaning(read(draft.text())) == meaning(read(text))
    assert inked(draft.text()) == inked(text)


def inked(text: str) -> str:
    """What is left without blanks and the `;` that parts settings."""
    return re.sub(r"[\s;]", "", text)


@given(files(), st.data())
def test_rename_changes_the_name_alone(text: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([place for place in places(parse(text)[0]) if place]))
    block = block_at(parse(text)[0], place)
    assert block is not None and block.name is not None

    def rename(draft: Draft, tree: Tree) -> None:
        found = block_at(tree, place)
        assert found is not None
        draft.rename(found, '"a new one"')

    new = drafted(text, rename)
    config = read(new)
    virtual = config.virtuals[place[0]]
    assert (virtual.servers[place[1]].name if len(place) > 1 else virtual.name) == "a new one"
    before, _ = only_change(text, new)
    assert before in block.name.text
