"""How a value that a person says stands in lvs.cf: the reverse of reading it, with quotes where they are needed."""

import re
from collections.abc import Sequence

from piranha.errors import PiranhaError
from piranha.lvscf.directives import Directive, Type
from piranha.lvscf.syntax.parser import parse
from piranha.lvscf.syntax.tokens import Kind
from piranha.lvscf.syntax.tree import Setting

# One value, whatever blanks it has; its parts are given as they come from a shell.
_ONE_TEXT = frozenset((Type.TEXT, Type.COMMAND, Type.PATH, Type.WORD))
_QUOTED = frozenset((Type.TEXT, Type.COMMAND))
_PLAIN = re.compile(r"[^\s\"'#={};][^\s\"'{};]*\Z")
# A quote that no backslash protects, or a backslash that would protect the closing one.
_BARE_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)"')
_OPEN_END = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")


class NotWritable(PiranhaError):
    """A value that lvs.cf has no way to say."""


def words(directive: Directive | None, given: Sequence[str]) -> tuple[str, ...]:
    """Return the words behind `=` for what a person gave, with quotes as the file needs them.

    A text, a command, a path or a name is one value: `GET / HTTP/1.0` needs no quotes of its own.
    Other values are cut at blanks. What has its quotes already keeps them. In a text such as `send`
    a double quote gets its backslash. Raises NotWritable.
    """
    kind = directive.type if directive is not None else Type.ANYTHING
    texts = [" ".join(given)] if kind in _ONE_TEXT else [word for text in given for word in _parts(text)]
    if not texts:
        raise NotWritable("a value is missing")
    return tuple(_word(text, kind, escapes=kind is Type.TEXT) for text in texts)


def name(text: str) -> str:
    """Return the name of a block as it stands in the file. Raises NotWritable."""
    return _word(text, Type.WORD, escapes=False)


def _parts(text: str) -> list[str]:
    return [text] if len(text) > 1 and text[0] == text[-1] == '"' else re.findall(r"[^ \t]+", text)


def _word(text: str, kind: Type, *, escapes: bool) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if re.search(r"[\0\r\n]", text):
        raise NotWritable("a value stands on one line: it cannot hold a line end or a zero byte")
    if kind not in _QUOTED and _PLAIN.match(text):
        return text
    if kind is Type.OLD_LIST and text in ("[", "]"):
        return text
    if escapes:
        text = _BARE_QUOTE.sub(r'\1\\"', text)
        text += "\\" if _OPEN_END.search(text) else ""
    quoted = f'"{text}"'
    if not _reads_back(quoted):
        raise NotWritable(f"{text!r} cannot be written: double quotes and a backslash at the end have no escape here")
    return quoted


def _reads_back(quoted: str) -> bool:
    tree, findings = parse(f"x = {quoted} # end\n")
    settings = [node for node in tree.body if isinstance(node, Setting)]
    return not findings and [[(w.kind, w.text) for w in one.values] for one in settings] == [[(Kind.QUOTED, quoted)]]
