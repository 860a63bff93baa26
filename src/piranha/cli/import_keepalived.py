"""Shell: `piranha import keepalived`: reads the files of one or two routers, and those they include."""

import argparse
from pathlib import Path

from piranha.change.import_keepalived import import_keepalived
from piranha.change.imported import Imported
from piranha.cli.source import source_text
from piranha.lvscf.read import ReadError
from piranha.lvscf.syntax.limits import SIZE_LIMIT

BRACES_LIMIT = 256  # patterns that one pattern with {a,b} stands for


def keepalived(args: argparse.Namespace) -> Imported:
    """Import keepalived.conf. Raises ReadError."""
    sources = [(_shown(path), source_text(path)) for path in args.files]
    return import_keepalived(sources, Included(), args.router or (), str(Path.cwd()))


def _shown(path: Path) -> str:
    return "standard input" if str(path) == "-" else str(path)


class Included:
    """Reads what an `include` of keepalived points to, no more than SIZE_LIMIT bytes in all."""

    def __init__(self) -> None:
        self._left = SIZE_LIMIT

    def __call__(self, pattern: str, above: str) -> list[tuple[str, str]]:
        """Return name and text of each file, in the order of glob(3); files that cannot be read are left out."""
        found = []
        for one in braces(pattern):
            for name in _matching(Path(above).parent / one):
                try:
                    text = source_text(Path(name))
                except ReadError:
                    continue
                self._left -= len(text)
                if self._left < 0:
                    raise ReadError(f"{above}: includes more than {SIZE_LIMIT // 1024 // 1024} MiB")
                found.append((name, text))
        return found


def _matching(pattern: Path) -> list[str]:
    try:
        return sorted(str(path) for path in Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    except (ValueError, OSError):
        return []  # no pattern, or a folder that is not for us


def braces(pattern: str) -> list[str]:
    """Return what `{foo/{,cat,dog},bar}` stands for, as csh has it; BRACES_LIMIT patterns at most."""
    done: list[str] = []
    todo = [pattern]
    while todo and len(done) < BRACES_LIMIT:
        one = todo.pop(0)
        inner = _innermost(one)
        if inner is None:
            done.append(one)
            continue
        start, end = inner
        todo = [one[:start] + part + one[end + 1 :] for part in one[start + 1 : end].split(",")] + todo
    return list(dict.fromkeys(done))


def _innermost(pattern: str) -> tuple[int, int] | None:
    """Return where the first pair of braces with none inside of it is."""
    end = pattern.find("}")
    start = pattern.rfind("{", 0, end) if end >= 0 else -1
    return (start, end) if start >= 0 else None
