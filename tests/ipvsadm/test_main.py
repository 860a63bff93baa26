"""The program as it is started: what works without IPVS, and what it must not load."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from piranha import __version__
from piranha.cli.ipvsadm.main import main
from piranha.cli.ipvsadm.usage import OPTIONS

SOURCE = Path(__file__).resolve().parents[2] / "src"


def test_help_needs_no_kernel_and_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/usr/sbin/ipvsadm", "-h"]) == 0

    text = capsys.readouterr().out
    assert text.startswith(f"ipvsadm v1.31 (piranha {__version__}, IPVS v1.2.1)\nUsage:\n  ipvsadm -A|-E")
    assert [name for name in OPTIONS.long if f"--{name}" not in text and name not in HIDDEN] == []


# One letter says them in the synopsis, or they change nothing.
HIDDEN = {"sort", "help", "version"}


def test_the_version_needs_no_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ipvsadm", "--version"]) == 0
    assert capsys.readouterr().out.startswith("ipvsadm v1.31 ")


@pytest.mark.slow
def test_a_closed_standard_input_hurts_only_who_reads_it() -> None:
    program = "import sys; sys.argv = ['ipvsadm', '-v']; from piranha.cli.ipvsadm.entry import main; main()"
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -S -c "$1" <&-', sys.executable, program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_what_cannot_be_written_is_one_clear_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [
                sys.executable,
                "-S",
                "-c",
                "import sys; sys.argv = ['ipvsadm', '-h']; from piranha.cli.ipvsadm.entry import main; main()",
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            check=False,
        )

    assert (done.returncode, done.stderr) == (1, "ipvsadm: standard output: No space left on device\n")


# What a start may cost: each of these takes longer to load than a whole `ipvsadm -a` should.
HEAVY = set(
    "argparse ast asyncio concurrent ctypes dataclasses decimal dis email hashlib http inspect json locale "
    "logging multiprocessing pathlib pickle random selectors shutil socket sqlite3 ssl subprocess tempfile "
    "threading traceback urllib uuid".split()
)

NOT_FOR_A_LISTING = ("as_json", "differences", "facts", "rehearse", "rehearsal", "session")


@pytest.mark.slow
def test_a_listing_loads_what_it_shows_and_little_else() -> None:
    loaded = loaded_by("piranha.cli.ipvsadm.main")
    ours = {name.split(".")[1] for name in loaded if name.startswith("piranha.")}

    assert not loaded & HEAVY
    assert not loaded & {"collections", "enum", "functools", "ipaddress", "operator", "os", "re", "typing"}
    assert ours == {"cli", "dataclass", "errors", "kernel", "output", "table"}
    assert not [name for name in loaded if name.startswith("piranha.cli.") and ".ipvsadm" not in name]
    assert len(loaded) < 32  # 28 with Python 3.11


@pytest.mark.slow
def test_other_commands_load_what_they_need_and_little_else() -> None:
    loaded = loaded_by("piranha.cli.ipvsadm.commands")

    assert not loaded & HEAVY
    assert not loaded & {"piranha.table.rules", *(f"piranha.cli.ipvsadm.{name}" for name in NOT_FOR_A_LISTING)}
    assert len(loaded) < 90  # 80 with Python 3.11


def loaded_by(module: str) -> set[str]:
    """The modules that a fresh interpreter has more when it has imported this one."""
    program = f"import sys; had = set(sys.modules); import {module}; print(*set(sys.modules) - had)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        check=True,
    )
    return set(done.stdout.split())
