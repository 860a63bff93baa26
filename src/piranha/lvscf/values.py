"""The words behind `=`, read by the type of their keyword."""

import re
from collections.abc import Callable, Sequence

from piranha.lvscf import addresses, numbers
from piranha.lvscf.directives import Directive, Type
from piranha.lvscf.numbers import Mistake, Reader, single
from piranha.lvscf.syntax.tokens import Kind, Token
from piranha.lvscf.syntax.tree import span_of
from piranha.terms import PRIVATE, PUBLIC

_HEX = ("0123456789abcdef", "16 03 01")
_URL = r"https?://[^/\s]+(/\S*)?\Z"


def read(directive: Directive, words: tuple[Token, ...], reader: Reader) -> object:
    """Return the value of a setting; raises Mistake. `words` is not empty."""
    return _READERS[directive.type](directive, words, reader)


def _word(directive: Directive, words: Sequence[Token], _reader: Reader) -> str:
    single(words)
    if not words[0].value and not directive.old:
        raise Mistake("E005", words[0], f"'{directive.name}' has no value")
    if not directive.old:
        numbers.check_name(words[0])
    return words[0].value


def _words(_directive: Directive, words: Sequence[Token], _reader: Reader) -> tuple[str, ...]:
    return tuple(word.value for word in words)


def _choice(directive: Directive, words: Sequence[Token], reader: Reader) -> str:
    single(words)
    return _one_of(directive, words[0], reader)


def _choices(directive: Directive, words: Sequence[Token], reader: Reader) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_one_of(directive, word, reader) for word in words))


def _one_of(directive: Directive, word: Token, reader: Reader) -> str:
    if word.value in directive.choices:
        return word.value
    hint = reader.findings.nearest(word.value.lower(), directive.choices) or "one of " + ", ".join(directive.choices)
    raise Mistake("E014", word, f"unknown {directive.name} '{word.value}'", hint)


def _choice_or_duration(directive: Directive, words: Sequence[Token], reader: Reader) -> str | float:
    single(words)
    if words[0].value in directive.choices:
        return words[0].value
    if words[0].value[:1].isdigit():
        return numbers.seconds(words[0])
    hint = reader.findings.nearest(words[0].value.lower(), directive.choices)
    told = "one of " + ", ".join(directive.choices) + ", or a time such as 5m"
    raise Mistake("E014", words[0], f"unknown {directive.name} '{words[0].value}'", hint or told)


def _listen(directive: Directive, words: Sequence[Token], reader: Reader) -> str:
    """Return `ADDRESS[:PORT]`, `[ADDRESS]:PORT`, `private`, `public` or `*` as written, once it is known to be one."""
    single(words)
    text = words[0].value
    host, colon, port = text.rpartition(":") if "]:" in text or text.count(":") == 1 else (text, "", "")
    if colon:
        numbers.port_number(words[0]._replace(kind=Kind.WORD, text=port), reader, 1)
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if bare not in (PRIVATE, PUBLIC, "*"):
        # Host names stay names: whoever listens looks them up.
        addresses.address(words[0], bare, Reader(reader.findings, look_up=False))
    return text


def _url(directive: Directive, words: Sequence[Token], _reader: Reader) -> str:
    single(words)
    if not re.match(_URL, words[0].value):
        raise Mistake("E080", words[0], f"{directive.name} must be an address that begins with http:// or https://")
    return words[0].value


def _hex(directive: Directive, words: Sequence[Token], _reader: Reader) -> str:
    text = "".join(word.value for word in words).replace(" ", "")
    digits, such = ("0123456789abcdefx", "16 03 xx") if directive.type is Type.HEX_PATTERN else _HEX
    wrong = next((letter for letter in text.lower() if letter not in digits), None)
    if wrong is not None:
        raise Mistake("E081", words[0], f"'{wrong}' is no hexadecimal digit of {directive.name}", f"such as {such}")
    if not text or len(text) % 2:
        raise Mistake("E081", words[0], f"{directive.name} has {len(text)} digits: a byte is two", "such as 0f")
    return text.lower()


def _text(_directive: Directive, words: Sequence[Token], reader: Reader) -> str:
    single(words, hint="a text with blanks needs double quotes")
    word = words[0]
    if word.kind is Kind.QUOTED and word.text.startswith("'"):
        # lvsd took away double quotes only, so the single ones belonged to the text.
        hint = 'use double quotes: "' + word.value + '"'
        reader.findings.add("W007", span_of(word), "the single quotes are part of the text, as ever", hint)
        return word.text
    return word.value


def _command(directive: Directive, words: Sequence[Token], reader: Reader) -> tuple[str, ...]:
    command = tuple(_text(directive, words, reader).split())
    whole = words[0].text.startswith("'")  # W007 has said it
    quoted = next((word for word in command if "'" in word or '"' in word), None)
    if quoted is not None and not whole:
        # No shell: the original cut at blanks, and files count on it.
        message = f"the program gets {quoted} with its quote: words are cut at blanks, and no shell reads them"
        reader.findings.add("W047", span_of(words[0]), message, "put the command into a script")
    return command


def _path(directive: Directive, words: Sequence[Token], _reader: Reader) -> str:
    single(words)
    path = words[0].value
    if not path.startswith("/"):
        raise Mistake("E019", words[0], f"{directive.name} needs an absolute path, not '{path}'")
    return path


def _old_list(_directive: Directive, words: Sequence[Token], _reader: Reader) -> tuple[str, ...]:
    if words[0].text != "[" or words[-1].text != "]" or len(words) < 2:
        raise Mistake("E023", words[0], "list expected: [ a b ]")
    return tuple(word.value for word in words[1:-1])


def _anything(_directive: Directive, words: Sequence[Token], _reader: Reader) -> str:
    return " ".join(word.text for word in words)


_READERS: dict[Type, Callable[[Directive, tuple[Token, ...], Reader], object]] = {
    Type.BOOL: numbers.boolean,
    Type.INT: numbers.whole,
    Type.COUNT_OR_PERCENT: numbers.count_or_percent,
    Type.PERCENTS: numbers.percents,
    Type.PERCENT: numbers.percent,
    Type.PORT: numbers.port,
    Type.PORTS: numbers.ports,
    Type.DURATION: numbers.duration,
    Type.KERNEL_VALUE: numbers.kernel_value,
    Type.ADDRESS: addresses.plain_address,
    Type.ADDRESSES: addresses.addresses,
    Type.OWN_ADDRESSES: addresses.own_addresses,
    Type.GROUP: addresses.group,
    Type.FLOATING: addresses.floating,
    Type.HOSTPORT: addresses.hostport,
    Type.HEARTBEAT_PATH: addresses.heartbeat_path,
    Type.NETMASK: addresses.netmask,
    Type.PERSISTENCE_MASK: addresses.persistence_mask,
    Type.DEVICE: addresses.device,
    Type.WORD: _word,
    Type.WORDS: _words,
    Type.CHOICE: _choice,
    Type.CHOICES: _choices,
    Type.CHOICE_OR_DURATION: _choice_or_duration,
    Type.LISTEN: _listen,
    Type.URL: _url,
    Type.HEX: _hex,
    Type.HEX_PATTERN: _hex,
    Type.TEXT: _text,
    Type.PATH: _path,
    Type.COMMAND: _command,
    Type.OLD_LIST: _old_list,
    Type.ANYTHING: _anything,
}
