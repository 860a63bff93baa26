"""The demo's lvs.cf says what the tour counts on."""

from piranha.cli.demo.site import CAST, PORT, WEIGHTS, Site, lvs_cf
from piranha.lvscf.config import PlaneKind
from piranha.lvscf.load import load

SITE = Site(public="127.44.7", private="127.44.8", heartbeat_port=20000)


def test_it_loads_without_any_finding() -> None:
    loaded = load(lvs_cf(SITE, "/tmp/demo/heartbeat.key").encode(), "lvs.cf")
    assert loaded.findings == ()
    assert loaded.config is not None
    (www,) = loaded.config.virtuals
    assert (str(www.vip.address), www.port) == ("127.44.7.10", PORT)
    assert {server.name: server.weight for server in www.servers} == WEIGHTS
    assert loaded.config.lvsd.plane is PlaneKind.USERSPACE
    assert max(server.timing.out_by_s for server in www.servers) <= CAST.timeout_s + 0.001


def test_its_times_leave_no_room_for_two_holders() -> None:
    loaded = load(lvs_cf(SITE, "/tmp/demo/heartbeat.key").encode(), "lvs.cf")
    assert loaded.config is not None
    heartbeat = loaded.config.heartbeat
    assert (heartbeat.keepalive_s, heartbeat.deadtime_s) == (CAST.keepalive_s, CAST.deadtime_s)
    lease_s = CAST.lease_bound_s
    assert lease_s + lease_s / 3 + 1.5 <= heartbeat.deadtime_s
