"""Reading takes time in proportion to the length of a text, whatever is in it, and limits apply while reading."""

import sys
from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.benchmarks.hostile_transcripts import HOSTILE
from services.transcript.transcript import MOST_LABELS, MOST_TURNS, SourceTurn, UnreadableTranscript
from tests.services.transcript.reading import parse

NAMES = ("Dario Vento", ["Nora Kim"])


def read(source: str) -> None:
    with suppress(UnreadableTranscript):
        parse(source, *NAMES)


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_of_100_000_characters_takes_seconds_at_most(make):
    """A tenth of a second is usual; what is quadratic takes a minute."""
    source = make(100_000)
    start = process_time()

    read(source)

    assert process_time() - start < 5


def calls_during(work: Callable[[], None]) -> int:
    """How many functions are called, those in C included. Unlike time, it is the same in every run."""
    count = 0

    def count_calls(_frame, event, _function) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count_calls)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


UNITS = st.lists(
    st.sampled_from(
        [":", "：", ". ", "。", "[", "(", ")", "]", "<", ">", "|", " - ", "\t", "   ", "#", "**", "\n", "\n\n", "\r\n", "-->", "00:01", "0:02 PM", "12/03/24, ", "a", "Nora", " Kim", "Dario Vento", "Candidate", " said", "é", "\u0301", "\u200b", "\u2028", "王", '"', "{", "}", '{"text":"a"},', "&lt;", "NOTE", "transcript", "http://x", "1", "@"]
    ),
    min_size=1,
    max_size=8,
).map("".join)  # fmt: skip
HEADS = st.sampled_from(
    ["", "Candidate: ", "Nora Kim: a\nDario Vento: b\n", "WEBVTT\n\n00:01 --> 00:02\n", "[", '[{"text":"']
)


@settings(max_examples=150, deadline=None)
@given(HEADS, UNITS)
def test_twice_the_text_takes_at_most_twice_the_calls(head, unit):
    once = calls_during(lambda: read(head + unit * 300))
    twice = calls_during(lambda: read(head + unit * 600))

    assert twice <= 2.2 * once + 500


def test_turns_are_limited_while_reading():
    with pytest.raises(UnreadableTranscript, match="more than 20,000 turns"):
        parse("a: b\n" * (MOST_TURNS + 1))
    assert len(parse("a: b\n" * MOST_TURNS).turns) == MOST_TURNS


@pytest.mark.parametrize(
    "source",
    [
        "".join(f"Guest {number}: b\n" for number in range(MOST_LABELS + 1)),
        [SourceTurn(f"Guest {number}", "b") for number in range(MOST_LABELS + 1)],
        [SourceTurn(f"{number}{'x' * 150}", "b") for number in range(30)],
        '[{"speaker": "' + "x" * 4001 + '", "text": "b"}]',
        "WEBVTT\n\n" + "".join(f"00:01 --> 00:02\n<v Guest {number}>b\n\n" for number in range(MOST_LABELS + 1)),
    ],
    ids=["lines", "turns", "long labels", "one long label", "cues"],
)
def test_labels_are_limited(source):
    with pytest.raises(UnreadableTranscript, match="more than 200 different labels"):
        parse(source)


def test_lines_are_limited():
    with pytest.raises(UnreadableTranscript, match="40,000 lines"):
        parse("Candidate: a\n" + "b\n" * 40_000)
