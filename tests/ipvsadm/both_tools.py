"""The C tool and ours, each in a network namespace of its own; what differs on purpose is made equal."""

import io
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

from piranha.cli.ipvsadm.main import main
from piranha.lab.namespaces import Namespace

C_TOOL = "/usr/sbin/ipvsadm"


@dataclass(frozen=True)
class Answer:
    status: int
    output: str
    complaints: str


@dataclass(frozen=True)
class Tools:
    """Both tools, each with a table of its own."""

    theirs: Namespace
    ours: Namespace

    def ask_theirs(self, words: list[str], rules: str = "") -> Answer:
        with self.theirs.entered():
            done = subprocess.run([C_TOOL, *words], input=rules, capture_output=True, text=True, check=False)
        return Answer(done.returncode, done.stdout, done.stderr.replace(C_TOOL, "ipvsadm"))

    def ask_ours(self, words: list[str], rules: str = "") -> Answer:
        output, complaints = io.StringIO(), io.StringIO()
        with self.ours.entered(), redirect_stdout(output), redirect_stderr(complaints):
            status = main([C_TOOL, *words], rules.encode().splitlines(keepends=True))
        return Answer(status, output.getvalue(), complaints.getvalue())

    def compare(self, words: list[str], rules: str = "") -> tuple[Answer, Answer]:
        """Give both one command line; return both answers, ours first, without what differs on purpose."""
        return self.equal(self.ask_ours(words, rules), self.ask_theirs(words, rules), [*words, *rules.split()])

    @staticmethod
    def equal(ours: Answer, theirs: Answer, words: list[str]) -> tuple[Answer, Answer]:
        """Return both answers without what differs on purpose."""
        ours = Answer(ours.status, _as_theirs(ours.output), _without_lines(ours.complaints))
        if "--nosort" in words:  # the kernel's order is another one in each namespace
            return _shuffled(ours), _shuffled(theirs)
        return ours, theirs

    def agree(self, line: str, rules: str = "") -> Answer:
        """Give both one command line; return the answer, which is the same."""
        ours, theirs = self.compare(line.split(), rules)
        assert ours == theirs, f"ipvsadm {line}"
        return ours

    def clear(self) -> None:
        """Give both an empty table, no sync daemon and the kernel's timeouts."""
        self.agree("-C")
        self.agree("--set 900 120 300")
        for role in ("master", "backup"):
            self.agree(f"--stop-daemon {role}")


def _as_theirs(output: str) -> str:
    """Ours saves thresholds, and names a flag that sh and mh do not know."""
    output = re.sub(r"([sm]h-\w+),flag-3", r"\1", output)
    return re.sub(r"^(-a .*?)(?: -x \d+)?(?: -y \d+)?(?= --tun|$)", r"\1", output, flags=re.MULTILINE)


def _without_lines(complaints: str) -> str:
    """Ours names the line of the rules, and of one that is no command the first word."""
    return re.sub(r"^line \d+: (?:'\S+' is no command here: )?", "", complaints, flags=re.MULTILINE)


def _shuffled(answer: Answer) -> Answer:
    return Answer(answer.status, "\n".join(sorted(answer.output.splitlines())), answer.complaints)


@contextmanager
def both_tools() -> Iterator[Tools]:
    """Two namespaces that look alike."""
    made = Tools(Namespace.create("theirs"), Namespace.create("ours"))
    try:
        for namespace in (made.theirs, made.ours):
            namespace.run(["ip", "link", "set", "lo", "up"])
            namespace.run(["ip", "link", "add", "dummy0", "type", "dummy"])
            namespace.run(["ip", "address", "add", "10.77.0.1/24", "dev", "dummy0"])
            namespace.run(["ip", "link", "set", "dummy0", "up", "multicast", "on"])
        yield made
    finally:
        made.theirs.close()
        made.ours.close()
