"""What `-S` prints of the kernel's rows: the rules of the table, as they are written everywhere else."""

import pytest
from hypothesis import given
from tests.contracts.tables import tables
from tests.ipvsadm.entries import server_row, service_row
from tests.ipvsadm.fake_ipvs import FakeIpvs
from tests.properties import examples

from piranha.cli.ipvsadm.rows import in_order, service_order
from piranha.cli.ipvsadm.saving import rules
from piranha.cli.ipvsadm.services import numeric, save_table
from piranha.kernel.layout import Row
from piranha.kernel.socket import NetlinkError
from piranha.kernel.wire import WireError
from piranha.table.rules import print_rules
from piranha.table.table import Table

RULES = "-A -t 192.0.2.10:80 -s rr\n-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 1\n-A -f 1 -s wlc\n"


@given(table=tables())
@examples(60)
def test_rows_become_the_rules_of_their_table(table: Table) -> None:
    pools = [
        (
            service_row(key, service.settings),
            [server_row(key, server, destination) for server, destination in service.destinations.items()],
        )
        for key, service in table.items()
    ]
    pools.sort(key=lambda pool: service_order(pool[0]))
    text = "".join(line + "\n" for service, servers in pools for line in rules(service, in_order(servers), numeric))

    assert text == print_rules(table)


def test_a_service_of_an_unknown_protocol_is_an_error() -> None:
    service = FakeIpvs(RULES).service_rows(counters=False)[0]

    with pytest.raises(WireError):
        rules((service[0], 99, *service[2:]), [], numeric)


class _Broken(FakeIpvs):
    """Its last service cannot be understood."""

    def service_rows(self, *, counters: bool) -> list[Row]:
        *others, last = super().service_rows(counters=counters)
        return [*others, (*last[:7], b"", *last[8:])]


def test_half_a_table_is_not_saved(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NetlinkError, match="EBADMSG"):
        save_table(_Broken(RULES), {"numeric"})

    assert capsys.readouterr().out == ""
