"""Every code of a finding has a story, and what the story shows is true."""

import re
from dataclasses import replace

import pytest
from tests.lvscf.test_findings import HOSTS

from piranha.lvscf.codes import STORIES, Story, Within
from piranha.lvscf.from_original import from_original
from piranha.lvscf.load import Loaded, load

# About bytes that no screen can show, or too many of them.
NOT_TO_BE_SHOWN = {"E024", "E025", "E049"}
# About every file of the original.
ALWAYS = {"N015"}

LONE = "primary = 192.0.2.2"
PAIR = """primary = 192.0.2.2
primary_private = 10.0.9.2
backup_active = 1
backup = 192.0.2.3
backup_private = 10.0.9.3
heartbeat_key_file = /etc/piranha/heartbeat.key
network = direct"""
ADDRESS = "address = 192.0.2.10 eth0"
SERVER = "server a { active = 1; address = 10.0.0.21 }"


def without_doubles(frame: str, lines: str) -> str:
    """The lines of `frame` whose keywords `lines` does not set."""
    said = re.findall(r"^(\w+) =", lines, re.MULTILINE)
    return "\n".join(line for line in frame.split("\n") if line.split(" ")[0] not in said)


def whole(lines: str, within: Within) -> str:
    """A file that is good but for `lines`."""
    top, address = without_doubles(LONE, lines), without_doubles(ADDRESS, lines)
    match within:
        case Within.FILE:
            return lines
        case Within.GLOBAL:
            return f"{top}\n{lines}\nvirtual web {{\nactive = 1\n{ADDRESS}\n{SERVER}\n}}\n"
        case Within.PAIR:
            top = without_doubles(PAIR, lines)
            return f"{top}\n{lines}\nvirtual web {{\nactive = 1\n{ADDRESS}\n{SERVER}\n}}\n"
        case Within.VIRTUAL:
            server = "" if "server " in lines else SERVER
            return f"{LONE}\nvirtual web {{\nactive = 1\n{address}\n{lines}\n{server}\n}}\n"
        case Within.SERVER:
            address = without_doubles("address = 10.0.0.21", lines)
            return (
                f"{LONE}\nvirtual web {{\nactive = 1\n{ADDRESS}\nserver a {{\nactive = 1\n{address}\n{lines}\n}}\n}}\n"
            )


def loaded(lines: str, story: Story) -> Loaded:
    """What is found in the example, with the notes about an old file."""
    found = load(whole(lines, story.within).encode(), "lvs.cf", HOSTS)
    return replace(found, findings=(*found.findings, *from_original(found)))


@pytest.mark.parametrize("code", sorted(STORIES.keys() - NOT_TO_BE_SHOWN))
def test_the_bad_example_of_a_code_has_the_finding_and_the_good_one_has_no_error_and_not_that(code: str) -> None:
    story = STORIES[code]
    bad, good = loaded(story.bad, story), loaded(story.good, story)
    assert code in {finding.code for finding in bad.findings}, bad.render()
    if code in ALWAYS:
        return
    assert good.errors == (), good.render()
    assert code not in {finding.code for finding in good.findings}, good.render()


@pytest.mark.parametrize("code", STORIES)
def test_a_story_says_what_it_means_why_it_matters_and_what_to_do(code: str) -> None:
    story = STORIES[code]
    assert re.fullmatch(r"[EWN]\d{3}", code)
    for words in (story.means, story.why, story.cure):
        assert words.endswith("."), words
        assert len(words) > 10
    assert bool(story.bad) == (code not in NOT_TO_BE_SHOWN)
    assert bool(story.good) == (code not in NOT_TO_BE_SHOWN | ALWAYS)
