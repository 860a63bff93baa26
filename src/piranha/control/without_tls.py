"""Shell: the event loop without TLS, for daemons that never speak it.

Loading OpenSSL is a tenth of all that a daemon loads before its table or its first heartbeat.
"""

import sys


def load_loop() -> None:
    """Load asyncio as where Python has no `ssl`: its transports cannot speak TLS in this process.

    `import ssl` works afterwards as ever. Does nothing where one of both is loaded already.
    """
    modules: dict[str, object] = vars(sys)["modules"]
    if "ssl" in modules:
        return
    modules["ssl"] = None  # what the import system takes for: there is none
    try:
        import asyncio  # noqa: F401, PLC0415
    finally:
        del modules["ssl"]
