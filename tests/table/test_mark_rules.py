"""The rules of `mark_rules`: they mark exactly the packets that the file names, whoever evaluates them."""

from ipaddress import ip_address
from itertools import pairwise
from struct import pack

from hypothesis import given
from hypothesis import strategies as st
from tests.lvscf.reading import config, virtual
from tests.properties import examples

from piranha.forwarding.iptables_text import FoundChain, read, write
from piranha.kernel.nftables import Expression, expressions
from piranha.lvscf.config import Config, FloatingAddress, PlaneKind, PortRange, Virtual
from piranha.table.mark_rules import Difference, Hook, Kept, MarkRule, difference, joined, rules_of, told, wanted_rules
from piranha.terms import Address, Family, Protocol

VIP = ip_address("192.0.2.20")
SHOP = """ports = 80 443 8000-8010
fwmark = 20
server a { active = 1; address = 10.0.0.1 }"""

addresses = st.sampled_from([ip_address(text) for text in ("192.0.2.20", "192.0.2.21", "2001:db8::20", "2001:db8::21")])
numbers = st.integers(1, 12)
spans = st.tuples(numbers, numbers).map(lambda pair: PortRange(min(pair), max(pair)))


def rule(first: int = 80, last: int = 0, address: Address = VIP, mark: int = 20) -> MarkRule:
    return MarkRule(address, Protocol.TCP, first, last or first, mark, "shop")


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Files whose virtual servers ask for marks of no packet twice, as E030 and E031 see to."""
    taken: set[tuple[Address, Protocol, int]] = set()
    virtuals = []
    for mark in range(1, draw(st.integers(0, 4)) + 1):
        vip = draw(addresses)
        extra = [one for one in draw(st.lists(addresses, max_size=1)) if one != vip and one.version == vip.version]
        protocols = tuple(draw(st.lists(st.sampled_from(list(Protocol)), min_size=1, max_size=3, unique=True)))
        ports = tuple(draw(st.lists(spans, min_size=1, max_size=4)))
        named = {(a, p, n) for a in (vip, *extra) for p in protocols for s in ports for n in range(s.first, s.last + 1)}
        if named & taken:
            continue
        taken |= named
        first, *others = (FloatingAddress(address=one, prefix=one.max_prefixlen) for one in (vip, *extra))
        virtuals.append(
            Virtual(
                name=f"v{mark}",
                active=draw(st.booleans()),
                vip=first,
                extra_vips=tuple(others),
                port=ports[0].first,
                ports=ports,
                protocols=protocols,
                fwmark=mark,
                mark_rules=draw(st.booleans()),
            )
        )
    return Config(primary=None, virtuals=tuple(virtuals))


def asked_for(of: Config, address: Address, protocol: Protocol, port: int) -> int:
    """The mark that the file wants a packet to have, 0 for none, by looking at the file alone."""
    for one in of.virtuals:
        named = any(ports.first <= port <= ports.last for ports in one.ports)
        vips = (vip.address for vip in one.vips)
        if one.active and one.mark_rules and named and protocol in one.protocols and address in vips:
            return one.fwmark
    return 0


def packet(address: Address, protocol: Protocol, port: int) -> tuple[bytes, bytes]:
    """Network and transport header of a packet; nothing but what rules look at is right in them."""
    if address.version == 4:
        network = bytes(9) + bytes([protocol]) + bytes(6) + address.packed
    else:
        network = bytes(6) + bytes([protocol]) + bytes(17) + address.packed
    return network, pack("!HH", 40000, port)


def marked_by(rules: list[list[Expression]], address: Address, protocol: Protocol, port: int) -> int:
    """What nftables would make of the mark of a packet: the machine of nf_tables in a few lines."""
    headers, mark = dict(zip((1, 2), packet(address, protocol, port), strict=True)), 0
    for steps in rules:
        register = b""
        for name, members in steps:
            have = {kind: int.from_bytes(value, "big") for kind, value in members.items()}
            if name == "meta" and 1 in members:
                register = {16: protocol.to_bytes(1)}[have[2]]
            elif name == "payload":
                register = headers[have[2]][have[3] : have[3] + have[4]]
            elif name == "immediate":
                register = members[2]
            elif name == "cmp":
                value = members[3]
                if not {0: register == value, 3: register <= value, 5: register >= value}[have[2]]:
                    break
            else:
                mark = int.from_bytes(register, "little" if pack("=H", 1) == b"\1\0" else "big")
    return mark


@given(configs(), addresses, st.sampled_from(list(Protocol)), st.integers(1, 13))
def test_exactly_the_packets_that_the_file_names_get_the_mark_that_it_says(
    of: Config, address: Address, protocol: Protocol, port: int
) -> None:
    # The table of one family is passed by packets of that family alone.
    rules = [expressions(one) for one in wanted_rules(of) if one.family is Family.of(address)]
    assert marked_by(rules, address, protocol, port) == asked_for(of, address, protocol, port)


@given(configs())
@examples(40)
def test_what_iptables_is_told_is_what_it_says_again(of: Config) -> None:
    for family in Family:
        rules = [one for one in wanted_rules(of) if one.family is family]
        # iptables-save prints the lines of a restore as they are.
        saved = write(FoundChain(), rules)
        assert difference(read(saved).kept(), rules) == Difference()
        assert write(read(saved), rules) == ""


@given(st.lists(spans, max_size=6))
@examples(50)
def test_ranges_are_joined_and_none_overlaps_or_adjoins_the_next(ports: list[PortRange]) -> None:
    found = joined(ports)
    assert {n for low, high in found for n in range(low, high + 1)} == {
        n for one in ports for n in range(one.first, one.last + 1)
    }
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(found))


def test_a_virtual_server_has_a_rule_for_each_vip_protocol_and_range() -> None:
    shop = virtual(f"extra_address = 192.0.2.11 eth0\nprotocol = tcp udp\nsend = x\nexpect = y\n{SHOP}")
    assert told(rules_of(shop)) == (
        "tcp 192.0.2.10:80,443,8000-8010 gets mark 20, udp 192.0.2.10:80,443,8000-8010 gets mark 20, "
        "tcp 192.0.2.11:80,443,8000-8010 gets mark 20, udp 192.0.2.11:80,443,8000-8010 gets mark 20"
    )


def test_ports_and_fwmark_ask_for_rules_unless_the_file_says_otherwise() -> None:
    assert virtual(SHOP).mark_rules
    assert not virtual(f"mark_rules = 0\n{SHOP}").mark_rules


def test_an_old_fwmark_keeps_the_rules_of_the_operator() -> None:
    assert not virtual("fwmark = 20\nserver a { active = 1; address = 10.0.0.1 }").mark_rules


def test_a_virtual_server_that_is_switched_off_has_no_rules() -> None:
    other = "virtual a { active = 1; address = 192.0.2.9 eth0; server a { active = 1; address = 10.0.0.9 } }"
    text = f"{other}\nvirtual web {{\nactive = %s\naddress = 192.0.2.10 eth0\n{SHOP}\n}}\n"
    assert wanted_rules(config(text % 0)) == {}
    assert set(wanted_rules(config(text % 1)).values()) == {"web"}


def test_the_userspace_plane_has_no_rules() -> None:
    text = f"forwarding_plane = userspace\nvirtual web {{\nactive = 1\naddress = 192.0.2.10 eth0\n{SHOP}\n}}\n"
    assert config(text).lvsd.plane is PlaneKind.USERSPACE
    assert wanted_rules(config(text)) == {}


def test_a_name_becomes_a_comment_that_nft_can_print_and_read_again() -> None:
    text = 'virtual "my \\"shop\\"" {\nactive = 1\naddress = 192.0.2.10 eth0\n' + SHOP + "\n}\n"
    (first, *_) = rules_of(config(text).virtuals[0])
    assert '"' not in first.comment
    assert first.comment.startswith("my ")


def test_a_rule_that_one_hook_lacks_is_missing_and_not_at_work() -> None:
    kept = Kept({Hook.PREROUTING: (rule(80), rule(443)), Hook.OUTPUT: (rule(443),)})
    assert difference(kept, [rule(80), rule(443)]).missing == (rule(80),)
    assert kept.at_work() == {rule(443)}


def test_rules_that_nobody_asks_for_twice_or_of_others_are_too_much() -> None:
    kept = Kept(dict.fromkeys(Hook, (rule(80), rule(80), rule(22), None)))
    assert difference(kept, [rule(80)]) == Difference(surplus=(rule(22), rule(80)), strange=True)


def test_rules_behind_a_switch_that_is_off_do_nothing() -> None:
    kept = Kept(dict.fromkeys(Hook, (rule(80),)), broken="table ip piranha is switched off (flags dormant)")
    assert kept.at_work() == frozenset()
    assert difference(kept, [rule(80)])


def test_where_nothing_lies_and_nothing_is_asked_for_there_is_no_difference() -> None:
    assert not difference(Kept(), [])


def test_rules_are_told_in_the_words_of_an_operator() -> None:
    assert str(rule(8000, 8010)) == "tcp 192.0.2.20:8000-8010 gets mark 20"
    assert str(rule(80, address=ip_address("2001:db8::20"))) == "tcp [2001:db8::20]:80 gets mark 20"
