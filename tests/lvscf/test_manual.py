"""The manual page is in step with the table of keywords."""

import re
from pathlib import Path

import pytest

from piranha.lvscf import directives
from piranha.lvscf.directives import ALL, Scope, Status, Type
from piranha.lvscf.manual import page

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "man" / "lvs.cf.5"


def test_the_committed_page_is_what_the_table_says() -> None:
    how = """python -c 'from piranha.lvscf.manual import page; print(page(), end="")' > docs/man/lvs.cf.5"""
    assert PAGE.read_text() == page(), f"write it again: {how}"


def test_every_keyword_is_on_the_page() -> None:
    text = page()
    assert [d.name for d in ALL if not re.search(rf"^\.It Ic {d.name} ", text, re.MULTILINE)] == []


def test_no_line_of_the_page_begins_with_an_accidental_macro() -> None:
    macros = {"Dd", "Dt", "Os", "Sh", "Ss", "Nm", "Nd", "Bl", "El", "It", "Xr", "Bd", "Ed"}
    for line in page().splitlines():
        if line.startswith("."):
            assert line[1:3] in macros or line.startswith('.\\"'), line


@pytest.mark.parametrize("scope", list(Scope))
def test_a_keyword_is_in_the_table_once_for_each_scope(scope: Scope) -> None:
    names = [directive.name for directive in ALL if scope in directive.scopes]
    assert sorted(names) == sorted(set(names))


def test_a_keyword_without_effect_says_what_to_do_instead() -> None:
    assert all(d.instead for d in ALL if d.status in (Status.NO_EFFECT, Status.REJECTED))


def test_a_keyword_of_few_words_has_words_and_its_default_is_one_of_them() -> None:
    for directive in ALL:
        assert bool(directive.choices) == (directive.type in (Type.CHOICE, Type.CHOICES, Type.CHOICE_OR_DURATION)), (
            directive.name
        )
        if directive.choices and directive.default not in ("-", "network", "forwarding"):
            assert directive.default in directive.choices


def test_every_keyword_of_the_original_is_known_where_it_stood() -> None:
    stood = {
        Scope.GLOBAL: "serial_no primary primary_private primary_shared backup backup_private backup_shared "
        "backup_active heartbeat heartbeat_port keepalive deadtime service network nat_router nat_nmask active_cmd "
        "inactive_cmd monitor_links syncdaemon syncd_iface syncd_id tcp_timeout tcpfin_timeout udp_timeout "
        "hard_shutdown rsh_command ipvsadm debug_level reservation_conflict_action sync",
        Scope.VIRTUAL: "active address vip_nmask sorry_server fwmark port protocol scheduler persistent pmask send "
        "expect use_regex send_program timeout reentry load_monitor quiesce_server client_monitor start_cmd stop_cmd "
        "master dirs expect_program",
        Scope.SERVER: "address active weight port nmask",
        Scope.FAILOVER: "active address vip_nmask port protocol send expect send_program timeout start_cmd stop_cmd "
        "client_monitor heartbeat",
    }
    for scope, names in stood.items():
        assert [name for name in names.split() if directives.find(name, scope) is None] == []
