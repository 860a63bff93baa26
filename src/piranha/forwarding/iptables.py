"""Shell: marks set by iptables and ip6tables, for kernels without nftables: their programs are run, without a shell."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from piranha.forwarding.firewall import FirewallMissing, FirewallUnavailable, of_family
from piranha.forwarding.iptables_text import CHAIN, FoundChain, read, write
from piranha.table.mark_rules import Difference, Kept, MarkRule, difference
from piranha.terms import Family

LIMIT_S = 15.0
"""How long a program may take; it waits up to LOCK_S for another one that holds the lock of xtables."""
LOCK_S = 5
FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin")
_PREFIX = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_TABLES = {Family.IPV4: Path("/proc/net/ip_tables_names"), Family.IPV6: Path("/proc/net/ip6_tables_names")}
_MODULE = {Family.IPV4: "iptable_mangle", Family.IPV6: "ip6table_mangle"}
_NO_TABLE = re.compile(r"Table does not exist|can't initialize|No such file or directory")
_NO_TARGET = re.compile(r"No chain/target/match by that name|Extension \S+ revision|Couldn't load (?:match|target)")


class Iptables:
    """The chain PIRANHA of table mangle in both families (see `forwarding.firewall.Firewall`).

    folders: where the programs are looked for. tables: by family, the file that names the tables in use.
    """

    name = "iptables"
    place = f"chain {CHAIN} of table mangle"

    def __init__(self, folders: Sequence[str] = FOLDERS, tables: Mapping[Family, Path] = _TABLES) -> None:
        self._folders = folders
        self._tables = tables

    def look(self) -> Kept:
        """Read our chain in both families."""
        self._program(Family.IPV4, "restore")
        return _both([self._read(family).kept() for family in Family if self._in_use(family)])

    def bring(self, wanted: Sequence[MarkRule]) -> Difference:
        """Make `wanted` of our chain, in one step for each family."""
        before = []
        for family in Family:
            asked = of_family(wanted, family)
            if not asked and not self._in_use(family):
                continue  # a table that is not in use is not brought into use to see that it is empty
            found = self._read(family)
            before.append(found.kept())
            if text := write(found, asked):
                self._run(family, "restore", ("--noflush", f"--wait={LOCK_S}"), text)
        return difference(_both(before), wanted)

    def _in_use(self, family: Family) -> bool:
        try:
            return "mangle" in self._tables[family].read_text(encoding="ascii").split()
        except OSError:
            return False

    def _read(self, family: Family) -> FoundChain:
        return read(self._run(family, "save", ("-t", "mangle")))

    def _run(self, family: Family, what: str, arguments: Sequence[str], given: str = "") -> str:
        import subprocess  # noqa: PLC0415 -- most machines have nftables

        program = self._program(family, what)
        environment = {"PATH": ":".join(FOLDERS), "LC_ALL": "C"}
        try:
            done = subprocess.run(
                [program, *arguments],
                input=given,
                capture_output=True,
                timeout=LIMIT_S,
                check=False,
                env=environment,
                encoding="utf-8",
                errors="replace",
            )
        except subprocess.TimeoutExpired:
            raise FirewallUnavailable(f"{program} did not end within {LIMIT_S:g} s") from None
        except OSError as error:
            raise FirewallUnavailable(f"{program}: {error.strerror}") from None
        if done.returncode:
            raise _refused(family, program, done.stderr)
        return done.stdout

    def _program(self, family: Family, what: str) -> str:
        # Where the kernel has no nftables, the variants that write nftables cannot help.
        names = [f"{_PREFIX[family]}-legacy-{what}", f"{_PREFIX[family]}-{what}"]
        for name in names:
            for folder in self._folders:
                if (path := Path(folder, name)).is_file():
                    return str(path)
        raise FirewallMissing(f"{_PREFIX[family]} is not installed: no {names[1]} in {' '.join(self._folders)}")


def _both(families: Sequence[Kept]) -> Kept:
    """Return what lies in both families as one."""
    hooks = {hook for kept in families for hook in kept.rules}
    return Kept({hook: tuple(rule for kept in families for rule in kept.rules.get(hook, ())) for hook in hooks})


def _refused(family: Family, program: str, complaint: str) -> FirewallUnavailable:
    line = next((one.strip() for one in complaint.splitlines() if one.strip()), "no word why")
    words = f"{Path(program).name}: {line}"
    if _NO_TARGET.search(complaint):
        return FirewallMissing(f"this kernel lacks what the rules need: module xt_mark, xt_tcpudp or xt_sctp ({words})")
    if _NO_TABLE.search(complaint):
        return FirewallMissing(f"this kernel has no table mangle: modprobe {_MODULE[family]} ({words})")
    return FirewallUnavailable(words)
