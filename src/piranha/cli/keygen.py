"""Shell: `piranha keygen FILE`: make the secret that both routers sign heartbeats with.

Exit status 0: written; 1: refused (the file exists, is no regular file, or cannot be written); 64: wrong usage.
"""

import os
import secrets
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from piranha.cli.options import Parser
from piranha.errors import PiranhaError
from piranha.pulse.keys import MAX_KEYS, KeyRing, format_key, parse_keys
from piranha.text import printable

SECRET_BYTES = 32
DEFAULT_FILE = Path("/etc/piranha/heartbeat.key")


class Refused(PiranhaError):
    """The file is left as it is; the text says why."""


def parser() -> Parser:
    """Return the parser of the verb's arguments."""
    made = Parser(
        prog="piranha keygen",
        allow_abbrev=False,
        description="Write a file of heartbeat keys. Copy it to the other router; name it in heartbeat_key_file.",
    )
    made.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE, metavar="FILE", help="default: %(default)s")
    made.add_argument("--force", action="store_true", help="replace the file: the routers stop hearing each other")
    made.add_argument(
        "--add", action="store_true", help="add a second key to change keys: it verifies, the first still signs"
    )
    made.add_argument("--id", default="", help="name of the key (default: today's date)")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb and return its exit status."""
    options = parser()
    args = options.parse_args(arguments)
    if args.file == Path("-"):
        options.error("a key is not written to standard output, where others may read it: name a FILE")
    name = args.id or time.strftime("k%Y%m%d")
    try:
        if args.add:
            add_key(args.file, name)
            print(f"{args.file}: key {name} added. Copy the file to the other router and reload both;")
            print("then make it the first line on both, and at last remove the old line.")
        else:
            write_key(args.file, name, force=args.force)
            print(f"{args.file}: key {name} written. Copy the file to the other router (mode 600).")
    except PiranhaError as error:
        print(f"piranha keygen: {printable(str(error))}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"piranha keygen: {printable(str(args.file))}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def write_key(path: Path, name: str, *, force: bool = False) -> None:
    """Write a new file with one key. Raises Refused when it exists and `force` is not given, OSError."""
    line = _line(name)
    _refuse_what_is_no_file(path)
    if not force and os.path.lexists(path):
        raise Refused(f"{path} exists already: --add adds a second key, --force replaces it")
    _write(path, line, exclusive=not force)


def add_key(path: Path, name: str) -> None:
    """Add a key behind those that are there. Raises Refused, OSError."""
    _refuse_what_is_no_file(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    ring, findings = parse_keys(text)
    if findings:
        raise Refused(f"{path}:{findings[0].line}: {findings[0].message}")
    if ring.find(name) is not None:
        raise Refused(f"{path} has a key {name} already: give the new one another name with --id")
    if len(ring.keys) >= MAX_KEYS:
        raise Refused(f"{path} has {MAX_KEYS} keys already: remove those that are not used")
    joint = "" if not text or text.endswith("\n") else "\n"
    _write(path, text + joint + _line(name), exclusive=False)


def _refuse_what_is_no_file(path: Path) -> None:
    """Raise Refused for a device, a FIFO, a directory and the like, also behind a link: a rename would replace it."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise Refused(f"{path} is no regular file: it is left as it is")


def _line(name: str) -> str:
    line = format_key(name, secrets.token_bytes(SECRET_BYTES))
    ring, findings = parse_keys(line)
    if findings or ring == KeyRing():
        raise Refused(f"{name!r} cannot name a key: 1 to 16 of A-Z a-z 0-9 _ . -")
    return line


def _write(path: Path, text: str, *, exclusive: bool) -> None:
    """Write `text` so that nobody else can ever read it, and a crash leaves the old file or the new one."""
    if not exclusive:
        path = Path(os.path.realpath(path))  # a link stays, and what it leads to is replaced: think of /dev/stdout
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if exclusive:
            # A link fails where a rename would silently replace what somebody else just made.
            os.link(fresh, path)
        else:
            fresh.replace(path)
    except FileExistsError:
        raise Refused(f"{path} exists already: --add adds a second key, --force replaces it") from None
    finally:
        fresh.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
