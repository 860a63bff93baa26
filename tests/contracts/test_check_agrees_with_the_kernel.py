"""What `piranha check` accepts the kernel takes: see tests/cli/test_check_agrees.py for the files."""

import errno
from pathlib import Path

import pytest
from tests.cli.test_check_agrees import variants

from piranha.forwarding.ipvs import IpvsPlane
from piranha.lvscf import directives
from piranha.lvscf.config import Config, PlaneKind
from piranha.lvscf.directives import Scope, Status
from piranha.lvscf.load import load
from piranha.lvscf.read import read_and_load
from piranha.table.changes import RemoveService
from piranha.table.desired import ServerVerdict, desired
from piranha.table.diff import diff

pytestmark = pytest.mark.kernel

OF_THE_TABLE = [
    one for one in directives.ALL if one.status is Status.ACTED_ON and {Scope.VIRTUAL, Scope.SERVER} & set(one.scopes)
]
EXAMPLES = sorted((Path(__file__).resolve().parent.parent.parent / "examples").glob("*.cf"))


@pytest.mark.parametrize("directive", OF_THE_TABLE, ids=lambda directive: directive.name)
def test_what_check_accepts_the_kernel_takes(real_plane: IpvsPlane, directive: directives.Directive) -> None:
    for text in variants(directive):
        config = load(text.encode("utf-8", "surrogateescape"), "lvs.cf").config
        if config is not None and config.lvsd.plane is not PlaneKind.USERSPACE:
            taken(real_plane, config, text)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_kernel_takes_every_example(real_plane: IpvsPlane, path: Path) -> None:
    config = read_and_load(path).config
    assert config is not None
    taken(real_plane, config, path.name)


def taken(real_plane: IpvsPlane, config: Config, text: str) -> None:
    """Load the table that the file asks for with every server up, compare, and remove it."""
    up = {(virtual.name, server.name): ServerVerdict.UP for virtual in config.virtuals for server in virtual.servers}
    wanted = desired(config, up, {}, ())
    refusals = real_plane.apply(diff({}, wanted))
    if refusals and refusals[0].code == errno.ENOENT:
        return  # this kernel was built without that scheduler
    assert refusals == [], text[-400:]
    assert real_plane.dump() == wanted, text[-400:]
    assert real_plane.apply([RemoveService(key) for key in wanted]) == []
