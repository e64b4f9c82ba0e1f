import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.prompts.inputs import split_transcript
from services.prompts.tokens import estimate_tokens, fit_parts, prompt_cut_warning, size_in_bytes
from services.transcript.transcript import Turn

PARTS = st.dictionaries(
    st.sampled_from(["role", "resume", "job_description", "context", "interviewer_notes", "sidebar_chat"]),
    st.text(max_size=3000),
)


def test_parts_that_take_half_of_the_space_are_not_shortened():
    fitted = fit_parts({"resume": "x" * 1500, "context": "y" * 1500}, 2000)

    assert fitted.parts == {"resume": "x" * 1500, "context": "y" * 1500}
    assert (fitted.tokens_left, fitted.warnings) == (1000, [])


def test_shortened_parts_are_named():
    fitted = fit_parts({"resume": "word " * 2000, "interviewer_notes": "short"}, 1200)

    assert estimate_tokens(fitted.parts["resume"]) <= 200
    assert fitted.parts["interviewer_notes"] == "short"
    assert [warning for warning in fitted.warnings if "resume" in warning] == fitted.warnings


def test_end_of_the_sidebar_chat_is_kept():
    fitted = fit_parts({"sidebar_chat": "user: old\n" * 1000 + "user: new"}, 600)

    assert fitted.parts["sidebar_chat"].endswith("user: new")


@pytest.mark.parametrize("tokens", [-1000, 0, 4])
@pytest.mark.parametrize("kind", ["sidebar_chat", "resume"])
def test_part_takes_no_more_than_its_space_also_where_there_is_none(kind, tokens):
    fitted = fit_parts({kind: "x" * 1000}, tokens)

    assert len(fitted.parts[kind]) <= max(0, tokens) * 4
    assert fitted.warnings


@given(parts=PARTS, tokens=st.integers(100, 3000))
def test_space_is_left_for_the_transcript(parts, tokens):
    known = {kind: text for kind, text in parts.items() if kind != "role"}

    fitted = fit_parts(known, tokens)

    assert fitted.tokens_left >= 0
    assert fitted.tokens_left == tokens - sum(map(estimate_tokens, fitted.parts.values()))


def turn(number, text, *, is_evidence=True):
    return Turn(number, "Ada", "candidate", None, 0, len(text), text, is_evidence)


@given(texts=st.lists(st.text(max_size=300), max_size=20), size=st.integers(200, 1000))
def test_every_turn_is_in_a_part_and_no_part_is_too_large(texts, size):
    turns = [turn(number, text) for number, text in enumerate(texts, 1)]

    parts = split_transcript(turns, size)

    # the start of a line is not counted into the size of a turn
    assert all(size_in_bytes(part.text) <= size + 60 for part in parts)
    assert {number for part in parts for number in part.quotable_turns} == {*range(1, len(texts) + 1)}


def test_only_turns_that_are_evidence_are_quotable():
    (part,) = split_transcript([turn(1, "Why?", is_evidence=False), turn(2, "So.")], 1000)

    assert part.quotable_turns == (2,)
    assert "[T1 candidate] Why?" in part.text


@pytest.mark.parametrize(
    ("characters", "counted"), [(40_000, 10_000), (40_000, 5001), (7000, 10), (40_000, None), (40_000, 0)]
)
def test_plausible_or_unknown_token_count_gives_no_warning(characters, counted):
    assert prompt_cut_warning(characters, counted) is None


def test_token_count_far_below_the_prompt_gives_a_warning():
    assert "2,048" in prompt_cut_warning(40_000, 2048)
