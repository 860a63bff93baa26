"""Every rule of the file and every code of a finding, by example: tests/golden/lvscf."""

import re
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from piranha.lvscf.codes import CODES
from piranha.lvscf.from_original import from_original
from piranha.lvscf.load import load

FOLDER = Path(__file__).resolve().parent.parent / "golden" / "lvscf"
EXAMPLES = sorted(FOLDER.glob("*.cf"))
SOURCE = Path(__file__).resolve().parent.parent.parent / "src" / "piranha" / "lvscf"
HOSTS = {"web.example.net": ip_address("192.0.2.80")}
# Findings about what is no text at all: test_read.py.
FROM_THE_DISK = {"E025"}


def outcome(path: Path) -> str:
    """What is found in a file, and whether it is accepted; notes only where the example is about them."""
    loaded = load(path.read_bytes(), "lvs.cf", HOSTS)
    if path.stem.startswith("N"):
        loaded = replace(loaded, findings=from_original(loaded))
    findings = loaded.render()
    return (findings + "\n" if findings else "") + ("refused\n" if loaded.config is None else "accepted\n")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_exactly_its_findings(path: Path) -> None:
    assert outcome(path) == path.with_suffix(".txt").read_text()


@pytest.mark.parametrize("code", sorted(code for code in CODES if code.startswith("N")))
def test_a_note_is_in_an_example(code: str) -> None:
    assert any(f"[{code}]" in path.with_suffix(".txt").read_text() for path in EXAMPLES if path.stem.startswith("N"))


@pytest.mark.parametrize("code", sorted(code for code in CODES.keys() - FROM_THE_DISK if not code.startswith("N")))
def test_a_code_has_an_example(code: str) -> None:
    examples = [path for path in EXAMPLES if path.stem.startswith(code)]
    assert examples, f"write tests/golden/lvscf/{code}-….cf"
    assert all(f"[{code}]" in path.with_suffix(".txt").read_text() for path in examples)


def test_the_table_of_codes_holds_the_codes_in_use_and_no_other() -> None:
    text = "".join(path.read_text() for path in SOURCE.rglob("*.py") if path.parent.name != "codes")
    assert set(re.findall(r'"([EWN]\d{3})"', text)) == CODES.keys()


@pytest.mark.parametrize(
    ("device", "looks_alike"),
    [("publik", True), ("PRIVATE", True), ("prvate", True), ("pulic", True), ("cilbup", False), ("eth0", False)],
)
def test_a_device_that_looks_like_one_with_a_meaning_is_told(device: str, looks_alike: bool) -> None:
    text = f"primary = 192.0.2.2\nvirtual a {{\nactive = 1\naddress = 192.0.2.1 {device}\n}}\n"
    assert ("W079" in [finding.code for finding in load(text.encode(), "lvs.cf").findings]) is looks_alike
