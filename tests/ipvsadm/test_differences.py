"""What `ipvsadm --diff` finds between two tables, as rules that bring it about."""

from dataclasses import replace

from hypothesis import given
from tests.contracts.tables import tables
from tests.properties import examples

from piranha.cli.ipvsadm.differences import differences
from piranha.cli.ipvsadm.rehearsal import Rehearsal
from piranha.cli.ipvsadm.rehearse import Rehearsed
from piranha.cli.ipvsadm.session import Session
from piranha.table.rules import parse_rules, print_rules
from piranha.table.table import Service, Table
from piranha.terms import Family, ForwardingMethod, Tunnel


def sayable(table: Table) -> Table:
    """The table with NAT only, since in rules no other server has a port of its own, and without one-packet TCP."""
    return {
        key: Service(
            replace(service.settings, one_packet=False),
            {
                server: replace(destination, forwarding=ForwardingMethod.NAT, tunnel=Tunnel())
                for server, destination in service.destinations.items()
                if Family.of(server.address) is key.family
            },
        )
        for key, service in table.items()
    }


def rules(live: str, wanted: str) -> list[str]:
    return [difference.rule() for difference in differences(parse_rules(live), parse_rules(wanted))]


@given(table=tables())
@examples(50)
def test_a_saved_table_does_not_differ_from_the_one_that_was_saved(table: Table) -> None:
    assert differences(table, parse_rules(print_rules(table))) == []


@given(live=tables(), wanted=tables())
@examples(30)
def test_carrying_out_the_rules_leaves_no_difference(live: Table, wanted: Table) -> None:
    asked, rehearsal = sayable(wanted), Rehearsal(sayable(live))
    lines = [f"{difference.rule()}\n".encode() for difference in differences(rehearsal.table(), asked)]

    session = Session(Rehearsed(rehearsal), lambda _: None, "ipvsadm")
    session.restore(lines)

    assert session.complaints == 0
    assert differences(rehearsal.table(), asked) == []


def test_an_edit_says_what_it_changes() -> None:
    live = "-A -t 192.0.2.10:80 -s wlc\n-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 1\n"
    wanted = "-A -t 192.0.2.10:80 -s sh -p 60 -b sh-port\n"
    wanted += "-a -t 192.0.2.10:80 -r 10.0.0.1:80 -i -w 5 -x 9 --tun-type gre\n"

    assert rules(live, wanted) == [
        "-E -t 192.0.2.10:80 -s sh -p 60 -b sh-port  "
        "# scheduler wlc -> sh, scheduler_flags none -> sh-port, persistence_s 0 -> 60",
        "-e -t 192.0.2.10:80 -r 10.0.0.1:80 -i -w 5 -x 9 --tun-type gre --tun-nocsum  "
        "# forwarding nat -> tunnel, weight 1 -> 5, upper_threshold 0 -> 9, tunnel none -> gre none",
    ]


def test_what_is_not_wanted_goes_after_what_is_new() -> None:
    live = "-A -t 192.0.2.10:80\n-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m\n-A -f 7\n"
    wanted = "-A -t 192.0.2.10:80\n-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m\n-A -u 192.0.2.10:53\n"

    assert rules(live, wanted) == [
        "-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m -w 1",
        "-d -t 192.0.2.10:80 -r 10.0.0.1:80",
        "-A -u 192.0.2.10:53 -s wlc",
        "-D -f 7",
    ]
