"""What the kernel lacks or will not do is said in a sentence that names the feature and where it comes from."""

import errno
from ipaddress import IPv4Address, IPv6Address

import pytest
from tests.kernel.wire_kernel import WireKernel

from piranha.forwarding.ipvs import IpvsPlane
from piranha.forwarding.refusals import refusal_words
from piranha.table.changes import AddDestination, AddService, Change, EditDestination, RemoveDestination
from piranha.table.destination import Destination, DestinationKey
from piranha.table.service import AddressMatch, ServiceKey, ServiceSettings
from piranha.terms import ForwardingMethod, Protocol, Tunnel, TunnelChecksum, TunnelType

VIP, VIP6 = IPv4Address("192.0.2.10"), IPv6Address("2001:db8::80")
WWW, WWW6 = (ServiceKey(AddressMatch(Protocol.TCP, vip, 80)) for vip in (VIP, VIP6))
SCTP = ServiceKey(AddressMatch(Protocol.SCTP, VIP, 36412))
SERVER, SERVER6 = DestinationKey(IPv4Address("10.0.0.1"), 80), DestinationKey(IPv6Address("2001:db8:1::1"), 80)
NAT = Destination(forwarding=ForwardingMethod.NAT)
GUE = Tunnel(type=TunnelType.GUE, port=6080, checksum=TunnelChecksum.REMCSUM)
GRE = Tunnel(type=TunnelType.GRE)


def tunnelled(tunnel: Tunnel) -> Destination:
    return Destination(forwarding=ForwardingMethod.TUNNEL, tunnel=tunnel)


REFUSED: dict[str, tuple[Change, int, str]] = {
    "scheduler": (
        AddService(WWW, ServiceSettings(scheduler="twos")),
        errno.ENOENT,
        "scheduler twos is not available: module ip_vs_twos (CONFIG_IP_VS_TWOS) is missing (ENOENT)",
    ),
    "engine": (
        AddService(WWW, ServiceSettings(scheduler="rr", persistence_s=60, persistence_engine="sip")),
        errno.ENOENT,
        "scheduler rr is not available: module ip_vs_rr (CONFIG_IP_VS_RR) is missing; "
        "or persistence engine sip is not: module ip_vs_pe_sip (CONFIG_IP_VS_PE_SIP) (ENOENT)",
    ),
    "protocol": (
        AddService(SCTP, ServiceSettings()),
        errno.EPROTONOSUPPORT,
        "this kernel's IPVS does not balance sctp: it was built without CONFIG_IP_VS_PROTO_SCTP (EPROTONOSUPPORT)",
    ),
    "IPv6": (
        AddService(WWW6, ServiceSettings()),
        errno.EAFNOSUPPORT,
        "this kernel's IPVS knows no IPv6: it was built without CONFIG_IP_VS_IPV6 (EAFNOSUPPORT)",
    ),
    "a server of another family": (
        AddDestination(WWW, SERVER6, NAT),
        errno.EINVAL,
        "a server of another address family needs forwarding by tunnel (EINVAL)",
    ),
    "another family and a sync daemon": (
        AddDestination(WWW, SERVER6, tunnelled(Tunnel())),
        errno.EINVAL,
        "the kernel takes no server of another address family while a sync daemon runs (EINVAL)",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_sentence_names_the_feature_and_its_module(what: str) -> None:
    change, code, sentence = REFUSED[what]

    assert refusal_words(change, code, "") == sentence


def test_a_refusal_without_a_meaning_of_its_own_keeps_the_words_of_the_system() -> None:
    assert refusal_words(AddService(WWW, ServiceSettings()), errno.EIO, "EIO: Input/output error") == (
        "EIO: Input/output error"
    )


def old_kernel() -> IpvsPlane:
    return IpvsPlane(WireKernel(tunnels=False).connect)


@pytest.mark.parametrize(("tunnel", "form"), [(GUE, "gue with checksum remcsum"), (GRE, "gre")], ids=["gue", "gre"])
def test_a_tunnel_that_an_old_kernel_takes_for_another_is_refused(tunnel: Tunnel, form: str) -> None:
    add = AddDestination(WWW, SERVER, tunnelled(tunnel))

    (refusal,) = old_kernel().apply([AddService(WWW, ServiceSettings()), add])

    assert (refusal.change, refusal.code) == (add, errno.EOPNOTSUPP)
    assert refusal.reason == f"this kernel's IPVS knows no tunnel {form}: it needs Linux 5.3 (EOPNOTSUPP)"


def test_what_counts_is_the_last_word_on_a_server() -> None:
    service, add = AddService(WWW, ServiceSettings()), AddDestination(WWW, SERVER, tunnelled(GRE))

    assert old_kernel().apply([service, add, EditDestination(WWW, SERVER, NAT)]) == []
    assert old_kernel().apply([service, add, RemoveDestination(WWW, SERVER)]) == []


def test_a_kernel_that_knows_tunnels_refuses_none() -> None:
    plane = IpvsPlane(WireKernel().connect)

    assert plane.apply([AddService(WWW, ServiceSettings()), AddDestination(WWW, SERVER, tunnelled(GUE))]) == []


ADDS_SCTP: list[Change] = [AddService(SCTP, ServiceSettings()), AddDestination(SCTP, SERVER, NAT)]


def test_a_kernel_that_takes_sctp_and_balances_none_gets_none_and_that_is_said() -> None:
    asked: list[bool] = []

    def told() -> bool:
        asked.append(True)
        return True

    plane = IpvsPlane(WireKernel().connect, lacks=told)

    refusals = plane.apply([*ADDS_SCTP, AddService(WWW, ServiceSettings())])

    assert [(one.change, one.code) for one in refusals] == [(one, errno.EPROTONOSUPPORT) for one in ADDS_SCTP]
    assert {one.reason for one in refusals} == {
        "this kernel's IPVS does not balance sctp: it was built without CONFIG_IP_VS_PROTO_SCTP (EPROTONOSUPPORT)"
    }
    assert plane.dump().keys() == {WWW}
    plane.apply(ADDS_SCTP)
    assert len(asked) == 1


@pytest.mark.parametrize(("lacks", "unserved"), [(True, 1), (False, 0), (None, 0)])
def test_of_sctp_that_is_in_the_table_already_it_is_said_too(lacks: bool | None, unserved: int) -> None:
    kernel, add = WireKernel(), AddService(SCTP, ServiceSettings())
    IpvsPlane(kernel.connect, lacks=lambda: None).apply(ADDS_SCTP)
    refusals = IpvsPlane(kernel.connect, lacks=lambda: lacks).unserved([add])
    assert [(one.change, one.code) for one in refusals] == [(add, errno.EPROTONOSUPPORT)] * unserved


@pytest.mark.parametrize("lacks", [False, None])
def test_sctp_is_taken_where_the_kernel_balances_it_or_nobody_can_tell(lacks: bool | None) -> None:
    plane = IpvsPlane(WireKernel().connect, lacks=lambda: lacks)

    assert plane.apply(ADDS_SCTP) == []
    assert plane.dump().keys() == {SCTP}


def test_nobody_looks_for_sctp_where_there_is_none_to_add() -> None:
    def never() -> bool:
        raise AssertionError("asked")

    plane = IpvsPlane(WireKernel().connect, lacks=never)
    assert plane.apply([AddService(WWW, ServiceSettings())]) == []
