"""The command line of ipvsadm, held to recorded answers of the C tool (version 1.31)."""

import re
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from piranha.cli.ipvsadm.addresses import Lookup, endpoint, integer, ipv4
from piranha.cli.ipvsadm.draft import UsageError
from piranha.cli.ipvsadm.grammar import HelpAsked, Invocation, VersionAsked, parse
from piranha.cli.ipvsadm.usage import Verb
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.terms import Family, ForwardingMethod, Protocol, Tunnel, TunnelChecksum, TunnelType

PORTS = {"http": 80, "sip": 5060, "domain": 53}
LOOKUP = Lookup(
    host=lambda name: IPv4Address("127.0.0.1") if name == "localhost" else None,
    port=lambda name, _: PORTS.get(name),
)
FOLDER = Path(__file__).parent / "golden"
GOLDEN = (FOLDER / "complaints.txt").read_text()
MATRIX = (FOLDER / "matrix.txt").read_text()
RECORDED = re.findall(r"^\$ ipvsadm ?(.*)\n\[(\d+)\] (.*)$", GOLDEN, re.MULTILINE)
WWW = ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), 80))


def read(line: str) -> Invocation:
    return parse(line.split(), LOOKUP)


def settings(line: str) -> ServiceSettings:
    return read(line).settings


@pytest.mark.parametrize(("line", "status", "message"), RECORDED)
def test_complaints_and_statuses_are_those_of_the_c_tool(line: str, status: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(line)

    assert (caught.value.status, str(caught.value).rstrip("\n")) == (int(status), message)


def test_every_option_is_legal_with_the_commands_with_which_the_c_tool_takes_it() -> None:
    """Each command, alone and complete, with each option; each tunnel type with each option; pairs of listings."""
    rows = re.findall(r"^\$ ipvsadm (.*)\n\[(\w+)\] ?(.*)$", MATRIX, re.MULTILINE)
    differing = []
    for line, verdict, message in rows:
        try:
            read(line)
            found = ("legal", "")
        except UsageError as error:
            found = (str(error.status), str(error).rstrip("\n"))
        if found != (verdict, message):
            differing.append((line, found, message))

    assert differing == []
    assert len(rows) > 800


def test_the_record_is_long_enough_to_mean_something() -> None:
    assert len(RECORDED) > 120


@pytest.mark.parametrize(
    "line",
    [
        "-A -t 192.0.2.10:80 -s rr -p 600",
        "-A -t192.0.2.10:80 -srr -p600",
        "-A -t=192.0.2.10:80 -s=rr -p=600",
        "-At 192.0.2.10:http -s rr --persistent=600",
        "--add-service --tcp-service 192.0.2.10:80 --scheduler rr --persistent 600",
        "--add-service --scheduler=rr -p 600 --tcp-service=192.0.2.10:80",
    ],
)
def test_every_spelling_of_an_option_means_the_same(line: str) -> None:
    invocation = read(line)

    assert (invocation.verb, invocation.service) == (Verb.ADD, WWW)
    assert invocation.settings == ServiceSettings(scheduler="rr", persistence_s=600)


def test_defaults_are_those_of_the_c_tool() -> None:
    assert settings("-A -t 192.0.2.10:80") == ServiceSettings(scheduler="wlc")
    assert settings("-A -t 192.0.2.10:80 -p").persistence_s == 360
    assert settings("-A -t 192.0.2.10:80 -p -s rr").persistence_s == 360
    assert read("-a -t 192.0.2.10:80 -r 10.0.0.1").destination == Destination(forwarding=ForwardingMethod.DIRECT)


def test_masks_are_dotted_for_ipv4_and_a_length_for_ipv6() -> None:
    assert settings("-A -t 192.0.2.10:80 -M 255.255.255.0").persistence_mask == 0xFFFFFF00
    assert settings("-A -t 192.0.2.10:80 -M 255.255.255.255").persistence_mask is None
    assert settings("-A -t [2001:db8::1]:80 -M 64").persistence_mask == 64
    assert settings("-A -f 5 -6 -M 64").persistence_mask == 64
    # An IPv6 address forgets a mask that stands before it.
    assert settings("-A -M 255.255.0.0 -t [2001:db8::1]:80").persistence_mask is None


def test_flags_are_named_by_their_scheduler() -> None:
    assert settings("-A -t 192.0.2.10:80 -b sh-port -s sh").scheduler_flags == 2
    assert settings("-A -t 192.0.2.10:80 -s mh -b mh-fallback,mh-port").scheduler_flags == 3
    assert settings("-A -t 192.0.2.10:80 -b flag-1,,flag-3").scheduler_flags == 5


def test_services_are_named_by_address_or_mark() -> None:
    assert read("-D -u [2001:db8::1]:53").service == ServiceKey(
        AddressMatch(Protocol.UDP, IPv6Address("2001:db8::1"), 53)
    )
    assert read("-D --sctp-service 192.0.2.10:9").service == ServiceKey(
        AddressMatch(Protocol.SCTP, IPv4Address("192.0.2.10"), 9)
    )
    assert read("-D -f 4294967295").service == ServiceKey(FirewallMark(0xFFFFFFFF))
    assert read("-D -f 7 -6").service == ServiceKey(FirewallMark(7, Family.IPV6))


def test_only_nat_gives_a_server_a_port_of_its_own() -> None:
    web = IPv4Address("10.0.0.1")

    assert read("-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m").server == DestinationKey(web, 8080)
    assert read("-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -g").server == DestinationKey(web, 80)
    assert read("-a -t 192.0.2.10:80 -r 10.0.0.1 -m").server == DestinationKey(web, 80)
    assert read("-a -f 5 -r 10.0.0.1:8080").server == DestinationKey(web, 8080)
    # A server that stands before the service cannot take over its port.
    assert read("-a -r 10.0.0.1 -t 192.0.2.10:80 -m").server == DestinationKey(web, 0)


def test_a_server_takes_weight_thresholds_and_tunnel() -> None:
    line = "-e -t 192.0.2.10:80 -r 10.0.0.1 -i -w 0 -x 100 -y 50 --tun-type gue --tun-port 6080 --tun-csum"

    assert read(line).destination == Destination(
        forwarding=ForwardingMethod.TUNNEL,
        weight=0,
        upper_threshold=100,
        lower_threshold=50,
        tunnel=Tunnel(type=TunnelType.GUE, port=6080, checksum=TunnelChecksum.CSUM),
    )


def test_timeouts_and_daemons_are_read() -> None:
    assert read("--set 900 0 300").timeouts == Timeouts(900, 0, 300)
    assert read("--start-daemon backup").daemon == SyncDaemon(sender=False, interface="eth0")
    daemon = read(
        "--start-daemon=master --mcast-interface eth1 --syncid 5 --mcast-group ff02::1 --mcast-port 9000"
    ).daemon
    assert daemon == SyncDaemon(sender=True, interface="eth1", sync_id=5, group=IPv6Address("ff02::1"), port=9000)


@pytest.mark.parametrize("line", ["-h", "--help", "-h foo"])
def test_help_is_asked_for_by_the_first_word(line: str) -> None:
    with pytest.raises(HelpAsked):
        read(line)


def test_the_version_is_asked_for_by_the_first_word() -> None:
    with pytest.raises(VersionAsked):
        read("-v -L")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1.2.3", "1.2.0.3"),
        ("0x7f.1", "127.0.0.1"),
        ("017.1", "15.0.0.1"),
        ("16909060", "1.2.3.4"),
        ("1.2.3.4 x", "1.2.3.4"),
        ("1.2\t", "1.0.0.2"),
        ("1.2.3.4", "1.2.3.4"),
    ],
)
def test_ipv4_addresses_may_be_short_octal_and_hexadecimal(text: str, address: str) -> None:
    assert ipv4(text) == IPv4Address(address)


NO_IPV4 = ["", "1.2.3.256", "1.2.3.4.5", "1.2.65536", "1..2", "x", "-1", "08.1", " 1.2.3.4", "1.2. 3"]


@pytest.mark.parametrize("text", NO_IPV4)
def test_what_is_no_ipv4_address_is_none(text: str) -> None:
    assert ipv4(text) is None


@pytest.mark.parametrize(
    "text", ["80", ":80", "[::1]", "[::1]80", "[1.2.3.4]:80", "fe80::1%lo", "", "1.2.3.4:", "no:80"]
)
def test_what_is_no_endpoint_is_none(text: str) -> None:
    assert endpoint(text, Protocol.TCP, LOOKUP) is None


def test_numbers_are_decimal_and_bounded() -> None:
    assert [integer(text, 0, 100) for text in ("+5", " 5", "010", "100")] == [5, 5, 10, 100]
    assert [integer(text, 0, 100) for text in ("", "5 ", "0x5", "101", "-1", "5x", "٣", "9" * 5000)] == [None] * 8
