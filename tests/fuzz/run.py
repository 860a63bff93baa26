"""Fuzz one target: `python -m tests.fuzz.run TARGET [OPTION OF LIBFUZZER…]`; what breaks it lies in build/fuzz.

An input that takes longer than ten seconds or a process that grows beyond 1 GiB is a failure too.
"""

import importlib
import sys
from pathlib import Path

FOLDER = Path("build/fuzz")
LIMITS = ("-timeout=10", "-rss_limit_mb=1024", "-max_len=8192")


def main() -> None:
    target_name, *options = sys.argv[1:]
    atheris = importlib.import_module("atheris")  # of the extra `fuzz`
    with atheris.instrument_imports(include=["piranha"]):
        targets = importlib.import_module("tests.fuzz.targets")
    target = targets.TARGETS[target_name]
    folder = FOLDER / target_name
    seeds, found = folder / "seeds", folder / "found"
    for made in (seeds, found):
        made.mkdir(parents=True, exist_ok=True)
    for path in target.corpus():
        (seeds / path.name).write_bytes(path.read_bytes())
    words = folder / "words"
    words.write_text("".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"\n' for word in target.words()))
    arguments = [
        sys.argv[0],
        *LIMITS,
        f"-artifact_prefix={folder}/",
        f"-dict={words}",
        *options,
        str(found),
        str(seeds),
    ]
    atheris.Setup(arguments, lambda data: target.run(data.decode("utf-8", "surrogateescape")))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
