"""Where a new setting or block goes and how it looks, by example; and how a value gets its quotes."""

import pytest

from piranha.lvscf import directives, spelling
from piranha.lvscf.directives import Scope
from piranha.lvscf.syntax.edit import Draft
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.tree import Block, Tree

PLAIN = """# our cluster

primary = 192.0.2.2
deadtime = 6                # as long as a switch needs

# the shop
virtual www {
     active   = 1
     address  = 192.0.2.10 eth0:1
     protocol = tcp
     server web1 { active = 1; address = 10.11.12.21 }
     server web2 {
         # the old machine
         active=1
         address=10.11.12.22
     }
}
"""


def place(tree: Tree, name: str) -> Block | None:
    """A virtual server, a real server, or the file."""
    blocks = [*tree.blocks("virtual"), *(server for one in tree.blocks("virtual") for server in one.blocks("server"))]
    return next((block for block in blocks if block.name and block.name.value == name), None)


def lines(text: str, name: str, keyword: str, *words: str) -> list[str]:
    """The lines that `set` adds or changes."""
    tree, _ = parse(text)
    draft = Draft(tree)
    draft.set(place(tree, name), keyword, words)
    return [line for line in draft.text().splitlines(keepends=True) if line not in text.splitlines(keepends=True)]


def unset(text: str, name: str, keyword: str) -> str:
    """The text after `unset`."""
    tree, _ = parse(text)
    draft = Draft(tree)
    draft.unset(place(tree, name), keyword)
    return draft.text()


@pytest.mark.parametrize(
    ("name", "keyword", "line"),
    [
        ("", "backup", "backup = 5\n"),
        ("www", "port", "     port     = 5\n"),
        ("www", "quiesce_server", "     quiesce_server = 5\n"),
        ("web1", "weight", "     server web1 { active = 1; address = 10.11.12.21; weight = 5 }\n"),
        ("web1", "address", "     server web1 { active = 1; address = 5 }\n"),
        ("web2", "weight", "         weight=5\n"),
        ("", "deadtime", "deadtime = 5                # as long as a switch needs\n"),
    ],
)
def test_a_setting_looks_like_its_neighbours(name: str, keyword: str, line: str) -> None:
    assert lines(PLAIN, name, keyword, "5") == [line]


def test_a_setting_stands_in_the_order_of_the_web_tool() -> None:
    text = PLAIN
    for keyword in ("quiesce_server", "port", "sorry_server", "scheduler"):
        tree, _ = parse(text)
        draft = Draft(tree)
        draft.set(place(tree, "www"), keyword, ["1"])
        text = draft.text()
    found = place(parse(text)[0], "www")
    assert found is not None
    assert [setting.name for setting in found.settings()] == [
        *("active", "address", "sorry_server", "port", "scheduler", "protocol", "quiesce_server")
    ]


def test_of_a_repeated_keyword_the_one_that_counts_is_changed() -> None:
    text = "virtual a {\nport = 1\nport = 2\n}\n"
    assert lines(text, "a", "port", "3") == ["port = 3\n"]
    assert unset(text, "a", "port") == "virtual a {\n}\n"


def test_of_keywords_that_add_up_set_leaves_one_and_add_writes_one_more() -> None:
    text = "monitor_hosts = 10.0.0.1\nmonitor_hosts = 10.0.0.2\nvirtual a {\n}\n"
    tree, _ = parse(text)
    draft = Draft(tree)
    draft.set(None, "monitor_hosts", ["10.0.0.3", "10.0.0.4"])
    assert draft.text() == "monitor_hosts = 10.0.0.3 10.0.0.4\nvirtual a {\n}\n"
    draft = Draft(tree)
    draft.add(None, "monitor_hosts", ["10.0.0.3"])
    assert draft.text() == text.replace("virtual", "monitor_hosts = 10.0.0.3\nvirtual")
    draft = Draft(tree)
    assert draft.unset(None, "monitor_hosts", ["10.0.0.1"]) == 1
    assert draft.text() == "monitor_hosts = 10.0.0.2\nvirtual a {\n}\n"


def test_a_setting_of_a_virtual_server_comes_before_the_servers_that_inherit_it() -> None:
    text = "virtual a {\n  server b {\n    weight = 1\n  }\n  active = 1\n}\n"
    tree, _ = parse(text)
    draft = Draft(tree)
    draft.set(place(tree, "a"), "port", ["443"])
    assert draft.text() == text.replace("{\n  server", "{\n  port = 443\n  server")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("virtual a {\n}\n", "virtual a {\n    port = 1\n}\n"),
        ("virtual a {}\n", "virtual a { port = 1 }\n"),
        ("virtual a { }\n", "virtual a { port = 1 }\n"),
        ("virtual a {active = 1}\n", "virtual a {active = 1; port = 1}\n"),
        ("virtual a {quiesce_server = 1}\n", "virtual a {port = 1; quiesce_server = 1}\n"),
        ("virtual a { active = 1; # on\n}\n", "virtual a { active = 1; port = 1; # on\n}\n"),
        ("virtual a { server b { } }\n", "virtual a { port = 1; server b { } }\n"),
        ("virtual a {\r\n  active = 1\r\n}", "virtual a {\r\n  active = 1\r\n  port = 1\r\n}"),
        ("\ufeffvirtual a\n{\n# none\n}\n", "\ufeffvirtual a\n{\nport = 1\n# none\n}\n"),
    ],
)
def test_a_setting_fits_a_block_of_any_layout_and_leaves_it_again(text: str, after: str) -> None:
    tree, _ = parse(text)
    draft = Draft(tree)
    draft.set(place(tree, "a"), "port", ["1"])
    assert draft.text() == after
    assert "".join(unset(after, "a", "port").split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("# head\n\n# the a\nvirtual a {\n}\n", "# head\n\nserial_no = 1\n\n# the a\nvirtual a {\n}\n"),
        ("# head\nprimary = 10.0.0.1\n", "# head\nserial_no = 1\nprimary = 10.0.0.1\n"),
        ("virtual a {\n}\nprimary=10.0.0.1", "virtual a {\n}\nserial_no=1\nprimary=10.0.0.1"),
        ("\ufeff", "\ufeffserial_no = 1\n"),
        ("deadtime = 6", "serial_no = 1\ndeadtime = 6"),
        ("# head\r\n\r", "# head\r\n\r\nserial_no = 1"),
    ],
)
def test_a_setting_of_the_file_stands_above_the_blocks_and_below_the_head(text: str, after: str) -> None:
    tree, _ = parse(text)
    draft = Draft(tree)
    draft.set(None, "serial_no", ["1"])
    assert draft.text() == after


def test_a_comment_above_a_setting_stays_when_it_goes_and_the_one_behind_it_goes_too() -> None:
    assert unset(PLAIN, "web2", "active") == PLAIN.replace("         active=1\n", "")
    assert unset(PLAIN, "", "deadtime") == PLAIN.replace(
        "deadtime = 6                # as long as a switch needs\n", ""
    )


@pytest.mark.parametrize(
    ("keyword", "given", "words"),
    [
        ("port", ["443"], ["443"]),
        ("address", ["192.0.2.10", "eth0:1"], ["192.0.2.10", "eth0:1"]),
        ("address", ["192.0.2.10 eth0:1"], ["192.0.2.10", "eth0:1"]),
        ("send", ["GET / HTTP/1.0\\r\\n\\r\\n"], [r'"GET / HTTP/1.0\r\n\r\n"']),
        ("send", ["GET", "/"], ['"GET /"']),
        ("send", ['"GET /"'], ['"GET /"']),
        ("send", ['say "x"'], [r'"say \"x\""']),
        ("send", ["end\\"], [r'"end\\"']),
        ("expect", ["#1"], ['"#1"']),
        ("expect", [""], ['""']),
        ("send_program", ["/bin/check", "%h"], ['"/bin/check %h"']),
    ],
)
def test_a_value_gets_the_quotes_it_needs(keyword: str, given: list[str], words: list[str]) -> None:
    assert list(spelling.words(directives.find(keyword, Scope.VIRTUAL), given)) == words


@pytest.mark.parametrize(("keyword", "given"), [("send_program", '/bin/x "a b"'), ("send", "a\nb"), ("port", "  ")])
def test_a_value_that_the_file_cannot_say_is_refused(keyword: str, given: str) -> None:
    with pytest.raises(spelling.NotWritable):
        spelling.words(directives.find(keyword, Scope.VIRTUAL), [given])


def test_a_name_with_blanks_gets_quotes() -> None:
    assert (spelling.name("web1"), spelling.name("my web")) == ("web1", '"my web"')


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("server b { weight = 1 }", "server b { weight = 1 }\n  server n { address = 10.0.0.9; weight = 2 }"),
        (
            "server b {\n      weight = 1\n  }",
            "server b {\n      weight = 1\n  }\n  server n {\n      address = 10.0.0.9\n      weight = 2\n  }",
        ),
    ],
)
def test_a_new_server_looks_like_the_last_one(text: str, after: str) -> None:
    text, after = (f"virtual a {{\n  {one}\n}}\n" for one in (text, after))
    tree, _ = parse(text)
    draft = Draft(tree)
    draft.add_block(place(tree, "a"), "server", "n", [("weight", ["2"]), ("address", ["10.0.0.9"])])
    assert draft.text() == after
