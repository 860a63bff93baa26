"""Shell: read lvs.cf and the key file; on a reload called in a helper process.

A file of a thousand virtual servers takes a fraction of a second to read, and host names take as
long as the resolver likes: heartbeats must not wait for that.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from piranha.control.state_files import StateFiles
from piranha.errors import PiranhaError
from piranha.lvscf.config import Config, HeartbeatAuth
from piranha.lvscf.load import Loaded
from piranha.lvscf.read import ReadError, read_and_load, resolve_and_load
from piranha.lvsd.accepted import Stored, store_accepted
from piranha.pulse.keys import KeyRing, parse_keys

KEY_FILE_LIMIT = 64 * 1024  # bytes


class KeyFileError(PiranhaError):
    """The key file cannot be used; one line with cause and cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading. config: None when the file cannot be used; problems say why, one line each.

    data: what `lvsd` loads, with addresses for host names. original: the file as the operator wrote it.
    rendered: all findings with their source lines, for a terminal.
    """

    config: Config | None
    data: bytes = b""
    original: bytes = b""
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rendered: str = ""
    keys: KeyRing = field(default_factory=KeyRing)


@dataclass(frozen=True, slots=True)
class Read:
    """Question of the helper: read this file and its key file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Accept:
    """Question of the helper: keep what was read as the accepted file."""

    kept: StateFiles
    reading: Reading


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Question of the helper: do this with files, and return what it returns."""

    work: Callable[[], object]


def answer(question: Read | Accept | OnDisk) -> object:
    """Do what the helper process is for: a Reading, Stored, or what the work returns. Raises OSError."""
    match question:
        case Read(path):
            return read(path)
        case Accept(kept, reading):
            return accept(kept, reading)
        case OnDisk(work):
            return work()


def read(path: Path) -> Reading:
    """Read lvs.cf and the keys it names. Never raises for what is wrong with either."""
    try:
        return judge(read_and_load(path))
    except ReadError as error:
        return Reading(config=None, problems=(str(error),))


def read_bytes(data: bytes, name: str) -> Reading:
    """Do what `read` does with what was read already; `name` is for findings."""
    return judge(resolve_and_load(data, name))


def judge(loaded: Loaded) -> Reading:
    """Return what was loaded together with the keys it names."""
    warnings = tuple(finding.sentence() for finding in loaded.warnings)
    rendered = loaded.render()
    problems = tuple(finding.sentence() for finding in loaded.errors)
    config, keys = loaded.config, KeyRing()
    if config is not None and not problems:
        try:
            keys = keys_for(config)
        except KeyFileError as error:
            config, problems = None, (str(error),)
    return Reading(
        config=config,
        data=loaded.accepted_bytes(),
        original=loaded.original_bytes(),
        problems=problems,
        warnings=warnings,
        rendered=rendered,
        keys=keys,
    )


def accept(kept: StateFiles, reading: Reading) -> Stored:
    """Keep `reading` as the accepted file. Raises OSError when it can be kept nowhere."""
    if reading.config is None:
        raise ValueError("only a usable file can be accepted")
    return store_accepted(kept, reading.data, reading.config)


def keys_for(config: Config) -> KeyRing:
    """Return the keys that heartbeats of `config` need. Raises KeyFileError."""
    heartbeat = config.heartbeat
    if not config.backup_active or heartbeat.auth is HeartbeatAuth.NONE:
        return KeyRing()
    if heartbeat.key_file is None:
        raise KeyFileError(
            "a pair of routers needs heartbeat_key_file (make one with `piranha keygen FILE`, the same on both "
            "routers), or heartbeat_auth = none"
        )
    return read_keys(Path(heartbeat.key_file))


def read_keys(path: Path) -> KeyRing:
    """Read a key file that nobody else can read. Raises KeyFileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFileError(
            f"heartbeat_key_file {path}: there is no such file (make it: piranha keygen {path})"
        ) from None
    except OSError as error:
        raise KeyFileError(f"heartbeat_key_file {path}: {error.strerror}") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a directory; it must name the file itself" if stat.S_ISDIR(mode) else "not a regular file"
        raise KeyFileError(f"heartbeat_key_file {path}: {what}")
    with os.fdopen(descriptor, "rb") as file:
        if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            raise KeyFileError(
                f"heartbeat_key_file {path}: others can read or change it (mode {mode & 0o777:03o}): chmod 600 {path}"
            )
        text = file.read(KEY_FILE_LIMIT).decode("utf-8", "replace")
    ring, findings = parse_keys(text)
    if findings:
        where = f"{path}:{findings[0].line}" if findings[0].line else str(path)
        raise KeyFileError(f"heartbeat_key_file {where}: {findings[0].message}")
    return ring
