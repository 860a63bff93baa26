"""Listings, character by character those of the C tool."""

import pytest
from tests.ipvsadm.entries import Numbers, server_entry, service_entry

from piranha.cli.ipvsadm.listing import Mode, Pools, Style, in_order, large_number, listing, version_line
from piranha.kernel.ipvs_answers import DestinationEntry, KernelInfo, ServiceEntry
from piranha.table.rules import parse_rules
from piranha.table.service import ServiceKey
from piranha.table.words import numeric
from piranha.terms import Address, Protocol

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

PLAIN = """\
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


def pools(only: str = "") -> Pools:
    """The table above with counters; only: the service whose text this is."""
    found: list[tuple[ServiceEntry, list[DestinationEntry]]] = []
    for key, service in parse_rules(RULES).items():
        if only and only not in str(key):
            continue
        servers = [
            server_entry(key, server, destination, CONNECTIONS.get(str(server), (0, 0, 0)), counters(str(server)))
            for server, destination in service.destinations.items()
        ]
        found.append((service_entry(key, service.settings, counters(where(key))), servers))
    return found


def where(key: ServiceKey) -> str:
    return str(key.match).partition(" ")[2]


def counters(name: str) -> Numbers:
    return (*NUMBERS.get(name, (0,) * 5), *RATES.get(name, (0,) * 5))


def shown(mode: Mode, *, only: str = "", exact: bool = False, ordered: bool = True) -> list[str]:
    found = in_order(pools(only)) if ordered else pools(only)
    return listing(found, Style(names=numeric, mode=mode, exact=exact))


def test_the_plain_listing_is_sorted_and_laid_out_as_in_the_c_tool() -> None:
    assert "\n".join(shown(Mode.PLAIN)) + "\n" == PLAIN


def test_the_kernels_order_is_kept_on_request() -> None:
    assert shown(Mode.PLAIN, ordered=False)[2] == "FWM  81 IPv6 mh (mh-port)"


def test_statistics_are_cut_to_nine_columns() -> None:
    assert shown(Mode.STATS, only="26.1:80")[:4] == [
        "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes",
        "  -> RemoteAddress:Port",
        "TCP  192.168.26.1:80               235802K    2358M    2122M     235G   23580G",
        "  -> 10.11.12.1:80                 1234567 12345670 11111103    1234M     123G",
    ]


def test_exact_statistics_are_shown_in_full() -> None:
    assert shown(Mode.STATS, only="26.1:80", exact=True)[2] == (
        "TCP  192.168.26.1:80              235802345 2358023456 2122221111 235802345678 23580234567890"
    )


def test_rates_are_counted_per_second() -> None:
    assert shown(Mode.RATE, only="26.1:80")[:4] == [
        "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS",
        "  -> RemoteAddress:Port",
        "TCP  192.168.26.1:80               2358023 23580245 21436586  235802K    2358M",
        "  -> 10.11.12.1:80                   12345   123456   112233  1234567 12345670",
    ]


def test_thresholds_are_shown() -> None:
    lines = shown(Mode.THRESHOLDS, only="26.1:80")

    assert lines[0] == "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn "
    assert lines[-1] == "  -> 10.11.12.2:8080              100        50         890        18        "


def test_persistent_connections_are_shown() -> None:
    lines = shown(Mode.PERSISTENT, only="26.1:80")

    assert lines[0] == "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn "
    assert lines[3] == "  -> 10.11.12.1:80                2000      9           567        26        "


def test_tunnels_are_shown() -> None:
    lines = shown(Mode.TUNNELS, only="26.1:53")

    assert lines[1:] == [
        "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn",
        "UDP  192.168.26.1:53 sed ops",
        "  -> 10.11.12.3:53                Tunnel  gue:6080:+c   1      0          0         ",
        "  -> 10.11.12.4:53                Tunnel  gre:-c        1      0          0         ",
    ]


def test_long_names_are_cut_but_ipv6_addresses_are_not() -> None:
    def names(address: Address, port: int, protocol: Protocol | None) -> str:
        assert protocol is not None
        return f"{'x' * 40}:{port}/{protocol.word}"

    lines = listing(in_order([*pools("26.1:443"), *pools("db8")]), Style(names=names))

    assert lines[2] == "TCP  " + "x" * 28 + " wrr persistent 360"
    assert lines[3].startswith("  -> " + "x" * 28 + " Route")
    assert lines[5].startswith("TCP  " + "x" * 40 + ":80/tcp rr")


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
