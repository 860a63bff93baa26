"""The live picture fits, says what is known, and says when something is not."""

import re
from ipaddress import ip_address

import pytest

from piranha.cli.demo.counts import Counts, Outcome
from piranha.cli.demo.picture import Daemon, Happening, Picture
from piranha.cli.demo.screen import Scene, render
from piranha.cli.demo.site import CAST

NOW = 100.0


def server(name: str, state: str, weight: int | None) -> dict[str, object]:
    return {
        "name": name,
        "address": "127.44.8.2" + name[-1],
        "port": 8080,
        "state": state,
        "weight": weight,
        "configured_weight": 1,
        "active": 0,
        "last_check": {"reason": "ok", "detail": "answer in 0.4 ms", "age_s": 0.2},
    }


def picture() -> Picture:
    """The primary is active and holds the VIP; web2 is down; the backup's pulse does not answer."""
    made = Picture(CAST, ip_address("127.44.7.10"))
    servers = [server("web1", "up", 1), server("web2", "down", None), server("web3", "up", 1)]
    status = {"virtuals": [{"name": "www", "servers": servers}]}
    primary, backup = made.routers["primary"], made.routers["backup"]
    primary.pulse = Daemon(CAST.fresh_s, {"role": "active", "since_s": 12.0, "ready": True}, NOW)
    primary.lvsd = Daemon(CAST.fresh_s, status, NOW)
    primary.holds, primary.listening, primary.held_since_s, primary.remaining_s = True, True, 88.0, 0.7
    backup.pulse = Daemon(CAST.fresh_s, {"role": "standby", "since_s": 12.0, "ready": True}, NOW - 5)
    backup.lvsd = Daemon(CAST.fresh_s, status, NOW)
    made.story = [
        Happening(90.0 + n, "primary", "lvsd", "www/web2", f"event {n}", "fall = 2", "connect: refused")
        for n in range(30)
    ]
    return made


def scene(made: Picture, **more: str) -> Scene:
    counts = Counts()
    counts.add(Outcome(99.0, "web1"))
    counts.add(Outcome(99.5, "", "refused"))
    return Scene(picture=made, counts=counts, processes=more, start_s=0.0, now=NOW, notice="SIGKILL to web2")


def text(made: Picture, columns: int = 96, rows: int = 24, **more: str) -> str:
    return "\n".join(render(scene(made, **more), columns, rows, colour=False))


@pytest.mark.parametrize("size", [(80, 24), (96, 30), (200, 60), (60, 18), (40, 10)])
@pytest.mark.parametrize("colour", [True, False])
def test_it_fits_the_window(size: tuple[int, int], colour: bool) -> None:
    lines = render(scene(picture()), *size, colour=colour)
    assert len(lines) <= size[1]
    plain = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in lines]
    assert max(map(len, plain)) <= min(size[0], 96)
    assert (plain != lines) == (colour and size[0] >= 60)


def test_the_keys_stand_on_the_last_line_of_a_usual_window() -> None:
    for columns in (60, 72, 80, 96):
        last = text(picture(), columns).split("\n")[-1]
        assert all(word in last for word in ("1 2 3", "k kill", "f freeze", "s switch over", "q quit"))


def test_the_smallest_window_still_says_who_holds_the_vip_and_why_a_check_failed() -> None:
    shown = text(picture(), 60, 18)
    assert re.search(r"^primary +active .* held 12s, lease 0.7s$", shown, re.M)
    assert re.search(r"^web2 +down .* answer in 0.4 ms, 0.2s ago$", shown, re.M)


def test_a_window_that_is_too_small_says_how_to_leave() -> None:
    for columns in (8, 20, 59):
        assert text(picture(), columns, 5).startswith("q quits")


def headline(made: Picture, *outcomes: Outcome, columns: int = 96) -> str:
    counts = Counts()
    for one in outcomes:
        counts.add(one)
    shown = Scene(picture=made, counts=counts, processes={}, start_s=0.0, now=NOW)
    return render(shown, columns, 24, colour=False)[0].split("  ")[0]


def well() -> Picture:
    """All is well: every server up, the backup ready."""
    made = picture()
    servers = [server(name, "up", 1) for name in ("web1", "web2", "web3")]
    made.routers["primary"].lvsd.status = {"virtuals": [{"name": "www", "servers": servers}]}
    made.routers["backup"].pulse.answered_s = NOW
    return made


ANSWERED, FAILED, FAILED_BEFORE = Outcome(99.0, "web1"), Outcome(99.5, "", "refused"), Outcome(96.0, "", "refused")


def test_the_headline_says_ok_only_when_all_is_well() -> None:
    assert headline(well(), ANSWERED) == "demo: OK, primary serves"
    assert headline(well()) == "demo: OK, primary serves"


@pytest.mark.parametrize("columns", [60, 80, 96])
def test_the_headline_is_true_when_requests_fail(columns: int) -> None:
    assert headline(well(), FAILED, columns=columns) == "demo: OUTAGE, no request answered for 2 s"
    assert headline(well(), FAILED, ANSWERED, columns=columns) == "demo: DEGRADED, 1 of 2 requests failed"
    assert headline(well(), FAILED_BEFORE, ANSWERED, columns=columns) == "demo: DEGRADED, 1 of 2 requests failed"


def test_the_headline_is_true_when_servers_are_dead() -> None:
    made = well()
    servers = [server("web1", "up", 1), server("web2", "down", None), server("web3", "up", 1)]
    made.routers["primary"].lvsd.status = {"virtuals": [{"name": "www", "servers": servers}]}
    assert headline(made, ANSWERED) == "demo: DEGRADED, web2 is not in the pool"
    servers = [server(name, "down", None) for name in ("web1", "web2", "web3")]
    made.routers["primary"].lvsd.status = {"virtuals": [{"name": "www", "servers": servers}]}
    assert headline(made, ANSWERED) == "demo: OUTAGE, no real server is up"


def test_the_headline_is_true_when_routers_are_not_as_they_should_be() -> None:
    made = well()
    made.routers["backup"].pulse.answered_s = NOW - 5
    assert headline(made) == "demo: DEGRADED, backup is not ready"
    made.routers["primary"].pulse.answered_s = NOW - 5
    assert headline(made) == "demo: DEGRADED, primary holds the VIP, its pulse does not answer"
    made.routers["primary"].listening = False
    assert headline(made) == "demo: OUTAGE, primary waits for the port"
    made.routers["backup"].holds = True
    assert headline(made) == "demo: OUTAGE, primary and backup hold the VIP"
    made.routers["primary"].holds = made.routers["backup"].holds = False
    assert headline(made) == "demo: OUTAGE, NOBODY HOLDS THE VIP"


def test_a_cluster_that_has_not_begun_is_no_outage_until_it_takes_too_long() -> None:
    made = Picture(CAST, ip_address("127.44.7.10"))

    def shown_after(seconds: float) -> str:
        young = Scene(picture=made, counts=Counts(), processes={}, start_s=NOW - seconds, now=NOW)
        return render(young, 96, 24, colour=False)[0].split("  ")[0]

    assert shown_after(1.0) == "demo: starting"
    assert shown_after(CAST.start_s + 1) == "demo: OUTAGE, NOBODY HOLDS THE VIP"


def test_it_says_who_is_active_and_who_holds_the_vip_for_how_long() -> None:
    shown = text(picture())
    assert re.search(r"^primary +active +12s +yes +answers +answers +held 12s, lease 0.7s$", shown, re.M)


def test_a_daemon_that_does_not_answer_is_unknown_since() -> None:
    assert re.search(r"^backup +unknown +- +- +silent 5.0s +answers +-$", text(picture()), re.M)
    assert re.search(r"^backup +unknown +- +- +frozen +answers +-$", text(picture(), backup="frozen"), re.M)


def test_servers_show_state_weight_requests_and_last_check() -> None:
    shown = text(picture())
    assert re.search(r"^web1 +127.44.8.21:8080 +up +1/1 +0 +1 +answer in 0.4 ms, 0.2s ago$", shown, re.M)
    assert re.search(r"^web2 +127.44.8.22:8080 +down +-/1", shown, re.M)
    assert "1 answered, 1 failed (refused 1)" in shown


def test_the_last_events_come_first_with_their_reasons() -> None:
    shown = text(picture()).split("LAST EVENTS\n")[1].split("\n")
    assert "event 29 (connect: refused; fall = 2)" in shown[0]
    assert "event 28" in shown[1]


def test_a_vip_without_holder_and_without_limit_is_said() -> None:
    made = picture()
    made.routers["primary"].remaining_s = None
    assert "no limit: no partner" in text(made)
    made.routers["primary"].holds = False
    assert "NOBODY HOLDS THE VIP" in text(made)


def test_what_others_wrote_cannot_drive_the_terminal() -> None:
    made = picture()
    made.story.append(Happening(99.0, "primary", "lvsd", "www", "\x1b[2J", "\x1b[2J", "\x1b[2J"))
    made.routers["primary"].lvsd.status["virtuals"][0]["servers"][0]["last_check"]["detail"] = "\x1b[2J"
    assert "\x1b" not in text(made)
