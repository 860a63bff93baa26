"""Settings in words: what differs is seen, in the words of lvs.cf."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from piranha.table.destination import Destination
from piranha.table.service import AddressMatch, FirewallMark, ServiceKey, ServiceSettings
from piranha.table.setting_words import destination_words, differing, settings_words
from piranha.terms import Family, ForwardingMethod, Protocol, Tunnel, TunnelChecksum, TunnelType

WWW = ServiceKey(AddressMatch(Protocol.TCP, ip_address("192.0.2.10"), 80))
MARK6 = ServiceKey(FirewallMark(20, Family.IPV6))
PLAIN = ServiceSettings()
GUE = Tunnel(type=TunnelType.GUE, port=6080, checksum=TunnelChecksum.CSUM)


def test_what_is_as_it_is_by_default_is_not_said() -> None:
    assert settings_words(WWW, PLAIN) == "wlc"
    assert destination_words(Destination(forwarding=ForwardingMethod.NAT, weight=10)) == "nat weight 10"
    assert destination_words(Destination(forwarding=ForwardingMethod.TUNNEL)) == "tunnel weight 1"


def test_all_else_is_said() -> None:
    sip = ServiceSettings(
        scheduler="mh",
        scheduler_flags=3,
        persistence_s=60,
        persistence_mask=0xFFFFFF00,
        persistence_engine="sip",
        one_packet=True,
    )
    words = "mh flags mh-fallback,mh-port persistent 60 mask 255.255.255.0 engine sip one packet"
    assert settings_words(WWW, sip) == words
    limited = Destination(
        forwarding=ForwardingMethod.TUNNEL, weight=4, upper_threshold=9, lower_threshold=5, tunnel=GUE
    )
    words = "tunnel gue port 6080 csum weight 4 upper_threshold 9 lower_threshold 5"
    assert destination_words(limited) == words


def test_a_difference_is_told_in_words_not_in_numbers_of_the_kernel() -> None:
    sticky = ServiceSettings(scheduler="sh", scheduler_flags=2, persistence_s=60, persistence_mask=64, one_packet=True)
    assert differing(MARK6, sticky, PLAIN) == [
        ("scheduler", "sh", "wlc"),
        ("scheduler_flags", "sh-port", "none"),
        ("persistence", "60", "0"),
        ("persistence_mask", "64", "none"),
        ("one_packet", "1", "0"),
    ]
    direct = Destination(forwarding=ForwardingMethod.DIRECT, weight=3)
    tunnelled = Destination(forwarding=ForwardingMethod.TUNNEL, weight=3, tunnel=GUE)
    assert differing(WWW, direct, tunnelled) == [
        ("forwarding", "direct", "tunnel"),
        ("tunnel", "ipip", "gue port 6080 csum"),
    ]


settings = st.builds(
    ServiceSettings,
    scheduler=st.sampled_from(["wlc", "mh"]),
    scheduler_flags=st.sampled_from([0, 1, 4, 7]),
    persistence_s=st.sampled_from([0, 60]),
    persistence_mask=st.sampled_from([None, 0xFFFFFF00]),
    persistence_engine=st.sampled_from(["", "sip"]),
    one_packet=st.booleans(),
)
tunnels = st.builds(
    Tunnel, type=st.sampled_from(TunnelType), port=st.sampled_from([0, 6080]), checksum=st.sampled_from(TunnelChecksum)
)
destinations = st.builds(
    Destination,
    forwarding=st.sampled_from(ForwardingMethod),
    weight=st.integers(0, 2),
    upper_threshold=st.integers(0, 2),
    lower_threshold=st.integers(0, 2),
    tunnel=tunnels,
)


@given(settings, settings)
def test_two_settings_of_a_service_differ_in_words_exactly_if_they_differ(
    one: ServiceSettings, other: ServiceSettings
) -> None:
    assert (settings_words(WWW, one) == settings_words(WWW, other)) == (one == other)
    assert (not differing(WWW, one, other)) == (one == other)


@given(destinations, destinations)
def test_two_settings_of_a_server_differ_in_words_exactly_if_they_differ(one: Destination, other: Destination) -> None:
    assert (destination_words(one) == destination_words(other)) == (one == other)
    assert (not differing(WWW, one, other)) == (one == other)
