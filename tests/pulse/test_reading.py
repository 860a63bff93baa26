"""Key files, kept state, and the helper that reads without delaying heartbeats."""

import asyncio
import os
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.lvscf.config import Config, HeartbeatAuth, HeartbeatSettings, Router
from piranha.pulse.actions import Resume
from piranha.pulse.forked import Forked, ForkedGone
from piranha.pulse.reading import KeyFileError, keys_for, read, read_keys
from piranha.pulse.state import FILE, keep, read_kept
from piranha.terms import Address

SECRET = "0123456789abcdef" * 4
HERE: Address = ip_address("192.0.2.2")


def key_file(folder: Path, text: str = f"k1 {SECRET}\n", mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return path


def files(folder: Path) -> StateFiles:
    return StateFiles(folder, folder / "run")


def pair(auth: HeartbeatAuth = HeartbeatAuth.REQUIRED) -> Config:
    settings = HeartbeatSettings(auth=auth)
    return Config(primary=Router(public=HERE), backup=Router(public=HERE), backup_active=True, heartbeat=settings)


def test_a_key_file_of_mode_600_is_read(tmp_path: Path) -> None:
    assert read_keys(key_file(tmp_path)).keys[0].name == "k1"


@pytest.mark.parametrize("mode", [0o604, 0o606, 0o620])
def test_a_key_file_that_others_can_read_or_change_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, mode=mode)
    with pytest.raises(KeyFileError, match=rf"others can read or change it \(mode {mode:03o}\): chmod 600"):
        read_keys(path)


def test_a_missing_key_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"piranha keygen"):
        read_keys(tmp_path / "key")


def test_a_mistake_in_a_key_file_has_a_line_and_never_shows_the_secret(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError) as refused:
        read_keys(key_file(tmp_path, f"k1 {SECRET}\nk2 {SECRET}zz\n"))
    assert f"{tmp_path}/key:2: " in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_key_file_that_is_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(KeyFileError, match="not a regular file"):
        read_keys(tmp_path / "key")


def test_a_key_file_that_is_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=f"heartbeat_key_file {tmp_path}: a directory; it must name the file itself"):
        read_keys(tmp_path)


def test_a_pair_without_a_key_file_does_not_start_and_says_how_to_make_one() -> None:
    with pytest.raises(KeyFileError, match=r"piranha keygen FILE.*heartbeat_auth = none"):
        keys_for(pair())


def test_a_pair_that_says_so_goes_without(tmp_path: Path) -> None:
    assert keys_for(pair(auth=HeartbeatAuth.NONE)).keys == ()


def test_a_lone_router_needs_no_key() -> None:
    assert keys_for(Config(primary=Router(public=HERE))).keys == ()


def test_a_file_that_cannot_be_read_is_an_answer(tmp_path: Path) -> None:
    found = read(tmp_path / "lvs.cf")

    assert found.config is None
    assert found.problems == (f"{tmp_path}/lvs.cf: No such file or directory",)


def test_what_one_pulse_leaves_is_read_by_the_next(tmp_path: Path) -> None:
    keep(files(tmp_path), 7, Resume(term=7, until_s=123.5))

    kept = read_kept(files(tmp_path))
    assert (kept.term, kept.ran_since_boot) == (7, True)
    assert kept.resume == Resume(term=7, until_s=123.5)


def test_after_a_boot_the_term_counts_and_a_prepared_restart_does_not(tmp_path: Path) -> None:
    keep(files(tmp_path), 7, Resume(term=7, until_s=123.5))
    path = tmp_path / FILE
    path.write_text(path.read_text().replace('"boot": "', '"boot": "another-'))

    kept = read_kept(files(tmp_path))
    assert (kept.term, kept.ran_since_boot, kept.resume) == (7, False, None)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 10_000, '{"term": "x", "boot": ""}', '{"term": 1e999}'])
def test_damaged_state_is_no_obstacle(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)

    assert read_kept(files(tmp_path)).term == 0


def slowly(number: int) -> int:
    time.sleep(0.1)
    return number * 2


def unkindly(number: int) -> int:
    if number == 1:
        raise PiranhaError("no")
    if number == 2:
        os._exit(3)
    return number


def test_a_helper_answers_in_order_while_the_loop_turns() -> None:
    helper: Forked[int, int] = Forked("doubling", slowly)
    turns = 0

    async def ask() -> tuple[int, int]:
        nonlocal turns
        asked = asyncio.gather(helper.ask(1), helper.ask(2))
        while not asked.done():
            turns += 1
            await asyncio.sleep(0.005)
        first, second = await asked
        return first, second

    assert asyncio.run(ask()) == (2, 4)
    assert turns > 10
    helper.close()


def test_what_a_helper_raises_is_raised_to_the_asker_and_its_death_too() -> None:
    helper: Forked[int, int] = Forked("being unkind", unkindly)

    async def ask() -> None:
        with pytest.raises(PiranhaError, match="no"):
            await helper.ask(1)
        assert await helper.ask(5) == 5
        with pytest.raises(ForkedGone, match="being unkind has ended"):
            await helper.ask(2)
        with pytest.raises(ForkedGone):
            await helper.ask(3)

    asyncio.run(asyncio.wait_for(ask(), 5))
    helper.close()
