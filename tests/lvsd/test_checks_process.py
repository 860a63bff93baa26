"""What check blocks ask, in the running daemon on the userspace plane: real nannies, real servers."""

import os
import pwd
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.lvsd.running import Lvsd, RealServer, until, virtual
from tests.nanny.servers import answering, serving
from tests.userspace.processes import free_vip

pytestmark = pytest.mark.slow

ME = pwd.getpwuid(os.getuid()).pw_name

SCRIPT = """#!/bin/sh
exit $(cat {status})
"""


def told(lvsd: Lvsd, virtual_name: str, server_name: str) -> dict[str, Any]:
    """What status says of one server."""
    [found] = [
        server
        for one in lvsd.status()["virtuals"]
        if one["name"] == virtual_name
        for server in one["servers"]
        if server["name"] == server_name
    ]
    return dict(found)


def asking(check: str, text: str) -> str:
    """The virtual block with these checks."""
    return text.replace("    scheduler", f"    check = {check}\n    scheduler")


def test_a_program_sets_the_weight_and_a_restart_keeps_it(
    lvsd: Lvsd, servers: list[RealServer], tmp_path: Path
) -> None:
    status, script = tmp_path / "status", tmp_path / "load.sh"
    status.write_text("52")
    script.write_text(SCRIPT.format(status=status))
    script.chmod(0o755)
    www = virtual("www", *[(f"web{n}", one.port, 100) for n, one in enumerate(servers, 1)], vip=str(free_vip()))
    block = f"check load {{\n    kind = program\n    program = {script}\n    weight_from = status\n}}\n"
    lvsd.write(asking("load", www), block, more=f"script_user = {ME}")
    lvsd.start()
    until(lambda: told(lvsd, "www", "web1")["weight"] == 50, "the weight that the program says")
    lvsd.until_logged("program: exit status 52, weight 50")

    edits = lvsd.count("edited in the table")
    lvsd.end(signal.SIGKILL)
    lvsd.start()
    until(lambda: told(lvsd, "www", "web1")["weight_by_check"] == 50, "the first answer after the restart")
    assert (told(lvsd, "www", "web1")["weight"], lvsd.count("edited in the table")) == (50, edits)

    status.write_text("0")
    until(lambda: told(lvsd, "www", "web1")["weight"] == 100, "the weight of the file")
    lvsd.until_logged("weight set by its check")
    status.write_text("2")
    until(lambda: told(lvsd, "www", "web1")["state"] == "drain", "weight 0 by the check")
    until(lambda: lvsd.status()["virtuals"][0]["deserted"], "nobody to serve")


def test_a_word_of_the_body_decides_and_virtual_servers_share_the_check(lvsd: Lvsd) -> None:
    page = [b"ready"]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    def answer(connection: Any) -> None:
        answering(head + b"2\r\nal\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(page[0]), page[0]))(connection)

    with serving(answer) as port:
        blocks = [asking("page", virtual(name, ("web1", port, 1), vip=str(free_vip()))) for name in ("www", "shop")]
        block = "check page {\n    kind = http\n    host = www.example.net\n    expect = already\n}\n"
        blocks[1] = blocks[1].replace("    scheduler", "    fall = 4\n    scheduler")
        page[0] = b"ready"
        lvsd.write(*blocks, block)
        lvsd.start()
        until(lambda: set(lvsd.states().values()) == {"up"}, "both up")
        nannies = lvsd.status()["nannies"]
        assert (nannies["checks"], nannies["asked"]) == (1, 2)
        assert told(lvsd, "www", "web1")["shares_checks_with"] == ["shop/web1"]

        page[0] = b"busy"
        until(lambda: lvsd.states()["www/web1"] == "down", "www/web1 down")
        assert lvsd.states()["shop/web1"] != "down"
        until(lambda: lvsd.states()["shop/web1"] == "down", "shop/web1 down")
        assert told(lvsd, "shop", "web1")["last_check"]["detail"] == "body: no 'already' in 'albusy'"


def test_a_source_that_this_router_does_not_have_takes_nobody_out(lvsd: Lvsd, servers: list[RealServer]) -> None:
    www = virtual("www", ("web1", servers[0].port, 1), vip=str(free_vip()))
    lvsd.write(asking("probe", www), "check probe {\n    kind = tcp\n    source = 127.0.0.9\n}\n")
    lvsd.start()
    lvsd.until_states(web1="up")

    lvsd.write(asking("probe", www), "check probe {\n    kind = tcp\n    source = 198.51.100.77\n}\n", serial=2)
    lvsd.reload()
    until(lambda: told(lvsd, "www", "web1")["last_check"]["reason"] == "error", "a check that could not be made")
    lvsd.until_logged("source: this router could not check: it does not have 198.51.100.77; the last check that could")
    assert (lvsd.states()["www/web1"], told(lvsd, "www", "web1")["weight"]) == ("up", 1)
