"""A lone router with exactly the rights of the systemd unit, and users of an own /etc/passwd and /etc/group.

Needs root: the files are put over those of the machine in a mount namespace that ends with the daemon.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.lvsd.running import LIMIT_S, SOURCE, RealServer, until

from piranha.control.client import NoAnswer, ask
from piranha.forwarding.userspace import client

UNIT = Path(__file__).parents[2] / "packaging" / "pulse.service"
GROUPS = {"piranha": 64990, "piranha-admin": 64991}
USERS = {"piranha": 64990, "looker": 64992, "admin": 64993, "stranger": 64994}
MEMBERS = {"piranha": ("looker", "admin"), "piranha-admin": ("admin",)}
OWNER = (64995, 64996)
"""Of lvs.cf: neither root nor any of the users."""

_ENTER = """set -e
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
shift
exec "$@"
"""
ENTER = ("unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh")

FILE = """serial_no = {serial}
primary = 127.0.0.2
backup_active = 0
heartbeat_port = 15399
forwarding_plane = {plane}
{kernel}
virtual www {{
    active = 1
    address = 127.0.75.10 lo
    port = 8080
    timeout = 1
    server web1 {{ active = 1; address = 127.0.0.1; port = {port}; weight = {weight} }}
}}
"""


KERNEL = "vs_conntrack = 1\nip_forward = 1\nsyncdaemon = 1\nsyncd_iface = lo"
"""What lvsd does to the kernel beside its table."""


def unit_rights() -> list[str]:
    """The bounding set of the unit: `net_admin`, …"""
    [line] = [one for one in UNIT.read_text().splitlines() if one.startswith("CapabilityBoundingSet=")]
    return [name.lower() for name in re.findall(r"CAP_(\w+)", line)]


class Site:
    """One router. rights: what its daemons may do, those of the unit unless a test takes some away."""

    def __init__(self, plane: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="piranha-site-"))
        self.folder.chmod(0o755)
        self.run, self.state = self.folder / "run", self.folder / "state"
        self.server, self._plane = RealServer(), plane
        self.state.mkdir(mode=0o750)  # as systemd makes it
        self.etc = self.folder / "etc"
        self.etc.mkdir()
        self.file = self.etc / "lvs.cf"
        self.write(self.file, serial=1)
        self.file.chmod(0o664)
        for path in (self.file, self.etc):
            os.chown(path, *OWNER)
        for name, lines in (("passwd", _passwd()), ("group", _group())):
            (self.folder / name).write_text(Path("/etc", name).read_text() + "".join(lines))
        self._log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, path: Path, *, serial: int, weight: int = 2) -> None:
        facts = {"serial": serial, "plane": self._plane, "port": self.server.port, "weight": weight}
        path.write_text(FILE.format(kernel=KERNEL if self._plane == "ipvs" else "", **facts))

    def new(self, *, weight: int) -> Path:
        """Another file, which everybody may read, with another weight of the server."""
        path = self.folder / "new.cf"
        self.write(path, serial=2, weight=weight)
        path.chmod(0o644)
        return path

    def start(self, rights: list[str]) -> None:
        """Start `pulse` as the unit does and wait until the server is up."""
        may = ",".join(["-all", *(f"+{name}" for name in rights)])
        pulse = [sys.executable, "-m", "piranha.pulse.main", "-n", "-c", str(self.file), "--node", "primary"]
        folders = ["--run-dir", str(self.run), "--state-dir", str(self.state)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*ENTER, str(self.folder), "setpriv", f"--bounding-set={may}", "--inh-caps=-all", *pulse, *folders],
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: self.states() == ["up"], "a server that is up", LIMIT_S * 2)

    def status(self, daemon: str) -> dict[str, Any]:
        with suppress(NoAnswer):
            return ask(self.run / f"{daemon}.sock", "status")
        return {}

    def states(self) -> list[str]:
        return [one["state"] for virtual in self.status("lvsd").get("virtuals", ()) for one in virtual["servers"]]

    def say(self, user: str, *words: str) -> tuple[int, str, str]:
        """Run the command as a user; return exit status, stdout, stderr."""
        groups = [str(GROUPS[group]) for group, members in MEMBERS.items() if user in members]
        uid = str(USERS[user])
        groups_of = [f"--groups={','.join(groups)}"] if groups else ["--clear-groups"]
        identity = [f"--reuid={uid}", f"--regid={uid}", *groups_of]
        where = ["--run-dir", str(self.run), "--state-dir", str(self.state)]
        piranha = [sys.executable, "-m", "piranha.cli.main"]
        done = subprocess.run(
            ["setpriv", *identity, "--bounding-set=-all", "--inh-caps=-all", *piranha, *words, *where],
            env={**os.environ, "PYTHONPATH": str(SOURCE), "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S * 2,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def log(self) -> str:
        return self._log.read_text()

    def end(self) -> int:
        """End `pulse` and all that it started; return its exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def clean_up(self) -> None:
        """End what a failed test has left, `lvsd` and its nannies with it."""
        if self.process is not None and self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.end()
            self.process.wait()
        client.stop(self.run / client.SOCKET_NAME)
        self.server.stop()
        shutil.rmtree(self.folder)


def _passwd() -> list[str]:
    return [f"{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin\n" for name, uid in USERS.items()]


def _group() -> list[str]:
    own = [f"{name}:x:{uid}:\n" for name, uid in USERS.items() if name not in GROUPS]
    return own + [f"{name}:x:{gid}:{','.join(MEMBERS[name])}\n" for name, gid in GROUPS.items()]
