"""`ipvsadm -L --json`: the documented fields, each listing one document."""

import json
from contextlib import nullcontext
from ipaddress import IPv6Address
from typing import Any

import pytest
from tests.ipvsadm.fake_ipvs import FakeIpvs
from tests.ipvsadm.test_connections import PROC

from piranha.cli.ipvsadm.addresses import Lookup
from piranha.cli.ipvsadm.grammar import parse
from piranha.cli.ipvsadm.showing import Showing
from piranha.kernel.ipvs import SyncDaemon

NOBODY = Lookup(host=lambda _: None, port=lambda _, __: None)
RULES = """\
-A -f 81 -6 -s mh -b mh-port
-A -t 192.0.2.10:80 -s wlc -p 60 -M 255.255.255.0
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -i -w 3 --tun-type gue --tun-port 6080 --tun-csum
-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m -w 5 -x 100 -y 50
"""


def shown(command: str, capsys: pytest.CaptureFixture[str], kernel: FakeIpvs | None = None) -> Any:
    show = Showing(kernel or FakeIpvs(RULES), connections=lambda: nullcontext(PROC.splitlines(keepends=True)))
    show(parse(command.split(), NOBODY))
    return json.loads(capsys.readouterr().out)


COUNTERS = (
    "connections packets_in packets_out bytes_in bytes_out "
    "connections_per_s packets_in_per_s packets_out_per_s bytes_in_per_s bytes_out_per_s"
)
NONE_YET = dict.fromkeys(COUNTERS.split(), 0)


@pytest.mark.parametrize("columns", ["", "-n --stats", "--rate --exact", "--thresholds --tun-info --persistent-conn"])
def test_a_listing_has_every_field_whatever_columns_are_asked_for(
    columns: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = shown(f"-L --json {columns}", capsys)

    assert (document["version"], document["connection_table_size"]) == ("1.2.1", 4096)
    web, mark = document["services"]
    servers = web.pop("servers")
    assert web == {
        "service": "tcp 192.0.2.10:80",
        "family": "ipv4",
        "protocol": "tcp",
        "address": "192.0.2.10",
        "port": 80,
        "mark": None,
        "scheduler": "wlc",
        "scheduler_flags": [],
        "persistence_s": 60,
        "persistence_mask": "255.255.255.0",
        "persistence_engine": None,
        "one_packet": False,
        **NONE_YET,
    }
    assert servers[0] == {
        "server": "10.0.0.1:8080",
        "address": "10.0.0.1",
        "port": 8080,
        "forwarding": "nat",
        "weight": 5,
        "upper_threshold": 100,
        "lower_threshold": 50,
        "tunnel": None,
        "active_connections": 0,
        "inactive_connections": 0,
        "persistent_connections": 0,
        **NONE_YET,
    }
    assert servers[1]["tunnel"] == {"type": "gue", "port": 6080, "checksum": "csum"}
    assert (mark["protocol"], mark["address"], mark["port"], mark["mark"]) == (None, None, None, 81)
    assert (mark["family"], mark["scheduler_flags"], mark["servers"]) == ("ipv6", ["mh-port"], [])


def test_one_service_is_listed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    (mark,) = shown("-L --json -f 81 -6", capsys)["services"]

    assert mark["service"] == "mark 81 ipv6"


def test_the_kernels_order_is_kept_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["mark"] for one in shown("-L --json --nosort", capsys)["services"]] == [81, None]


def test_an_empty_table_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("-L --json", capsys, FakeIpvs())["services"] == []


def test_connections_are_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    Showing(FakeIpvs(), lambda: nullcontext(PROC.splitlines(keepends=True)))(parse(["-L", "-c", "--json"], NOBODY))

    text = capsys.readouterr().out
    assert text.count("\n") == 6
    first, template, _, last = json.loads(text)["connections"]
    assert first == {
        "protocol": "tcp",
        "client": {"address": "192.168.1.100", "port": 54321},
        "virtual": {"address": "192.168.26.1", "port": 80},
        "server": {"address": "10.11.12.1", "port": 80},
        "state": "ESTABLISHED",
        "expires_s": 899,
        "persistence_engine": None,
        "persistence_data": None,
    }
    assert (template["protocol"], template["virtual"]) == ("ip", {"address": "0.0.0.80", "port": 0})
    assert (last["persistence_engine"], last["persistence_data"]) == ("sip", "1234@host")


def test_timeouts_are_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("-L --timeout --json", capsys) == {"tcp_s": 900, "tcpfin_s": 120, "udp_s": 300}


def test_sync_daemons_are_listed_the_sender_first(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = FakeIpvs()
    kernel.running = [
        SyncDaemon(sender=False, interface="eth1", sync_id=5),
        SyncDaemon(
            sender=True, interface="eth0", max_length=1400, group=IPv6Address("ff02::90"), port=9000, ttl=2, sync_id=3
        ),
    ]

    sender, receiver = shown("-L --daemon --json", capsys, kernel)["daemons"]
    assert sender == {
        "role": "master",
        "interface": "eth0",
        "sync_id": 3,
        "max_length_bytes": 1400,
        "group": "ff02::90",
        "port": 9000,
        "ttl": 2,
    }
    assert (receiver["role"], receiver["max_length_bytes"], receiver["group"]) == ("backup", None, None)
