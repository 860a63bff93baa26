"""Every situation that an operator can meet, with its headline: all that `piranha status` promises at a glance."""

from typing import Any

import pytest
from tests.cli.answers import ADDED, by_hand, leaving, lvsd, partner, pulse, server, virtual

from piranha.cli.status_facts import judge
from piranha.cli.status_screen import Screen, render
from piranha.cli.verdict import Verdict

OK, DEGRADED, OUTAGE, UNKNOWN = Verdict.OK, Verdict.DEGRADED, Verdict.OUTAGE, Verdict.UNKNOWN

WWW = virtual("www", server("web1"), server("web2"))
REFUSED = {"path": "/etc/piranha/lvs.cf", "findings": ["line 14: unknown scheduler"], "age_s": 180.0}
STANDBY = pulse(role="standby", partner=partner(role="active"), vips=[{"address": "192.0.2.10", "held": False}])
NO_RECORD = {"trouble": "", "clock_step_s": None, "clock_step_age_s": None}
DOWN = {"reason": "refused", "detail": "connect: refused", "age_s": 0.7}

HOSTS_OF_A_LINE = {
    "answers": "yes",
    "hosts": [{"address": "192.0.2.1", "silent": False}, {"address": "192.0.2.254", "silent": True}],
}


def link(device: str, **more: bool) -> dict[str, Any]:
    return {"device": device, "present": True, "up": True, "carrier": True} | more


def old_check(name: str) -> dict[str, Any]:
    return server(name, last_check={"reason": "ok", "detail": "accepted", "age_s": 40.0})


SITUATIONS: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None, Verdict, str]] = {
    "all is well": (pulse(), lvsd(WWW), OK, ""),
    "all is well on the standby": (STANDBY, lvsd(WWW), OK, ""),
    "lvsd runs alone": (None, lvsd(WWW), OK, ""),
    "one server down": (
        pulse(),
        lvsd(virtual("www", server("web1"), server("web2", "down", last_check=DOWN))),
        DEGRADED,
        "! www/web2 down 4m04s: connect: refused",
    ),
    "one failed check": (
        pulse(),
        lvsd(virtual("www", server("web1", "falling 1/2", last_check=DOWN))),
        OK,
        "i www/web1 falling 1/2: connect: refused",
    ),
    "no server up": (
        pulse(),
        lvsd(virtual("www", server("web1", "down"))),
        OUTAGE,
        "! www serves nobody: no real server is up",
    ),
    "only the sorry server": (
        pulse(),
        lvsd(virtual("www", server("web1", "down"), sorry=True)),
        DEGRADED,
        "! www only the sorry server serves",
    ),
    "no check answered yet": (
        pulse(),
        lvsd(virtual("www", server("web1", "unknown", last_check=None, weight=None))),
        OUTAGE,
        "! www serves nobody yet: no check has been answered",
    ),
    "nannies frozen": (
        pulse(),
        lvsd(virtual("www", old_check("web1"), old_check("web2"))),
        UNKNOWN,
        "! www nobody knows whether it serves: checks have stopped",
    ),
    "a server drained in the file": (
        pulse(),
        lvsd(virtual("www", server("web1"), server("web2", "drain", weight=0))),
        OK,
        "i www/web2 weight 0 in lvs.cf, 41 connections",
    ),
    "a server drained by a file": (
        pulse(),
        lvsd(virtual("www", server("web1"), server("web2", "drain", weight=0, drained_by="/m/web2", drained_s=61.0))),
        OK,
        "i www/web2 drained by /m/web2 for 1m01s, 41 connections",
    ),
    "the last server drained": (
        pulse(),
        lvsd(virtual("www", server("web1", "drain", weight=0, drained_by="/m/web1", drained_s=61.0))),
        OUTAGE,
        "! www serves nobody: every real server is drained",
    ),
    "a folder of maintenance_dir that cannot be read": (
        pulse(),
        lvsd(WWW, maintenance={"folder": "/m", "trouble": "No such file or directory", "odd": [], "odd_count": 0}),
        DEGRADED,
        "! maintenance_dir /m cannot be read, who is drained stays so: No such file or directory",
    ),
    "files of maintenance_dir that drain nobody": (
        pulse(),
        lvsd(WWW, maintenance={"folder": "/m", "trouble": "", "odd": ["web9", "x"], "odd_count": 7}),
        OK,
        "i maintenance_dir no file that is named like a server: web9, x and 5 more",
    ),
    "a weight set by hand": (
        pulse(),
        lvsd(virtual("www", server("web1"), server("web2", weight=3, **by_hand(3)))),
        OK,
        "i www/web2 weight 3 by hand for 1m01s (10 in lvs.cf), 41 connections",
    ),
    "a weight set by hand in one of two services": (
        pulse(),
        lvsd(virtual("www", server("web1", services=2, **by_hand(3)))),
        OK,
        "i www/web1 weight 3 by hand in tcp 192.0.2.10:443 for 1m01s (10 in lvs.cf), 41 connections",
    ),
    "a server drained by hand": (
        pulse(),
        lvsd(virtual("www", server("web1"), server("web2", "drain", weight=0, **by_hand(0)))),
        OK,
        "i www/web2 drained by hand for 1m01s (10 in lvs.cf), 41 connections",
    ),
    "a server added by hand": (
        pulse(),
        lvsd(virtual("www", server("web1"), added_by_hand=[ADDED])),
        OK,
        "i www/10.9.9.9:80 added by hand 1m00s ago with weight 5, not checked, 7 connections",
    ),
    "nobody serves but a server added by hand": (
        pulse(),
        lvsd(virtual("www", server("web1", "down"), added_by_hand=[ADDED])),
        DEGRADED,
        "! www only what was added by hand serves, and nobody checks it",
    ),
    "edits by others that are left alone": (
        pulse(),
        lvsd(WWW, left_alone=["server 10.0.0.4:80 of tcp 192.0.2.10:443 was removed"]),
        OK,
        "i table left as it is: server 10.0.0.4:80 of tcp 192.0.2.10:443 was removed",
    ),
    "a server that leaves": (
        pulse(),
        lvsd(virtual("www", server("web1"), leaving=[leaving("web2")])),
        OK,
        "i www/web2 not in lvs.cf; leaves within 4m00s, 41 connections",
    ),
    "a server that leaves while clients are bound to it": (
        pulse(),
        lvsd(virtual("www", server("web1"), leaving=[leaving("web2", active=0, persistent=1)])),
        OK,
        "i www/web2 not in lvs.cf; leaves within 4m00s, 0 connections, 1 bound client",
    ),
    "a server that serves until another one does": (
        pulse(),
        lvsd(virtual("www", server("web1"), leaving=[leaving("web2", left_s=None, since_s=None, weight=1)])),
        OK,
        "i www/web2 not in lvs.cf; leaves when another server is up, 41 connections",
    ),
    "a service not in the table": (
        pulse(),
        lvsd(virtual("www", server("web1"), in_table=[False])),
        OUTAGE,
        "! www not in the table: clients are refused",
    ),
    "one of two services not in the table": (
        pulse(),
        lvsd(virtual("dns", server("ns1"), services=["tcp 192.0.2.1:53", "udp 192.0.2.1:53"], in_table=[False, True])),
        DEGRADED,
        "! dns tcp 192.0.2.1:53 not in the table: clients are refused",
    ),
    "a refused change": (
        pulse(),
        lvsd(WWW, refused_changes=["add service mark 1: ENOENT"]),
        DEGRADED,
        "! table refused: add service mark 1: ENOENT",
    ),
    "a table that cannot be reached": (
        pulse(),
        lvsd(WWW, serving=False, not_ready=["the table cannot be reached: its process has ended"]),
        UNKNOWN,
        "! table the table cannot be reached: its process has ended",
    ),
    "a repaired table": (
        pulse(),
        lvsd(WWW, overruled=[{"what": "tcp 192.0.2.10:443 was removed", "age_s": 61.0}]),
        OK,
        "i table repaired 1m01s ago: tcp 192.0.2.10:443 was removed",
    ),
    "a refused file": (
        pulse(refused_file=REFUSED),
        lvsd(WWW),
        DEGRADED,
        "! config /etc/piranha/lvs.cf refused 3m00s ago: line 14: unknown scheduler",
    ),
    "a setting that nothing acts on yet": (
        pulse(),
        lvsd(WWW, waiting=["line 12: 'witness' is understood, but this version does not act on it yet [W004]"]),
        OK,
        "i config line 12: 'witness' is understood, but this version does not act on it yet [W004]",
    ),
    "lvsd behind pulse": (
        pulse(generation=4),
        lvsd(WWW),
        DEGRADED,
        "! config lvsd runs generation 3 of the configuration, pulse 4",
    ),
    "lvsd dead or frozen": (pulse(), None, UNKNOWN, "! lvsd lvsd on this router does not answer"),
    "pulse dead or frozen": (None, lvsd(WWW), UNKNOWN, "! pulse pulse on this router does not answer"),
    "a cold standby": (STANDBY | {"standby": "cold"}, None, OK, ""),
    "this router not ready": (
        pulse(not_ready=["nannies fail"], ready=False),
        lvsd(WWW, not_ready=["nannies fail"]),
        DEGRADED,
        "! router this router is not ready: nannies fail",
    ),
    "partner unheard": (
        pulse(partner=partner(alive=False, age_s=12.0)),
        lvsd(WWW),
        DEGRADED,
        "! partner the partner is not heard, last heartbeat 12s ago",
    ),
    "taken over from addresses without limit": (
        pulse(partner=partner(alive=False, age_s=12.0, role="active", lease_s=None)),
        lvsd(WWW),
        DEGRADED,
        "! partner the partner is not heard, last heartbeat 12s ago: "
        "its VIPs had no time limit, it may hold them still",
    ),
    "partner never heard": (pulse(partner=None), lvsd(WWW), DEGRADED, "! partner the partner was never heard"),
    "partner not ready": (
        pulse(partner=partner(ready=False, obstacle="lvsd")),
        lvsd(WWW),
        DEGRADED,
        "! partner the partner is not ready: lvsd",
    ),
    "partner deaf": (
        pulse(partner=partner(hears_us=False)),
        lvsd(WWW),
        DEGRADED,
        "! partner the partner does not hear this router",
    ),
    "no active router": (
        STANDBY | {"partner": partner()},
        lvsd(WWW),
        OUTAGE,
        "! router no active router is heard",
    ),
    "takeover held back": (
        STANDBY | {"partner": partner(alive=False, age_s=30.0), "held_back": True},
        lvsd(WWW),
        OUTAGE,
        "! router no active router is heard: takeover held back, the partner sends what cannot be verified",
    ),
    "two active routers": (
        pulse(phase="active", partner=partner(role="active")),
        lvsd(WWW),
        OUTAGE,
        "! router both routers are active",
    ),
    "a VIP on both routers": (
        STANDBY | {"vips": [{"address": "192.0.2.10", "held": True}]},
        lvsd(WWW),
        OUTAGE,
        "! vip 192.0.2.10 held here and by the active partner",
    ),
    "a VIP nowhere": (
        pulse(vips=[{"address": "192.0.2.10", "held": False}]),
        lvsd(WWW),
        OUTAGE,
        "! vip 192.0.2.10 not held by the active router",
    ),
    "a VIP on its way": (
        pulse(phase="taking over", vips=[{"address": "192.0.2.10", "held": False}]),
        lvsd(WWW),
        OUTAGE,
        "! vip 192.0.2.10 on the way (taking over)",
    ),
    "a lease that ran out": (
        pulse(lease={"valid_s": 3, "remaining_s": -0.4, "unlimited": False}),
        lvsd(WWW),
        OUTAGE,
        "! vip 192.0.2.10: the lease has run out, the kernel takes the address away",
    ),
    "a VIP behind a lost carrier": (
        pulse(links=[link("eth0", carrier=False), link("eth1")]),
        lvsd(WWW),
        OUTAGE,
        "! vip 192.0.2.10 cannot be reached, eth0: no carrier",
    ),
    "a VIP on a device that is down": (
        pulse(links=[link("eth0", up=False, carrier=False)]),
        lvsd(WWW),
        OUTAGE,
        "! vip 192.0.2.10 cannot be reached, eth0: the device is down",
    ),
    "a lost carrier where there is no VIP": (
        pulse(links=[link("eth0"), link("eth1", carrier=False)]),
        lvsd(WWW),
        DEGRADED,
        "! router eth1: no carrier",
    ),
    "a lost carrier on the standby": (
        STANDBY | {"links": [link("eth0", carrier=False)]},
        lvsd(WWW),
        DEGRADED,
        "! router eth0: no carrier",
    ),
    "a router that no monitor host answers": (
        STANDBY | {"not_ready": ["no answer to ping from 192.0.2.1 192.0.2.254 for 12 s"]},
        lvsd(WWW),
        DEGRADED,
        "! router this router is not ready: no answer to ping from 192.0.2.1 192.0.2.254 for 12 s",
    ),
    "one monitor host of a line that is silent": (
        pulse(monitor_hosts=[HOSTS_OF_A_LINE]),
        lvsd(WWW),
        OK,
        "i monitor_hosts 192.0.2.254 does not answer ping",
    ),
    "heartbeats that nobody signs": (
        pulse(warnings=["heartbeats are not authenticated (heartbeat_auth = none)"]),
        lvsd(WWW),
        DEGRADED,
        "! router heartbeats are not authenticated (heartbeat_auth = none)",
    ),
    "a record that cannot be written": (
        pulse(record=NO_RECORD | {"trouble": "No space left on device"}),
        lvsd(WWW),
        DEGRADED,
        "! record events cannot be written: No space left on device",
    ),
    "a clock that was set back": (
        pulse(record=NO_RECORD | {"clock_step_s": -3600.0, "clock_step_age_s": 20.0}),
        lvsd(WWW),
        OK,
        "i clock the clock was set back by 1h00m, 20s ago: times before are of the old one",
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_headline_is_true(situation: str) -> None:
    says_pulse, says_lvsd, expected, line = SITUATIONS[situation]
    expects_pulse = situation != "lvsd runs alone"
    verdict, findings = judge(says_pulse, says_lvsd, pulse_expected=expects_pulse)
    screen = render(Screen(says_pulse, says_lvsd, verdict, findings, "primary", "22 Nov 14:01:12"))

    assert verdict is expected
    assert screen[0].split()[1] == expected.name
    assert [f"{one.mark} {one.subject} {one.text}" for one in findings[:1]] == ([line] if line else [])


def test_every_verdict_is_an_exit_status_of_the_manual() -> None:
    assert [(verdict.name, int(verdict)) for verdict in Verdict] == [
        ("OK", 0),
        ("DEGRADED", 1),
        ("OUTAGE", 2),
        ("UNKNOWN", 3),
    ]
