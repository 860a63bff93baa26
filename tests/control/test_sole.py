"""One daemon of a kind a network namespace: the second one is told, nobody without rights can keep the first away."""

import os
import secrets
import socket
import subprocess
import sys

import pytest

from piranha.control.daemon import AlreadyRunning
from piranha.control.sole import Sole


@pytest.fixture
def name() -> str:
    return f"test-{secrets.token_hex(8)}"


def test_the_second_one_is_told_who_the_first_is(name: str) -> None:
    first = Sole(name)
    with pytest.raises(AlreadyRunning, match=rf"another {name} runs in this network namespace.*process {os.getpid()}$"):
        Sole(name)
    first.close()


def test_what_the_first_one_forked_is_told_after_it_claims_anew(name: str) -> None:
    first = Sole(name)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        first.claim()
        os.write(writing, b"1")
        os.read(reading, 1)  # until the test kills it
        os._exit(0)
    os.close(writing)
    try:
        os.read(reading, 1)
        with pytest.raises(AlreadyRunning, match=f"process {child}$"):
            Sole(name)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        first.close()


@pytest.mark.slow
def test_the_death_of_the_first_frees_the_name(name: str) -> None:
    program = f"from piranha.control.sole import Sole; Sole({name!r}); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None and first.stdout.readline() == b"held\n"
        first.kill()
    Sole(name).close()


def test_who_has_the_name_and_does_not_listen_keeps_nobody_away(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as squatter:
        squatter.bind(f"\0piranha-{name}")
        sole = Sole(name)
    assert "somebody who does not answer has the socket" in sole.note
    sole.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_without_rights_keeps_nobody_away(name: str) -> None:
    program = f"""
import os, socket
os.setuid(65534)
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as squatter:
    squatter.bind(chr(0) + 'piranha-{name}')
    squatter.listen()
    print('held', flush=True)
    input()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as squatter:
        assert squatter.stdout is not None and squatter.stdout.readline() == b"held\n"
        sole = Sole(name)
        assert f"uid 65534, process {squatter.pid} has the socket" in sole.note
        sole.close()
        squatter.kill()
