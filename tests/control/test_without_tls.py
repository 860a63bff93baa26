"""The loop of a daemon that never speaks TLS; tried in processes of their own, where nothing is loaded yet."""

import subprocess
import sys

import pytest

LOAD = "import sys; from piranha.control.without_tls import load_loop; load_loop(); import asyncio; "


def told_by(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_the_loop_serves_and_works_in_threads_and_openssl_is_not_loaded() -> None:
    serving = (
        "async def main():\n"
        "    server = await asyncio.start_server(lambda reader, writer: writer.close(), '127.0.0.1', 0)\n"
        "    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())\n"
        "    writer.close(); server.close()\n"
        "    print(await reader.read(), await asyncio.to_thread(int, 7), 'ssl' in sys.modules, '_ssl' in sys.modules)\n"
        "asyncio.run(main())"
    )
    assert told_by(f"{LOAD}\n{serving}") == "b'' 7 False False"


@pytest.mark.slow
def test_who_needs_tls_afterwards_loads_it_as_ever() -> None:
    assert told_by(f"{LOAD} import ssl; print(ssl.create_default_context().check_hostname)") == "True"


@pytest.mark.slow
def test_where_tls_is_loaded_already_nothing_changes() -> None:
    assert told_by(f"import ssl; {LOAD} print(sys.modules['ssl'] is ssl, asyncio.sslproto.ssl is ssl)") == "True True"
