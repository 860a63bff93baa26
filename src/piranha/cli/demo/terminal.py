"""Shell: the demo on a terminal: draw the picture a few times a second, do what the keys say."""

import asyncio
import contextlib
import os
import sys
import termios
import time
from collections.abc import Awaitable, Callable, Iterator

from piranha.cli.demo.cast import Theatre
from piranha.cli.demo.counts import Counts
from piranha.cli.demo.picture import Happening, Picture
from piranha.cli.demo.screen import Scene, render
from piranha.control.client import NoAnswer
from piranha.control.messages import Refused

DRAW_EVERY_S = 0.2
ENTER = "\x1b[?1049h\x1b[?25l"  # alternate screen, no cursor
LEAVE = "\x1b[?25h\x1b[?1049l"


class LiveShow:
    """The picture and its keys, until `q`."""

    def __init__(self, theatre: Theatre, picture: Picture, counts: Counts, start_client: Callable[[], None]) -> None:
        self._theatre, self._picture, self._counts = theatre, picture, counts
        self._start_client: Callable[[], None] | None = start_client
        self._start_s = time.monotonic()
        self._notice = "starting both routers in the same instant"
        self._ended: set[str] = set()
        self._quit = asyncio.Event()
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._acts: dict[str, Callable[[], Awaitable[str]]] = {
            "k": self._kill_pulse,
            "f": self._freeze_pulse,
            "s": self._switch_over,
        }

    async def run(self) -> None:
        """Start everything, draw until `q`. Raises OSError when the terminal is gone."""
        for name in self._theatre.cast.servers:
            self._theatre.start_server(name)
        for name in self._theatre.cast.routers:
            self._theatre.start_pulse(name)
        with _raw_terminal():
            asyncio.get_running_loop().add_reader(0, self._read)
            keys = asyncio.create_task(self._obey())
            try:
                while not self._quit.is_set():
                    self._draw()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._quit.wait(), DRAW_EVERY_S)
            finally:
                keys.cancel()
                asyncio.get_running_loop().remove_reader(0)

    def _read(self) -> None:
        try:
            typed = os.read(0, 64)
        except OSError:
            typed = b""
        if not typed:
            self._quit.set()
        for letter in typed.decode("ascii", "replace").lower():
            if letter == "q":
                self._quit.set()
            else:
                self._keys.put_nowait(letter)

    async def _obey(self) -> None:
        while True:
            letter = await self._keys.get()
            servers = self._theatre.cast.servers
            if letter.isdigit() and 1 <= int(letter) <= len(servers):
                self._note(self._toggle_server(servers[int(letter) - 1]))
            elif letter in self._acts:
                self._note(await self._acts[letter]())

    def _note(self, words: str) -> None:
        self._notice = words
        self._picture.story.append(Happening(time.monotonic(), "you", "", "", words))

    def _toggle_server(self, name: str) -> str:
        if self._theatre.server_runs(name):
            self._theatre.kill_server(name)
            return f"SIGKILL to {name}"
        self._theatre.start_server(name)
        return f"start {name}"

    def _in_state(self, *states: str) -> list[str]:
        return [name for name in self._theatre.cast.routers if self._theatre.pulse_state(name) in states]

    def _target(self) -> str | None:
        """Return whose pulse to break: the active router's, else any that runs."""
        running = self._in_state("runs")
        active = self._picture.active(time.monotonic())
        return active if active in running else next(iter(running), None)

    async def _kill_pulse(self) -> str:
        alive = self._in_state("runs", "frozen")
        for dead in self._theatre.cast.routers:
            if dead not in alive:
                self._theatre.start_pulse(dead)
                return f"start pulse on {dead}"
        name = self._target()
        if name is None:
            return "no pulse runs: press f to let the frozen one go on"
        self._theatre.kill_pulse(name)
        return f"SIGKILL to pulse on {name}; k starts it again"

    async def _freeze_pulse(self) -> str:
        for frozen in self._in_state("frozen"):
            self._theatre.thaw_pulse(frozen)
            return f"SIGCONT to pulse on {frozen}"
        name = self._target()
        if name is None:
            return "no pulse runs: press k to start one"
        self._theatre.freeze_pulse(name)
        return f"SIGSTOP to pulse on {name}; f lets it go on"

    async def _switch_over(self) -> str:
        name = self._picture.active(time.monotonic())
        if name is None:
            return "nobody is active: nothing to switch over"
        try:
            await self._theatre.switch_over(name)
        except (NoAnswer, Refused) as error:
            return f"{name} does not switch over: {error}"
        return f"asked {name} to switch over"

    def _tell_ends(self, ended: set[str]) -> None:
        """Say once why a pulse ended that nobody killed."""
        for name in ended - self._ended:
            self._note(f"pulse on {name} {self._theatre.pulse_state(name)}: {self._theatre.last_words(name)}")
        self._ended = ended

    def _draw(self) -> None:
        now = time.monotonic()
        # What it asked before there was a VIP would only blur the count of failures.
        if self._start_client is not None and any(router.listening for router in self._picture.routers.values()):
            self._start_client()
            self._start_client = None
        processes = {name: self._theatre.pulse_state(name) for name in self._theatre.cast.routers}
        self._tell_ends({name for name, state in processes.items() if state.startswith("ended")})
        scene = Scene(
            picture=self._picture,
            counts=self._counts,
            processes=processes,
            start_s=self._start_s,
            now=now,
            notice=self._notice,
        )
        size = os.get_terminal_size(1)
        lines = render(scene, size.columns, size.lines, colour="NO_COLOR" not in os.environ)
        sys.stdout.write("\x1b[H" + "\n".join(line + "\x1b[K" for line in lines) + "\x1b[J")
        sys.stdout.flush()


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Keys at once and without echo; Ctrl-C stays a signal, Ctrl-Z and Ctrl-S do nothing."""
    before = termios.tcgetattr(0)
    raw = termios.tcgetattr(0)
    raw[0] &= ~termios.IXON
    raw[3] &= ~(termios.ICANON | termios.ECHO)
    # The daemons have sessions of their own: a suspended demo would leave them running unseen.
    raw[6][termios.VSUSP] = b"\0"
    termios.tcsetattr(0, termios.TCSADRAIN, raw)
    try:
        sys.stdout.write(ENTER)
        sys.stdout.flush()
        yield
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.write(LEAVE)
            sys.stdout.flush()
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSANOW, before)
