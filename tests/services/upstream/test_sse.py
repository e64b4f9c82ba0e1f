"""Server-sent events, however the network cuts them."""

import pytest

from services.upstream.sse import SSEDecoder

STREAM = b": comment\r\ndata: one\r\n\r\nevent: x\ndata: two\ndata:three\n\ndata: four\r\rdata: never ended\n"
EVENTS = [b"one", b"two\nthree", b"four"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_events_are_the_same_however_they_are_cut(size: int) -> None:
    decoder = SSEDecoder()
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]

    events = [event for piece in pieces for event in decoder.feed(piece)]

    assert events == EVENTS


def test_a_line_ending_that_may_be_half_of_one_is_taken_with_the_next_byte() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: one\r\r")

    assert decoder.feed(b"d") == [b"one"]


def test_a_line_in_many_chunks_is_one_event() -> None:
    decoder = SSEDecoder()
    for _ in range(1000):
        assert decoder.feed(b"x") == []
    decoder = SSEDecoder()
    chunks = [b"data: ", *[b"x"] * 1000, b"\n", b"\n"]

    events = [event for chunk in chunks for event in decoder.feed(chunk)]

    assert events == [b"x" * 1000]
