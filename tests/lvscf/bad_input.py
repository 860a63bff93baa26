"""What may lie where lvs.cf should be: each kind of bad input with the one thing that is said of it."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GOOD = """primary = 127.0.0.2
virtual www {
    active = 1
    address = 192.0.2.10 lo
    port = 8080
    server web1 {
        active = 1
        address = 127.0.0.1
    }
}
"""
VIRTUAL = """
virtual v{0} {{
     active = 1
     address = 10.0.0.1 eth0
     port = {0}
     scheduler = wlc
     protocol = tcp
     server a {{
         active = 1
         address = 172.16.0.1
         weight = 1
     }}
}}
"""
MIB = 1024 * 1024


@dataclass(frozen=True)
class Bad:
    """One kind of bad input. make: puts it at a path. told: the code of the first finding, or words of the refusal."""

    make: Callable[[Path], object]
    told: str

    @property
    def is_finding(self) -> bool:
        """Whether the file can be read, and what is in it is wrong."""
        return self.told.startswith("E0")


def text(content: str | bytes, told: str) -> Bad:
    data = content.encode() if isinstance(content, str) else content
    return Bad(lambda path: path.write_bytes(data), told)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * MIB)


def _many_virtuals(path: Path) -> None:
    path.write_text("".join(VIRTUAL.format(number) for number in range(100_000)))


def _socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")  # a path of tests is longer than a socket's may be
    os.close(folder)


def _cut_utf_16(path: Path) -> None:
    path.write_bytes(GOOD.encode("utf-16"))


def _closed(path: Path) -> None:
    path.write_text(GOOD)
    path.chmod(0)


BAD = {
    "empty": text("", "E001"),
    "blank": text(" \n\t\n\n", "E001"),
    "comments only": text("# later\n", "E001"),
    "a byte order mark alone": text(b"\xef\xbb\xbf", "E001"),
    "binary": text(b"\x7fELF\2\1\1" + bytes(range(256)) * 8, "E024"),
    "binary without zero bytes": text(bytes(range(128, 256)) * 64 + b"\n", "E004"),
    "zero bytes in a text": text(GOOD.replace("www", "w\0w"), "E024"),
    "zero bytes behind a text": text(GOOD + "\0" * 4096, "E024"),
    "UTF-16": Bad(_cut_utf_16, "E024"),
    "lines of an old Mac": text(GOOD.replace("\n", "\r"), "E049"),
    "a block that never closes": text(GOOD.rstrip("}\n"), "E050"),
    "10,000 blocks that never close": text("virtual a {\n" * 10_000, "E008"),
    "10,000 blocks of no name": text("x {\n" * 10_000, "E006"),
    "10,000 closing braces": text("}\n" * 10_000, "E007"),
    "100,000 braces on one line": text("{" * 100_000, "E025"),
    "a value without end": text(f"primary = {'x' * 5000}\n{GOOD}", "E047"),
    "a line without end": text(GOOD + "#" * 70_000, "E025"),
    "lines without end": text("#\n" * 1_000_001, "E025"),
    "words without end": text(("virtual a {" + ";" * 65_000 + "\n") * 31, "E025"),
    "100 MB": Bad(_sparse, "E025"),
    "100,000 virtual servers": Bad(_many_virtuals, "E025"),
    "no file": Bad(lambda path: path.unlink(missing_ok=True), "No such file or directory"),
    "a directory": Bad(Path.mkdir, "this is a directory, not a file"),
    "a FIFO": Bad(os.mkfifo, "this is a FIFO, not a file"),
    "a device": Bad(lambda path: path.symlink_to("/dev/zero"), "this is a device, not a file"),
    "a socket": Bad(_socket, "No such device or address"),
    "a link to itself": Bad(lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "no permission": Bad(_closed, "Permission denied"),
}
