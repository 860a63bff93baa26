"""Settings of the kernel that the file names, on a folder that stands for /proc."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvsd.events import recording

from piranha.events.event import Event, Level
from piranha.lvscf.config import Config
from piranha.lvscf.kernel_named import named
from piranha.lvscf.load import load
from piranha.lvsd.kept_kernel import Asked, KeptKernel
from piranha.lvsd.kernel_settings import NamedSettings, Write, Written
from piranha.lvsd.machine import Machine

VS = "net.ipv4.vs."
IPV6_NAT = """virtual six {
    active = 1
    address = 2001:db8::10
    server a { active = 1; address = 2001:db8:1::21 }
}
"""


def config(lines: str, more: str = "") -> Config:
    virtual = "virtual www {\nactive = 1\naddress = 192.0.2.10\nserver a { active = 1; address = 10.0.0.21 }\n}\n"
    loaded = load(f"primary = 192.0.2.2\n{lines}\n{virtual}{more}".encode(), "lvs.cf")
    assert loaded.config is not None, loaded.render()
    return loaded.config


class Router:
    """A router whose kernel is a folder."""

    def __init__(self, folder: Path) -> None:
        self.vs = folder / "proc" / "sys" / "net" / "ipv4" / "vs"
        self.vs.mkdir(parents=True)
        (self.vs / "conntrack").write_text("0\n")
        (self.vs / "sync_threshold").write_text("3\t50\n")
        (self.vs.parent / "ip_forward").write_text("0\n")
        self.config = config("")
        self.recorder, teller = recording(folder)
        machine = Machine(folder / "proc")
        self.kernel = KeptKernel(machine, None, teller, lambda: Asked(self.config, ""))

    def look(self, lines: str | None = None) -> list[Event]:
        """Put a file in force, or look again; return what is told of it."""
        if lines is not None:
            self.config = config(lines)
        told = len(self.events())
        asyncio.run(self.kernel.look())
        return self.events()[told:]

    def events(self) -> list[Event]:
        return [one.event for one in self.recorder.last()]


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    made = Router(tmp_path)
    yield made
    made.recorder.close()


def test_a_setting_that_the_file_names_is_written_and_told_with_before_and_after(router: Router) -> None:
    [event] = router.look("vs_conntrack = 1")
    assert (router.vs / "conntrack").read_text() == "1\n"
    assert (event.subject, event.before, event.after, event.rule) == ("kernel", "0", "1", "vs_conntrack = 1")
    assert router.look() == []


def test_what_the_file_does_not_name_is_not_touched(router: Router) -> None:
    assert router.look("vs_conntrack = keep\nip_forward = keep") == []
    assert (router.vs / "conntrack").read_text() == "0\n"
    assert (router.vs.parent / "ip_forward").read_text() == "0\n"


def test_a_line_that_goes_leaves_the_value_and_says_so(router: Router) -> None:
    router.look("vs_conntrack = 1")
    [event] = router.look("")
    assert (router.vs / "conntrack").read_text() == "1\n"
    assert event.message == "net.ipv4.vs.conntrack is no longer named: it stays 1"
    assert event.rule == "nothing that was set is set back"


def test_what_somebody_else_sets_is_put_right_and_named(router: Router) -> None:
    router.look("vs_conntrack = 1")
    (router.vs / "conntrack").write_text("0\n")
    [event] = router.look()
    assert (router.vs / "conntrack").read_text() == "1\n"
    assert (event.level, event.cause) == (Level.WARNING, "changed by somebody else")
    assert router.kernel.facts()["overruled"] == [
        {"what": "net.ipv4.vs.conntrack was 0, is 1 again", "age_s": pytest.approx(0, abs=9)}
    ]


def test_another_value_in_the_file_is_nobody_elses_change(router: Router) -> None:
    router.look("vs_sync_threshold = 3 60")
    [event] = router.look("vs_sync_threshold = 4 60")
    assert (event.before, event.after, event.cause) == ("3 60", "4 60", "the file names it")
    assert router.kernel.facts()["overruled"] == []


def test_of_several_numbers_the_file_may_name_the_first(router: Router) -> None:
    assert router.look("vs_sync_threshold = 3") == []


def test_a_setting_that_this_kernel_lacks_is_told_once_and_shown_and_the_rest_goes_on(router: Router) -> None:
    missing, written = sorted(router.look("vs_sloppy_tcp = 1\nvs_conntrack = 1"), key=lambda event: -len(event.after))
    assert (missing.message, missing.level) == ("net.ipv4.vs.sloppy_tcp cannot be set", Level.ERROR)
    assert missing.cause == "this kernel has no such setting"
    assert written.after == "1"
    assert router.look() == []
    assert router.kernel.facts()["refused"] == [
        {"setting": "net.ipv4.vs.sloppy_tcp", "why": "this kernel has no such setting"}
    ]
    assert not (router.vs / "sloppy_tcp").exists()


def test_of_a_setting_that_this_kernel_lacks_nothing_is_said_to_stay(router: Router) -> None:
    router.look("vs_sloppy_tcp = 1")
    assert router.look("") == []
    assert router.kernel.facts()["refused"] == []


def test_a_value_that_was_refused_is_not_said_to_stay() -> None:
    settings, setting = NamedSettings(), VS + "conntrack"
    refused = Written(Write(setting, "7", "0"), "the kernel does not take this value (EINVAL)", "0")
    settings.done({setting: "7"}, {setting: "0"}, [refused], 1.0)
    [event] = settings.done({}, {}, [], 2.0)
    assert event.message == "net.ipv4.vs.conntrack is no longer named: it stays 0"


def test_a_setting_that_comes_with_a_module_is_written_then(router: Router) -> None:
    router.look("vs_sloppy_tcp = 1")
    (router.vs / "sloppy_tcp").write_text("0\n")
    [event] = router.look()
    assert (event.before, event.after) == ("0", "1")
    assert router.kernel.facts()["refused"] == []


def test_ip_forward_is_switched_on(router: Router) -> None:
    [event] = router.look("ip_forward = 1")
    assert (router.vs.parent / "ip_forward").read_text() == "1\n"
    assert event.rule == "ip_forward = 1"


def test_ipv6_forwarding_is_asked_for_only_where_ipv6_goes_through_nat() -> None:
    assert named(config("ip_forward = 1")) == {"net.ipv4.ip_forward": "1"}
    assert "net.ipv6.conf.all.forwarding" in named(config("ip_forward = 1", IPV6_NAT))
    direct = config("network = direct\nip_forward = 1", IPV6_NAT)
    assert named(direct) == {"net.ipv4.ip_forward": "1"}


def test_the_kernel_that_moves_a_mode_by_itself_is_nobody_else() -> None:
    settings, wanted = NamedSettings(), {VS + "drop_entry": "1"}
    assert settings.writes(wanted, {VS + "drop_entry": "2"}) == []
    assert settings.writes(wanted, {VS + "drop_entry": "3"}) != []


def test_what_the_kernel_makes_of_a_value_is_not_written_again() -> None:
    settings, wanted = NamedSettings(), {VS + "sync_sock_size": "1"}
    write = Write(VS + "sync_sock_size", "1", "0")
    [event] = settings.done(wanted, {VS + "sync_sock_size": "0"}, [Written(write, after="2304")], 1.0)
    assert (event.after, dict(event.facts)["asked"]) == ("2304", "1")
    assert settings.writes(wanted, {VS + "sync_sock_size": "2304"}) == []
    assert settings.writes(wanted, {VS + "sync_sock_size": "9999"}) == [Write(VS + "sync_sock_size", "1", "9999")]


def test_a_refused_value_is_told_once_and_tried_again() -> None:
    settings, wanted, found = NamedSettings(), {VS + "conntrack": "7"}, {VS + "conntrack": "0"}
    refused = [Written(Write(VS + "conntrack", "7", "0"), "the kernel does not take this value (EINVAL)", "0")]
    [event] = settings.done(wanted, found, refused, 1.0)
    assert event.cause == "the kernel does not take this value (EINVAL)"
    assert settings.done(wanted, found, refused, 2.0) == []
    assert settings.writes(wanted, found) == [Write(VS + "conntrack", "7", "0")]
    [over] = settings.done(wanted, {VS + "conntrack": "7"}, [], 3.0)
    assert over.before == "refused"
    assert settings.refused == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_setting_that_may_not_be_written_is_named_with_the_reason(router: Router) -> None:
    (router.vs / "conntrack").chmod(0o444)
    [event] = router.look("vs_conntrack = 1")
    assert event.cause == "not permitted: CAP_NET_ADMIN is needed (run as root) (EACCES)"


def test_the_userspace_plane_touches_no_kernel_and_says_so(tmp_path: Path) -> None:
    recorder, teller = recording(tmp_path)
    kernel = KeptKernel(None, None, teller, lambda: Asked(config("vs_conntrack = 1"), ""))
    for _ in range(2):
        asyncio.run(kernel.look())
    [event] = [one.event for one in recorder.last()]
    assert event.message == "settings of the kernel are not written"
    assert kernel.facts()["without_effect"] == ["net.ipv4.vs.conntrack"]
    recorder.close()
