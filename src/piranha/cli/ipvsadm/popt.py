"""Option parsing as the popt library does it, which the C tool uses.

What sets it apart from getopt: `-p600`, `-p=600`, `--persistent=600` and `--persistent 600` mean the
same, a long option cannot be shortened, words that are no options may stand anywhere, the argument of
an option is the next word whatever it begins with, and an error names the whole word (`-Ln3`).
"""

from collections.abc import Iterator, Sequence
from enum import Enum, auto

from piranha.dataclass import dataclass, field


class Argument(Enum):
    """Whether an option takes an argument; an optional one is not taken from a word that begins with `-`."""

    NONE = auto()
    REQUIRED = auto()
    OPTIONAL = auto()


@dataclass(frozen=True, slots=True)
class Option:
    """One option; short is a single letter or empty."""

    name: str
    short: str = ""
    argument: Argument = Argument.NONE


class Options:
    """The options of a program, ready to be found by their long and short names."""

    def __init__(self, *options: Option) -> None:
        self.long = {option.name: option for option in options}
        self.short = {option.short: option for option in options if option.short}


@dataclass(slots=True)
class Given:
    """An option found on the command line. value: None if it has no argument; word: the last one that belongs to it."""

    name: str
    value: str | None
    word: str


class OptionError(ValueError):
    """A word that cannot be read, in popt's words: `--bogus: unknown option`."""


@dataclass(slots=True)
class Parser:
    """Reads words one option at a time, so that what comes first is judged first."""

    options: Options
    words: Sequence[str]
    arguments: list[str] = field(default_factory=list)  # words that are no options, as far as read
    _place: int = 0

    def __iter__(self) -> Iterator[Given]:
        """Yield the options in order; raises OptionError at the first that cannot be read."""
        while self._place < len(self.words):
            word = self.words[self._place]
            self._place += 1
            if word == "--":
                self.arguments += self.words[self._place :]
                return
            if not word.startswith("-") or word == "-":
                self.arguments.append(word)
            elif word.startswith("--"):
                yield self._long(word)
            else:
                yield from self._cluster(word)

    def _long(self, word: str) -> Given:
        name, equals, value = word[2:].partition("=")
        option = self.options.long.get(name)
        if option is None:
            raise OptionError(f"{word}: unknown option")
        if option.argument is Argument.NONE and equals:
            raise OptionError(f"{word}: option does not take an argument")
        if equals:
            return Given(name, value, word)
        following = self._next(option, word)
        return Given(name, following, word if following is None else following)

    def _cluster(self, word: str) -> Iterator[Given]:
        for place, letter in enumerate(word[1:], 2):
            option = self.options.short.get(letter)
            rest = word[place:]
            if option is None:
                raise OptionError(f"{word}: unknown option")
            if option.argument is not Argument.NONE and rest:
                yield Given(option.name, rest.removeprefix("="), word)
                return
            if rest.startswith("="):
                raise OptionError(f"{word}: option does not take an argument")
            value = self._next(option, word)
            yield Given(option.name, value, word if value is None else value)

    def _next(self, option: Option, word: str) -> str | None:
        if option.argument is Argument.NONE:
            return None
        following = self.words[self._place] if self._place < len(self.words) else None
        if option.argument is Argument.OPTIONAL and (following is None or following.startswith("-")):
            return None
        if following is None:
            raise OptionError(f"{word}: missing argument")
        self._place += 1
        return following
