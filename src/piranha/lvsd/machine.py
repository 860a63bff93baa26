"""Shell: the kernel of this router beside its IPVS table: settings below /proc/sys. Every method may block."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from piranha.lvscf.kernel_named import FORWARDING, VS

PROC = Path("/proc")
_WORDS = {
    errno.EINVAL: "the kernel does not take this value",
    errno.ERANGE: "the kernel does not take a number so large",
    errno.ENOENT: "this kernel has no such setting",
    errno.EROFS: "/proc/sys cannot be written here (a container?)",
    errno.EACCES: "not permitted: CAP_NET_ADMIN is needed (run as root)",
    errno.EPERM: "not permitted: CAP_NET_ADMIN is needed (run as root)",
}


class Machine:
    """The settings of this network namespace. proc: where procfs is."""

    def __init__(self, proc: Path = PROC) -> None:
        self._sys = proc / "sys"

    def all_settings(self) -> dict[str, str]:
        """Return what the kernel has of all that a file may name."""
        try:
            names = [VS + path.name for path in self._path(VS.rstrip(".")).iterdir()]
        except OSError:
            names = []
        found = self.read([*names, *FORWARDING.values()])
        return {setting: value for setting, value in found.items() if value is not None}

    def read(self, settings: Iterable[str]) -> dict[str, str | None]:
        """Return the value of each setting, numbers one blank apart; None where the kernel has no such setting."""
        return {setting: self._read(self._path(setting)) for setting in settings}

    def write(self, setting: str, value: str) -> str:
        """Write a setting; return why the kernel did not take it, empty when it did."""
        try:
            # Not created where it is missing.
            descriptor = os.open(self._path(setting), os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
            try:
                os.write(descriptor, f"{value}\n".encode("ascii"))
            finally:
                os.close(descriptor)
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, str(error.errno))
            return f"{_WORDS.get(error.errno or 0, error.strerror)} ({name})"
        return ""

    def _path(self, setting: str) -> Path:
        return self._sys.joinpath(*setting.split("."))

    @staticmethod
    def _read(path: Path) -> str | None:
        try:
            return " ".join(path.read_text(encoding="ascii").split())
        except (OSError, UnicodeDecodeError):
            return None
