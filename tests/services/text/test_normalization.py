"""Folding changes what is written differently without being different, and knows the way back."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.invisible import strip_invisible
from services.text.normalization import NormalizedText, normalize, strip_format

HARD = st.sampled_from(
    [*"aB \n\t\r-'\"`.´ẹ́́ͅ\u200b\u200d\xadﬁ…—“’ßİ゙ﾞｶ", "ẞ", "\u2028", "\x85", "\x0b", "\x1f", "¨", "가", "ŉ", "ᾳ", "👨\u200d👩", "️"]
)  # fmt: skip
TEXTS = st.lists(HARD | st.characters(), max_size=700).map("".join)


@pytest.mark.parametrize(
    ("written", "folded"),
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
def test_what_is_written_differently_folds_alike(written, folded):
    assert normalize(written) == folded


@pytest.mark.parametrize(
    ("one", "other"), [("cafe", "café"), ("it's", "its"), ("re-do", "redo"), ("1.5", "15"), ("a b", "ab")]
)
def test_what_is_different_stays_different(one, other):
    assert normalize(one) != normalize(other)


def test_every_format_character_is_invisible():
    formats = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]

    assert [character for character in formats if strip_format(character)] == []


def test_every_dash_folds_to_a_hyphen():
    dashes = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Pd"]

    assert [dash for dash in dashes if normalize(dash) != "-"] == []


@given(TEXTS)
def test_folding_again_changes_nothing(text):
    assert normalize(normalize(text)) == normalize(text)


@given(TEXTS)
def test_the_copy_that_a_model_reads_folds_like_the_original(text):
    assert normalize(strip_invisible(text)) == normalize(text)


@given(TEXTS, st.integers(0, 20), st.integers(0, 20))
def test_a_piece_unfolds_to_characters_that_fold_to_it(text, before, after):
    folded = NormalizedText("x" * before + text + "y" * after, before, before + len(text))
    assert folded.text.strip() == normalize(text)

    for start in range(0, len(folded.text), max(1, len(folded.text) // 20)):
        for end in (start + 1, start + 5, len(folded.text)):
            piece = folded.text[start:end]
            span = folded.original_span(start, end) if piece.strip() == piece and piece else None
            if span:
                assert before <= span.start < span.end <= before + len(text)
                assert normalize(text[span.start - before : span.end - before]) == piece


@given(TEXTS)
def test_every_character_can_be_unfolded_with_its_neighbours(text):
    folded = NormalizedText(text, 0, len(text))

    assert not folded.text or folded.original_span(0, len(folded.text)) is not None


def test_half_a_ligature_is_no_place():
    folded = NormalizedText("ﬁne", 0, 3)

    assert folded.original_span(1, 4) is None
    assert folded.original_span(0, 4) == (0, 3)
