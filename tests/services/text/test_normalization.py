"""Normalization evens out spelling without changing words, and finds the original of every piece."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.invisible import strip_invisible
from services.text.normalization import NormalizedText, normalize

HARD = st.sampled_from(
    [*"aB \n\t\r-'\"`.´ẹ́́ͅ\u200b\u200d\xadﬁ…—“’ßİ゙ﾞｶ", "ẞ", "\u2028", "\x85", "\x0b", "\x1f", "¨", "가", "ŉ", "ᾳ", "👨\u200d👩", "️"]
)  # fmt: skip
TEXTS = st.lists(HARD | st.characters(), max_size=700).map("".join)


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("  I  “led”\n it ", 'i "led" it'),
        ("can’t, can`t, can´t", "can't, can't, can't"),
        ("a – b — c ‑ d", "a - b - c - d"),
        ("ﬁne Ｔext", "fine text"),
        ("fi\u200bne\u00ad \u202eyes\u202c", "fine yes"),
        ("STRASSE Straße", "strasse strasse"),
        ("wait…", "wait..."),
    ],
)
def test_different_spellings_of_one_text_normalize_alike(written, normalized):
    assert normalize(written) == normalized


@pytest.mark.parametrize(
    ("one", "other"), [("cafe", "café"), ("it's", "its"), ("re-do", "redo"), ("1.5", "15"), ("a b", "ab")]
)
def test_different_words_stay_different(one, other):
    assert normalize(one) != normalize(other)


def test_every_dash_becomes_a_hyphen():
    dashes = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Pd"]

    assert [dash for dash in dashes if normalize(dash) != "-"] == []


@given(TEXTS)
def test_normalizing_twice_is_normalizing_once(text):
    assert normalize(normalize(text)) == normalize(text)


@given(TEXTS)
def test_the_copy_for_the_model_normalizes_like_the_original(text):
    assert normalize(strip_invisible(text)) == normalize(text)


@given(TEXTS, st.integers(0, 20), st.integers(0, 20))
def test_the_original_of_a_piece_normalizes_to_that_piece(text, before, after):
    normalized = NormalizedText("x" * before + text + "y" * after, before, before + len(text))
    assert normalized.text.strip() == normalize(text)

    for start in range(0, len(normalized.text), max(1, len(normalized.text) // 20)):
        for end in (start + 1, start + 5, len(normalized.text)):
            piece = normalized.text[start:end]
            span = normalized.original_span(start, end) if piece.strip() == piece and piece else None
            if span:
                assert before <= span.start < span.end <= before + len(text)
                assert normalize(text[span.start - before : span.end - before]) == piece


@given(TEXTS)
def test_the_whole_text_has_an_original(text):
    normalized = NormalizedText(text, 0, len(text))

    assert not normalized.text or normalized.original_span(0, len(normalized.text)) is not None


def test_a_part_of_a_ligature_has_no_original():
    normalized = NormalizedText("ﬁne", 0, 3)

    assert normalized.original_span(1, 4) is None
    assert normalized.original_span(0, 4) == (0, 3)
