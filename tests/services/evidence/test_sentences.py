"""The whole sentences around a selection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evidence.sentences import LONGEST_QUOTE, Sentences, whole_sentences
from services.text.normalization import Span

WORDS = st.sampled_from(
    [
        "I",
        "led",
        "it.",
        "We",
        "Dr.",
        "e.g.",
        "3.",
        "well...",
        "Why?",
        "“Yes!”",
        "移行。",
        "\n",
        "\n\n- ",
        "x" * 90,
        "U.S.",
    ]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=60).map(" ".join)


def shown(text: str, chosen: str, **options: bool) -> list[str]:
    start = text.index(chosen)
    pieces = whole_sentences(text, Span(start, start + len(chosen)), **options)
    return [text[piece.span.start : piece.span.end] for piece in pieces]


@pytest.mark.parametrize(
    ("text", "chosen", "sentence"),
    [
        ("We planned. I led it alone. We left.", "led it", "I led it alone."),
        ("We planned! Did I lead it? I did.", "lead it", "Did I lead it?"),
        ("It was Dr. Smith who led it. I helped.", "who led it", "It was Dr. Smith who led it."),
        ("It was J. Doe who led it. I helped.", "who led it", "It was J. Doe who led it."),
        ("We used queues, e.g. Kafka. I led it.", "Kafka", "We used queues, e.g. Kafka."),
        ("Es war am 3. Mai fertig. Ich war froh.", "Mai fertig", "Es war am 3. Mai fertig."),
        ("It was done in 2019. Then I left.", "Then I left", "Then I left."),
        ("It grew to 1.5 million rows. I left.", "million rows", "It grew to 1.5 million rows."),
        ("I led it... well, mostly. We left.", "I led it", "I led it... well, mostly."),
        ("I led it… Well, mostly. We left.", "I led it", "I led it… Well, mostly."),
        ("“Really?” he said. I led it.", "he said", "“Really?” he said."),
        ("He said “I led it.” I did not.", "I led it", "He said “I led it.”"),
        ("i led it. then we left. it was fine.", "then we left", "then we left."),
        ("We used Node.js for it. I led it.", "for it", "We used Node.js for it."),
        ("最初。私は担当しました。次です。", "担当", "私は担当しました。"),
        ("पहले। मैंने किया। ठीक।", "किया", "मैंने किया।"),
        ("أولا. هل قدت الفريق؟ نعم.", "قدت", "هل قدت الفريق؟"),
        ("ฉันเป็นหัวหน้าทีม และทำงาน", "หัวหน้า", "ฉันเป็นหัวหน้าทีม และทำงาน"),
        ("so i led it and we left", "led it", "so i led it and we left"),
        ("a thought\n\nI led it\n\nanother", "led", "I led it"),
        ("I did not:\n\n- lead it\n- plan it\n\nBut well.", "plan it", "I did not:\n\n- lead it\n- plan it"),
        ("It was Maj. Smith who led it. I helped.", "who led it", "It was Maj. Smith who led it."),
        ("a thought\r\n\r\nI led it\r\n", "led", "I led it"),
        ("I would never say\nthat I led it", "that I", "I would never say\nthat I led it"),
    ],
)
def test_a_selection_is_extended_to_its_sentence(text, chosen, sentence):
    assert shown(text, chosen) == [sentence]


@pytest.mark.parametrize(
    ("notes", "chosen", "sentence"),
    [
        ("weak on SQL\nstrong on caching\nlate", "caching", "strong on caching"),
        ("Good talk\nNot shown:\nexplained caching\nlate", "caching", "Not shown:\nexplained caching"),
        (
            "Not shown:\n- SQL at all\n- explained caching\n\nLate",
            "caching",
            "Not shown:\n- SQL at all\n- explained caching",
        ),
        ("Not shown\n\n1. explained caching", "caching", "Not shown\n\n1. explained caching"),
    ],
)
def test_each_line_of_notes_is_a_sentence_but_a_list_belongs_to_its_introduction(notes, chosen, sentence):
    assert shown(notes, chosen, lines_end_sentences=True) == [sentence]


def test_sentences_that_fit_are_one_piece():
    assert shown("One is here. Two is here. Three. Four.", "is here. Two") == ["One is here. Two is here."]


@given(TEXTS, st.data())
def test_pieces_are_within_the_limit_in_order_and_contain_the_whole_selection(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))

    pieces = whole_sentences(text, Span(start, end))

    assert all(piece.span.end - piece.span.start <= LONGEST_QUOTE for piece in pieces)
    assert [piece.span for piece in pieces] == sorted(piece.span for piece in pieces)
    covered = {offset for piece in pieces for offset in range(*piece.span)}
    assert all(offset in covered for offset in range(start, end) if not text[offset].isspace())


@given(TEXTS, st.data())
def test_only_a_sentence_over_the_limit_is_truncated(text, data):
    start = data.draw(st.integers(0, len(text) - 1))

    for piece in whole_sentences(text, Span(start, start + 1)):
        if not piece.is_truncated:
            before = whole_sentences(text, Span(piece.span.start, piece.span.end))
            assert before == [Sentences(piece.span)]
