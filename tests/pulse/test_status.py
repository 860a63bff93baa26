"""What `status` says of a router: plain values, each with its age, and what should worry somebody."""

from ipaddress import ip_address

from piranha.lvscf.config import Config, FloatingAddress, HeartbeatAuth, HeartbeatSettings, Router
from piranha.pulse.heartbeat import NO_LIMIT, Heartbeat, Place, Role
from piranha.pulse.status import LeaseView, PathFacts, election_data, paths_data, vips_data, warnings
from piranha.pulse.view import PathView, View

GATEWAY = FloatingAddress(address=ip_address("10.11.12.1"), prefix=24, device="private")


def pair(auth: HeartbeatAuth = HeartbeatAuth.REQUIRED) -> Config:
    return Config(
        primary=Router(public=ip_address("192.0.2.2")),
        backup=Router(public=ip_address("192.0.2.3")),
        backup_active=True,
        heartbeat=HeartbeatSettings(auth=auth),
        nat_router=GATEWAY,
    )


def view(partner: Heartbeat | None = None, paths: tuple[PathView, ...] = ()) -> View:
    return View(
        place=Place.PRIMARY,
        role=Role.ACTIVE,
        phase="active",
        since_s=12.3456,
        term=3,
        ready=True,
        reasons=(),
        holding=True,
        lease_s=3,
        partner=partner,
        partner_alive=partner is not None,
        partner_age_s=None if partner is None else 0.12345,
        paths=paths,
        why="partner dead: activating lvs",
    )


def lease(valid_s: int | None, remaining_s: float | None) -> LeaseView:
    address = GATEWAY.address
    return LeaseView(held=frozenset({address}), devices={address: "eth1"}, valid_s=valid_s, remaining_s=remaining_s)


def test_a_partner_that_was_never_heard_is_nobody() -> None:
    data = election_data(view())

    assert data["partner"] is None
    assert (data["role"], data["since_s"], data["term"]) == ("active", 12.346, 3)


def test_a_partner_is_told_with_age_and_lease() -> None:
    heard = Heartbeat(place=Place.BACKUP, role=Role.ACTIVE, lease_s=NO_LIMIT)
    partner = election_data(view(heard))["partner"]

    assert isinstance(partner, dict)
    assert (partner["node"], partner["role"], partner["age_s"], partner["lease_s"]) == ("backup", "active", 0.123, None)


def test_a_vip_is_told_with_the_device_it_is_on_and_how_long_it_lasts() -> None:
    data = vips_data(pair(), lease(3, 2.4))

    assert data["lease"] == {"valid_s": 3, "remaining_s": 2.4, "unlimited": False}
    assert data["vips"] == [{"address": "10.11.12.1", "prefix": 24, "device": "eth1", "held": True}]


def test_a_lease_without_limit_says_so() -> None:
    assert vips_data(pair(), lease(None, None))["lease"] == {"valid_s": None, "remaining_s": None, "unlimited": True}


def test_a_path_is_told_with_its_ends_and_what_keeps_it_from_being_used() -> None:
    paths = (PathView(name="public", age_s=None, alive=False, late=2, evidence=""),)
    facts = {"public": PathFacts(own=ip_address("192.0.2.2"), partner=ip_address("192.0.2.3"), error="ENETUNREACH: x")}

    (data,) = paths_data(paths, facts)
    assert (data["own"], data["partner"], data["age_s"], data["error"]) == (
        "192.0.2.2",
        "192.0.2.3",
        None,
        "ENETUNREACH: x",
    )


def test_heartbeats_that_anybody_could_forge_are_a_warning_for_as_long_as_they_last() -> None:
    assert warnings(pair(), view()) == []
    assert "not authenticated" in warnings(pair(HeartbeatAuth.NONE), view())[0]
    assert "unsigned" in warnings(pair(HeartbeatAuth.MIGRATE), view())[0]


def test_key_files_that_differ_are_a_warning_on_both_sides() -> None:
    deaf = Heartbeat(place=Place.BACKUP, bad_signatures=True)
    paths = (PathView(name="public", age_s=1.0, alive=True, late=0, evidence="its signature is wrong"),)

    assert warnings(pair(), view(deaf, paths)) == [
        "public path: its signature is wrong",
        "the partner cannot verify our heartbeats: the key files differ",
    ]
