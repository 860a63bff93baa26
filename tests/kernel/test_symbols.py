"""What IPVS was built with is read from the kernel's list of its functions."""

from pathlib import Path

import pytest

from piranha.kernel.symbols import lacks_sctp

TCP = "0000000000000000 t tcp_app_conn_bind\t[ip_vs]\n"
SCTP = "0000000000000000 t sctp_app_conn_bind.constprop.0\t[ip_vs]\n"
OTHER = "0000000000000000 t security_sctp_bind_connect\n" * 3000


@pytest.mark.parametrize(
    ("symbols", "lacks"),
    [(OTHER + TCP + SCTP, False), (SCTP + OTHER + TCP, False), (OTHER + TCP + OTHER, True), (OTHER, None), ("", None)],
    ids=["both", "far apart", "no sctp", "no ipvs", "hidden"],
)
def test_a_kernel_without_the_functions_of_sctp_balances_none(tmp_path: Path, symbols: str, lacks: bool | None) -> None:
    (tmp_path / "kallsyms").write_text(symbols)
    assert lacks_sctp(str(tmp_path / "kallsyms")) is lacks


def test_a_name_is_found_wherever_the_reading_is_cut(tmp_path: Path) -> None:
    for gap in range(65536 - 40, 65536 + 2, 3):
        (tmp_path / "kallsyms").write_text(TCP + "x" * (gap - len(TCP)) + SCTP)
        assert lacks_sctp(str(tmp_path / "kallsyms")) is False


def test_where_there_is_no_list_nobody_knows(tmp_path: Path) -> None:
    assert lacks_sctp(str(tmp_path / "none")) is None


@pytest.mark.kernel
def test_this_kernel_balances_sctp() -> None:
    assert lacks_sctp() is False
