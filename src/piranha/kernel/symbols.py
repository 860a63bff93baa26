"""Shell: what IPVS of the running kernel was built with, where it does not say so itself.

A kernel without CONFIG_IP_VS_PROTO_SCTP takes services of SCTP, keeps and lists them, and hands their packets on as
if there were none: nothing that it answers tells. Its list of functions does, with those of TCP to compare.
"""

from collections.abc import Collection

_SYMBOLS = "/proc/kallsyms"
_CHUNK = 1 << 16
_SCTP, _TCP = b" sctp_app_conn_bind", b" tcp_app_conn_bind"  # net/netfilter/ipvs/ip_vs_proto_*.c


def lacks_sctp(symbols: str = _SYMBOLS) -> bool | None:
    """Return whether IPVS balances no SCTP; None where that cannot be told. Takes up to a tenth of a second."""
    found = _found(symbols, (_SCTP, _TCP))
    return None if _TCP not in found else _SCTP not in found


def _found(path: str, names: Collection[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    rest = b""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 -- pathlib would slow a start
            while chunk := file.read(_CHUNK):
                part = rest + chunk
                found |= {name for name in names if name in part}
                rest = part[-max(map(len, names)) :]
    except OSError:
        return set()
    return found
