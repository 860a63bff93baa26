"""Lines about settings outside of virtual blocks."""

from dataclasses import dataclass
from ipaddress import ip_address

from piranha.change.plan import About
from piranha.change.plan_settings import setting_lines
from piranha.lvscf.config import Config, Router


@dataclass(frozen=True, slots=True, kw_only=True)
class Later(Config):
    """A file of a version that knows one setting more."""

    patience_s: float = 1.0


def test_a_setting_that_no_line_knows_is_told_by_its_name() -> None:
    before = Later(primary=Router(public=ip_address("192.0.2.2")))
    after = Later(primary=Router(public=ip_address("192.0.2.2")), patience_s=2.5)
    [line] = setting_lines(before, after)
    assert (line.about, line.what) == (About.OTHER, "patience 1 -> 2.5")
