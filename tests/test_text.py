"""What others wrote, made safe to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piranha.text import printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("web \u00fc 1", "web \u00fc 1"),
        ("\x1b[31mred\r", r"\x1b[31mred\r"),
        ("a\tb\nc\0", r"a\tb\nc\x00"),
        ("\u202egpj.exe\u2066", r"\u202egpj.exe\u2066"),
        (b"gr\xfc\xdf".decode("utf-8", "surrogateescape"), r"gr\xfc\xdf"),
        (r"C:\new", r"C:\new"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_does_not_show_is_escaped_and_all_else_stays(raw: str, shown: str) -> None:
    assert printable(raw) == shown


@given(st.text(st.characters()))
def test_a_shown_text_is_printable_and_can_be_encoded(raw: str) -> None:
    assert printable(raw).isprintable()
    assert printable(raw).encode().decode() == printable(raw)
