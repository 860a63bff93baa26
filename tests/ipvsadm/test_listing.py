"""Listings, character by character those of the C tool."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from tests.ipvsadm.entries import Numbers, server_row, service_row

from piranha.cli.ipvsadm.listing import (
    PERSISTENCE,
    PLAIN,
    RATE,
    STATS,
    THRESHOLDS,
    TUNNELS,
    Style,
    large_number,
    service_lines,
    title,
    version_line,
)
from piranha.cli.ipvsadm.rows import in_order, service_order
from piranha.cli.ipvsadm.services import numeric
from piranha.kernel.ipvs_reading import KernelInfo
from piranha.kernel.layout import Row
from piranha.kernel.wire import WireError
from piranha.table.destination import Destination, DestinationKey
from piranha.table.rules import parse_rules
from piranha.table.service import ServiceKey
from piranha.terms import ForwardingMethod

RULES = """\
-A -f 81 -6 -s mh -b mh-port
-A -t 192.168.26.1:21 -s rr -p 600 -M 255.255.255.0
-A -t 192.168.26.1:443 -s wrr -p 360
-a -t 192.168.26.1:443 -r 10.11.12.2:443 -i -w 3
-a -t 192.168.26.1:443 -r 10.11.12.1:443 -g -w 1
-A -t 192.168.26.1:80 -s wlc
-a -t 192.168.26.1:80 -r 10.11.12.1:80 -m -w 2000
-a -t 192.168.26.1:80 -r 10.11.12.2:8080 -m -w 1 -x 100 -y 50
-A -t [2001:db8::80]:80 -s rr -p 100 -M 64
-a -t [2001:db8::80]:80 -r [2001:db8::a0a0]:80 -m
-A -u 192.168.26.1:53 -s sed -o
-a -u 192.168.26.1:53 -r 10.11.12.4:53 -i --tun-type gre
-a -u 192.168.26.1:53 -r 10.11.12.3:53 -i --tun-type gue --tun-port 6080 --tun-csum
-A -u 192.168.26.9:5060 -s wlc -p 60 --pe sip
-A --sctp-service 192.168.26.1:5000 -s fo
-A -f 80 -s sh -p 30 -b sh-fallback,sh-port
-a -f 80 -r 10.11.12.1:0 -g -w 0
"""

LISTED = """\
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.168.26.1:21 rr persistent 600 mask 255.255.255.0
TCP  192.168.26.1:80 wlc
  -> 10.11.12.1:80                Masq    2000   567        26        \n\
  -> 10.11.12.2:8080              Masq    1      890        18        \n\
TCP  192.168.26.1:443 wrr persistent 360
  -> 10.11.12.1:443               Route   1      0          0         \n\
  -> 10.11.12.2:443               Tunnel  3      0          0         \n\
UDP  192.168.26.1:53 sed ops
  -> 10.11.12.3:53                Tunnel  1      0          0         \n\
  -> 10.11.12.4:53                Tunnel  1      0          0         \n\
UDP  192.168.26.9:5060 wlc persistent 60 pe sip
SCTP 192.168.26.1:5000 fo
TCP  [2001:db8::80]:80 rr persistent 100 mask 64
  -> [2001:db8::a0a0]:80          Masq    1      0          0         \n\
FWM  80 sh (sh-fallback,sh-port) persistent 30
  -> 10.11.12.1:0                 Route   0      0          0         \n\
FWM  81 IPv6 mh (mh-port)
"""

NUMBERS: dict[str, Numbers] = {
    "192.168.26.1:80": (235802345, 2358023456, 2122221111, 235802345678, 23580234567890),
    "10.11.12.1:80": (1234567, 12345670, 11111103, 1234567890, 123456789012),
}
RATES: dict[str, Numbers] = {
    "192.168.26.1:80": (2358023, 23580245, 21436586, 235802345, 2358023456),
    "10.11.12.1:80": (12345, 123456, 112233, 1234567, 12345670),
}
CONNECTIONS = {"10.11.12.1:80": (567, 26, 9), "10.11.12.2:8080": (890, 18, 0)}


def pools(only: str = "") -> list[tuple[Row, list[Row]]]:
    """The table above with counters; only: the service whose text this is."""
    found: list[tuple[Row, list[Row]]] = []
    for key, service in parse_rules(RULES).items():
        if only and only not in str(key):
            continue
        servers = [
            server_row(key, server, destination, CONNECTIONS.get(str(server), (0, 0, 0)), counters(str(server)))
            for server, destination in service.destinations.items()
        ]
        found.append((service_row(key, service.settings, counters(where(key))), servers))
    return found


def where(key: ServiceKey) -> str:
    return str(key.match).partition(" ")[2]


def counters(name: str) -> Numbers:
    return (*NUMBERS.get(name, (0,) * 5), *RATES.get(name, (0,) * 5))


def shown(mode: str, *, only: str = "", exact: bool = False, ordered: bool = True) -> list[str]:
    return lines(pools(only), Style(names=numeric, mode=mode, exact=exact), ordered=ordered)


def lines(found: list[tuple[Row, list[Row]]], style: Style, *, ordered: bool = True) -> list[str]:
    if ordered:
        found = [(service, in_order(servers)) for service, servers in found]
        found.sort(key=lambda pool: service_order(pool[0]))
    return [*title(style.mode).split("\n"), *(line for pool in found for line in service_lines(*pool, style))]


def test_the_plain_listing_is_sorted_and_laid_out_as_in_the_c_tool() -> None:
    assert "\n".join(shown(PLAIN)) + "\n" == LISTED


def test_the_kernels_order_is_kept_on_request() -> None:
    assert shown(PLAIN, ordered=False)[2] == "FWM  81 IPv6 mh (mh-port)"


def test_statistics_are_cut_to_nine_columns() -> None:
    assert shown(STATS, only="26.1:80")[:4] == [
        "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes",
        "  -> RemoteAddress:Port",
        "TCP  192.168.26.1:80               235802K    2358M    2122M     235G   23580G",
        "  -> 10.11.12.1:80                 1234567 12345670 11111103    1234M     123G",
    ]


def test_exact_statistics_are_shown_in_full() -> None:
    assert shown(STATS, only="26.1:80", exact=True)[2] == (
        "TCP  192.168.26.1:80              235802345 2358023456 2122221111 235802345678 23580234567890"
    )


def test_rates_are_counted_per_second() -> None:
    assert shown(RATE, only="26.1:80")[:4] == [
        "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS",
        "  -> RemoteAddress:Port",
        "TCP  192.168.26.1:80               2358023 23580245 21436586  235802K    2358M",
        "  -> 10.11.12.1:80                   12345   123456   112233  1234567 12345670",
    ]


def test_thresholds_are_shown() -> None:
    found = shown(THRESHOLDS, only="26.1:80")

    assert found[0] == "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn "
    assert found[-1] == "  -> 10.11.12.2:8080              100        50         890        18        "


def test_persistent_connections_are_shown() -> None:
    found = shown(PERSISTENCE, only="26.1:80")

    assert found[0] == "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn "
    assert found[3] == "  -> 10.11.12.1:80                2000      9           567        26        "


def test_tunnels_are_shown() -> None:
    found = shown(TUNNELS, only="26.1:53")

    assert found[1:] == [
        "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn",
        "UDP  192.168.26.1:53 sed ops",
        "  -> 10.11.12.3:53                Tunnel  gue:6080:+c   1      0          0         ",
        "  -> 10.11.12.4:53                Tunnel  gre:-c        1      0          0         ",
    ]


def test_long_names_are_cut_but_ipv6_addresses_are_not() -> None:
    def names(_address: bytes, port: int, protocol: int | None) -> str:
        return f"{'x' * 40}:{port}/{protocol}"

    found = lines([*pools("26.1:443"), *pools("db8")], Style(names=names))

    assert found[2] == "TCP  " + "x" * 28 + " wrr persistent 360"
    assert found[3].startswith("  -> " + "x" * 28 + " Route")
    assert found[5].startswith("TCP  " + "x" * 40 + ":80/6 rr")


def test_servers_of_the_other_family_stand_behind_and_are_not_cut() -> None:
    key, settings = next((key, service.settings) for key, service in parse_rules("-A -t 192.0.2.10:80 -s rr").items())
    tunnel = Destination(forwarding=ForwardingMethod.TUNNEL)
    where = (IPv6Address("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), IPv4Address("10.0.0.1"))
    servers = [server_row(key, DestinationKey(address, 80), tunnel) for address in where]

    assert lines([(service_row(key, settings), servers)], Style(names=numeric))[-2:] == [
        "  -> 10.0.0.1:80                  Tunnel  1      0          0         ",
        "  -> [2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:80 Tunnel  1      0          0         ",
    ]


@pytest.mark.parametrize(
    ("mode", "place", "value"),
    [
        (PLAIN, 0, b"\x0a\0\0"),
        (PLAIN, 1, b"\0\0\x50"),
        (PLAIN, 2, 7),
        (PLAIN, 12, 3),
        (TUNNELS, 4, 3),
        (TUNNELS, 5, b""),
        (TUNNELS, 6, 3),
    ],
)
def test_a_server_that_cannot_be_understood_is_an_error(mode: str, place: int, value: object) -> None:
    service, (server, *_) = pools("26.1:53")[0]
    strange = (*server[:place], value, *server[place + 1 :])

    with pytest.raises(WireError):
        service_lines(service, [strange], Style(names=numeric, mode=mode))


@pytest.mark.parametrize(
    ("place", "value"), [(0, 3), (1, 99), (2, None), (2, b"\x0a"), (3, None), (3, b"\0"), (7, b"\0"), (9, b"\xff" * 3)]
)
def test_a_service_that_cannot_be_understood_is_an_error(place: int, value: object) -> None:
    service, _ = pools("26.1:53")[0]
    strange = (*service[:place], value, *service[place + 1 :])

    with pytest.raises(WireError):
        service_lines(strange, [], Style(names=numeric))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "        0"),
        (99_999_999, " 99999999"),
        (100_000_000, "  100000K"),
        (999_999_999, "  999999K"),
        (1_000_000_000, "    1000M"),
        (99_999_999_999, "   99999M"),
        (100_000_000_000, "     100G"),
        (99_999_999_999_999, "   99999G"),
        (100_000_000_000_000, "     100T"),
    ],
)
def test_large_numbers_are_cut_not_rounded(value: int, text: str) -> None:
    assert large_number(value, exact=False) == text


def test_the_first_line_names_version_and_size() -> None:
    assert version_line(KernelInfo((1, 2, 1), 4096)) == "IP Virtual Server version 1.2.1 (size=4096)"
