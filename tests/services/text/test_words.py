"""Words are counted and pieces of speech joined in scripts with and without spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.words import count_words, join_all


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("  -- … ", 0),
        ("I can't, in 2024", 4),
        ("Ich führte das Über-Team", 4),
        ("저는 장부를 설계했습니다", 3),
        ("我设计了账本", 3),
        ("我用 Redis 很久", 3),
        ("ผมออกแบบ", 2),
        ("قدت الفريق وحدي", 3),
    ],
)
def test_words_are_counted_in_any_script(text, words):
    assert count_words(text) == words


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        ("I built", "it", "I built it"),
        ("我设计了", "账本", "我设计了账本"),
        ("私は設計した。", "それから測った。", "私は設計した。それから測った。"),
        ("ผมออกแบบ", "บัญชี", "ผมออกแบบบัญชี"),
        ("저는 장부를", "설계했습니다", "저는 장부를 설계했습니다"),
        ("我用", "Redis", "我用 Redis"),
        ("", "so", "so"),
        ("so", "", "so"),
    ],
)
def test_pieces_are_joined_as_their_script_writes_them(before, after, joined):
    assert join_all([before, after]) == joined


@given(st.text(), st.text())
def test_joining_counts_no_fewer_words_than_either_piece(before, after):
    assert count_words(join_all([before, after])) >= max(count_words(before), count_words(after)) - 1
