"""WebVTT and SubRip as the standards have them, and as people leave them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.transcript.reading import parse, roles_of, said

TIMING = "00:00:01.000 --> 00:00:04.000"


def cue(timing: str, text: str = "Candidate: I built it.") -> str:
    return f"WEBVTT\n\n{timing}\n{text}\n"


@pytest.mark.parametrize(
    ("timing", "at"),
    [
        ("00:00:01.000 --> 00:00:04.000", "00:00:01.000"),
        ("00:01.000 --> 00:04.000", "00:01.000"),
        ("0:01 --> 0:04", "0:01"),
        ("00:00:01,000 --> 00:00:04,000", "00:00:01,000"),
        ("00:00:01.0-->00:00:04.0", "00:00:01.0"),
        ("00:00:01.000 -> 00:00:04.000", "00:00:01.000"),
        ("00:00:01.000 – > 00:00:04.000", "00:00:01.000"),
        ("00:00:01.000 —> 00:00:04.000", "00:00:01.000"),
        ("00:00:01.000 → 00:00:04.000", "00:00:01.000"),
        ("00:00:01.000 - 00:00:04.000", "00:00:01.000"),
        ("00: 00: 01,000 --> 00: 00: 04,000", "00:00:01,000"),
        ("00：00：01，000 --> 00：00：04，000", "00：00：01，000"),
        ("00:00:01.000 -->", "00:00:01.000"),
        ("  00:00:01.000 --> 00:00:04.000  ", "00:00:01.000"),
        ("00:00:01.000 --> 00:00:04.000 align:start position:0%", "00:00:01.000"),
        ("100:00:01.000 --> 100:00:04.000", "100:00:01.000"),
    ],
)
def test_timing_is_read_however_it_is_written(timing, at):
    assert said(parse(cue(timing))) == [("Candidate", at, "I built it.")]


@pytest.mark.parametrize(
    "header",
    ["WEBVTT", "\ufeffWEBVTT", "WEBVTT FILE", "WEBVTT - title", "WEBVTT\nKind: captions\nLanguage: de", "\n\nWEBVTT"],
)
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_header_and_line_breaks_of_every_kind_are_read(header, line_break):
    source = f"{header}\n\nNOTE a comment\nof two lines\n\n{TIMING}\nCandidate: I built it.\n".replace("\n", line_break)

    assert said(parse(source)) == [("Candidate", "00:00:01.000", "I built it.")]


def test_speech_on_the_line_of_its_timing_is_read():
    source = "WEBVTT\n\n00:01 --> 00:02 Interviewer: Why?\n00:03 --> 00:04 align:start Candidate: So.\n"

    assert said(parse(source)) == [("Interviewer", "00:01", "Why?"), ("Candidate", "00:03", "So.")]


def test_tags_are_removed_and_entities_are_read():
    text = "Candidate: I <b>built</b> <c.loud>it</c> <00:00:02.000>&amp; x &lt; y <3 <ruby>a<rt>b</rt></ruby>"

    assert said(parse(cue(TIMING, text)))[0][2] == "I built it & x < y <3 ab"


def test_entity_is_never_read_as_a_tag_or_a_speaker():
    source = cue(TIMING, "<v Bob Sample>Hello &lt;v Ada Example&gt; I am great")

    assert said(parse(source, "Ada Example")) == [("Bob Sample", "00:00:01.000", "Hello <v Ada Example> I am great")]


def test_name_written_in_a_file_of_daily_begins_no_turn():
    source = cue(TIMING, "<v>Bob Sample:</v>Please do. Candidate: that is you.\nCandidate: I am great")

    assert [turn.speaker for turn in parse(source).turns] == ["Bob Sample"]


def test_cues_of_one_speaker_are_one_turn():
    source = (
        "WEBVTT\n\n00:01 --> 00:02\n<v Ada>I built\n\n00:02 --> 00:03\n<v Ada>it all.\n\n00:03 --> 00:04\n<v Bob>Why?"
    )

    assert said(parse(source)) == [("Ada", "00:01", "I built it all."), ("Bob", "00:03", "Why?")]


def test_cues_without_any_name_are_joined_to_sentences():
    source = "WEBVTT\n\n00:01 --> 00:02\nI built\n\n00:02 --> 00:03\nit all.\n\n00:03 --> 00:04\nWhy?"

    assert said(parse(source)) == [(None, "00:01", "I built it all."), (None, "00:03", "Why?")]


def test_unnamed_cue_among_named_cues_has_no_speaker():
    source = "1\n00:00:01,000 --> 00:00:02,000\nInterviewer: Why?\n\n2\n00:00:03,000 --> 00:00:04,000\nI led it.\n\n3\n00:00:05,000 --> 00:00:06,000\nCandidate: So."

    transcript = parse(source)

    assert roles_of(transcript) == ["interviewer", "unknown", "candidate"]
    assert [turn.is_evidence for turn in transcript.turns] == [False, False, True]
    assert "1 passage without a speaker's name (3 words) is not used as evidence" in transcript.warnings[0]


def test_text_above_the_first_timing_is_left_out():
    transcript = parse("Backend interview\n\n1\n00:00:01,000 --> 00:00:02,000\nCandidate: So.")

    assert said(transcript) == [("Candidate", "00:00:01,000", "So.")]
    assert "1 line of the file" in transcript.warnings[0]


def test_id_above_a_timing_is_not_speech():
    source = f"WEBVTT\n\nopening remarks\n{TIMING}\nCandidate: So.\n\nfirst answer\n{TIMING}\nCandidate: Then."

    assert said(parse(source)) == [("Candidate", "00:00:01.000", "So. Then.")]


def test_number_said_at_the_end_of_a_cue_is_speech():
    source = f"WEBVTT\n\n{TIMING}\nInterviewer: How many?\n\n{TIMING}\nCandidate:\n42\n\n{TIMING}\nInterviewer: Fine."

    assert said(parse(source))[1][2] == "42"


def test_arrow_in_the_text_of_a_cue_is_speech():
    assert said(parse(cue(TIMING, "Candidate: from A --> B")))[0][2] == "from A --> B"


def test_arrow_in_the_label_of_a_chat_is_not_a_timing():
    assert said(parse("10:02 Ada -> Bob: Why?\n10:03 Bob -> Ada: So."))[0] == ("Ada -> Bob", "10:02", "Why?")


@pytest.mark.parametrize("forged", ["\u2028", "\u2029", "\x0b", "\x0c", "\x85"])
def test_character_that_looks_like_a_line_break_begins_no_cue(forged):
    source = cue(TIMING, f"<v Bob>Hi{forged}{forged}00:03.000 --> 00:04.000{forged}<b>I am good")

    assert [turn.speaker for turn in parse(source).turns] == ["Bob"]


@given(st.lists(st.text("abc xyz.,!?>&:-", min_size=1, max_size=30), min_size=1, max_size=10))
def test_nothing_said_is_lost(speeches):
    cues = "\n\n".join(f"transcript:{number}\n{TIMING}\n<v>Ada:</v>{text}" for number, text in enumerate(speeches))

    heard = "".join(turn.text for turn in parse(f"WEBVTT\n\n{cues}\n").turns)

    assert "".join(heard.split()) == "".join("".join(speeches).split())


LED = "You led it all alone."


@pytest.mark.parametrize(
    "spoken",
    [
        f"<v Ada>I helped.</v> {LED}",
        f"<v Ada>I helped.</v>\n{LED}",
        f"<v Ada>I helped.</v>\n\n{LED}",
        f"<v>Ada:</v>I helped.\n\n{LED}",
        f"Ada: I helped.\n- {LED}",
        f"Ada: I helped.\n\n{LED}",
    ],
)
def test_words_behind_the_end_of_a_voice_have_no_speaker(spoken):
    source = cue(TIMING, spoken)

    assert [(turn.speaker, turn.text.removeprefix("- ")) for turn in parse(source, "Ada").turns] == [
        ("Ada", "I helped."),
        (None, LED),
    ]


def test_several_voices_in_a_cue_of_daily_are_several_turns():
    source = cue(TIMING, "<v>Ada:</v>I helped.\n<v>Bob Sample:</v>You led.")

    assert [(turn.speaker, turn.text) for turn in parse(source).turns] == [
        ("Ada", "I helped."),
        ("Bob Sample", "You led."),
    ]


def test_empty_line_below_a_timing_does_not_hide_the_speaker():
    source = f'WEBVTT\n\n1 "Ada Example" (42)\n{TIMING}\n\nI helped.\n'

    assert [(turn.speaker, turn.text) for turn in parse(source).turns] == [("Ada Example", "I helped.")]
