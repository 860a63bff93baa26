"""Bad input: one clear finding in bounded memory, whoever reads it; what runs goes on as it is."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lvscf.bad_input import BAD, GOOD, MIB, Bad
from tests.lvsd.running import SOURCE, Lvsd, RealServer, until, virtual
from tests.userspace.processes import free_vip

from piranha.cli import check
from piranha.cli.ending import NOT_PERMITTED
from piranha.control.state_files import StateFiles
from piranha.forwarding.userspace import client
from piranha.lvscf.read import ReadError, read_and_load, read_bytes
from piranha.lvsd.source import Source
from piranha.pulse import reading

every_kind = pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
AT_THE_LIMITS = {"words without end", *(name for name in BAD if name.startswith("10,000 "))}
MEMORY = 1024 * MIB  # bytes; lvs.cf(5) states it
MOST_LINES = 1000  # of findings of three codes, 100 of each


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Not root, to whom no file is closed."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def laid(bad: Bad, folder: Path) -> Path:
    path = folder / "lvs.cf"
    bad.make(path)
    return path


@pytest.mark.parametrize(
    "bad",
    [pytest.param(bad, id=name, marks=[pytest.mark.slow] * (name in AT_THE_LIMITS)) for name, bad in BAD.items()],
)
def test_everybody_who_reads_the_file_says_the_same_in_few_lines(
    bad: Bad, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    path = laid(bad, tmp_path)
    unreadable = 2
    if bad is BAD["no permission"]:
        request.getfixturevalue("unprivileged")
        unreadable = NOT_PERMITTED
    status = check.main([str(path)])
    told = capsys.readouterr()
    assert status == (1 if bad.is_finding else unreadable)
    assert f"[{bad.told}]" in told.err if bad.is_finding else told.err == f"piranha: {path}: {bad.told}\n"
    assert len(told.err.splitlines()) < MOST_LINES
    pulse = reading.read(path)
    _, lvsd = Source(StateFiles(tmp_path, tmp_path), path).read()
    assert pulse.config is None
    assert list(pulse.problems) == lvsd
    assert any(bad.told in problem for problem in lvsd)


def test_of_many_findings_of_one_code_the_first_hundred_are_told_and_how_many_more_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lvs.cf"
    path.write_text("".join(f"keyword{number} = 1\n" for number in range(250)) + "serial_no = x\n" + GOOD)
    assert check.main([str(path)]) == 1
    told = capsys.readouterr()
    assert told.err.count("error: unknown keyword") == 100
    assert "lvs.cf:100:1: error: unknown keyword 'keyword99' [E006]" in told.err
    assert told.err.count("and 150 more [E006]\n") == 1
    assert "lvs.cf:251:13: error: integer expected" in told.err
    assert told.out == "lvs.cf: 251 errors\n"
    assert check.main(["--json", str(path)]) == 1
    assert [one["more"] for one in json.loads(capsys.readouterr().out)["findings"] if one["more"]] == [150]


@pytest.mark.parametrize(
    "data",
    [
        GOOD.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        b"# r\xe9partiteur de charge\n" + GOOD.encode(),
        GOOD.rstrip("\n").encode(),
        GOOD.encode() + b"\n\n\n\x0c\n".replace(b"\x0c", b"\t"),
    ],
    ids=["CR LF", "byte order mark", "Latin-1 in a comment", "no last newline", "blank lines at the end"],
)
def test_what_only_looks_bad_is_read(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "lvs.cf"
    path.write_bytes(data)
    config = read_and_load(path).config
    assert config is not None
    assert [(one.name, one.vip.address.compressed, len(one.servers)) for one in config.virtuals] == [
        ("www", "192.0.2.10", 1)
    ]


def test_a_file_that_somebody_is_writing_to_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lvs.cf"
    path.write_bytes(GOOD.encode() + b"#" * MIB)
    ended = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            while not ended.wait(0.0002) and file.tell() < 12 * MIB:
                file.write(b"# one more line\n")

    def refused() -> bool:
        try:
            read_bytes(path)
        except ReadError as error:
            assert str(error) == f"{path}: it changed while it was read; write a new file beside it, then rename that"
            return True
        return False

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(refused, "a read while it is written")
    finally:
        ended.set()
        writer.join()


MEASURE = """
import resource, sys
from piranha.lvscf.read import read_and_load
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + int(sys.argv[2]),) * 2)
read_and_load(sys.argv[1]).render()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        "virtual abcdef {\n" * 930_000,
        ("virtual a {" + ";" * 65_000 + "\n") * 30,
        "virtual a {\nactive = 1\naddress = 192.0.2.1\n" + "server a {\naddress = 192.0.2.3\nactive = 1\n}\n" * 240_000,
    ],
    ids=["blocks", "semicolons", "servers"],
)
def test_no_file_takes_more_memory_than_the_manual_says(content: str, tmp_path: Path) -> None:
    path = tmp_path / "lvs.cf"
    path.write_text(content)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), str(MEMORY)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def lvsd(tmp_path: Path) -> Iterator[Lvsd]:
    server, made = RealServer(), Lvsd(tmp_path, "userspace")
    made.write(virtual("www", ("web1", server.port, 1), vip=str(free_vip())))
    yield made
    made.clean_up()
    client.stop(made.run / client.SOCKET_NAME)
    server.stop()


@pytest.mark.slow
def test_after_sighup_with_any_of_them_the_service_and_the_accepted_file_are_as_before(lvsd: Lvsd) -> None:
    lvsd.start()
    lvsd.until_states(web1="up")
    accepted = lvsd.run / "state" / "accepted.cf"
    before, generation = accepted.read_bytes(), lvsd.status()["generation"]
    for name, bad in BAD.items():
        if name == "no permission" and not os.geteuid():
            continue
        lvsd.file.rmdir() if lvsd.file.is_dir() else lvsd.file.unlink(missing_ok=True)
        bad.make(lvsd.file)
        lvsd.reload(limit_s=120)  # two million words take eight seconds of a processor that is not busy
        status = lvsd.status()
        assert any(bad.told in problem for problem in status["refused_file"]["findings"]), name
        assert (status["generation"], status["table_equal"], accepted.read_bytes()) == (generation, True, before), name
        assert lvsd.states() == {"www/web1": "up"}
    assert lvsd.end(signal.SIGTERM) == 0


@pytest.mark.slow
@every_kind
def test_no_daemon_starts_with_any_of_them(bad: Bad, tmp_path: Path) -> None:
    path = laid(bad, tmp_path)
    if bad is BAD["no permission"] and not os.geteuid():
        pytest.skip("no file is closed to root")
    for daemon in ("lvsd", "pulse"):
        done = subprocess.run(
            [sys.executable, "-m", f"piranha.{daemon}.main", "-n", "-c", str(path), "--run-dir", str(tmp_path / "run")],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 1
        assert bad.told in done.stderr
        assert done.stderr.splitlines()[-1].startswith(f"{daemon}: ")
        assert not [*tmp_path.rglob("accepted.*"), *tmp_path.rglob("*.sock")], "nothing was begun"
