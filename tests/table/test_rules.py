"""The table as text: what ipvsadm -S prints and -R reads."""

import socket
from dataclasses import replace
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from tests.contracts.tables import tables
from tests.properties import examples

from piranha.table.destination import DestinationKey
from piranha.table.rules import RulesError, parse_rules, print_rules
from piranha.table.table import Service, Table
from piranha.table.words import numeric
from piranha.terms import ForwardingMethod

# From the C tool, version 1.31 (`ipvsadm -S -n`), but for the thresholds, which it does not save.
SAVED = """\
-A -t 192.168.26.1:21 -s rr -p 600 -M 255.255.255.0
-A -t 192.168.26.1:80 -s wlc
-a -t 192.168.26.1:80 -r 10.11.12.1:80 -m -w 2000 -x 500 -y 400
-a -t 192.168.26.1:80 -r 10.11.12.2:80 -i -w 3 -x 9 --tun-type ipip
-A -u 192.168.26.1:53 -s sed -o
-a -u 192.168.26.1:53 -r 10.11.12.3:53 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-a -u 192.168.26.1:53 -r 10.11.12.4:53 -i -w 1 --tun-type gre --tun-nocsum
-A -u 192.168.26.9:5060 -s wlc -p 60 --pe sip
-A --sctp-service 192.168.26.1:5000 -s fo
-A -t [2001:db8::80]:80 -s rr -p 100 -M 64
-a -t [2001:db8::80]:80 -r 10.11.12.1:80 -i -w 1 --tun-type ipip
-a -t [2001:db8::80]:80 -r [2001:db8::a0a0]:80 -m -w 1
-A -f 80 -s sh -p 30 -b sh-fallback,sh-port
-a -f 80 -r 10.11.12.1:0 -g -w 0
-A -f 81 -6 -s mh -b mh-port
-A -f 4294967295 -s wlc -b flag-1,flag-3
"""


def expressible(table: Table) -> Table:
    """The part of a table that rules can say."""
    return {
        key: Service(
            replace(
                service.settings,
                persistence_mask=service.settings.persistence_mask if service.settings.persistence_s else None,
            ),
            {
                server: replace(
                    destination,
                    forwarding=ForwardingMethod.DIRECT
                    if destination.forwarding in (ForwardingMethod.LOCAL, ForwardingMethod.BYPASS)
                    else destination.forwarding,
                )
                for server, destination in service.destinations.items()
            },
        )
        for key, service in table.items()
    }


def test_what_the_c_tool_saved_is_read_and_written_back_in_its_order() -> None:
    table = parse_rules(SAVED)

    assert DestinationKey(IPv6Address("2001:db8::a0a0"), 80) in table[list(table)[5]].destinations
    assert print_rules(table) == SAVED


def test_rules_are_sorted_as_in_a_listing() -> None:
    lines = SAVED.splitlines()
    shuffled = [line for line in reversed(lines) if line.startswith("-A")]
    shuffled += [line for line in lines if line.startswith("-a")]

    assert print_rules(parse_rules("\n".join(shuffled))) == SAVED


@given(table=tables())
@examples(40)
def test_a_saved_table_is_read_back(table: Table) -> None:
    assert parse_rules(print_rules(table)) == expressible(table)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("::ffff:10.77.0.1", "::ffff:10.77.0.1"),
        ("::10.77.0.1", "::10.77.0.1"),
        ("::1:0", "::0.1.0.0"),
        ("::1", "::1"),
        ("::", "::"),
        ("::fffe:10.77.0.1", "::fffe:a4d:1"),
        ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
    ],
)
def test_ipv6_addresses_are_written_as_the_system_does(address: str, words: str) -> None:
    assert numeric(IPv6Address(address), 80, None) == f"[{words}]:80"
    assert socket.inet_ntop(socket.AF_INET6, IPv6Address(address).packed) == words


def test_a_mask_of_the_whole_address_is_no_mask() -> None:
    assert "-M" not in print_rules(parse_rules("-A -f 1 -p 5 -M 255.255.255.255\n-A -f 1 -6 -p 5 -M 128"))


def test_comments_and_empty_lines_are_skipped() -> None:
    text = "# ipvsadm.rules\n\n  \n-A -t 192.0.2.10:80 # web\n  #-A -t 192.0.2.10:81\n-A -t 192.0.2.10:82 -s rr #x -o\n"

    assert print_rules(parse_rules(text)) == "-A -t 192.0.2.10:80 -s wlc\n-A -t 192.0.2.10:82 -s rr\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-A -t 192.0.2.10:80\n-A -t 192.0.2.10:80", "line 2: -A: not -A of a new service"),
        ("-a -t 192.0.2.10:80 -r 10.0.0.1:80", "line 1: -a: not -A of a new service or -a of one above"),
        ("-D -t 192.0.2.10:80", "line 1: -D"),
        ("-A -t 192.0.2.10:80 --bogus", "line 1: --bogus: unknown option"),
        ("-A -t 192.0.2.10:80 -s", "line 1: -s: unknown option, or its value is missing"),
        ("-A -t 192.0.2.10", "line 1: 192.0.2.10: not ADDRESS:PORT"),
        ("-A -t 192.0.2.10:65536", "line 1: 192.0.2.10:65536: the port is out of range"),
        ("-A -t www:80", "line 1: 'www' does not appear to be"),
        ("-A -f 0", "line 1: -f 0: a mark is"),
        ("-A -s rr", "line 1: no service is named"),
        ("-A -f 1 -b sh-bogus", "line 1: -b sh-bogus: no such scheduler flag"),
        ("-A -f 1\n-a -f 1", "line 2: -r is missing"),
        ("-A -f 1 -p x", "line 1: -p x: not a number"),
    ],
)
def test_a_rule_that_cannot_be_read_is_named_by_its_line(text: str, problem: str) -> None:
    with pytest.raises(RulesError) as caught:
        parse_rules(text)

    assert str(caught.value).startswith(problem)
