"""The rules of `mark_rules` as netlink messages of nftables, and back: our tables `ip piranha` and `ip6 piranha`.

    table ip piranha {
        chain prerouting {
            type filter hook prerouting priority mangle; policy accept;
            ip daddr 192.0.2.20 tcp dport 80 meta mark set 0x00000014 comment "shop"
        }
        chain output { type filter hook output priority mangle; policy accept; … }
    }

Pure; `kernel/nftables_socket.py` sends and receives. Sources: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h;
expressions as nft 1.0 writes them, so that `nft list table ip piranha` prints the rules above.
A table for each family and none of both (`inet`): a rule that has no family to compare costs a packet a quarter.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import NamedTuple

from piranha.dataclass import dataclass, field
from piranha.kernel.wire import (
    NLATTR,
    NLM_F_CREATE,
    WireError,
    attribute,
    attributes,
    nested,
    number_be,
    string,
    text,
)
from piranha.table.mark_rules import Hook, Kept, MarkRule
from piranha.terms import Address, Family, Protocol

TABLE = "piranha"

NFGENMSG = Struct("=BB2s")  # u8 nfgen_family, u8 version, __be16 res_id
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
BATCH_BEGIN, BATCH_END = 16, 17
NEWTABLE, GETTABLE, DELTABLE, NEWCHAIN, GETCHAIN = (_SUBSYSTEM << 8 | command for command in range(5))
NEWRULE, GETRULE, DELRULE = (_SUBSYSTEM << 8 | command for command in range(6, 9))
_APPEND = 0x800  # NLM_F_APPEND: behind the rules that are there

_TABLE_NAME, _TABLE_FLAGS = 1, 2
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_TYPE = 1, 3, 4, 5, 7
_HOOK_NUMBER, _HOOK_PRIORITY = 1, 2
_RULE_TABLE, _RULE_CHAIN, _RULE_HANDLE, _RULE_EXPRESSIONS, _RULE_USERDATA = 1, 2, 3, 4, 7
_LIST_ELEMENT, _EXPRESSION_NAME, _EXPRESSION_DATA = 1, 1, 2
_DATA_VALUE = 1
_COMMENT = 0  # NFTNL_UDATA_RULE_COMMENT: u8 type, u8 length, the text with its zero byte

_HOOKS = {Hook.PREROUTING: 0, Hook.OUTPUT: 3}  # NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT
_MANGLE = -150  # NF_IP_PRI_MANGLE: before IPVS, which looks for the mark at LOCAL_IN and LOCAL_OUT
_ACCEPT = 1
_CHAIN_KIND = "filter"  # not "route": a mark of ours is for IPVS, and changes no route

_META_SREG, _META_DREG, _META_KEY = 3, 1, 2
_KEY_MARK, _KEY_L4PROTO = 3, 16
_PAYLOAD_DREG, _PAYLOAD_BASE, _PAYLOAD_OFFSET, _PAYLOAD_LENGTH = 1, 2, 3, 4
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_CMP_SREG, _CMP_OPERATOR, _CMP_DATA = 1, 2, 3
_EQUAL, _AT_MOST, _AT_LEAST = 0, 3, 5
_IMMEDIATE_DREG, _IMMEDIATE_DATA = 1, 2
_REGISTER = 1  # NFT_REG_1

_MARK = Struct("=I")  # a mark lies in host order
_DESTINATION = {Family.IPV4: (16, 4), Family.IPV6: (24, 16)}  # place and length of the address in the header


class Step(NamedTuple):
    """One message of a transaction. kind: nlmsg_type; flags: without NLM_F_REQUEST; words: what it does."""

    kind: int
    flags: int
    payload: bytes
    words: str


Expression = tuple[str, Mapping[int, bytes]]
"""One step of a rule: its name, and its attributes by type; of nested data the value."""


@dataclass(frozen=True, slots=True)
class FoundRule:
    """A rule of ours as it lies in the kernel; rule: None for one that is not of our making."""

    hook: Hook
    handle: int
    rule: MarkRule | None


@dataclass(frozen=True, slots=True)
class Found:
    """Our table of one family as it lies in the kernel.

    there: it exists. chains: which of ours it has. broken: see `Kept`.
    """

    there: bool = False
    chains: frozenset[Hook] = frozenset()
    rules: tuple[FoundRule, ...] = field(default=())
    broken: str = ""


Tables = Mapping[Family, Found]
"""Our tables as they lie in the kernel."""

NO_TABLES: Tables = dict.fromkeys(Family, Found())


def kept(tables: Tables) -> Kept:
    """Return our tables as every firewall shows its place."""
    hooks = {hook for found in tables.values() for hook in found.chains}
    rules = {
        hook: tuple(one.rule for found in tables.values() for one in found.rules if one.hook is hook) for hook in hooks
    }
    return Kept(rules, next((found.broken for found in tables.values() if found.broken), ""))


def body(family: int, *members: bytes, resource: int = 0) -> bytes:
    """Encode the payload of a message."""
    return NFGENMSG.pack(family, 0, resource.to_bytes(2, "big")) + b"".join(members)


def begin() -> Step:
    """Return the message that opens a transaction."""
    return Step(BATCH_BEGIN, 0, body(0, resource=_SUBSYSTEM), "begin")


def end() -> Step:
    """Return the message that closes a transaction: all of it is done now, or nothing."""
    return Step(BATCH_END, 0, body(0, resource=_SUBSYSTEM), "end")


def ask_table(family: Family) -> bytes:
    """Encode the question for our table; ENOENT is the answer when there is none."""
    return body(family, text(_TABLE_NAME, TABLE))


def ask_chains(family: Family) -> bytes:
    """Encode the question for chains, to be dumped."""
    return body(family)


def ask_rules(family: Family) -> bytes:
    """Encode the question for the rules of our table, to be dumped; old kernels list those of others as well."""
    return body(family, text(_RULE_TABLE, TABLE))


def steps(tables: Tables, wanted: Sequence[MarkRule]) -> list[Step]:
    """Return the transaction that makes `wanted` of what was found; empty when that is so already.

    A table that is not as it should be is made anew, in one step with what is in it: no packet meets half of it.
    """
    return [
        step
        for family, found in tables.items()
        for step in _steps(family, found, [rule for rule in wanted if rule.family is family])
    ]


def _steps(family: Family, found: Found, wanted: Sequence[MarkRule]) -> list[Step]:
    if not wanted:
        return [_remove_table(family)] if found.there else []
    if found.broken:
        return [_remove_table(family), *_whole(family, wanted)]
    if not found.there:
        return _whole(family, wanted)
    todo = [_add_chain(family, hook) for hook in Hook if hook not in found.chains]
    asked = {(hook, rule, rule.comment): rule for hook in Hook for rule in wanted}
    for one in found.rules:
        key = (one.hook, one.rule, one.rule.comment) if one.rule is not None else None
        if key is None or asked.pop(key, None) is None:
            todo.append(_remove_rule(family, one))
    return todo + [_add_rule(hook, rule) for (hook, _, _), rule in asked.items()]


def table_words(family: Family) -> str:
    """Return `table ip piranha`."""
    return f"table {'ip' if family is Family.IPV4 else 'ip6'} {TABLE}"


def _whole(family: Family, wanted: Sequence[MarkRule]) -> list[Step]:
    table = Step(NEWTABLE, NLM_F_CREATE, body(family, text(_TABLE_NAME, TABLE)), f"add {table_words(family)}")
    chains = [_add_chain(family, hook) for hook in Hook]
    return [table, *chains, *(_add_rule(hook, rule) for hook in Hook for rule in wanted)]


def _remove_table(family: Family) -> Step:
    return Step(DELTABLE, 0, body(family, text(_TABLE_NAME, TABLE)), f"remove {table_words(family)}")


def _add_chain(family: Family, hook: Hook) -> Step:
    members = (
        text(_CHAIN_TABLE, TABLE),
        text(_CHAIN_NAME, hook),
        nested(_CHAIN_HOOK, _be32(_HOOK_NUMBER, _HOOKS[hook]), _be32(_HOOK_PRIORITY, _MANGLE)),
        _be32(_CHAIN_POLICY, _ACCEPT),
        text(_CHAIN_TYPE, _CHAIN_KIND),
    )
    return Step(NEWCHAIN, NLM_F_CREATE, body(family, *members), f"add chain {hook} of {table_words(family)}")


def _add_rule(hook: Hook, rule: MarkRule) -> Step:
    members = [
        text(_RULE_TABLE, TABLE),
        text(_RULE_CHAIN, hook),
        nested(_RULE_EXPRESSIONS, *map(_encoded, expressions(rule))),
    ]
    if rule.comment:
        comment = rule.comment.encode() + b"\0"
        members.append(attribute(_RULE_USERDATA, bytes((_COMMENT, len(comment))) + comment))
    return Step(NEWRULE, NLM_F_CREATE | _APPEND, body(rule.family, *members), f"add rule {hook}: {rule}")


def _remove_rule(family: Family, found: FoundRule) -> Step:
    handle = attribute(_RULE_HANDLE, found.handle.to_bytes(8, "big"))
    members = (text(_RULE_TABLE, TABLE), text(_RULE_CHAIN, found.hook), handle)
    return Step(DELRULE, 0, body(family, *members), f"remove rule {found.hook}: {found.rule or 'of somebody else'}")


def expressions(rule: MarkRule) -> list[Expression]:
    """Return what the kernel does with a packet to tell whether `rule` is about it, and to mark it then."""
    offset, length = _DESTINATION[rule.family]
    ports = [(_EQUAL, rule.first)] if rule.first == rule.last else [(_AT_LEAST, rule.first), (_AT_MOST, rule.last)]
    return [
        _load_payload(_NETWORK_HEADER, offset, length),
        _compare(_EQUAL, rule.address.packed),
        _load_meta(_KEY_L4PROTO),
        _compare(_EQUAL, rule.protocol.to_bytes(1)),
        _load_payload(_TRANSPORT_HEADER, 2, 2),  # the destination port stands there in tcp, udp and sctp alike
        *(_compare(operator, port.to_bytes(2, "big")) for operator, port in ports),
        ("immediate", {_IMMEDIATE_DREG: _number(_REGISTER), _IMMEDIATE_DATA: _MARK.pack(rule.mark)}),
        ("meta", {_META_KEY: _number(_KEY_MARK), _META_SREG: _number(_REGISTER)}),
    ]


def _load_meta(key: int) -> Expression:
    return "meta", {_META_KEY: _number(key), _META_DREG: _number(_REGISTER)}


def _load_payload(base: int, offset: int, length: int) -> Expression:
    where = {_PAYLOAD_BASE: _number(base), _PAYLOAD_OFFSET: _number(offset), _PAYLOAD_LENGTH: _number(length)}
    return "payload", {_PAYLOAD_DREG: _number(_REGISTER), **where}


def _compare(operator: int, data: bytes) -> Expression:
    return "cmp", {_CMP_SREG: _number(_REGISTER), _CMP_OPERATOR: _number(operator), _CMP_DATA: data}


_VALUES = {("cmp", _CMP_DATA), ("immediate", _IMMEDIATE_DATA)}
"""Attributes that hold their value in an attribute of its own."""


def _encoded(expression: Expression) -> bytes:
    name, members = expression
    data = [
        nested(kind, attribute(_DATA_VALUE, value)) if (name, kind) in _VALUES else attribute(kind, value)
        for kind, value in members.items()
    ]
    return nested(_LIST_ELEMENT, text(_EXPRESSION_NAME, name), nested(_EXPRESSION_DATA, *data))


def found_table(family: Family, table: bytes, chains: Sequence[bytes], rules: Sequence[bytes]) -> Found:
    """Read our table of `family` out of what the kernel answered. Raises WireError."""
    flags = number_be(_fields(table), _TABLE_FLAGS, 0)
    broken = f"{table_words(family)} is switched off (flags dormant)" if flags else ""
    names: set[Hook] = set()
    for payload in chains:
        chain = _fields(payload)
        name = string(chain, _CHAIN_NAME, "")
        if string(chain, _CHAIN_TABLE, "") != TABLE or name not in _NAMES:
            continue
        names.add(_NAMES[name])
        if not _hooked(_NAMES[name], chain):
            broken = f"chain {name} of {table_words(family)} is not where packets pass"
    found = [one for payload in rules if (one := _found_rule(family, payload)) is not None and one.hook in names]
    return Found(there=True, chains=frozenset(names), rules=tuple(found), broken=broken)


_NAMES = {str(hook): hook for hook in Hook}


def _hooked(hook: Hook, chain: Mapping[int, bytes]) -> bool:
    where = attributes(chain.get(_CHAIN_HOOK, b""))
    return (
        number_be(where, _HOOK_NUMBER, 99) == _HOOKS[hook]
        and number_be(where, _HOOK_PRIORITY, 0) == _MANGLE & 0xFFFFFFFF
        and string(chain, _CHAIN_TYPE, "") == _CHAIN_KIND
        and number_be(chain, _CHAIN_POLICY, _ACCEPT) == _ACCEPT
    )


@lru_cache(4096)  # a reading finds what the one before has found, and tells what one rule is by some fifty attributes
def _found_rule(family: Family, payload: bytes) -> FoundRule | None:
    rule = _fields(payload)
    hook = _NAMES.get(string(rule, _RULE_CHAIN, ""))
    if string(rule, _RULE_TABLE, "") != TABLE or hook is None:
        return None
    handle = number_be(rule, _RULE_HANDLE)
    try:
        seen = [_expression(element) for element in _elements(rule.get(_RULE_EXPRESSIONS, b""))]
    except WireError:
        return FoundRule(hook, handle, None)  # an expression that we never write
    made = _rule(seen, _comment(rule.get(_RULE_USERDATA, b"")))
    return FoundRule(hook, handle, made if made is not None and made.family is family else None)


def _rule(seen: Sequence[Expression], comment: str) -> MarkRule | None:
    """Return the rule that `seen` was made of, None when it is not one of ours."""
    compared = [members[_CMP_DATA] for name, members in seen if name == "cmp" and _CMP_DATA in members]
    marks = [members[_IMMEDIATE_DATA] for name, members in seen if name == "immediate" and _IMMEDIATE_DATA in members]
    if len(compared) not in (3, 4) or len(marks) != 1 or len(marks[0]) != _MARK.size:
        return None
    address, protocol, *ports = compared
    try:
        rule = MarkRule(
            address=_address(address),
            protocol=Protocol(int.from_bytes(protocol)),
            first=int.from_bytes(ports[0]),
            last=int.from_bytes(ports[-1]),
            mark=_MARK.unpack(marks[0])[0],
            comment=comment,
        )
        made = expressions(rule)
    except (KeyError, ValueError, OverflowError):
        return None
    # Newer kernels may say more of an expression than it was made of.
    same = len(made) == len(seen) and all(
        mine[0] == theirs[0] and mine[1].items() <= theirs[1].items() for mine, theirs in zip(made, seen, strict=True)
    )
    return rule if same else None


def _address(packed: bytes) -> Address:
    """Return the address. Raises ValueError when it is none."""
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def _expression(element: bytes) -> Expression:
    members = attributes(element)
    name = string(members, _EXPRESSION_NAME)
    data = attributes(members.get(_EXPRESSION_DATA, b""))
    return name, {
        kind: attributes(value).get(_DATA_VALUE, b"") if (name, kind) in _VALUES else value
        for kind, value in data.items()
    }


def _elements(payload: bytes) -> Iterator[bytes]:
    """Yield the members of a list; `attributes` would keep the last one only."""
    start = 0
    while start + NLATTR.size <= len(payload):
        length = NLATTR.unpack_from(payload, start)[0]
        if length < NLATTR.size or start + length > len(payload):
            raise WireError("truncated list")
        yield payload[start + NLATTR.size : start + length]
        start += length + (-length % 4)


def _comment(userdata: bytes) -> str:
    if len(userdata) < 2 or userdata[0] != _COMMENT:
        return ""
    return userdata[2 : 2 + userdata[1]].rstrip(b"\0").decode("utf-8", "backslashreplace")


def _fields(payload: bytes) -> dict[int, bytes]:
    if len(payload) < NFGENMSG.size:
        raise WireError(f"truncated netfilter message: {len(payload)} bytes")
    return attributes(payload, NFGENMSG.size)


def _be32(kind: int, value: int) -> bytes:
    return attribute(kind, _number(value))


def _number(value: int) -> bytes:
    """Encode a number in network order, as all of nftables are; negative ones as two's complement."""
    return (value & 0xFFFFFFFF).to_bytes(4, "big")
