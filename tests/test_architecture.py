"""The walls of ARCHITECTURE.md: import directions, purity, sizes, words."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "piranha"

# A package imports only from itself and from those before it.
ORDER = (
    "dataclass terms errors text output regular lvscf table kernel forwarding events control change nanny lvsd pulse "
    "lab cli"
).split()

# What a module may import and still have no clock, no file, no socket and no process of its own.
PURE_IMPORTS = frozenset(
    "__future__ abc bisect collections dataclasses difflib enum errno functools hashlib heapq hmac ipaddress itertools "
    "math operator re string struct typing".split()
)

# The deciding code. Modules outside this list may be shell, if their docstring says so.
DECIDES = (
    "dataclass",
    "terms",
    "errors",
    "text",
    "lvscf.config",
    "lvscf.checks",
    "lvscf.diagnostics",
    "lvscf.directives",
    "lvscf.elaborate",
    "lvscf.load",
    "lvscf.syntax",
    "table",
    "kernel.wire",
    "kernel.generic",
    "kernel.ipvs",
    "kernel.route",
    "forwarding.plane",
    "events.event",
    "control.messages",
    "change.plan",
    "nanny.results",
    "nanny.expect",
    "nanny.schedule",
    "nanny.protocol",
    "lvsd.monitor",
    "lvsd.pool",
    "lvsd.reconcile",
    "pulse.packet",
    "pulse.session",
    "pulse.election",
    "pulse.actions",
    "pulse.arp",
    "lab.topology",
    "lab.timeline",
)

# Checks that need more than the standard library import it where they use it.
OPTIONAL_LIBRARIES = frozenset({"re2"})

FUNCTION_LINES = 70
MODULE_LINES = 400
TEST_MODULE_LINES = 600


def module_name(path: Path) -> str:
    """`piranha.table.diff` as `table.diff`."""
    parts = list(path.relative_to(SOURCE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


SOURCES = sorted(path for path in SOURCE.rglob("*.py"))
NAMES = {path: module_name(path) for path in SOURCES}
BY_NAME = {name: path for path, name in NAMES.items()}


class Module(NamedTuple):
    """What the walls need to know of a module.

    lines: its length. shell: it says of itself that it touches the world. imports: every module that it imports,
    inside functions too, except for type checking only; with its line. functions: name, first line and length.
    """

    lines: int
    shell: bool
    imports: list[tuple[str, int]]
    functions: list[tuple[str, int, int]]


@cache
def module(path: Path) -> Module:
    """What there is to know of `path`, read once. Its tree is not kept: the collector would walk all of them often."""
    text = path.read_text()
    tree = ast.parse(text, str(path))
    functions = [
        (node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in statements(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    shell = (ast.get_docstring(tree) or "").startswith("Shell:")
    return Module(text.count("\n"), shell, list(find_imports(tree)), functions)


def statements(node: ast.AST, *, typing_only: bool = True) -> Iterator[ast.AST]:
    """Every statement in `node`; typing_only: those for type checking only too. Expressions hold none."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, part, ()):
            yield child
            if typing_only or not is_for_typing(child):
                yield from statements(child, typing_only=typing_only)


def is_for_typing(node: ast.AST) -> bool:
    """Whether `node` is `if TYPE_CHECKING:`."""
    test = node.test if isinstance(node, ast.If) else None
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))


def find_imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """See `Module`."""
    for node in statements(tree, typing_only=False):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module), node.lineno
            for alias in node.names:
                if f"{node.module}.{alias.name}".removeprefix("piranha.") in BY_NAME:
                    yield f"{node.module}.{alias.name}", node.lineno


def ours(name: str) -> str | None:
    """`piranha.table.diff` as `table.diff`, None for modules of others."""
    if name == "piranha":
        return ""
    return name.removeprefix("piranha.") if name.startswith("piranha.") else None


def test_a_package_imports_only_from_those_above_it() -> None:
    wrong = []
    for path, name in NAMES.items():
        if name == "":
            continue
        place = ORDER.index(name.split(".")[0])
        for imported, line in module(path).imports:
            target = ours(imported)
            if target and ORDER.index(target.split(".")[0]) > place:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: imports {imported}")
    assert wrong == []


def test_a_module_that_is_not_marked_as_shell_is_pure() -> None:
    wrong = []
    for path, name in NAMES.items():
        if module(path).shell:
            continue
        for imported, line in module(path).imports:
            target = ours(imported)
            if target is None:
                if imported.split(".")[0] not in PURE_IMPORTS:
                    wrong.append(f"{path.relative_to(ROOT)}:{line}: {name} imports {imported}")
            elif target in BY_NAME and module(BY_NAME[target]).shell:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {name} imports the shell module {target}")
    assert wrong == []


def test_the_deciding_code_is_pure() -> None:
    missing = [prefix for prefix in DECIDES if prefix not in BY_NAME]
    shell = [
        name
        for path, name in NAMES.items()
        if module(path).shell and any(name == prefix or name.startswith(prefix + ".") for prefix in DECIDES)
    ]
    assert (missing, shell) == ([], [])


def test_the_program_runs_on_the_standard_library_alone() -> None:
    wrong = []
    for path in SOURCES:
        for imported, line in module(path).imports:
            top = imported.split(".")[0]
            if top != "piranha" and top not in sys.stdlib_module_names and top not in OPTIONAL_LIBRARIES:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {imported}")
    assert wrong == []


def test_functions_fit_on_a_screen_and_modules_have_one_reason_to_exist() -> None:
    wrong = []
    for path in [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]:
        limit = MODULE_LINES if SOURCE in path.parents else TEST_MODULE_LINES
        if module(path).lines > limit:
            wrong.append(f"{path.relative_to(ROOT)}: {module(path).lines} lines, at most {limit}")
        wrong += [
            f"{path.relative_to(ROOT)}:{first}: {name} has {size} lines, at most {FUNCTION_LINES}"
            for name, first, size in module(path).functions
            if size > FUNCTION_LINES
        ]
    assert wrong == []


@cache
def tracked_texts() -> tuple[tuple[str, str], ...]:
    """Path and text of every file of the product that git knows of, this one left out."""
    return tuple(find_texts())


def find_texts() -> Iterator[tuple[str, str]]:
    """See `tracked_texts`."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout: there is no list of the product's files")
    for name in listing.stdout.split("\0"):
        path = ROOT / name
        if name and path != Path(__file__) and path.is_file():
            yield name, path.read_text(errors="replace")


# A word, and the expression for it with what may not stand before and after it: most texts do not even hold the word.
# Joined here, so that this file does not hold the words either.
BANNED = [
    (word, before + re.escape(word) + after)
    for before, word, after in (
        (r"(?<![\w.])", "/wo" + "rk/", ""),
        (r"(?<![\w.])", "/fa" + "rm/", ""),
        ("", "../sha" + "red", ""),
        ("", "DEVELOP" + "ERS.md", ""),
        ("", "://d" + "eb.", ""),
        ("", "://py" + "pi.", ""),
        ("", "://regi" + "stry.", ""),
        ("", "://fi" + "les.", ""),
        (r"\b", "LL" + "M", r"\b"),
        (r"\b", "A" + "I assistant", ""),
        (r"\b", "suba" + "gent", ""),
        (r"\b", "sub-a" + "gent", ""),
        (r"\b", "Clau" + "de", r"\b"),
        (r"\b", "Anthro" + "pic", r"\b"),
        (r"\b", "Chat" + "GPT", r"\b"),
        (r"\b", "CE" + "O", r"\b"),
    )
]
FIELD_FILES = "tests/field.py"  # the one reader of the files found in the field


def test_the_product_speaks_of_itself_alone() -> None:
    wrong = []
    for name, text in tracked_texts():
        for word, pattern in BANNED:
            if word not in text or (name == FIELD_FILES and "sha" in word):
                continue
            for match in re.finditer(pattern, text):
                wrong.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}")
    assert wrong == []


def rejected_words() -> list[str]:
    """The column *not* of the glossary's table."""
    words = []
    for line in (ROOT / "docs" / "glossary.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("word", "---"):
            words += [word.strip() for word in cells[2].split(",") if word.strip() and word.strip() != "-"]
    return words


NAMES_OF_OTHERS = re.compile("HealthCheck")  # what libraries call theirs


def test_the_glossary_settles_synonyms() -> None:
    patterns = {word.lower(): re.compile(rf"\b{re.escape(word)}s?\b", re.IGNORECASE) for word in rejected_words()}
    assert patterns, "the glossary's table has a column of rejected words"
    wrong = []
    for name, text in tracked_texts():
        if name == "docs/glossary.md" or not name.endswith((".py", ".md", ".cf", ".8", ".5", ".1", ".service")):
            continue
        ours = NAMES_OF_OTHERS.sub("", text)
        lowered = ours.lower()
        for word, pattern in patterns.items():
            if word not in lowered:
                continue
            for found in pattern.finditer(ours):
                wrong.append(f"{name}:{ours.count(chr(10), 0, found.start()) + 1}: {found.group()}")
    assert wrong == []
