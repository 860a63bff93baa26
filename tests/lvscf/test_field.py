"""Files that people wrote for the original load; so do files of our own with the same constructs."""

from pathlib import Path

import pytest
from tests import field

from piranha.lvscf.read import read_and_load
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.printer import print_tree

OWN = Path(__file__).resolve().parent.parent / "golden" / "lvscf"


@pytest.mark.skipif(not field.FILES, reason=field.MISSING)
def test_every_file_from_the_field_loads() -> None:
    assert len(field.FILES) >= 8
    for path in field.FILES:
        loaded = read_and_load(path)
        assert loaded.config is not None, loaded.render()
        assert loaded.config.virtuals
        assert print_tree(parse(loaded.text)[0]).encode("utf-8", "surrogateescape") == path.read_bytes()


@pytest.mark.skipif(not field.FILES, reason=field.MISSING)
def test_files_from_the_field_mean_what_their_authors_meant() -> None:
    virtuals = {
        path.name[0]: [(v.name, v.active, v.port, len(v.servers)) for v in config.virtuals]
        for path in field.FILES
        if (config := read_and_load(path).config) is not None
    }
    assert virtuals == {
        "a": [("server1", True, 80, 2), ("server2", False, 21, 2)],
        "b": [("http", True, 80, 2)],
        "c": [("diff", True, 80, 2)],
        "d": [("LVS-HTTP", True, 80, 4)],
        "e": [("proxy", True, 8080, 2)],
        "f": [("portal1v1", True, 80, 1)],
        "g": [("web", True, 80, 1), ("ftp", True, 21, 1)],
        "h": [("lvs_server", True, 80, 2)],
    }


def test_a_file_with_every_keyword_of_the_web_tool_loads() -> None:
    loaded = read_and_load(OWN / "row-all-old-keywords.cf")
    assert loaded.config is not None
    assert [server.weight for server in loaded.config.virtuals[0].servers] == [1, 0]
