"""The rights that the systemd unit gives are what a router needs; and who may do what without being root."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.lvsd.running import until
from tests.packaging.site import GROUPS, OWNER, UNIT, USERS, Site, unit_rights

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for users of its own")


@contextmanager
def running(plane: str) -> Iterator[Site]:
    """A router with the rights of the unit."""
    made = Site(plane)
    try:
        made.start(unit_rights())
        yield made
        assert made.end() == 0
    except BaseException:
        print(made.log())
        raise
    finally:
        made.clean_up()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running("userspace") as made:
        yield made


def owner(path: Path) -> tuple[int, int, int]:
    """User, group and mode of a file."""
    seen = path.stat()
    return seen.st_uid, seen.st_gid, seen.st_mode & 0o7777


def nannies() -> list[dict[str, str]]:
    """What /proc says of the processes of user piranha."""
    found = []
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            facts = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if facts["Uid"].split()[0] == str(USERS["piranha"]):
            found.append(facts)
    return found


@needs_root
@pytest.mark.parametrize(
    "plane", [pytest.param("userspace", marks=pytest.mark.slow), pytest.param("ipvs", marks=pytest.mark.kernel)]
)
def test_a_router_needs_no_more_rights_than_the_unit_gives(plane: str) -> None:
    with running(plane) as site:
        found = nannies()
        assert found
        assert {one["CapEff"] for one in found} <= {"0000000000000000", f"{1 << 13:016x}"}, "CAP_NET_RAW at most"
        changed = site.new(weight=7)
        status, out, err = site.say("admin", "apply", str(changed), "--reason", "heavier")
        assert (status, err) == (0, ""), out
        assert site.file.read_bytes() == changed.read_bytes()
        assert owner(site.file) == (*OWNER, 0o664), "mode and owner of lvs.cf stay"
        until(lambda: site.status("lvsd").get("generation") == 2, "the new file in the table")
        kernel = site.status("lvsd")["kernel"]
        assert kernel["refused"] == []
        if plane == "ipvs":
            until(lambda: site.status("lvsd")["kernel"]["sync"]["states"] == ["master"], "the sync daemon of an active")
            assert site.status("lvsd")["kernel"]["sync"]["trouble"] == ""
        assert "not permitted" not in site.log()


@needs_root
@pytest.mark.slow
def test_what_may_be_looked_at_belongs_to_the_group_that_may_look(site: Site) -> None:
    group = GROUPS["piranha"]
    for daemon in ("pulse", "lvsd"):
        assert owner(site.run / f"{daemon}.sock") == (0, group, 0o660)
    assert owner(site.state) == (0, group, 0o2750)
    for path in (path for path in site.state.rglob("*") if path.is_file()):
        assert (path.stat().st_gid, path.stat().st_mode & 0o060) == (group, 0o040), path


@needs_root
@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["status"], ["why", "www"], ["events"], ["history"], ["show", "www"], ["diff", "running", "1"], ["plan"]]
)
def test_a_member_of_piranha_may_look(site: Site, words: list[str]) -> None:
    status, out, err = site.say("looker", *words)
    assert status in (0, 1) if words == ["status"] else status == 0, err
    assert out


@needs_root
@pytest.mark.slow
def test_a_member_of_piranha_may_not_act(site: Site) -> None:
    before = site.file.read_bytes()
    changed = str(site.new(weight=9))
    for words in (["apply", changed], ["set", "www/web1", "weight", "9"], ["confirm"], ["rollback", "1"]):
        status, _, err = site.say("looker", *words)
        assert (status, err.count("\n")) == (77, 1), err
        assert "not permitted: acting needs root or the group piranha-admin" in err
    assert site.file.read_bytes() == before


@needs_root
@pytest.mark.slow
def test_a_member_of_piranha_admin_changes_a_file_that_only_the_daemon_may_write(site: Site) -> None:
    status, _, err = site.say("admin", "apply", str(site.new(weight=3)), "--confirm", "600", "--no-wait")
    assert (status, err) == (0, "")
    assert site.say("admin", "confirm")[0] == 0
    assert site.say("admin", "set", "www/web1", "weight", "4")[0] == 0
    assert "weight = 4" in site.file.read_text()
    assert site.say("admin", "rollback")[0] == 0
    assert "weight = 3" in site.file.read_text()
    assert owner(site.file) == (*OWNER, 0o664)
    assert "rollback  admin" in site.say("looker", "history")[1]


@needs_root
@pytest.mark.slow
def test_a_file_that_the_operator_may_not_read_is_not_permitted(site: Site) -> None:
    site.file.chmod(0o600)
    try:
        for words in (["apply"], ["set", "www/web1", "weight", "9"], ["plan"], ["diff", "running", str(site.file)]):
            status, _, err = site.say("admin", *words)
            assert (status, err.count("\n")) == (77, 1), err
            assert "Permission denied" in err
    finally:
        site.file.chmod(0o664)


@needs_root
@pytest.mark.slow
def test_who_is_in_no_group_may_not_even_look(site: Site) -> None:
    for words in (["status"], ["history"], ["apply", str(site.file)], ["plan", str(site.file)]):
        status, _, err = site.say("stranger", *words)
        assert (status, err.count("\n")) == (77, 1), err


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.slow
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "pulse.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/pulse", "/bin/true"))  # it looks for the program
    words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    words = ["systemd-analyze", "security", "--offline=true", "--json=short", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    judged = {one["json_field"]: one["set"] for one in json.loads(done.stdout)}
    assert judged["CapabilityBoundingSet_CAP_SYS_ADMIN"]
    assert judged["CapabilityBoundingSet_CAP_SYS_TIME"]
