"""From what the original left in /etc/sysconfig/ha: the same lvs.cf, and what is different with it.

Source: lvs.cf(5), *Differences from the original*; pulse(8) of the original for its options.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from piranha.change.imported import Draft, Imported, Note, Origin, failure, judged, limited
from piranha.lvscf.config import Config
from piranha.lvscf.diagnostics import Diagnostic, Severity
from piranha.lvscf.from_original import from_original
from piranha.lvscf.load import Loaded

_OPTION = re.compile(r"\s*(?:export\s+)?(OPTIONS|DELAY)=(.*)")
_WITHOUT_CHANGE = ("-n", "--nodaemon", "-v", "--verbose", "--forceactive", "-t", "--test-start")


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What was found. name, text: of lvs.cf. options: text of /etc/sysconfig/pulse. password: whether there is a
    piranha.passwd. devices: of this machine; None: not known.
    """

    name: str
    text: str
    options: str | None = None
    password: bool = False
    devices: Collection[str] | None = None


def import_piranha(found: Original) -> Imported:
    """Return the file as it is, with a note for everything that behaves differently or is left out."""
    whole = Origin(found.name)
    loaded = judged(found.text)
    if not loaded.text and loaded.errors:
        return failure(whole, f"{loaded.errors[0].message} [{loaded.errors[0].code}]", loaded.errors[0].span.line)
    draft = Draft(whole)
    for finding in (*loaded.findings, *from_original(loaded)):
        draft.notes.append(_note(finding, whole))
    if loaded.config is not None:
        _machine(loaded, loaded.config, found.devices, draft)
    if found.password:
        message = (
            "users of the web tool are not taken over: what piranha.passwd holds cannot be turned into new passwords"
        )
        draft.warn(Origin("piranha.passwd"), message)
    for line, message in _options(found.options or ""):
        draft.warn(Origin("pulse", line), message)
    ordered = sorted(dict.fromkeys(draft.notes), key=lambda note: (note.origin.file != whole.file, note.origin))
    return Imported(found.text, limited(ordered, whole))


def _note(finding: Diagnostic, whole: Origin) -> Note:
    line = finding.span.line
    message = f"{finding.message}{'; ' + finding.hint if finding.hint else ''} [{finding.code}]"
    return Note(Severity.of(finding.code), replace(whole, line=line), line, message)


def _machine(loaded: Loaded, config: Config, devices: Collection[str] | None, draft: Draft) -> None:
    """Note what the file counts on that is not in it: devices of this machine, firewall rules."""
    lines = loaded.text.split("\n")

    def place(word: str) -> Origin:
        pattern = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])")
        found = (number for number, line in enumerate(lines, 1) if pattern.search(line.split("#", 1)[0]))
        return replace(draft.whole, line=next(found, 0))

    named = [one.device for one in config.floating_addresses() if one.device is not None]
    for device in dict.fromkeys((*named, *config.monitor_devices)):
        if devices is not None and device not in (*devices, "public", "private"):
            at = place(device)
            draft.warn(at, f"this machine has no device {device}; write another, public or private", at.line or None)
    for virtual in config.active_virtuals():
        if virtual.fwmark:
            message = (
                f"'{virtual.name}' counts on firewall mark {virtual.fwmark}, which rules of your own set: "
                "bring them along to both routers"
            )
            draft.warn(replace(draft.whole, line=virtual.line), message, virtual.line)


def _options(text: str) -> Iterator[tuple[int, str]]:
    """Yield what /etc/sysconfig/pulse says, by line, and what becomes of it."""
    for number, line in enumerate(text.split("\n"), 1):
        found = _OPTION.match(line)
        if found is None:
            continue
        value = found[2].strip().strip("\"'")
        if found[1] == "DELAY" and value:
            yield number, f"DELAY={value}: a start is not delayed; initdead says how long a router listens first"
        for word in value.split() if found[1] == "OPTIONS" else ():
            name = word.partition("=")[0]
            if name in _WITHOUT_CHANGE:
                yield number, f"{name} is known to the new pulse: write it into its unit, if it is still wanted"
            elif name in ("-c", "--configfile"):
                yield number, f"{word} names another file: import that one"
            elif name in ("--lvsd", "--lvs", "--fos"):
                yield number, f"{name}: the new pulse starts the lvsd of its own package"
            elif name.startswith("-"):
                yield number, f"{name}: the new pulse has no such option"
