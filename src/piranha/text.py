"""Text of others on our screens and in our log: what a file, a server or a partner wrote must not drive a terminal."""

from collections.abc import Iterable


def printable(text: str) -> str:
    r"""Return `text` with an escape for each character that does not show: `\n`, `\x1b`, `\u202e`, `\xff`.

    That includes line ends, tabs, and the marks that turn the direction of writing. A byte that
    is no UTF-8 (decoded with `surrogateescape`) is shown as the byte. What is printable already
    comes back as it is: backslashes are not doubled.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(letter: str) -> str:
    if letter.isprintable():
        return letter
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def ranges(pairs: Iterable[tuple[int, int]]) -> str:
    """Return ranges of numbers, both ends included, as a file has them: `200 300-302`."""
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in pairs)


def hexadecimal(data: bytes, mask: bytes = b"", limit: int = 20) -> str:
    """Return the start of `data` in digits, `16 03 0x`: x where `mask` is 0."""
    digits = bytearray(data[:limit].hex().encode())
    for place, letter in enumerate(mask[:limit].hex()):
        if letter == "0":
            digits[place] = ord("x")
    pairs = [digits[at : at + 2].decode() for at in range(0, len(digits), 2)]
    return " ".join(pairs) + (" …" if len(data) > limit else "")
