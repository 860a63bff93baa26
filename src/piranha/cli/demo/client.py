"""Shell: the demo's client: a steady stream of requests to the VIP, each on a connection of its own."""

import asyncio
import contextlib

from piranha.cli.demo.counts import Counts, Outcome

REQUESTS_PER_S = 50
PATIENCE_S = 1.0
REQUEST = b"GET / HTTP/1.0\r\n\r\n"


async def send_requests(vip: str, port: int, counts: Counts) -> None:
    """Send requests at a steady rate until cancelled, whatever becomes of those before."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    async with asyncio.TaskGroup() as requests:
        while True:
            requests.create_task(_request(vip, port, counts))
            # A client that was kept from running skips what it missed, or it would come in one burst.
            due_s = max(due_s + 1 / REQUESTS_PER_S, loop.time() - 0.2)
            await asyncio.sleep(due_s - loop.time())


async def _request(vip: str, port: int, counts: Counts) -> None:
    start_s = asyncio.get_running_loop().time()
    server, why = "", ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await _exchange(vip, port)
        status, _, rest = answer.partition(b"\r\n")
        server = rest.rpartition(b"\n\r\n")[2].decode("ascii", "replace").strip()
        if b" 200 " not in status or not server:
            server, why = "", "cut short"
    except TimeoutError:
        why = f"no answer in {PATIENCE_S:g} s"
    except ConnectionRefusedError:
        why = "refused"
    except ConnectionError:
        why = "reset"
    except OSError as error:
        why = error.strerror or "cannot connect"
    counts.add(Outcome(start_s, server, why))


async def _exchange(vip: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(vip, port)
    try:
        writer.write(REQUEST)
        return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
