"""How large an lvs.cf can be: far larger than anybody writes, and small enough to be read in bounded memory."""

from piranha.errors import PiranhaError

SIZE_LIMIT = 16 * 1024 * 1024  # bytes; 3000 virtual servers of 30 real servers take about 8 MB
LINE_LIMIT = 1_000_000  # lines; these have about 500,000
LENGTH_LIMIT = 64 * 1024  # characters of one line
WORD_LIMIT = 2_000_000  # tokens; one that stands on no ordinary line takes about 250 bytes


class TooLarge(PiranhaError):
    """The text is no configuration file: nobody writes that much. line: where it was too much, 1-based."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def check_size(text: str) -> None:
    """Raise TooLarge for a text of too many lines, or with too long a line."""
    if text.count("\n") > LINE_LIMIT:
        raise TooLarge(LINE_LIMIT, f"this file has more than {LINE_LIMIT:,} lines")
    start = 0
    while len(text) - start > LENGTH_LIMIT:
        # The last line end within reach: one look for a thousand lines.
        end = text.rfind("\n", start, start + LENGTH_LIMIT + 1) + 1
        if not end:
            raise TooLarge(text.count("\n", 0, start) + 1, f"this line is longer than {LENGTH_LIMIT:,} characters")
        start = end
