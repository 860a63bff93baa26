"""Shell: reads what `piranha import` makes an lvs.cf of, but for keepalived."""

import argparse
from pathlib import Path

from piranha.change.import_ipvsadm import import_ipvsadm
from piranha.change.import_ldirectord import import_ldirectord
from piranha.change.import_piranha import Original, import_piranha
from piranha.change.imported import Imported, Origin, failure
from piranha.cli.source import source_text

DEVICES = Path("/sys/class/net")


def ipvsadm(args: argparse.Namespace) -> Imported:
    """Read rules of `ipvsadm -Sn`. Raises ReadError."""
    name, found = _one(args.files)
    return found or import_ipvsadm(name, source_text(args.files[0]))


def ldirectord(args: argparse.Namespace) -> Imported:
    """Read ldirectord.cf. Raises ReadError."""
    name, found = _one(args.files)
    return found or import_ldirectord(name, source_text(args.files[0]))


def piranha(args: argparse.Namespace) -> Imported:
    """Read what the original left in its folder, given as the folder or as its lvs.cf. Raises ReadError."""
    given = args.files[0]
    folder = given if given.is_dir() else given.parent
    name, found = _one([given / "lvs.cf", *args.files[1:]] if given.is_dir() else args.files)
    if found is not None:
        return found
    known = str(given) != "-"
    options = folder.parent / "pulse"  # /etc/sysconfig/pulse beside /etc/sysconfig/ha
    return import_piranha(
        Original(
            name=name,
            text=source_text(folder / "lvs.cf" if given.is_dir() else given),
            options=source_text(options) if known and folder.name == "ha" and options.is_file() else None,
            password=known and (folder / "conf" / "piranha.passwd").exists(),
            devices=frozenset(path.name for path in DEVICES.iterdir()) if DEVICES.is_dir() else None,
        )
    )


def _one(files: list[Path]) -> tuple[str, Imported | None]:
    """Return the name of the only file for notes, and what to answer where there are more."""
    name = "standard input" if str(files[0]) == "-" else files[0].name
    return name, failure(Origin(name), f"{len(files)} files: give one") if len(files) > 1 else None
