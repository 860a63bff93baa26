"""Shell: `piranha demo`: a whole cluster on loopback, to look at and to break.

It needs no privilege and no IPVS; with --lab it runs on the real IPVS, as root. On a terminal it
shows a live picture with keys; otherwise, or with --tour, it plays a scripted tour. Exit status 0:
ended by `q`, or the tour found everything as it must be; 1: it did not, or the demo cannot run
here; 128 + N: ended by signal N.
"""

import asyncio
import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from piranha.cli.demo.counts import Counts
from piranha.cli.demo.guard import HANDED_ON, run_guarded
from piranha.cli.demo.lab import LabStage
from piranha.cli.demo.picture import Picture
from piranha.cli.demo.stage import CannotPlay, Stage, find_site
from piranha.cli.demo.terminal import LiveShow
from piranha.cli.demo.tour import Tour
from piranha.cli.demo.watch import Watch
from piranha.cli.options import Parser
from piranha.text import printable

LOG_LINES = 12


def main(argv: Sequence[str]) -> int:
    """Run the demo; see the module's text for the exit status."""
    parser = Parser(prog="piranha demo", description="A whole cluster on this machine, to look at and to break.")
    parser.add_argument("--tour", action="store_true", help="play the scripted tour on a terminal too")
    parser.add_argument("--lab", action="store_true", help="on the real IPVS, in network namespaces; needs root")
    options = parser.parse_args(argv)
    live = not options.tour and _on_terminal()
    return run_guarded(lambda folder: _show(folder, live, options.lab))


def _on_terminal() -> bool:
    return os.isatty(0) and os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb"


def _show(folder: Path, live: bool, lab: bool) -> int:
    try:
        return asyncio.run(_play(folder, live, lab))
    except asyncio.CancelledError:
        return 1  # the guard knows the signal
    except CannotPlay as error:
        print(f"piranha demo: {error}", file=sys.stderr)
        return 1


async def _play(folder: Path, live: bool, lab: bool) -> int:
    _end_on_signals()
    stage = LabStage(folder) if lab else Stage(folder, find_site())
    picture, counts = Picture(stage.cast, stage.vip), Counts()
    background = {asyncio.create_task(Watch(picture, stage.run_dirs, stage.holding).run())}

    def start_client() -> None:
        background.add(asyncio.create_task(stage.send_requests(counts)))

    try:
        if live:
            await LiveShow(stage, picture, counts, start_client).run()
            return 0
        good = await Tour(stage.introduction, stage, picture, counts, start_client, _say).run()
        if not good:
            _show_logs(stage.logs())
        return 0 if good else 1
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EIO, errno.EBADF):
            return 1  # the terminal or the reader of our output is gone: nobody to tell
        raise CannotPlay(f"{error.strerror or error}") from error
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await stage.stop()
        # The handlers end with the loop, the clean-up goes on after it.
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)


def _say(line: str) -> None:
    print(printable(line), flush=True)


def _end_on_signals() -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def end() -> None:
        # Once: what follows is the clean-up, which must not be cut short.
        for number in HANDED_ON:
            loop.add_signal_handler(number, time.monotonic)
        if task is not None:
            task.cancel()

    for number in HANDED_ON:
        loop.add_signal_handler(number, end)


def _show_logs(logs: Sequence[Path]) -> None:
    """Print the last lines that the routers wrote, for whoever looks into what went wrong."""
    for path in logs:
        with contextlib.suppress(OSError):
            lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:]
            print(f"\nlast lines of {path.stem}:", *map(printable, lines), sep="\n  ", file=sys.stderr)
