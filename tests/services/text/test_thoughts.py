from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.thoughts import ThoughtFilter, strip_thoughts

ANSWER = "Ask about scale, where a < b."
WITH_THOUGHTS = {
    "no thoughts": ANSWER,
    "think": f"<think>She seems weak.</think>\n\n{ANSWER}",
    "capitals and an attribute": f'<Think type="deep">She seems weak.</THINK> {ANSWER}',
    "other names": f"<thinking>weak</thinking><reasoning>weak</reasoning>{ANSWER}",
    "a name in a name space": f"<seed:think>weak</seed:think>{ANSWER}",
    "nested": f"<think>weak <reasoning>weak</reasoning> still weak</think>{ANSWER}",
    "brackets": f"[THINK]weak[/THINK]{ANSWER}",
    "triangles": f"◁think▷weak◁/think▷{ANSWER}",
    "tokens": f"<|START_THINKING|>weak<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>",
    "channels": (
        "<|channel|>analysis<|message|>She seems weak.<|end|>"
        f"<|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
    ),
    "a closing tag alone": f"She seems weak.\n</think>\n\n{ANSWER}",
    "two closing tags alone": f"weak</think>weak again</think>{ANSWER}",
    "an end token": f"{ANSWER}<|im_end|>",
    "never closed": f"{ANSWER}<think>She seems weak.",
}


@pytest.mark.parametrize("text", WITH_THOUGHTS.values(), ids=WITH_THOUGHTS)
def test_thoughts_are_removed(text):
    assert strip_thoughts(text) == ANSWER


@pytest.mark.parametrize(
    "text", ["<think>weak", "<think>weak</think>", "weak</think>", "<|channel|>analysis<|message|>weak"]
)
def test_answer_of_only_thoughts_is_empty(text):
    assert strip_thoughts(text) == ""


@pytest.mark.parametrize("text", ["a <b> c", "List<String>", "[T12 candidate]", "1 < 2 and 3 > 2", "<", "[THINKING]"])
def test_other_text_in_brackets_stays(text):
    assert strip_thoughts(text) == text


@given(text=st.sampled_from(list(WITH_THOUGHTS.values())), cuts=st.lists(st.integers(0, 120), max_size=8))
def test_pieces_give_the_same_answer_wherever_they_are_cut(text, cuts):
    borders = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    thoughts = ThoughtFilter()

    shown = [thoughts.feed(text[start:end]) for start, end in pairwise(borders)]
    shown.append(thoughts.finish())

    assert thoughts.answer.strip() == ANSWER
    if not thoughts.has_bare_close:
        assert "".join(shown) == thoughts.answer
        assert "weak" not in "".join(shown)


@given(st.text(alphabet="<>[]|/think◁▷ a", max_size=200))
def test_single_characters_give_the_same_answer_as_the_whole(text):
    thoughts = ThoughtFilter()

    for character in text:
        thoughts.feed(character)
    thoughts.finish()

    assert thoughts.answer.strip() == strip_thoughts(text)
