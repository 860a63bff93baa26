"""The settings of one block as values: known keywords, in their place, of the right type."""

from collections.abc import Iterable, Sequence, Set
from functools import cache
from typing import TypeVar, cast

from piranha.dataclass import dataclass
from piranha.lvscf import directives
from piranha.lvscf.diagnostics import Findings, Span
from piranha.lvscf.directives import Directive, Scope, Status
from piranha.lvscf.numbers import Mistake, Reader
from piranha.lvscf.syntax.tokens import NO_SEMICOLON, ONE_A_LINE, Kind, Pairs, Token, values_of
from piranha.lvscf.syntax.tree import Block, Setting, span_of
from piranha.lvscf.values import read
from piranha.terms import Address

T = TypeVar("T")
_ACTED_ON = Status.ACTED_ON
LONGEST = 4096  # characters of a value or name; the original cut them at some hundreds
# What right blocks have of both, and nobody adds anything to.
_NONE_TWICE: "dict[str, list[Given]]" = {}
_NONE_WRONG = set[str]()


@dataclass(slots=True)
class Given:
    """A value and the setting that gave it. (Not frozen: there is one for each line of the file.)"""

    value: object
    setting: Setting

    @property
    def span(self) -> Span:
        """The place of the first value."""
        return span_of(self.setting.values[0])


class Section:
    """What one block says, or what stands outside of all blocks.

    values: by keyword. every: all of those that are given more than once. wrong: keywords whose value is no value.
    pairs: those of the block (`Block.pairs`), where every keyword stands once in it, with a value that is right.
    """

    __slots__ = ("_block", "_given", "every", "pairs", "scope", "values", "wrong")

    def __init__(self, block: Block | None, scope: Scope) -> None:
        self._block, self.scope = block, scope
        self.pairs: Pairs | None = None
        self._given: dict[str, Given] | None = {}
        self.values: dict[str, object] = {}
        self.every: dict[str, list[Given]] = {}
        self.wrong: set[str] = set()

    @classmethod
    def right(cls, block: Block, scope: Scope, values: dict[str, object], pairs: Pairs) -> "Section":
        """Return the section of a block in which every keyword stands once, with a value that is right."""
        section = cls.__new__(cls)
        section._block, section.scope, section.values, section.pairs = block, scope, values, pairs
        section._given, section.every, section.wrong = None, _NONE_TWICE, _NONE_WRONG
        return section

    @property
    def given(self) -> dict[str, Given]:
        """Values with their places, by keyword."""
        if self._given is None:
            settings = self._block.settings() if self._block is not None else ()
            self._given = {setting.name: Given(self.values[setting.name], setting) for setting in settings}
        return self._given

    def of(self, name: str) -> Given:
        """Return the value of a keyword that is given, with its place."""
        if self._given is None and self._block is not None:
            # Asked of every block for one keyword or none.
            setting = next(setting for setting in self._block.settings() if setting.name == name)
            return Given(self.values[name], setting)
        return self.given[name]

    @property
    def span(self) -> Span:
        """Where to point for what is not said."""
        return self._block.span if self._block is not None else Span(1, 1)

    @property
    def tried(self) -> Set[str]:
        """Every keyword that is there, also those with wrong values."""
        return self.wrong | self.values.keys() if self.wrong else self.values.keys()

    def value(self, name: str, kind: type[T]) -> T:
        """Return the value of a keyword, where it is not given that of the table of keywords. `kind` is its type."""
        if name in self.values:
            return cast(T, self.values[name])
        return cast(T, default_of(self.scope, name))

    def get(self, name: str, default: T) -> T:
        """Return the value of a keyword without a fixed default, `default` where it is not given."""
        return cast(T, self.values.get(name, default))

    def maybe(self, name: str, kind: type[T]) -> T | None:
        """Return the value of a keyword, None where it is not given. `kind` is its type."""
        return cast("T | None", self.values.get(name))

    def on(self, name: str) -> bool:
        """Whether a keyword is given and its value asks for something: neither 0 nor empty."""
        return bool(self.values.get(name))

    def address(self, name: str) -> Address | None:
        """Return an address, None where it is not given or is 0.0.0.0, which meant the same."""
        value = cast("Address | None", self.values.get(name))
        return value if value is not None and int(value) else None

    def all(self, name: str) -> list[Given]:
        """Return every value of a keyword, in file order."""
        return self.every.get(name) or ([self.of(name)] if name in self.values else [])

    def place(self, *names: str) -> Span:
        """Return where the first of `names` that is given has its value, else the place of the block."""
        return next((self.of(name).span for name in names if name in self.values), self.span)


@cache
def default_of(scope: Scope, name: str) -> object:
    """Return what a keyword is where it is not given, from the table of keywords.

    Raises ValueError where that is nothing or has to be computed.
    """
    directive = directives.of(scope)[name]
    if not directive.fixed:
        raise ValueError(f"{name} has no fixed default")
    words = tuple(Token(Kind.WORD, " ", word, 1, 1) for word in directive.default.split())
    return read(directive, words, Reader(Findings()))


def collect_block(block: Block, scope: Scope, reader: Reader) -> Section:
    """Read the settings of one block; what is wrong goes to the findings of `reader`."""
    said, blocks, pairs = block.said, reader.blocks.setdefault(scope, {}), block.pairs()
    values = blocks.get(said) if said is not None else None
    if values is None and pairs is not None:
        values = _right(pairs, scope, reader)
        if values is not None and said is not None:
            blocks[said] = values
    if values is None or pairs is None:
        return collect(block.settings(), Section(block, scope), reader)
    return Section.right(block, scope, values, pairs)


_UNREAD = object()


def _right(pairs: Pairs, scope: Scope, reader: Reader) -> dict[str, object] | None:
    """Return the values of ordinary lines, by keyword; None where `collect` would have something to say about them."""
    known, seen = directives.of(scope), reader.seen.setdefault(scope, {})
    values: dict[str, object] = {}
    for pair in pairs:
        name, lone = pair
        value = seen.get(pair, _UNREAD)
        if value is _UNREAD:
            value = seen[pair] = _read_alone(known.get(name), lone, reader.aside())
        if value is _UNREAD or name in values:
            return None
        values[name] = value
    return values


def _read_alone(directive: Directive | None, lone: str, reader: Reader) -> object:
    """Return the value that an ordinary line gives to a keyword that this version acts on, _UNREAD if it is not right.

    reader: one whose findings nobody is told.
    """
    if directive is None or directive.status is not _ACTED_ON or len(lone) > LONGEST:
        return _UNREAD
    words, before = values_of(lone), reader.findings.added
    try:
        value = read(directive, words, reader)
    except Mistake:
        return _UNREAD
    return _UNREAD if _ends_in_semicolon(words[-1]) or reader.findings.added != before else value


def collect(settings: Iterable[Setting], section: Section, reader: Reader) -> Section:
    """Read settings into `section`, which is returned; what is wrong goes to the findings of `reader`."""
    scope, given, values = section.scope, section.given, section.values
    known, seen, findings = directives.of(scope), reader.seen.setdefault(scope, {}), reader.findings
    for setting in settings:
        name, lone = setting.name, setting.lone
        value = seen.get((name, lone), _UNREAD) if lone is not None else _UNREAD
        if value is not _UNREAD and name not in values:
            values[name] = value
            given[name] = Given(value, setting)
            continue
        directive = known.get(name) or directives.find(name, scope)
        if directive is None:
            _unknown(setting, scope, findings)
            continue
        before = findings.added
        if setting.values and not _reported(setting) and not too_long(setting.values, findings):
            _take(directive, setting, section, reader)
        if name not in values:
            section.wrong.add(name)
        elif lone is not None and findings.added == before:
            seen[name, lone] = values[name]
    return section


def _reported(setting: Setting) -> bool:
    """Whether the parser has already said what is wrong with the values."""
    values = setting.values
    if len(values) == 1:
        return values[0].kind is Kind.UNCLOSED
    return any(word.kind is Kind.UNCLOSED for word in values) or any(not word.before for word in values[1:])


def too_long(words: Sequence[Token], findings: Findings) -> bool:
    """Whether a word is longer than any that makes sense; says so. A nanny is told all of them in one message."""
    for word in words:
        if len(word.text) > LONGEST:
            findings.add("E047", span_of(word), f"{len(word.text)} characters, at most {LONGEST} can be")
            return True
    return False


def _take(directive: Directive, setting: Setting, section: Section, reader: Reader) -> None:
    name = directive.name if directive.name != "vs_NAME" else setting.keyword.text
    if directive.status is not _ACTED_ON:
        reader = Reader(reader.findings, reader.hosts, look_up=False)
    try:
        value = read(directive, setting.values, reader)
    except Mistake as mistake:
        hint = _layout_hint(setting.values, mistake.token) or mistake.hint
        reader.findings.add(mistake.code, span_of(mistake.token), mistake.message, hint)
        return
    if _ends_in_semicolon(setting.values[-1]):
        place = span_of(setting.values[-1])
        reader.findings.add("W048", place, f"the ; is part of the value '{setting.values[-1].text}'", NO_SEMICOLON)
    given = Given(value, setting)
    before = section.given.get(name)
    if before is not None:
        section.every.setdefault(name, [before]).append(given)
        if not directive.repeats:
            message = f"'{name}' is given again: this one counts, not the one of line {before.setting.line}"
            reader.findings.add("W002", setting.span, message)
    section.given[name], section.values[name] = given, value
    if directive.status is not _ACTED_ON:
        _report(directive, setting, reader.findings)


def _layout_hint(words: Sequence[Token], wrong: Token) -> str:
    """Return what to do where several settings stand on a line, or a `;` behind one."""
    later = [word.text for word in words[1:] if word.kind is Kind.WORD]
    if "=" in later or any("=" in text and directives.scopes_of(text.partition("=")[0]) for text in later):
        return ONE_A_LINE
    return NO_SEMICOLON if _ends_in_semicolon(wrong) else ""


def _ends_in_semicolon(word: Token) -> bool:
    return word.kind is Kind.WORD and len(word.text) > 1 and word.text[-1] == ";"


def _report(directive: Directive, setting: Setting, findings: Findings) -> None:
    name = setting.keyword.text
    if "*" in directive.quiet or setting.values[0].value in directive.quiet:
        return
    match directive.status:
        case Status.WAITING:
            findings.add("W004", setting.span, f"'{name}' is understood, but this version does not act on it yet")
        case Status.NO_EFFECT:
            findings.add("W003", setting.span, f"'{name}' has no effect", directive.instead)
        case _:
            findings.add("W005", setting.span, f"'{name}' has no effect and never had", directive.instead)


def _unknown(setting: Setting, scope: Scope, findings: Findings) -> None:
    name = setting.keyword.text
    if directives.scopes_of(name):
        findings.add("E022", setting.span, f"'{name}' cannot stand here", _belongs("it", name))
        return
    known = directives.of(scope)
    close = findings.like(name, directives.NAMES, 0.85)
    elsewhere = close and close not in known
    hint = _belongs(f"did you mean '{close}'? It", close) if elsewhere else findings.nearest(name, known)
    if scope is Scope.GLOBAL and name.startswith("vs_"):
        hint = "the name of a kernel setting has letters, digits and underscores"
    findings.add("E006", setting.span, f"unknown keyword '{name}'", hint)


def _belongs(subject: str, name: str) -> str:
    words = {Scope.GLOBAL: "outside of all blocks"}
    where = " or ".join(words.get(place, f"in a {place} block") for place in directives.scopes_of(name))
    return f"{subject} belongs {where}"
