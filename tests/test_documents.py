"""What the pages show works: blocks of lvs.cf load, keywords and verbs exist, programs compile, examples are there."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from piranha.cli.main import VERBS
from piranha.lvscf import directives
from piranha.lvscf.load import load
from piranha.lvscf.syntax.layout import formatted
from piranha.lvscf.syntax.parser import parse

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
MANUALS = sorted((ROOT / "docs" / "man").iterdir())
KINDS = {"sh", "text", "python", "lvs.cf"}
COMMANDS = set(
    "piranha pulse lvsd nanny send_arp ipvsadm apt-get cp echo editor install ln make modprobe pip python3 sed sysctl "
    "systemctl sudo tools/with-ipvs useradd".split()
)
KERNEL = {"arp_ignore", "expire_nodest_conn"}  # settings of the kernel, not ours
LANGUAGES_OF_OTHERS = {"moving.md"}  # pages that quote settings of other programs
KEYWORDS = KERNEL | {directive.name for directive in directives.ALL}


def blocks(path: Path) -> list[tuple[str, str]]:
    """Kind and text of each block of a page."""
    text = path.read_text()
    if path.suffix == ".md":
        return re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    found = re.findall(r"^\.Bd -literal.*\n(.*?)^\.Ed$", text, re.MULTILINE | re.DOTALL)
    return [("lvs.cf" if looks_like_lvs_cf(one) else "text", one.replace(r"\e", "\\")) for one in found]


def looks_like_lvs_cf(text: str) -> bool:
    """Whether a text holds a block of lvs.cf, or has nothing but settings."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    settings = [line for line in lines if re.match(r"\s*\w+ *=", line)]
    return bool(re.search(r"^\s*(virtual|server|check) \S+ \{", text, re.MULTILINE)) or settings == lines != []


def commands(text: str) -> list[list[str]]:
    """The commands of a block for a shell."""
    lines = [part for line in text.splitlines() for part in line.split("&&")]
    return [words for line in lines if (words := shlex.split(line.partition(">/")[0], comments=True))]


@pytest.mark.parametrize("path", [*PAGES, *MANUALS], ids=lambda path: path.name)
def test_a_block_works(path: Path) -> None:
    for kind, text in blocks(path):
        assert kind in KINDS, f"{path.name}: say of what kind this block is: {sorted(KINDS)}\n{text}"
        if kind == "lvs.cf":
            loaded = load(text.encode(), path.name)
            assert not loaded.findings, loaded.render()
            assert formatted(parse(text)[0]) == text
        elif kind == "python":
            ast.parse(text)
        elif kind == "sh":
            for words in commands(text):
                assert words[0].removeprefix("/opt/piranha/bin/") in COMMANDS
                assert words[0] != "piranha" or words[1] in VERBS, words
        else:
            assert not looks_like_lvs_cf(text), f"{path.name}: write ```lvs.cf\n{text}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_keywords_verbs_and_files_that_a_page_names_exist(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", text)
    settings = [span.split(" = ")[0] for span in spans if re.fullmatch(r"[a-z_]+ = \S.*", span)]
    settings = [] if path.name in LANGUAGES_OF_OTHERS else settings
    assert [name for name in settings if name not in KEYWORDS and not name.startswith("vs_")] == []
    verbs = [span.split()[1] for span in spans if re.fullmatch(r"piranha [a-z]+( .*)?", span)]
    assert [verb for verb in verbs if verb not in {*VERBS, "help", "version"}] == []
    files = [span for span in spans if re.fullmatch(r"(src|tests|docs|examples|tools|packaging|bench)/[\w./-]+", span)]
    assert [name for name in files if not (ROOT / name).exists()] == []
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []
