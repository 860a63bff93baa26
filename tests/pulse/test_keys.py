"""The heartbeat key file: lines ID KEY, the first signs, all verify."""

import pytest

from piranha.pulse.keys import Key, format_key, parse_keys

A, B = "a" * 64, "b" * 32


def test_the_first_key_signs_and_every_key_is_found_by_its_id() -> None:
    ring, findings = parse_keys(f"# rolled in May\nnew {A}\n\nold {B}  # goes in June\n")

    assert not findings
    assert ring.signing == Key("new", bytes.fromhex(A))
    assert ring.find("old") == Key("old", bytes.fromhex(B))
    assert ring.find("other") is None


def test_what_keygen_writes_is_read_back() -> None:
    ring, findings = parse_keys(format_key("k1", bytes(range(32))))

    assert (ring.signing, findings) == (Key("k1", bytes(range(32))), ())


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 0, "holds no key"),
        ("# nothing\n", 0, "holds no key"),
        (f"{A}\n", 1, "two words"),
        (f"k {A} more\n", 1, "two words"),
        (f"ok {A}\nbad/id {A}\n", 2, "the ID must be"),
        ("k 1234\n", 1, "hexadecimal digits"),
        (f"k {A}f\n", 1, "even number"),
        ("k " + "xy" * 32 + "\n", 1, "hexadecimal digits"),
        (f"k {A}\nk {B}\n", 2, "twice"),
        ("".join(f"k{n} {A}\n" for n in range(17)), 17, "more than 16"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, word: str) -> None:
    _, findings = parse_keys(text)

    assert findings[0].line == line
    assert word in findings[0].message


def test_no_secret_reaches_a_message_or_a_log() -> None:
    ring, findings = parse_keys(f"secret-goes-here\nk {A[:-1]}\n{B} {B}\nk {A}\n")

    shown = repr(ring) + " ".join(finding.message for finding in findings)
    assert A[:-1] not in shown
    assert B not in shown
    assert "secret-goes-here" not in shown
