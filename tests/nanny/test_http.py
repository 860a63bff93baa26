"""HTTP answers: how a body is put together, what of it is looked at, and how a failure is told."""

import gc
import socket
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.nanny.servers import Behaviour, answering, check_once, serving

from piranha.lvscf.check_values import Exchange, Expect, HttpExpect
from piranha.nanny.expect import MAX_ANSWER
from piranha.nanny.http import MAX_HEAD, Reply
from piranha.nanny.results import ProbeResult, Reason

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: www\r\nConnection: close\r\n\r\n"


def read(*pieces: bytes, closed: bool = False, headless: bool = False) -> tuple[Reply, bytes]:
    """The reply and all of its body after these pieces."""
    reply = Reply(headless=headless)
    body = b"".join([reply.feed(piece, False) for piece in pieces])
    return reply, body + (reply.feed(b"", True) if closed else b"")


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def page(body: Expect | None, statuses: tuple[tuple[int, int], ...] = ((200, 399),), send: bytes = GET) -> Exchange:
    return Exchange(send=send, http=HttpExpect(statuses=statuses, body=body))


def text(wanted: bytes) -> Expect:
    return Expect(text=wanted, anywhere=True)


def asked(behave: Behaviour, check: Exchange, limit_s: float = 2.0) -> ProbeResult:
    with serving(behave) as port:
        return check_once(check, port, limit_s=limit_s)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (HEAD + b"Content-Length: 5\r\n\r\nhello and more", b"hello"),
        (HEAD + b"content-length:0\r\n\r\nhello", b""),
        (b"HTTP/1.0 200\n\nhello", b"hello"),
        (CHUNKED + chunk(b"hel") + chunk(b"lo", b";a=b") + b"0\r\nTrailer: x\r\n\r\n", b"hello"),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"hello") + b"0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + b"\r\nhello", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\nhello", b""),
    ],
)
def test_a_body_is_as_long_as_the_answer_says(answer: bytes, body: bytes) -> None:
    reply, found = read(answer, closed=True)

    assert (found, reply.problem, reply.ended) == (body, "", True)


@given(chunks=st.lists(st.binary(min_size=1, max_size=30), max_size=5), cuts=st.lists(st.integers(0, 200), max_size=12))
def test_how_an_answer_is_cut_into_segments_does_not_matter(chunks: list[bytes], cuts: list[int]) -> None:
    whole = CHUNKED + b"".join(map(chunk, chunks)) + b"0\r\n\r\n"
    places = [0, *sorted(cuts), len(whole)]
    reply, body = read(*(whole[a:b] for a, b in pairwise(places)))

    assert (body, reply.status, reply.ended, reply.problem) == (b"".join(chunks), 200, True, "")


@given(st.lists(st.binary(max_size=60), max_size=5), st.sampled_from([b"", HEAD, CHUNKED]))
def test_whatever_comes_is_an_answer_or_a_problem_in_words(pieces: list[bytes], start: bytes) -> None:
    reply, _ = read(start, *pieces, closed=True)

    assert reply.ended or reply.problem
    assert reply.status is not None or reply.problem


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"220 mail.example.net\r\n", "no HTTP answer"),
        (b"HTTP/2 200\r\n\r\n", "no HTTP answer"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "no HTTP answer"),
        (HEAD + b"X: " + b"x" * MAX_HEAD, "more than 64 kB of headers"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3000, "more than 64 kB of headers"),
        (CHUNKED + b"-5\r\n", "a chunk without a size"),
        (CHUNKED + b"0x5\r\nhello", "a chunk without a size"),
        (CHUNKED + b"5;" + b"x" * 5000, "a chunk without a size"),
        (CHUNKED + chunk(b"x", b";" + b"y" * 4000) * 300, "more than 256 kB"),
    ],
)
def test_what_is_no_answer_is_named(answer: bytes, problem: str) -> None:
    assert read(*(answer[at : at + 1000] for at in range(0, len(answer), 1000)))[0].problem == problem


def test_an_endless_answer_takes_no_more_memory_than_its_pieces() -> None:
    reply, piece = Reply(), bytes(16 * 1024)
    reply.feed(HEAD + b"\r\n", False)
    gc.collect()
    tracemalloc.start()
    for _ in range(1000):
        reply.feed(piece, False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert reply.problem == "more than 256 kB"
    assert peak < 200_000


def test_a_text_is_found_across_the_chunks_of_a_body() -> None:
    answer = CHUNKED + chunk(b"<p>re") + chunk(b"ady</p>") + b"0\r\n\r\n"
    good = asked(answering(answer), page(text(b"ready")))
    bad = asked(answering(answer), page(text(b"busy")))

    assert (good.reason, good.detail) == (Reason.OK, "body: as expected")
    assert [name for name, _ in good.phases_ms] == ["connect", "send", "answer", "body"]
    assert (bad.reason, bad.detail) == (Reason.MISMATCH, "body: no 'busy' in '<p>ready</p>'")


def test_a_text_in_the_headers_is_not_in_the_body() -> None:
    answer = HEAD + b"X-State: ready\r\nContent-Length: 0\r\n\r\n"
    result = asked(answering(answer), page(text(b"ready")))

    assert (result.reason, result.detail) == (Reason.MISMATCH, "body: empty instead of 'ready'")


def test_an_expression_is_searched_in_the_body_and_its_anchors_are_its_ends() -> None:
    answer = HEAD + b"Content-Length: 8\r\n\r\nnodes: 3"

    assert asked(answering(answer), page(Expect(text=b"^nodes: [1-9]$", regex=True))).ok
    assert not asked(answering(answer), page(Expect(text=b"^HTTP", regex=True))).ok


def test_an_expression_of_catastrophic_kind_holds_nobody_up() -> None:
    answer = HEAD + b"\r\n" + b"a" * 5000
    result = asked(answering(answer), page(Expect(text=b"^((a+)+)+b", regex=True)), limit_s=0.3)

    assert result.reason is Reason.MISMATCH


def test_the_status_is_judged_before_the_body_and_without_waiting_for_it() -> None:
    def never_ends(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 10\r\n\r\nready")
        connection.recv(1000)

    bad = asked(never_ends, page(text(b"ready")))
    good = asked(never_ends, page(None, ((503, 503),)))

    assert (bad.reason, bad.detail) == (Reason.MISMATCH, "answer: '503 Service Unavailable' instead of 200-399")
    assert (good.reason, good.detail) == (Reason.OK, "answer: 503")


def test_a_text_that_is_found_ends_the_check_before_the_body_ends() -> None:
    def never_ends(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(HEAD + b"\r\nready ")
        connection.recv(1000)

    assert asked(never_ends, page(text(b"ready"))).ok
    late = asked(never_ends, page(text(b"done")), limit_s=0.2)
    assert (late.reason, late.detail) == (Reason.MISMATCH, "body: no 'done' in 'ready '")


def pieces(total: int) -> Iterator[bytes]:
    """A body of so many bytes, with the word at its end."""
    yield HEAD + b"\r\n"
    for _ in range(total // 1024):
        yield b"." * 1024
    yield b"ready"


@pytest.mark.parametrize(("total", "found"), [(MAX_ANSWER - 1024, True), (MAX_ANSWER, False)])
def test_only_the_first_64_kb_of_a_body_are_looked_at(total: int, found: bool) -> None:
    result = asked(answering(b"".join(pieces(total))), page(text(b"ready")))

    assert result.ok is found


def test_a_body_in_segments_of_one_byte_is_read_in_time() -> None:
    def dribble(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(1000)
        for byte in CHUNKED + chunk(b"all is ") + chunk(b"well") + b"0\r\n\r\n":
            connection.send(bytes([byte]))

    assert asked(dribble, page(text(b"is well"))).ok


def test_the_answer_to_head_has_no_body() -> None:
    answer = HEAD + b"Content-Length: 5\r\n\r\n"
    assert asked(answering(answer), page(None, send=GET.replace(b"GET", b"HEAD"))).ok


def test_who_speaks_something_else_is_told() -> None:
    result = asked(answering(b"SSH-2.0-OpenSSH_9.6\r\n"), page(None))
    silent = asked(answering(b""), page(None))

    assert (result.reason, result.detail) == (
        Reason.MISMATCH,
        r"answer: 'SSH-2.0-OpenSSH_9.6\r\n': no HTTP answer",
    )
    assert (silent.reason, silent.detail) == (Reason.CLOSED, "answer: closed by the server before it answered")
