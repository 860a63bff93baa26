"""keepalived runs its own file; the plan of the imported file against its live table says: nothing to do.

The inputs are golden files, too: `tests/golden/import/keepalived/lab-*.conf`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from piranha.change.import_keepalived import import_keepalived
from piranha.change.plan import Plan, plan
from piranha.forwarding.ipvs import IpvsPlane
from piranha.lab.build import wait_for
from piranha.lab.namespaces import LabError, Namespace
from piranha.lvscf.config import Config
from piranha.lvscf.load import load
from piranha.table.table import Table

pytestmark = pytest.mark.lab

FOLDER = Path(__file__).parent.parent / "golden" / "import" / "keepalived"
PIRANHA = (sys.executable, "-m", "piranha.cli.main")
LISTENING, DEAD = (21, 22), (23, 24, 25, 31, 32, 33, 34, 35, 99)
# What the table says when keepalived has found out about dead servers, and how often; the other files have none.
SETTLED = {
    "lab-sorry": [("-r 10.11.12.99:", 3), ("-r 10.11.12.2", 1)],
    "lab-inhibit": [("-r 10.11.12.24:80 -m -w 0", 1), ("-r 10.11.12.24:", 1), ("-r 10.11.12.21:", 2)],
}
LISTENER = """
import select, socket, sys
sockets = [socket.create_server((address, port)) for address in sys.argv[1:] for port in (80, 443, 8443)]
while True:
    for one in select.select(sockets, [], [])[0]:
        one.accept()[0].close()  # a queue that is full answers no further check
"""


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """A router with a network of real servers, of which two listen."""
    folder = tmp_path_factory.mktemp("servers")
    router, servers = Namespace.create("router"), Namespace.create("servers")
    for namespace in (router, servers):
        namespace.run(("ip", "link", "set", "lo", "up"))
    router.run(("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", servers.path))
    router.run(("ip", "address", "add", "10.11.12.2/24", "dev", "eth1"))
    router.run(("ip", "link", "set", "eth1", "up"))
    servers.run(("ip", "link", "set", "eth1", "up"))
    for host in (*LISTENING, *DEAD):
        servers.run(("ip", "address", "add", f"10.11.12.{host}/24", "dev", "eth1"))
    addresses = [f"10.11.12.{host}" for host in LISTENING]
    listener = servers.spawn((sys.executable, "-c", LISTENER, *addresses), folder / "log")
    wait_for(lambda: "10.11.12.22:8443" in servers.run(("ss", "-Hltn")), "the real servers listen", 30)
    yield router
    listener.kill()
    listener.wait()
    router.close()
    servers.close()


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("lab-*.conf"))])
def test_the_plan_of_an_imported_file_is_empty_beside_the_running_keepalived(
    router: Namespace, name: str, tmp_path: Path
) -> None:
    source = FOLDER / f"{name}.conf"
    text = import_keepalived([(source.name, source.read_text())], lambda _pattern, _above: []).text
    file = tmp_path / "lvs.cf"
    file.write_text(text)
    config = load(text.encode(), "lvs.cf").config
    assert config is not None
    keepalived = start(router, source, tmp_path)
    try:
        wait_for(lambda: settled(name, router) and empty(config, live(router)), "nothing to do", 40, every_s=0.5)
        before = router.run(("ipvsadm", "-Sn"))
        told = router.run((*PIRANHA, "plan", "--run-dir", str(tmp_path), "--state-dir", str(tmp_path), str(file)))
        assert "othing to do" in told  # and status 0, or `run` raises
        assert router.run(("ipvsadm", "-Sn")) == before
    except LabError as error:
        raise AssertionError(f"{telling(config, router)}\n{(tmp_path / 'log').read_text()}") from error
    finally:
        keepalived.terminate()
        keepalived.wait(20)


def settled(name: str, router: Namespace) -> bool:
    rules = router.run(("ipvsadm", "-Sn"))
    return all(rules.count(text) == times for text, times in SETTLED.get(name, ()))


def start(router: Namespace, source: Path, folder: Path) -> "subprocess.Popen[bytes]":
    pids = [word for flag in "pcr" for word in (f"-{flag}", str(folder / flag))]
    return router.spawn(("keepalived", "-n", "-l", "-C", "-f", str(source), *pids), folder / "log")


def live(router: Namespace) -> Table:
    with router.entered():
        plane = IpvsPlane()
        try:
            return plane.dump()
        finally:
            plane.close()


def planned(config: Config, table: Table) -> Plan:
    return plan(None, config, table)


def empty(config: Config, table: Table) -> bool:
    """Whether nothing is to be done, nothing is left alone, and every virtual server is in the table."""
    made = planned(config, table)
    return made.empty and not made.left_alone and bool(table)


def telling(config: Config, router: Namespace) -> str:
    made = planned(config, live(router))
    with suppress(OSError):
        return "\n".join([*map(str, made.lines), *map(str, made.left_alone), router.run(("ipvsadm", "-Sn"))])
    return ""
