"""Shell: reads what `piranha import` makes an lvs.cf of, for the kinds that are one file."""

import argparse
from pathlib import Path

from piranha.change.import_ipvsadm import import_ipvsadm
from piranha.change.imported import Imported, Origin, failure
from piranha.cli.source import source_text


def ipvsadm(args: argparse.Namespace) -> Imported:
    """Read rules of `ipvsadm -Sn`. Raises ReadError."""
    name, found = _one(args.files)
    return found or import_ipvsadm(name, source_text(args.files[0]))


def _one(files: list[Path]) -> tuple[str, Imported | None]:
    """Return the name of the only file for notes, and what to answer where there are more."""
    name = "standard input" if str(files[0]) == "-" else files[0].name
    return name, failure(Origin(name), f"{len(files)} files: give one") if len(files) > 1 else None
