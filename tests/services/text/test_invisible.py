"""Invisible characters: found, removed or named, and visible text of any script stays as it is."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.invisible import (
    has_bidirectional_or_tag_characters,
    has_visible,
    name_hidden,
    strip_control,
    strip_format,
    strip_invisible,
)

CLEANERS = [strip_control, strip_format, strip_invisible, name_hidden]
VISIBLE = "plain, schön, 简单, بسيط, ٣, 가나, ☎"


@given(st.text())
@pytest.mark.parametrize("clean", CLEANERS)
def test_cleaning_twice_is_cleaning_once(clean, text):
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize("clean", CLEANERS)
def test_visible_text_of_any_script_is_kept(clean):
    assert clean(VISIBLE) == VISIBLE


@pytest.mark.parametrize("clean", [strip_control, name_hidden])
def test_joiners_of_scripts_and_emoji_are_kept_in_text_for_people(clean):
    assert clean("👩\u200d🔬 نامه\u200cها ❤\ufe0f") == "👩\u200d🔬 نامه\u200cها ❤\ufe0f"


def test_every_format_character_is_removed_for_comparison():
    formats = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]

    assert [character for character in formats if strip_format(character)] == []


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\U000e0041"])
def test_characters_that_hide_or_reorder_text_are_found_and_removed(character):
    assert has_bidirectional_or_tag_characters(f"abc{character}def")
    assert strip_invisible(f"abc{character}def") == strip_control(f"abc{character}def") == "abcdef"


def test_emoji_and_other_scripts_do_not_count_as_hidden():
    assert not has_bidirectional_or_tag_characters(f"{VISIBLE} 👩\u200d🔬")


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_every_line_break_is_a_newline_for_a_model(line_break):
    assert strip_invisible(f"a{line_break}b") == "a\nb"


def test_a_report_names_a_run_of_hidden_characters_once():
    assert name_hidden("a\u202e\u202db\x00c") == "a[2 hidden characters]b[1 hidden character]c"


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\ufeff", "\u3164", "\x00 \u2028", "\u0600"])
def test_text_without_a_glyph_is_not_visible(text):
    assert not has_visible(text)
    assert has_visible(f"{text}x{text}")
    assert not has_visible(f"x{text}", 1)
