"""The rules of `mark_rules` as the text of iptables-save and iptables-restore: chain PIRANHA of table mangle.

    *mangle
    :PIRANHA - [0:0]
    -A PIRANHA -d 192.0.2.20/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x14/0xffffffff
    -A PREROUTING -j PIRANHA
    -A OUTPUT -j PIRANHA
    COMMIT

Read with --noflush, the second line makes the chain or empties it, and nothing else of the table is touched.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from piranha.table.mark_rules import Hook, Kept, MarkRule
from piranha.terms import Protocol

CHAIN = "PIRANHA"
_BUILT_IN = {Hook.PREROUTING: "PREROUTING", Hook.OUTPUT: "OUTPUT"}
_RULE = re.compile(
    rf"-A {CHAIN} -d (\S+)/(?:32|128) -p (tcp|udp|sctp) -m \2 --dport (\d+)(?::(\d+))? "
    r"-j MARK --set-xmark 0x([0-9a-f]+)/0xffffffff"
)


@dataclass(frozen=True, slots=True)
class FoundChain:
    """Our chain in one family. there: it exists. rules: None for one of somebody else. jumps: lines that lead there."""

    there: bool = False
    rules: tuple[MarkRule | None, ...] = ()
    jumps: tuple[str, ...] = ()

    def kept(self) -> Kept:
        """Return it as every firewall shows it: a hook that does not lead to the chain has nothing."""
        if not self.there:
            return Kept()
        return Kept({hook: self.rules if _jump(hook) in self.jumps else () for hook in Hook})


def read(saved: str) -> FoundChain:
    """Read what iptables-save printed of table mangle."""
    lines = saved.splitlines()
    return FoundChain(
        there=any(line.startswith(f":{CHAIN} ") for line in lines),
        rules=tuple(_rule(line) for line in lines if line.startswith(f"-A {CHAIN} ")),
        jumps=tuple(line for line in lines if re.search(rf" -[jg] {CHAIN}$", line)),
    )


def write(found: FoundChain, wanted: Sequence[MarkRule]) -> str:
    """Return what iptables-restore makes `wanted` of, all in one step; empty when that is there."""
    lines: list[str] = []
    if wanted:
        if not found.there or sorted(map(str, found.rules)) != sorted(map(str, wanted)):
            lines = [f":{CHAIN} - [0:0]", *map(_line, wanted)]
        lines += [jump for jump in map(_jump, Hook) if jump not in found.jumps]
    elif found.there:
        ours = {_jump(hook) for hook in Hook}
        lines = [line.replace("-A", "-D", 1) for line in found.jumps if line in ours]
        lines.append(f"-F {CHAIN}")
        # A jump of somebody else holds the chain, which is empty then.
        lines += [f"-X {CHAIN}"] if ours.issuperset(found.jumps) else []
    return "\n".join(["*mangle", *lines, "COMMIT", ""]) if lines else ""


def _jump(hook: Hook) -> str:
    return f"-A {_BUILT_IN[hook]} -j {CHAIN}"


def _line(rule: MarkRule) -> str:
    ports = str(rule.first) if rule.first == rule.last else f"{rule.first}:{rule.last}"
    word = rule.protocol.word
    where = f"-d {rule.address}/{rule.address.max_prefixlen} -p {word} -m {word} --dport {ports}"
    return f"-A {CHAIN} {where} -j MARK --set-xmark {rule.mark:#x}/0xffffffff"


def _rule(line: str) -> MarkRule | None:
    match = _RULE.fullmatch(line)
    if match is None:
        return None
    address, word, first, last, mark = match.groups()
    try:
        return MarkRule(ip_address(address), Protocol[word.upper()], int(first), int(last or first), int(mark, 16))
    except ValueError:
        return None
