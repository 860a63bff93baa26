"""Shell: whatever happens to the show, nothing stays behind.

The show runs in a child; the parent waits, hands signals on, and when the child has ended (in
whatever way) ends every process below it, removes the folder and gives the terminal back. If
the parent dies, the child is told and does the same. The folder is named before the fork but made
after it, by the child that already knows how to end: no moment leaves it to nobody.
"""

import contextlib
import os
import secrets
import shutil
import signal
import sys
import termios
import traceback
from collections.abc import Callable
from pathlib import Path

from piranha.cli.demo.family import become_subreaper, end_all, end_with_parent

PATIENCE_S = 8.0  # for the show to end in good order once told
KILL_AFTER_S = 1.0
LONGEST_TEMPORARY = 40
HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_guarded(show: Callable[[Path], int], kill_after_s: float = KILL_AFTER_S) -> int:
    """Run `show` in a child with an empty folder of its own; return its exit status, 128 + N if signal N ended it.

    kill_after_s: how long what the show left behind has between SIGTERM and SIGKILL.
    """
    before = _terminal()
    folder = _temporary() / f"piranha-demo-{secrets.token_hex(8)}"
    try:
        become_subreaper()
        return _guard(show, folder, kill_after_s)
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
        end_all(kill_after_s)
        shutil.rmtree(folder, ignore_errors=True)
        _give_back(before)


def _guard(show: Callable[[Path], int], folder: Path, kill_after_s: float) -> int:
    told: list[int] = []
    child = 0

    def hand_on(number: int, _frame: object) -> None:
        impatient = number == signal.SIGINT and number in told
        told.append(number)
        if child:
            os.kill(child, signal.SIGKILL if impatient else signal.SIGTERM)
        # A show that does not end is ended.
        if len(told) == 1:
            signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)

    def lose_patience(_number: int, _frame: object) -> None:
        if child:
            os.kill(child, signal.SIGKILL)

    for number in HANDED_ON:
        signal.signal(number, hand_on)
    signal.signal(signal.SIGALRM, lose_patience)
    own = os.getpid()
    child = os.fork()
    if child == 0:
        _be_the_show(show, folder, own, kill_after_s)
    if told:
        os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    reaped, child = child, 0
    signal.setitimer(signal.ITIMER_REAL, 0)
    if told:
        return 128 + told[0]
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        print(f"piranha demo: process {reaped} was ended by signal {-code}", file=sys.stderr)
        return 128 - code
    return code


def _be_the_show(show: Callable[[Path], int], folder: Path, parent: int, kill_after_s: float) -> None:
    """Run `show` and leave the process: nothing of the parent's stack may run in the child."""
    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for number in HANDED_ON:
            signal.signal(number, _leave)
        become_subreaper()
        end_with_parent(parent)
        folder.mkdir(mode=0o700)
        code = show(folder)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else code
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        print(f"piranha demo: this is a defect, please report it: {error!r} at {where}", file=sys.stderr)
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
        with contextlib.suppress(BaseException):
            end_all(kill_after_s)
            shutil.rmtree(folder, ignore_errors=True)
            sys.stdout.flush()
        os._exit(code)


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def _temporary() -> Path:
    """Return where to make the folder: not where the names of sockets in it become too long (107 bytes, unix(7)).

    Not tempfile.gettempdir, which tries a folder by a file that stays when we are killed just then.
    """
    for name in filter(None, map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))):
        place = Path(name).absolute()
        if len(str(place)) <= LONGEST_TEMPORARY and place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            return place
    return Path("/tmp")  # noqa: S108 -- nobody can guess the folder's name


def _terminal() -> list[object] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def _give_back(before: list[object] | None) -> None:
    if before is not None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSANOW, before)  # type: ignore[arg-type]  # typeshed: tcgetattr gives more than tcsetattr takes
