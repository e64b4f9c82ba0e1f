"""Where turns begin, and whose words count: nothing the interviewer says may pass for the candidate's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evidence.quotes import QuoteFinder
from services.transcript.transcript import SourceTurn, Transcript, parse_transcript

LED = "You clearly led the whole migration alone"


def parse(source, candidate_name=None, interviewer_names=()) -> Transcript:
    return parse_transcript(source, candidate_name=candidate_name, interviewer_names=interviewer_names)


def said(transcript: Transcript) -> list[tuple]:
    return [(turn.role, turn.text) for turn in transcript.turns]


PANEL = {
    "plain lines": f"Jonas Weber: Hello.\nPriya Rao: {LED}\nMaya Lindqvist: I only helped.",
    "JSON": [
        SourceTurn("Jonas Weber", "Hello."),
        SourceTurn("Priya Rao", LED),
        SourceTurn("Maya Lindqvist", "I only helped."),
    ],
    "WebVTT": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v>Jonas Weber:</v>Hello.\n\n"
        f"00:02.000 --> 00:03.000\n<v>Priya Rao:</v>{LED}\n\n"
        "00:03.000 --> 00:04.000\n<v>Maya Lindqvist:</v>I only helped."
    ),
}


@pytest.mark.parametrize("source", PANEL.values(), ids=PANEL)
def test_on_a_panel_an_interviewer_nobody_told_us_of_is_no_evidence(source):
    transcript = parse(source, "Maya Lindqvist", ["Jonas Weber"])

    assert QuoteFinder(transcript).find_quote(LED, 2).quotes == ()
    assert QuoteFinder(transcript).find_quote(LED, 3).quotes == ()
    assert transcript.warnings == (
        (
            "Not every speaker is known to be the candidate or the interviewer. The words of these are not used as "
            "evidence: Priya Rao."
        ),
    )


def test_where_nobody_is_known_to_be_the_candidate_everybody_may_be_quoted():
    transcript = parse(f"Jonas Weber: Hello.\nPriya Rao: {LED}\nSam: Hm.", None, ["Jonas Weber"])

    (quote,) = QuoteFinder(transcript).find_quote(LED, 2).quotes

    assert quote.speaker == "unknown"
    assert "marked as of an unknown speaker: Priya Rao, Sam." in transcript.warnings[0]


INSIDE = {
    "a role": ("Candidate: I only helped. Interviewer: You led.", [("candidate", "I only helped."), ("interviewer", "You led.")]),
    "a role in lower case": ("candidate: i only helped. interviewer: you led.", [("candidate", "i only helped."), ("interviewer", "you led.")]),
    "many": ("Interviewer: Why? Candidate: So. Interviewer: Fine!", [("interviewer", "Why?"), ("candidate", "So."), ("interviewer", "Fine!")]),
    "a role and a number": ("Candidate: I helped… Interviewer 2: You led.", [("candidate", "I helped…"), ("interviewer", "You led.")]),
    "a full name that is expected": ("Maya Lindqvist: I helped. Jonas Weber: You led.", [("candidate", "I helped."), ("interviewer", "You led.")]),
    "a label from the beginning of a line": ("Guest 1: Hi.\nCandidate: I helped. Guest 1: You led.", [("interviewer", "Hi."), ("candidate", "I helped."), ("interviewer", "You led.")]),
    "a title": ("Dr. Jonas Weber: Hi.\nCandidate: I helped. Dr. Jonas Weber: You led.", [("interviewer", "Hi."), ("candidate", "I helped. Dr."), ("interviewer", "You led.")]),
    "a time": ("Candidate: I helped. [00:01:02] Interviewer: You led.", [("candidate", "I helped."), ("interviewer", "You led.")]),
    "Markdown": ("**Candidate:** I helped. **Interviewer:** You led.", [("candidate", "I helped."), ("interviewer", "You led.")]),
    "a closing quotation mark": ("Candidate: I said “help.” Interviewer: You led.", [("candidate", "I said “help.”"), ("interviewer", "You led.")]),
    "Chinese": ("候选人：我只是帮忙。面试官：你领导了迁移。", [("candidate", "我只是帮忙。"), ("interviewer", "你领导了迁移。")]),
    "subtitles": ("WEBVTT\n\n00:01.000 --> 00:02.000\nCandidate: I helped\nInterviewer: You led.", [("candidate", "I helped"), ("interviewer", "You led.")]),
}  # fmt: skip


@pytest.mark.parametrize(("source", "turns"), INSIDE.values(), ids=INSIDE)
def test_a_label_beyond_doubt_begins_a_turn_inside_of_a_line(source, turns):
    assert said(parse(source, "Maya Lindqvist", ["Jonas Weber"])) == turns


@pytest.mark.parametrize(
    "speech",
    [
        "They asked me. Role: lead.",
        "It was hard. Jonas: he helped.",
        "I met an interviewer: he was kind.",
        "We shipped. Stack: Go and SQL.",
        "They asked. The interviewer: a kind man.",
        "We had two. Candidates: many.",
        "It ran at 10.30. Interviewer:none",
    ],
)
def test_a_sentence_with_a_colon_stays_its_speaker_s(speech):
    assert said(parse(f"Candidate: {speech}", "Maya Lindqvist", ["Jonas Weber"])) == [("candidate", speech)]


def test_a_name_behind_its_title_begins_no_second_turn():
    transcript = parse("Dr. Jonas Weber: Hi.\nCandidate: So.", None, ["Jonas Weber"])

    assert [turn.speaker for turn in transcript.turns] == ["Dr. Jonas Weber", "Candidate"]


@pytest.mark.parametrize("forged", ["\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85"])
def test_a_character_that_looks_like_a_line_break_forges_no_turn(forged):
    speech = f"Tell me.{forged}Candidate: I led the migration"

    assert said(parse(f"Interviewer: {speech}\nCandidate: No.")) == [("interviewer", speech), ("candidate", "No.")]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_end_as_files_have_them(line_break):
    assert said(parse(f"Interviewer: Why?{line_break}Candidate: So.")) == [
        ("interviewer", "Why?"),
        ("candidate", "So."),
    ]


@given(st.text("ab c,", max_size=30), st.text("ab c,", min_size=1, max_size=30), st.sampled_from(".!?"))
def test_what_the_interviewer_says_on_the_candidate_s_line_is_the_interviewer_s(answer, praise, end):
    transcript = parse(f"Candidate: a{answer}{end} Interviewer: b{praise}")

    assert said(transcript) == [("candidate", f"a{answer}{end}"), ("interviewer", f"b{praise}".strip())]
