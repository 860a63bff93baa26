"""The names in a file of what a change is about."""

from tests.change.configs import config, server
from tests.table.test_desired import at, virtual

from piranha.table.desired import service_keys
from piranha.table.targets import NO_NAMES, Names, Target, names_of

WWW = virtual(server("web1", 1))
(KEY,) = service_keys(WWW)


def test_a_service_has_the_name_of_its_virtual_server_and_a_server_its_own_behind_it() -> None:
    names = names_of(config(WWW))
    assert names.get((KEY, None)) == "www"
    assert names.get((KEY, at(1))) == "www/web1"


def test_what_the_file_does_not_have_has_no_name() -> None:
    names = names_of(config(WWW))
    assert names.get((KEY, at(2)), "nobody") == "nobody"
    assert NO_NAMES.get((KEY, None)) is None


def test_of_two_files_the_newer_one_names_and_the_older_one_what_has_left() -> None:
    older = config(virtual(server("web1", 1), server("web2", 2)))
    newer = config(virtual(server("first", 1)))
    names = names_of(older) | names_of(newer)
    assert names.get((KEY, at(1))) == "www/first"
    assert names.get((KEY, at(2))) == "www/web2"


def test_names_that_no_file_has_can_be_added() -> None:
    left: dict[Target, str] = {(KEY, at(2)): "www/web2"}
    names = names_of(config(WWW)) | Names(left.get)
    assert (names.get((KEY, at(1))), names.get((KEY, at(2)))) == ("www/web1", "www/web2")
