"""Shell: how a verb that comes to nothing ends: one line on stderr and, with `--json`, one object on stdout."""

import json
import signal
import sys

from piranha.text import printable

INTERRUPTED = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as of a shell."""


def fail(status: int, words: str, *, as_json: bool) -> int:
    """Say why a verb ends so; return `status`, its exit status."""
    print(f"piranha: {printable(words)}", file=sys.stderr, flush=True)
    if as_json:
        print(json.dumps({"error": words, "status": status}))
    return status
