"""What the programs of this package load at their start: counted in modules, since time depends on the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


@pytest.mark.slow
@pytest.mark.parametrize("program", ["piranha.nanny.main", "piranha.nanny.parent"])
def test_starting_loads_nothing_heavy(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys, {program}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        check=True,
    )
    loaded = set(done.stdout.split())

    assert not loaded & {"argparse", "asyncio", "logging", "pathlib", "ssl", "subprocess", "threading"}
    assert not [name for name in loaded if name.startswith(("piranha.lvsd", "piranha.kernel"))]
