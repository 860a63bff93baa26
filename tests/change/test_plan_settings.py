"""Lines about settings outside of virtual blocks."""

from dataclasses import dataclass, replace
from ipaddress import ip_address

from tests.change.configs import all_up, config, server, table_of, virtual

from piranha.change.plan import About, plan
from piranha.change.plan_settings import setting_lines
from piranha.lvscf.config import Config, Router
from piranha.terms import Scheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class Later(Config):
    """A file of a version that knows one setting more."""

    patience_s: float = 1.0


def test_a_setting_that_no_line_knows_is_told_by_its_name() -> None:
    before = Later(primary=Router(public=ip_address("192.0.2.2")))
    after = Later(primary=Router(public=ip_address("192.0.2.2")), patience_s=2.5)
    [line] = setting_lines(before, after)
    assert (line.about, line.what) == (About.OTHER, "patience 1 -> 2.5")


def test_scheduler_flags_are_told_in_the_words_of_the_file() -> None:
    plain = virtual("www", 10, server("web1", 1), scheduler=Scheduler.MH)
    before, after = config(plain), config(replace(plain, scheduler_flags=3, one_packet=True))
    [line] = plan(before, after, table_of(before), verdicts=all_up(before)).lines
    assert line.what == "scheduler_flags none -> fallback port, one_packet 0 -> 1"
