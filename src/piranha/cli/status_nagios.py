"""The one line of `piranha status --nagios`: a plug-in of Nagios, Icinga and their kin, with performance data."""

from collections.abc import Iterator, Sequence

from piranha.cli.facts import Facts, dicts, number, text
from piranha.cli.verdict import Finding, Verdict
from piranha.text import printable

STATES = {Verdict.OK: "OK", Verdict.DEGRADED: "WARNING", Verdict.OUTAGE: "CRITICAL", Verdict.UNKNOWN: "UNKNOWN"}


def nagios_line(verdict: Verdict, findings: Sequence[Finding], lvsd: Facts | None, names: Sequence[str]) -> str:
    """Return `PIRANHA WARNING: www/web3 down … | 'www up'=1;;;0;3 …`; names: only these subjects, empty = all."""
    virtuals = [virtual for virtual in dicts((lvsd or {}).get("virtuals")) if _asked(virtual, names)]
    counted = [finding for finding in findings if finding.mark == "!"]
    if counted:
        words = f"{counted[0].subject} {counted[0].text}" + (f" and {len(counted) - 1} more" if counted[1:] else "")
    else:
        up = sum(int(number(virtual.get("up")) or 0) for virtual in virtuals)
        words = f"{up} of {sum(len(dicts(virtual.get('servers'))) for virtual in virtuals)} servers up"
    # A bar would begin the performance data.
    line = f"PIRANHA {STATES[verdict]}: " + printable(words).replace("|", "/")
    numbers = " ".join(one for virtual in virtuals for one in _numbers(virtual))
    return f"{line} | {numbers}" if numbers else line


def _asked(virtual: Facts, names: Sequence[str]) -> bool:
    return not names or any(name.partition("/")[0] == text(virtual.get("name")) for name in names)


def _numbers(virtual: Facts) -> Iterator[str]:
    # Quotes and = have a meaning in a label (Monitoring Plugins Development Guidelines, performance data).
    name = printable(text(virtual.get("name"))).translate(str.maketrans("'=|", "___"))
    servers = dicts(virtual.get("servers"))
    yield f"'{name} up'={int(number(virtual.get('up')) or 0)};;;0;{len(servers)}"
    yield f"'{name} connections'={sum(int(number(server.get('active')) or 0) for server in servers)};;;0"
    if (rate := number(virtual.get("new_per_s"))) is not None:
        yield f"'{name} new per s'={rate:g};;;0"
