"""Answers that a kernel gave are read as it meant them, also in parts, and damaged as far as they go."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.recorded import LITTLE_ENDIAN, Replay, answer, at_once, one_by_one
from tests.properties import examples

from piranha.kernel.addresses import Addresses
from piranha.kernel.ipvs import SyncDaemon, Timeouts
from piranha.kernel.ipvs_reading import server_rows, service_rows
from piranha.kernel.ipvs_socket import IpvsSocket
from piranha.kernel.layout import Rows
from piranha.kernel.socket import NetlinkError
from piranha.table.rules import parse_rules, print_rules
from piranha.table.service import AddressMatch, ServiceKey
from piranha.table.table import Service
from piranha.terms import Protocol

pytestmark = pytest.mark.skipif(not LITTLE_ENDIAN, reason="recorded on a little-endian machine")

WWW = ServiceKey(AddressMatch(Protocol.TCP, IPv4Address("192.0.2.10"), 80))
SERVICES = """-A -t 192.0.2.10:80 -s wlc
-A -u 192.0.2.10:5060 -s mh -b mh-port -p 60 -M 255.255.255.0 --pe sip
-A -t [2001:db8::80]:443 -s sh -p 300 -M 64
-A -f 7 -s rr -o
-A -f 8 -6 -s wrr
-A --sctp-service 192.0.2.10:36412 -s lblcr
"""
SERVERS = """-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0 -x 10 -y 5
-a -t 192.0.2.10:80 -r 10.0.0.3:80 -i -w 3
-a -t 192.0.2.10:80 -r 10.0.0.4:80 -i -w 3 --tun-type gue --tun-port 6080 --tun-csum
-a -t 192.0.2.10:80 -r 10.0.0.5:80 -i -w 3 --tun-type gre
-a -t 192.0.2.10:80 -r [2001:db8:1::1]:80 -i -w 65535
"""


def ipvs(name: str, parts: tuple[int, ...] = ()) -> IpvsSocket:
    return IpvsSocket(Replay(answer(name), parts).open)


def test_services_are_read_with_every_setting() -> None:
    table = {entry.key: Service(entry.settings) for entry in ipvs("services").services()}

    assert table == parse_rules(SERVICES)


def test_servers_are_read_with_every_setting() -> None:
    wanted = parse_rules(SERVERS)

    assert ipvs("servers").pool(WWW) == wanted[WWW].destinations
    kernel = ipvs("servers")
    for _ in range(2):  # the second time the layout is known
        found = {entry.key: entry.destination for entry in kernel.destinations(WWW)}
        assert print_rules({WWW: Service(wanted[WWW].settings, found)}) == print_rules(wanted)


def test_what_is_no_list_is_read() -> None:
    assert ipvs("version").info().version == (1, 2, 1)
    assert ipvs("timeouts").timeouts() == Timeouts(900, 120, 300)
    sender, receiver = ipvs("daemons").daemons()
    assert (sender.sender, sender.interface, sender.sync_id) == (True, "br9", 1)
    assert receiver == SyncDaemon(
        sender=False,
        interface="br9",
        sync_id=2,
        max_length=1400,
        group=IPv4Address("224.0.0.82"),
        port=9000,
        ttl=2,
    )
    with pytest.raises(NetlinkError, match="ESRCH"):
        ipvs("refused").service(WWW)


def test_devices_and_addresses_are_read() -> None:
    assert "br9" in [link.name for link in Addresses(Replay(answer("links")).open).links()]
    found = {one.address for one in Addresses(Replay(answer("addresses")).open).addresses()}
    assert found >= {IPv4Address("192.0.2.10"), IPv6Address("2001:db8::20")}


@pytest.mark.parametrize(("name", "first_attribute"), [("links", 32), ("addresses", 24)])
def test_a_device_or_an_address_that_cannot_be_read_is_an_error_in_words(name: str, first_attribute: int) -> None:
    data = bytearray(answer(name))
    data[first_attribute : first_attribute + 2] = b"\xff\xff"  # its length

    kernel = Addresses(Replay(bytes(data)).open)
    with pytest.raises(NetlinkError, match=r"list (devices|addresses): EBADMSG"):
        kernel.links() if name == "links" else kernel.addresses()


ROWS = {"services": service_rows, "servers": server_rows}


def taught(name: str) -> Rows:
    rows = ROWS[name]()
    at_once(rows, answer(name), 1)
    return rows


@given(st.sampled_from(sorted(ROWS)), st.data())
@examples(60)
def test_damaged_entries_are_read_at_once_as_they_are_one_by_one(name: str, data: st.DataObject) -> None:
    sent = bytearray(answer(name))
    for _ in range(data.draw(st.integers(0, 3))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(sent[: data.draw(st.integers(0, len(sent)))])

    for damaged in (bytes(sent), cut, cut + bytes(sent)):
        assert at_once(taught(name), damaged, 1) == one_by_one(ROWS[name](), damaged, 1)
