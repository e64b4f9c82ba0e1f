"""The decoder of server-sent events."""

import pytest

from services.upstream.sse import SSEDecoder

STREAM = b": comment\r\ndata: one\r\n\r\nevent: x\ndata: two\ndata:three\n\ndata: four\r\rdata: never ended\n"
EVENTS = [b"one", b"two\nthree", b"four"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_events_do_not_depend_on_where_chunks_end(size: int) -> None:
    decoder = SSEDecoder()
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]

    events = [event for piece in pieces for event in decoder.feed(piece)]

    assert events == EVENTS


def test_trailing_carriage_return_is_read_with_the_next_byte() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: one\r\r")

    assert decoder.feed(b"d") == [b"one"]


def test_line_in_a_thousand_chunks_is_one_event() -> None:
    decoder = SSEDecoder()
    chunks = [b"data: ", *[b"x"] * 1000, b"\n", b"\n"]

    events = [event for chunk in chunks for event in decoder.feed(chunk)]

    assert events == [b"x" * 1000]


def test_unfinished_line_gives_no_event() -> None:
    decoder = SSEDecoder()

    assert [event for _ in range(1000) for event in decoder.feed(b"x")] == []
