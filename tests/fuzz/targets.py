"""What is fuzzed: each target takes any text, and fails only for a defect of ours."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.codec import codec

from piranha.change.import_ipvsadm import import_ipvsadm
from piranha.change.import_keepalived import import_keepalived
from piranha.change.import_ldirectord import import_ldirectord
from piranha.change.import_piranha import Original, import_piranha
from piranha.change.imported import NOTES_LIMIT, Imported, judged
from piranha.lvscf.config import meaning
from piranha.lvscf.load import Loaded, elaborated, load, parsed
from piranha.lvscf.syntax.edit import Draft
from piranha.lvscf.syntax.layout import formatted
from piranha.lvscf.syntax.limits import TooLarge
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.printer import print_tree

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"


@dataclass(frozen=True)
class Target:
    """One thing to fuzz. seeds: folders and patterns of the files to begin with."""

    run: Callable[[str], object]
    seeds: tuple[tuple[Path, str], ...]

    def corpus(self) -> list[Path]:
        return [path for folder, pattern in self.seeds for path in sorted(folder.glob(pattern))]

    def words(self) -> list[str]:
        """The words of the corpus, for the fuzzer to put into its inputs."""
        texts = (path.read_bytes().decode("latin-1") for path in self.corpus())
        return sorted(
            {word for text in texts for word in re.findall(r"[A-Za-z_][A-Za-z_0-9.-]{1,30}|[{}=;\"#@$%!-]+", text)}
        )


def loaded(text: str) -> Loaded:
    return load(text.encode("utf-8", "surrogateescape"), "lvs.cf")


def read(text: str) -> None:
    """Parser, elaboration, findings and their rendering; what was accepted means the same when it is read again."""
    found = loaded(text)
    assert (found.config is None) == bool(found.errors)
    shown = found.render()
    assert all(letter.isprintable() or letter in "\n\t" for letter in shown)
    if found.config is not None:
        again = load(found.accepted_bytes(), "accepted.cf").config
        assert again is not None
        assert meaning(again) == meaning(found.config)


def layout(text: str) -> None:
    """A tree prints as the text it was read from; `fmt` changes no meaning, and nothing the second time."""
    try:
        tree, findings = parse(text)
    except TooLarge:
        return
    assert print_tree(tree) == text
    if any(finding.code.startswith("E") for finding in findings):
        return
    once = formatted(tree)
    assert formatted(parse(once)[0]) == once
    before, after = loaded(text).config, loaded(once).config
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert meaning(before) == meaning(after)


def edit(text: str) -> None:
    """An edit of `serial_no` leaves every other meaning as it was; setting and taking out a weight do too."""
    before = loaded(text).config
    if before is None:
        return
    tree, _ = parse(text)
    draft = Draft(tree)
    draft.set(None, "serial_no", ["77"])
    after = loaded(draft.text()).config
    assert after is not None
    assert (after.serial_no, meaning(after)) == (77, meaning(before))
    draft = Draft(tree)
    for virtual in tree.blocks("virtual"):
        for server in virtual.blocks("server"):
            draft.set(server, "weight", ["3"])
    after = loaded(draft.text()).config
    assert after is not None
    assert {server.weight for virtual in after.virtuals for server in virtual.servers} <= {3}


def again(text: str) -> None:
    """Reading again, after a line was lost, doubled or changed, finds what reading afresh finds."""
    data = text.encode("utf-8", "surrogateescape")
    lines = data.splitlines(keepends=True)
    if not lines:
        return
    at = zlib.crc32(data) % len(lines)
    before, fresh = load(data, "lvs.cf"), {}
    for changed in ([], [lines[at]] * 2, [lines[at].replace(b"1", b"2")], [lines[at].replace(b"a", b"e")]):
        other = b"".join(lines[:at] + changed + lines[at + 1 :])
        fresh[other] = load(other, "lvs.cf")
    for other, after in fresh.items():
        assert elaborated(parsed(other, "lvs.cf", before.again), {}) == after
        assert elaborated(parsed(data, "lvs.cf", after.again), {}) == before


def holds(result: Imported) -> None:
    """An import loads, or a note says why not."""
    assert result.text or result.has_errors
    assert len(result.notes) <= NOTES_LIMIT + 1
    assert all(note.render().isprintable() for note in result.notes)
    assert result.has_errors or judged(result.text).config is not None


TARGETS = {
    "read": Target(read, ((GOLDEN / "lvscf", "*.cf"), (ROOT / "examples", "*.cf"))),
    "layout": Target(layout, ((GOLDEN / "lvscf", "*.cf"), (ROOT / "examples", "*.cf"))),
    "again": Target(again, ((ROOT / "examples", "*.cf"), (GOLDEN / "lvscf", "*.cf"))),
    "edit": Target(edit, ((ROOT / "examples", "*.cf"), (GOLDEN / "lvscf", "W*.cf"))),
    "keepalived": Target(
        lambda text: holds(import_keepalived([("fuzz", text)], lambda _pattern, _above: [])),
        ((GOLDEN / "import" / "keepalived", "*.conf"),),
    ),
    "ldirectord": Target(
        lambda text: holds(import_ldirectord("fuzz", text)), ((GOLDEN / "import" / "ldirectord", "*.ldirectord"),)
    ),
    "piranha": Target(
        lambda text: holds(import_piranha(Original(name="fuzz", text=text, options=text, devices=("eth0",)))),
        ((GOLDEN / "import" / "piranha", "*.original"), (GOLDEN / "lvscf", "row*.cf")),
    ),
    "codec": Target(codec, ((GOLDEN / "kernel", "*.answer"),)),
    "ipvsadm": Target(lambda text: holds(import_ipvsadm("fuzz", text)), ((GOLDEN / "import" / "ipvsadm", "*.rules"),)),
}
