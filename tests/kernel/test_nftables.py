"""The tables `ip piranha` and `ip6 piranha` on the netlink wire: what is sent, what is read, and hostile answers."""

from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties import examples

from piranha.kernel.nftables import (
    DELRULE,
    DELTABLE,
    NEWCHAIN,
    NEWRULE,
    NEWTABLE,
    NFGENMSG,
    NO_TABLES,
    Found,
    FoundRule,
    Step,
    Tables,
    ask_table,
    found_table,
    kept,
    steps,
)
from piranha.kernel.wire import WireError, attribute, nested, text
from piranha.table.mark_rules import Difference, Hook, MarkRule, difference
from piranha.terms import Family, Protocol

SHOP = MarkRule(ip_address("192.0.2.20"), Protocol.TCP, 80, 80, 20, "shop")
RANGE = MarkRule(ip_address("2001:db8::20"), Protocol.SCTP, 8000, 8010, 0xFFFFFFFE, "shop six")

rules = st.builds(
    MarkRule,
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)),
    st.sampled_from(list(Protocol)),
    st.integers(1, 65535),
    st.just(65535),
    st.integers(1, 2**32 - 1),
    st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=30),
)


def kernel_after(todo: Sequence[Step]) -> Tables:
    """What an empty kernel that does what it is told has then; it answers with the attributes that it was sent."""
    return {family: table_after(family, [step for step in todo if step.payload[0] == family]) for family in Family}


def table_after(family: Family, todo: Sequence[Step]) -> Found:
    if not any(step.kind == NEWTABLE for step in todo):
        return Found()
    chains = [step.payload for step in todo if step.kind == NEWCHAIN]
    held = [
        step.payload + attribute(3, number.to_bytes(8, "big"))
        for number, step in enumerate(todo)
        if step.kind == NEWRULE
    ]
    return found_table(family, ask_table(family), chains, held)


def read_four(chains: Sequence[bytes], rules: Sequence[bytes], more: bytes = b"") -> Found:
    """The table of IPv4 out of these answers."""
    return found_table(Family.IPV4, ask_table(Family.IPV4) + more, chains, rules)


def four(found: Found) -> Tables:
    """Tables of which that of IPv4 is as found."""
    return {Family.IPV4: found, Family.IPV6: Found()}


@given(st.lists(rules, max_size=3, unique=True))
@examples(40)
def test_what_was_written_is_read_back_and_nothing_is_left_to_do(wanted: list[MarkRule]) -> None:
    tables = kernel_after(steps(NO_TABLES, wanted))
    for family, found in tables.items():
        of_family = [rule for rule in wanted if rule.family is family]
        assert [one.rule for one in found.rules] == of_family * 2
        assert [one.rule.comment for one in found.rules if one.rule] == [one.comment for one in of_family] * 2
    assert steps(tables, wanted) == []
    assert difference(kept(tables), wanted) == Difference()


def test_a_rule_is_sent_as_nft_writes_it() -> None:
    sent = next(step for step in steps(NO_TABLES, [SHOP]) if step.kind == NEWRULE)
    assert sent.words == "add rule prerouting: tcp 192.0.2.20:80 gets mark 20"
    assert (
        sent.payload.hex(" ", 4)
        .replace(" ", "")
        .startswith(
            "02000000"  # NFPROTO_IPV4
            "0c000100" + b"piranha\0".hex() + "0f000200" + b"prerouting\0\0".hex()
        )
    )
    names = [sent.payload.find(word) for word in (b"payload\0", b"cmp\0", b"meta\0", b"immediate\0")]
    assert names == sorted(names)
    assert -1 not in names
    assert sent.payload.endswith(b"\x00\x05shop\0\0")


def test_only_what_differs_is_touched() -> None:
    tables = kernel_after(steps(NO_TABLES, [SHOP]))
    more = MarkRule(SHOP.address, Protocol.SCTP, 8000, 8010, 20)
    assert [step.words for step in steps(tables, [SHOP, more])] == [
        "add rule prerouting: sctp 192.0.2.20:8000-8010 gets mark 20",
        "add rule output: sctp 192.0.2.20:8000-8010 gets mark 20",
    ]
    assert {step.kind for step in steps(kernel_after(steps(NO_TABLES, [SHOP, more])), [SHOP])} == {DELRULE}


def test_each_family_has_a_table_only_while_it_has_rules() -> None:
    both = kernel_after(steps(NO_TABLES, [SHOP, RANGE]))
    assert {step.words for step in steps(NO_TABLES, [RANGE]) if step.kind == NEWTABLE} == {"add table ip6 piranha"}
    assert [step.words for step in steps(both, [SHOP])] == ["remove table ip6 piranha"]


def test_another_name_of_the_virtual_server_is_written_though_the_rule_is_the_same() -> None:
    renamed = MarkRule(SHOP.address, SHOP.protocol, 80, 80, 20, "store")
    assert {step.kind for step in steps(kernel_after(steps(NO_TABLES, [SHOP])), [renamed])} == {DELRULE, NEWRULE}


def test_a_chain_that_was_deleted_comes_back_with_its_rules() -> None:
    found = kernel_after(steps(NO_TABLES, [SHOP]))[Family.IPV4]
    left = Found(True, frozenset({Hook.OUTPUT}), tuple(one for one in found.rules if one.hook is Hook.OUTPUT))
    assert [step.words for step in steps(four(left), [SHOP])] == [
        "add chain prerouting of table ip piranha",
        "add rule prerouting: tcp 192.0.2.20:80 gets mark 20",
    ]


def test_a_rule_of_somebody_else_in_our_table_goes() -> None:
    found = kernel_after(steps(NO_TABLES, [SHOP]))[Family.IPV4]
    mixed = Found(True, found.chains, (*found.rules, FoundRule(Hook.OUTPUT, 99, None)))
    assert [step.words for step in steps(four(mixed), [SHOP])] == ["remove rule output: of somebody else"]


@pytest.mark.parametrize(
    "expressions",
    [
        b"",
        nested(1, text(1, "counter"), nested(2)),
        nested(1, text(1, "cmp"), nested(2, attribute(3, b""))),
        attribute(1, b"\xff\xff\x01"),
    ],
    ids=["no expression", "a counter", "a comparison with nothing", "garbage"],
)
def test_a_rule_that_we_never_write_is_not_ours(expressions: bytes) -> None:
    chains = [step.payload for step in steps(NO_TABLES, [SHOP]) if step.kind == NEWCHAIN]
    members = text(1, "piranha") + text(2, "output") + attribute(3, bytes(8)) + attribute(4, expressions)
    found = read_four(chains, [NFGENMSG.pack(2, 0, b"\0\0") + members])
    assert [one.rule for one in found.rules] == [None]


def test_a_table_that_is_switched_off_is_made_anew_in_one_transaction() -> None:
    whole = steps(NO_TABLES, [SHOP])
    asleep = found_table(
        Family.IPV4,
        ask_table(Family.IPV4) + attribute(2, b"\0\0\0\1"),
        [s.payload for s in whole if s.kind == NEWCHAIN],
        [],
    )
    assert "dormant" in asleep.broken
    assert [step.kind for step in steps(four(asleep), [SHOP])] == [DELTABLE, *(step.kind for step in whole)]


def test_a_chain_that_hangs_elsewhere_is_made_anew() -> None:
    chain = next(step.payload for step in steps(NO_TABLES, [SHOP]) if step.kind == NEWCHAIN)
    elsewhere = chain.replace((-150 & 0xFFFFFFFF).to_bytes(4, "big"), (300).to_bytes(4, "big"))
    assert "prerouting" in read_four([elsewhere], []).broken


def test_tables_of_others_are_none_of_ours() -> None:
    whole = steps(NO_TABLES, [SHOP])
    others = [step.payload.replace(b"piranha", b"pirates") for step in whole if step.kind in (NEWCHAIN, NEWRULE)]
    assert read_four(others[:2], others[2:]) == Found(there=True)


def test_where_nothing_is_wanted_the_table_goes_and_an_absent_one_stays_away() -> None:
    assert [step.kind for step in steps(kernel_after(steps(NO_TABLES, [SHOP])), [])] == [DELTABLE]
    assert steps(NO_TABLES, []) == []


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=400))
def test_hostile_answers_are_an_error_or_no_rule_of_ours(table: bytes, chain: bytes, rule: bytes) -> None:
    with suppress(WireError):
        found_table(Family.IPV4, table, [chain], [rule])


@given(st.data())
def test_a_damaged_rule_is_an_error_another_rule_or_none_of_ours(data: st.DataObject) -> None:
    whole = steps(NO_TABLES, [SHOP])
    sent = bytearray(next(step.payload for step in whole if step.kind == NEWRULE) + attribute(3, bytes(8)))
    sent[data.draw(st.integers(0, len(sent) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(WireError):
        found_table(
            Family.IPV4,
            ask_table(Family.IPV4),
            [step.payload for step in whole if step.kind == NEWCHAIN],
            [bytes(sent)],
        )
