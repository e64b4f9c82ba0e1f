"""How transcripts are read: every format, who says what, and nothing invented or lost."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.invisible import strip_format
from services.transcript.transcript import SourceTurn, Transcript, parse_transcript

TRANSCRIPTS = Path(__file__).parents[2] / "data/transcripts"


def parse(source, candidate_name=None, interviewer_names=()) -> Transcript:
    return parse_transcript(source, candidate_name=candidate_name, interviewer_names=interviewer_names)


def said(transcript: Transcript) -> list[tuple]:
    return [(turn.speaker, turn.at, turn.text) for turn in transcript.turns]


def roles(transcript: Transcript) -> list[str]:
    return [turn.role for turn in transcript.turns]


def stored(name: str) -> str:
    return (TRANSCRIPTS / name).read_bytes().decode()


PLAIN = {
    "role words": ("Interviewer: Why?\nCandidate: Because.", [("Interviewer", None, "Why?"), ("Candidate", None, "Because.")]),
    "no space behind the colon": ("Interviewer:Why?\nCandidate:Yes", [("Interviewer", None, "Why?"), ("Candidate", None, "Yes")]),
    "a title and an apostrophe": ("Dr. Jane O'Neil: Why?", [("Dr. Jane O'Neil", None, "Why?")]),
    "particles": ("Ludwig van Beethoven: Why?", [("Ludwig van Beethoven", None, "Why?")]),
    "time before the name": ("[00:01:02] Ada: Why?", [("Ada", "00:01:02", "Why?")]),
    "time before the name without brackets": ("00:01:02 Ada: Why?", [("Ada", "00:01:02", "Why?")]),
    "time in round brackets": ("Ada (00:01:02): Why?", [("Ada", "00:01:02", "Why?")]),
    "time in square brackets": ("Ada Example [1:02]: Why?", [("Ada Example", "1:02", "Why?")]),
    "name and time on a line of their own": ("Ada Example  0:12\nWhy?\n", [("Ada Example", "0:12", "Why?")]),
    "speech below the name": ("Ada Example:\nWhy?\n\nBob:\nSo.", [("Ada Example", None, "Why?"), ("Bob", None, "So.")]),
    "Markdown": ("**Ada Example:** Why?\n**Bob**: So.", [("Ada Example", None, "Why?"), ("Bob", None, "So.")]),
    "Chinese": ("面试官：你好\n王小明：我负责迁移", [("面试官", None, "你好"), ("王小明", None, "我负责迁移")]),
    "Arabic": ("المحاور: لماذا؟\nليلى حداد: لأنني", [("المحاور", None, "لماذا؟"), ("ليلى حداد", None, "لأنني")]),
    "Russian": ("Интервьюер: Почему?\nОльга: Потому", [("Интервьюер", None, "Почему?"), ("Ольга", None, "Потому")]),
    "names in lower case that return": ("bob: a\nada: b\nbob: c\nada: d", [("bob", None, "a"), ("ada", None, "b"), ("bob", None, "c"), ("ada", None, "d")]),
    "Windows line breaks and a byte order mark": ("\ufeffAda: Why?\r\nBob: So.\r\n", [("Ada", None, "Why?"), ("Bob", None, "So.")]),
    "time behind a comma": ("Ada Example, 10:02: Why?", [("Ada Example", "10:02", "Why?")]),
    "a name in brackets": ("[Ada Example] 00:01:02\nWhy?", [("Ada Example", "00:01:02", "Why?")]),
    "headings and lists": ("# Interviewer: Why?\n- Candidate: So.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "a role in square brackets": ("Ada [Candidate]: Why?", [("Ada [Candidate]", None, "Why?")]),
    "a role in brackets": ("Jane (Recruiter): Why?", [("Jane (Recruiter)", None, "Why?")]),
}  # fmt: skip


@pytest.mark.parametrize(("source", "turns"), PLAIN.values(), ids=PLAIN.keys())
def test_plain_lines(source, turns):
    assert said(parse(source)) == turns


@pytest.mark.parametrize(
    "line",
    [
        "Here is the thing: we shipped.",
        "See https://example.com/x: it is there.",
        "https://example.com",
        "We met at 10:30 in the morning",
        "10:30 was too late",
        "At about 10:02: we met",
        "Note: this took a year.",
        "I said: no.",
        "My approach was simple: measure.",
        "Then the interviewer asked: why?",
        "std::vector was slow",
        "Really? Yes: I did",
        "Ada said: I led it",
    ],
)
def test_a_colon_in_a_sentence_begins_no_turn(line):
    source = f"Interviewer: Why?\nAda Example: It was like this.\n{line}"

    assert said(parse(source, "Ada Example"))[1:] == [("Ada Example", None, f"It was like this.\n{line}")]


def test_a_guest_who_speaks_once_has_a_turn():
    source = "Interviewer: Why?\nCandidate: Because.\nCarol Guest: I only listen.\nCandidate: Fine."

    assert roles(parse(source)) == ["interviewer", "candidate", "unknown", "candidate"]


def test_an_answer_of_several_paragraphs_is_one_turn():
    transcript = parse("Interviewer: Why?\nCandidate: First.\n\nThen.\n\nInterviewer: Fine.")

    assert transcript.turns[1].text == "First.\n\nThen."


def test_prose_without_speakers_has_a_turn_for_each_paragraph():
    transcript = parse("She built it alone.\nIn Rust.\n\nShe was proud: rightly so.\n")

    assert said(transcript) == [
        (None, None, "She built it alone.\nIn Rust."),
        (None, None, "She was proud: rightly so."),
    ]
    assert transcript.warnings == (
        "The transcript names no speakers; quotes from it are marked as of an unknown speaker.",
    )


def test_words_before_the_first_speaker_are_nobodys():
    transcript = parse("Interview of Monday\n\nInterviewer: Why?\nBob: So.")

    assert said(transcript)[0] == (None, None, "Interview of Monday")
    assert roles(transcript) == ["unknown", "interviewer", "candidate"]


def test_what_daily_stores():
    transcript = parse(stored("daily.vtt"), "ada example", ["Bob"])

    assert said(transcript) == [
        ("Ada Example", "00:00:45.588", "Good morning, shall we start? I have prepared something."),
        ("Bob Sample", "00:00:51.300", "Please do. Candidate: that is you."),
        ("Ada Example", "00:00:54.000", "I led the migration Bob Sample: at x < y & z"),
    ]
    assert roles(transcript) == ["candidate", "interviewer", "candidate"]


def test_webvtt_by_the_standard():
    transcript = parse(stored("standard.vtt"), "Ada Example")

    assert said(transcript) == [
        ("Bob Sample", "00:01.000", "Tell me about it & why."),
        ("Ada Example", "00:03.000", "I led <v Bob Sample> the migration"),
        ("Bob Sample", "00:03.000", "Good."),
        (None, "00:06.000", "(laughter)"),
    ]


def test_webvtt_with_names_written_out():
    transcript = parse(stored("written.vtt"), "Ada Example")

    assert said(transcript) == [
        ("Bob Sample", "00:00:01.000", "Tell me about it."),
        ("Ada Example", "00:00:05.000", "One thing is clear: I led it."),
        (None, "00:00:10.000", "and so: we shipped"),
    ]


def test_subtitles_are_read_like_webvtt():
    transcript = parse("1\n00:00:01,000 --> 00:00:02,000\nBob: Hi\n\n2\n00:00:03,000 --> 00:00:04,000\nAda: Yes\n")

    assert said(transcript) == [("Bob", "00:00:01,000", "Hi"), ("Ada", "00:00:03,000", "Yes")]


def test_cues_of_nobody_go_on_to_the_end_of_the_sentence():
    transcript = parse(
        "WEBVTT\n\n00:01.000 --> 00:02.000\nI built\n\n00:02.000 --> 00:03.000\nit all.\n\n00:03.000 --> 00:04.000\nWhy?"
    )

    assert said(transcript) == [(None, "00:01.000", "I built it all."), (None, "00:03.000", "Why?")]


@pytest.mark.parametrize("forged", ["\u2028", "\u2029", "\x0b", "\x0c", "\x85"])
def test_a_character_that_looks_like_a_line_break_forges_no_cue(forged):
    source = f"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Bob>Hi{forged}{forged}00:03.000 --> 00:04.000{forged}<b>I am good"

    assert [turn.speaker for turn in parse(source).turns] == ["Bob"]


def test_nothing_said_in_json_begins_another_turn():
    transcript = parse([SourceTurn("Bob", "Hi\n\nAda: I am great\nWEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>x")])

    assert [turn.speaker for turn in transcript.turns] == ["Bob"]


def test_json_turns_keep_their_times_and_invent_none():
    transcript = parse(
        [SourceTurn("user", " Why? ", "00:01"), SourceTurn("assistant", "So.", ""), SourceTurn("user", " ")]
    )

    assert said(transcript) == [("user", "00:01", "Why?"), ("assistant", None, "So.")]
    assert roles(transcript) == ["interviewer", "candidate"]


@pytest.mark.parametrize(
    ("labels", "candidate", "interviewers", "expected"),
    [
        (["Interviewer", "Candidate"], None, [], ["interviewer", "candidate"]),
        (["Recruiter", "Applicant"], None, [], ["interviewer", "candidate"]),
        (["Interviewer 1", "Interviewer 2", "Candidate"], None, [], ["interviewer", "interviewer", "candidate"]),
        (["Q", "A"], None, [], ["interviewer", "candidate"]),
        (["Entrevistadora", "Candidata"], None, [], ["interviewer", "candidate"]),
        (["Jane Doe (Interviewer)", "Ada (Candidate)"], None, [], ["interviewer", "candidate"]),
        (["Speaker 1", "Speaker 2"], None, [], ["unknown", "unknown"]),
        (["Ada Example", "Bob"], "ada  EXAMPLE", [], ["candidate", "interviewer"]),
        (["Ada", "Bob", "Carol"], "Ada Example", [], ["candidate", "unknown", "unknown"]),
        (["Dr. Ada Example", "Bob", "Carol"], "Ada Example", [], ["candidate", "unknown", "unknown"]),
        (["Ada Smith", "Ada Jones", "Bob"], "Ada", [], ["unknown", "unknown", "unknown"]),
        (["Ada", "Ada Example", "Bob"], "Ada Example", [], ["unknown", "candidate", "unknown"]),
        (["Ada", "Bob", "Carol"], "Ada Example", ["Ada Sample"], ["unknown", "unknown", "unknown"]),
        (["Bob Sample", "Speaker 2"], None, ["Bob Sample"], ["interviewer", "candidate"]),
        (["Bob", "Carol", "Dan"], None, ["Bob Sample"], ["interviewer", "unknown", "unknown"]),
        (["Candidate", "Bob"], None, ["Candidate"], ["interviewer", "candidate"]),
        (["Interviewer", "Bob", "Carol"], "Interviewer", [], ["interviewer", "unknown", "unknown"]),
        (["Candidate Experience Lead", "Bob", "Carol"], None, [], ["unknown", "unknown", "unknown"]),
        (["Jane (Candidate)", "Bob", "Carol"], None, ["Jane Doe"], ["unknown", "unknown", "unknown"]),
        (["Can\u200bdidate", "Bob"], None, [], ["candidate", "interviewer"]),
        (["Joséphine", "Bob"], "Jose\u0301phine Martin", [], ["candidate", "interviewer"]),
    ],
)
def test_who_is_the_candidate(labels, candidate, interviewers, expected):
    transcript = parse([SourceTurn(label, "Hello there") for label in labels], candidate, interviewers)

    assert roles(transcript) == expected


def test_a_transcript_that_does_not_tell_who_the_candidate_is_says_so():
    transcript = parse("Speaker 1: Why?\nSpeaker 2: Because.")

    assert transcript.warnings == (
        (
            "The transcript does not tell who the candidate is. Quotes of these are marked as of an unknown speaker: "
            "Speaker 1, Speaker 2."
        ),
    )


def test_a_guest_is_named_in_a_warning():
    transcript = parse("Interviewer: Why?\nCandidate: So.\nCarol: Hm.")

    assert transcript.warnings == (
        (
            "Not every speaker is known to be the candidate or the interviewer. The words of these are not used as "
            "evidence: Carol."
        ),
    )


def test_when_everybody_is_known_there_is_nothing_to_warn_of():
    assert parse("Interviewer: Why?\nCandidate: So.").warnings == ()


@pytest.mark.parametrize("source", ["", " \n\n", "\ufeff", "WEBVTT", "WEBVTT\n\n00:01.000 --> 00:02.000\n", []])
def test_where_nobody_says_anything_there_are_no_turns(source):
    assert parse(source).turns == ()
    assert parse(source).warnings == ()


FRAGMENTS = st.sampled_from(
    ["Ada:", "Bob Sample: ", "[00:01:02] ", "(1:02)", "WEBVTT\n\n", "00:01.000 --> 00:02.000\n", "<v Ada>", "<v>Ada:</v>", "</v>", "\n", "\r\n", "\n\n", "\r", "NOTE ", "transcript:1\n", "：", "**", "&lt;", "&", "<", "Interviewer: ", " ", "\u2028", "\u200b", "\ufeff", "Candidate:", "x"]
)  # fmt: skip
SOURCES = st.lists(FRAGMENTS | st.text(max_size=12), max_size=40).map("".join)


@given(SOURCES, st.none() | st.text(max_size=20), st.lists(st.text(max_size=20), max_size=2))
def test_any_text_is_read_and_every_turn_stands_where_it_says(source, candidate, interviewers):
    transcript = parse(source, candidate, interviewers)

    last = 0
    for number, turn in enumerate(transcript.turns, 1):
        assert turn.number == number
        assert last <= turn.start < turn.end
        assert transcript.text[turn.start : turn.end] == turn.text == turn.text.strip()
        last = turn.end


@given(SOURCES.filter(lambda source: "-->" not in source and "WEBVTT" not in source))
def test_plain_text_is_its_own_text_and_only_labels_stand_outside_of_turns(source):
    transcript = parse(source)
    assert transcript.text == source

    rest = source
    for turn in reversed(transcript.turns):
        rest = rest[: turn.start] + "\n" + rest[turn.end :]

    for outside in re.split(r"[\n\r]", rest):
        is_label = re.search(r"[:：]", outside) is not None and len(outside) < 250
        assert is_label or not strip_format(outside).strip()


@given(st.lists(st.builds(SourceTurn, st.text(max_size=10), st.text(max_size=40)), max_size=10))
def test_nothing_said_in_json_is_lost(turns):
    transcript = parse(turns)

    assert [turn.text for turn in transcript.turns] == [
        turn.text.strip() for turn in turns if strip_format(turn.text).strip()
    ]


@given(st.lists(st.text("abc xyz.,!?<>&:", min_size=1, max_size=30), min_size=1, max_size=10))
def test_nothing_said_in_webvtt_is_lost(speeches):
    cues = "\n\n".join(f"transcript:{n}\n00:01.000 --> 00:02.000\n<v>Ada:</v>{text}" for n, text in enumerate(speeches))

    transcript = parse(f"WEBVTT\n\n{cues}\n")

    heard = "".join(turn.text for turn in transcript.turns)
    tags = re.compile(r"</?(?:v|c|b|i|u|lang|ruby|rt)(?:[.\s][^<>]*)?>")
    assert re.sub(r"\s", "", heard) == re.sub(r"\s", "", "".join(tags.sub("", text) for text in speeches))
