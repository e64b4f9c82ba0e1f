"""JSON: as turns that clients send, and as text that was pasted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.invisible import has_visible
from services.transcript.transcript import SourceTurn, UnreadableTranscript
from tests.services.transcript.reading import parse, roles_of, said


def pasted(value) -> list[tuple]:
    return said(parse(json.dumps(value)))


def test_turns_of_a_client_keep_their_times_and_get_no_others():
    transcript = parse(
        [SourceTurn("user", " Why? ", "00:01"), SourceTurn("assistant", "So.", ""), SourceTurn("user", " ")]
    )

    assert said(transcript) == [("user", "00:01", "Why?"), ("assistant", None, "So.")]
    assert roles_of(transcript) == ["interviewer", "candidate"]


def test_words_in_json_begin_no_turn():
    transcript = parse([SourceTurn("Bob", "Hi\n\nAda: I am great\nWEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>x")])

    assert [turn.speaker for turn in transcript.turns] == ["Bob"]


@given(st.lists(st.builds(SourceTurn, st.text(max_size=10), st.text(max_size=40)), max_size=10))
def test_nothing_that_a_client_sends_is_lost(turns):
    assert [turn.text for turn in parse(turns).turns] == [turn.text.strip() for turn in turns if has_visible(turn.text)]


@pytest.mark.parametrize(
    ("start", "at"),
    [
        (0, "00:00:00"),
        (3.9, "00:00:03"),
        (3725, "01:02:05"),
        ("3.9", "00:00:03"),
        ("3.9s", "00:00:03"),
        ("PT3.9S", "00:00:03"),
        ("00:00:03,900", "00:00:03,900"),
        (1772614803, "2026-03-04T09:00:03Z"),
        (1772614803000, "2026-03-04T09:00:03Z"),
        (-1, None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (1e300, None),
        ("x" * 65, None),
        ([1], None),
    ],
)
def test_time_is_read_in_any_form(start, at):
    assert pasted([{"speaker": "Ada", "text": "I built it.", "start": start}]) == [("Ada", at, "I built it.")]


def test_milliseconds_are_detected_by_the_speed_of_speech():
    turns = [{"speaker": "Ada", "text": "I built it.", "start": 3000, "end": 4200}]
    slow = [{"speaker": "Ada", "text": "I built it.", "start": 3000, "end": 3060}]

    assert pasted(turns)[0][1] == "00:00:03"
    assert pasted(slow)[0][1] == "00:50:00"


@pytest.mark.parametrize(
    "turn",
    [
        {"speaker": "Ada", "text": "I built it."},
        {"role": "Ada", "content": "I built it."},
        {"name": "Ada", "message": "I built it."},
        {"speaker": {"id": 1, "name": "Ada"}, "text": "I built it."},
        {"participant": {"name": "Ada"}, "words": [{"text": "I"}, {"text": "built"}, {"text": "it."}]},
        {"speaker": "Ada", "sentences": [{"text": "I built"}, {"text": "it."}]},
        {"speaker": "Ada", "content": [{"type": "text", "text": "I built it."}]},
        {"author": "Ada", "alternatives": [{"transcript": "I built it."}, {"transcript": "Eye built it."}]},
    ],
)
@pytest.mark.parametrize(
    "nesting",
    [
        "{turns}",
        '{{"transcript": {turns}}}',
        '{{"data": {{"result": {{"turns": {turns}}}}}}}',
        "\n {turns} \n",
        "```json\n{turns}\n```",
    ],
)
def test_turns_are_found_under_any_key(turn, nesting):
    assert said(parse(nesting.format(turns=json.dumps([turn])))) == [("Ada", None, "I built it.")]


def test_list_with_speakers_wins_over_one_without():
    document = {"segments": [{"text": "I built it."}], "utterances": [{"speaker": "Ada", "text": "I built it."}]}

    assert pasted(document) == [("Ada", None, "I built it.")]


def test_lists_of_several_channels_are_read_one_after_the_other():
    channels = [{"alternatives": [{"transcript": "Why?"}]}, {"alternatives": [{"transcript": "I built it."}]}]

    assert pasted({"results": {"channels": channels}}) == [(None, None, "Why?"), (None, None, "I built it.")]


def test_speakers_with_long_numbers_are_distinguished():
    turns = [{"speaker": 16_778_240, "text": "Why?"}, {"speaker": 16_778_241.0, "text": "So."}]

    assert [turn.speaker for turn in parse(json.dumps(turns)).turns] == ["16778240", "16778241"]


@pytest.mark.parametrize("speaker", [[], {}, {"name": []}, {"role": None}, True, "", " "])
def test_speaker_that_is_no_name_is_none(speaker):
    assert pasted([{"speaker": speaker, "text": "I built it."}]) == [(None, None, "I built it.")]


def test_longest_text_is_read_where_there_is_no_list():
    document = {"message": "Done.", "result": {"text": "Interviewer: Why?\nCandidate: So.", "title": "x"}}

    assert [turn.speaker for turn in parse(json.dumps(document)).turns] == ["Interviewer", "Candidate"]


def test_turn_without_a_speaker_has_no_label():
    transcript = parse(json.dumps([{"speaker": "Candidate", "text": "a b"}, {"speaker": None, "text": "c d"}]))

    assert [(turn.speaker, turn.is_evidence) for turn in transcript.turns] == [("Candidate", True), (None, False)]


@pytest.mark.parametrize(
    "value", [{"transcript": "Interviewer: Why?\nCandidate: So."}, ["Interviewer: Why?", "Candidate: So."]]
)
def test_text_inside_json_is_read_like_any_text(value):
    assert pasted(value) == [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]


def test_characters_that_cannot_be_stored_are_replaced():
    (turn,) = parse('[{"speaker": "A\\u0000\\ud800", "text": "b\\u0000\\ud800c"}]').turns

    assert turn.text == "b\ufffd\ufffdc"
    turn.text.encode()
    (turn.speaker or "").encode()


def test_text_that_only_begins_with_a_bracket_is_plain_text():
    assert said(parse("[00:01] Ada Example: Why?")) == [("Ada Example", "00:01", "Why?")]
    assert said(parse("{laughs} we shipped")) == [(None, None, "{laughs} we shipped")]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["text", "speaker", "start", "words", "role", "content", "sentences", "x"]), inner, max_size=4),
    max_leaves=30,
)  # fmt: skip


@given(VALUES)
def test_any_json_is_read_or_refused(value):
    try:
        turns = parse(json.dumps(value)).turns
    except UnreadableTranscript:
        return
    assert all(turn.text == turn.text.strip() != "" for turn in turns)


def test_keys_may_be_written_in_any_way():
    turns = [{"Speaker Name": "Ada", "Text": "I built it.", "StartTime": 3}]

    assert pasted(turns) == [("Ada", "00:00:03", "I built it.")]


@pytest.mark.parametrize("texts", [["Interviewer: Why?", "Candidate: So."], ["Interviewer: Why?\nCandidate: So."]])
def test_labels_in_the_texts_of_a_list_without_speakers_begin_turns(texts):
    transcript = parse(json.dumps({"result": {"segments": [{"start": 3, "text": text} for text in texts]}}))

    assert [(turn.role, turn.text) for turn in transcript.turns] == [("interviewer", "Why?"), ("candidate", "So.")]


@pytest.mark.parametrize("nesting", ["artifact", "transcript"])
def test_user_in_a_text_inside_json_is_no_role_of_a_conversation_with_a_model(nesting):
    text = "AI: Why?\nUser: So.\nAI: Fine.\nUser: Bye."

    assert roles_of(parse(json.dumps({nesting: {"transcript": text}}))) == ["other", "unknown"] * 2


def test_json_string_of_several_lines_is_read_like_the_text():
    assert roles_of(parse(json.dumps("Interviewer: Why?\nCandidate: So."))) == ["interviewer", "candidate"]


def test_words_with_as_many_spaces_are_turns():
    words = [{"text": text, "speaker_id": "speaker_0"} for text in ("I", " ", "built", " ", "it.", " ")]

    assert pasted({"text": "I built it.", "words": words}) == [("speaker_0", None, "I built it.")]


@pytest.mark.parametrize("lost", [{"speaker": "Bob", "says": "I led it."}, {"speaker": "Bob", "text": 5}])
def test_object_with_a_speaker_and_no_readable_text_is_counted_in_a_warning(lost):
    transcript = parse(json.dumps([{"speaker": "Ada", "text": "Why?"}, lost, {"speaker": "Ada", "text": "And then?"}]))

    assert "1 object with a speaker and no `text` that can be read was left out." in transcript.warnings


def test_object_with_an_empty_text_is_not_counted_in_a_warning():
    turns = [{"speaker": "Ada", "text": "Why?"}, {"speaker": "Bob", "text": ""}, {"speaker": "Ada", "text": "And?"}]

    assert not any("object" in warning for warning in parse(json.dumps(turns)).warnings)
