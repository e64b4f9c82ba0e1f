"""Where turns begin in plain text, and which lines are not speech."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.transcript.reading import parse, roles_of, said, words_by_role

FORMS = {
    "role words": ("Interviewer: Why?\nCandidate: Because.", [("Interviewer", None, "Why?"), ("Candidate", None, "Because.")]),
    "no space behind the colon": ("Interviewer:Why?\nCandidate:Yes", [("Interviewer", None, "Why?"), ("Candidate", None, "Yes")]),
    "a space before the colon": ("Interviewer : Why?\nCandidate : Yes", [("Interviewer", None, "Why?"), ("Candidate", None, "Yes")]),
    "a title and an apostrophe": ("Dr. Jane O'Neil: Why?", [("Dr. Jane O'Neil", None, "Why?")]),
    "particles": ("Ludwig van Beethoven: Why?", [("Ludwig van Beethoven", None, "Why?")]),
    "a colon in brackets": ("Ada Example (pronouns: she/her): Why?", [("Ada Example (pronouns: she/her)", None, "Why?")]),
    "time before the name": ("[00:01:02] Ada: Why?", [("Ada", "00:01:02", "Why?")]),
    "time before the name without brackets": ("00:01:02 Ada: Why?", [("Ada", "00:01:02", "Why?")]),
    "time without a space behind it": ("[00:01.50]Ada Example: Why?", [("Ada Example", "00:01.50", "Why?")]),
    "times joined by a comma": ("00:01,00:04 Ada Example: Why?", [("Ada Example", "00:01", "Why?")]),
    "time in italics behind a bold name": ("**Ada Example** *(0:12)*\nWhy?\n\n**Bob Sample** *(0:15)*\nSo.", [("Ada Example", "0:12", "Why?"), ("Bob Sample", "0:15", "So.")]),
    "time in round brackets": ("Ada (00:01:02): Why?", [("Ada", "00:01:02", "Why?")]),
    "time in square brackets": ("Ada Example [1:02]: Why?", [("Ada Example", "1:02", "Why?")]),
    "time behind a comma": ("Ada Example, 10:02: Why?", [("Ada Example", "10:02", "Why?")]),
    "time in units": ("[1m02s] Ada: Why?", [("Ada", "1:02", "Why?")]),
    "time with frames": ("[00:01:02:12] Ada: Why?", [("Ada", "00:01:02:12", "Why?")]),
    "name and time on a line of their own": ("Ada Example  0:12\nWhy?\n", [("Ada Example", "0:12", "Why?")]),
    "name in brackets and time on a line of their own": ("[Ada Example] 00:01:02\nWhy?", [("Ada Example", "00:01:02", "Why?")]),
    "time below the name": ("Ada Example\n0:12\nWhy?\n\nBob Sample\n0:15\nSo.", [("Ada Example", "0:12", "Why?"), ("Bob Sample", "0:15", "So.")]),
    "time before the speech": ("Interviewer\n[0:12] Why?\n\nCandidate\n[0:15] So.", [("Interviewer", "0:12", "Why?"), ("Candidate", "0:15", "So.")]),
    "comma-separated values": ("Interviewer,0:12,Why?\nCandidate,0:15,So.", [("Interviewer", "0:12", "Why?"), ("Candidate", "0:15", "So.")]),
    "speech below the name": ("Ada Example:\nWhy?\n\nBob:\nSo.", [("Ada Example", None, "Why?"), ("Bob", None, "So.")]),
    "roles on lines of their own": ("Interviewer\n\nWhy?\n\nCandidate\n\nSo.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "Markdown": ("**Ada Example:** Why?\n**Bob**: So.", [("Ada Example", None, "Why?"), ("Bob", None, "So.")]),
    "headings and lists": ("# Interviewer: Why?\n- Candidate: So.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "numbered lines": ("1. Interviewer: Why?\n2. Candidate: So.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "underlined names": ("Interviewer\n-----------\nWhy?\n\nCandidate\n=========\nSo.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "names between rules": ("=== Interviewer ===\nWhy?\n\n=== Candidate ===\nSo.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "questions without a colon": ("Q. Why?\nA. So.\nQ. And?\nA. Fine.", [("Q", None, "Why?"), ("A", None, "So."), ("Q", None, "And?"), ("A", None, "Fine.")]),
    "numbered questions": ("Q1. Why?\nCandidate: So.", [("Q1", None, "Why?"), ("Candidate", None, "So.")]),
    "an emoji that returns": ("Ada Example: a\n🐼: b\nAda Example: c\n🐼: d", [("Ada Example", None, "a"), ("🐼", None, "b"), ("Ada Example", None, "c"), ("🐼", None, "d")]),
    "numbers of speakers": ("0: a\n1: b\n0: c\n1: d", [("0", None, "a"), ("1", None, "b"), ("0", None, "c"), ("1", None, "d")]),
    "a name and a time in brackets": ("[Ada Example] [10:02 PM] a\n[Bob Sample] [10:03 PM] b\n[Ada Example] [10:04 PM] c\n[Bob Sample] [10:05 PM] d", [("Ada Example", "10:02 PM", "a"), ("Bob Sample", "10:03 PM", "b"), ("Ada Example", "10:04 PM", "c"), ("Bob Sample", "10:05 PM", "d")]),
    "captions of television": (">> Interviewer: Why?\n>> Candidate: So.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "a dash": ("Interviewer - Why?\nCandidate - So.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "a tab": ("Interviewer\tWhy?\nCandidate\tSo.", [("Interviewer", None, "Why?"), ("Candidate", None, "So.")]),
    "Chinese": ("面试官：你好\n王小明：我负责迁移", [("面试官", None, "你好"), ("王小明", None, "我负责迁移")]),
    "Arabic": ("المحاور: لماذا؟\nليلى حداد: لأنني", [("المحاور", None, "لماذا؟"), ("ليلى حداد", None, "لأنني")]),
    "Russian": ("Интервьюер: Почему?\nОльга: Потому", [("Интервьюер", None, "Почему?"), ("Ольга", None, "Потому")]),
    "names in lower case that return": ("bob: a\nada: b\nbob: c\nada: d", [("bob", None, "a"), ("ada", None, "b"), ("bob", None, "c"), ("ada", None, "d")]),
    "a new speaker in a file in lower case": ("candidate: a\nboss: b\ncandidate: c", [("candidate", None, "a"), ("boss", None, "b"), ("candidate", None, "c")]),
    "a telephone number": ("Ada Example: a\n+44 20 7946 0958: b", [("Ada Example", None, "a"), ("+44 20 7946 0958", None, "b")]),
    "a masked telephone number": ("Ada Example: a\n+44 20 **** **58: b", [("Ada Example", None, "a"), ("+44 20 **** **58", None, "b")]),
    "an email address": ("ada@example.org: a\nbob@example.org: b", [("ada@example.org", None, "a"), ("bob@example.org", None, "b")]),
    "Windows line breaks and a byte order mark": ("\ufeffAda: Why?\r\nBob: So.\r\n", [("Ada", None, "Why?"), ("Bob", None, "So.")]),
    "a role in square brackets": ("Ada [Candidate]: Why?", [("Ada [Candidate]", None, "Why?")]),
    "a role in brackets": ("Jane (Recruiter): Why?", [("Jane (Recruiter)", None, "Why?")]),
}  # fmt: skip


@pytest.mark.parametrize(("source", "turns"), FORMS.values(), ids=FORMS.keys())
def test_label_begins_a_turn(source, turns):
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
        "Bob Sample told me to stop.",
        "[laughs] we shipped",
        "Yeah",
        "Redis",
        "We had one - a very old one.",
        "e.g.: the log",
        "i.e.: the log",
        "1: the log\n2: the index\n1: the log again\n2: the index again",
        "A. the log\nB. the index",
    ],
)
def test_line_of_speech_begins_no_turn(line):
    source = f"Interviewer: Why?\nAda Example: It was like this.\n{line}"

    assert said(parse(source, "Ada Example", ["Bob Sample"]))[1:] == [
        ("Ada Example", None, f"It was like this.\n{line}")
    ]


def test_guest_who_speaks_once_has_a_turn():
    source = "Interviewer: Why?\nCandidate: Because.\nCarol Guest: I only listen.\nCandidate: Fine."

    assert roles_of(parse(source)) == ["interviewer", "candidate", "unknown", "candidate"]


@pytest.mark.parametrize("guest", ["Carol Other", "Carol", "HR", "Speaker 3", "Dr. Other"])
@pytest.mark.parametrize(
    "form",
    [
        "{}: {}\n",
        "{}:\n{}\n\n",
        "{}\n{}\n\n",
        "## {}\n\n{}\n\n",
        "**{}**\n{}\n\n",
        "{}  0:03\n{}\n\n",
        "[{}] {}\n",
        "{} - {}\n",
    ],
)
def test_unexpected_person_has_a_turn_in_every_form(form, guest):
    people = ["Ada Example", "Bob Sample", guest, "Ada Example"]
    source = "".join(form.format(name, "We shipped it.") for name in people)

    assert [turn.speaker for turn in parse(source, "Ada Example", ["Bob Sample"]).turns] == people


@pytest.mark.parametrize(
    "guest",
    [
        "the hiring lead",
        "karl",
        "Carol from HR",
        "Ada's manager",
        "Not the candidate",
        "carol (she/her)",
        "user2",
        "@carol",
        "?",
        "???",
    ],
)
def test_label_without_capitals_has_a_turn_where_every_turn_is_one_line(guest):
    source = f"Bob Sample: Why?\nAda Example: Because.\n{guest}: You led it alone.\nAda Example: I helped."

    assert [turn.speaker for turn in parse(source, "Ada Example").turns] == [
        "Bob Sample",
        "Ada Example",
        guest,
        "Ada Example",
    ]


@pytest.mark.parametrize("guest", ["Ada's iPhone", "ada_2004", "ada.example", "guest", "Ada Example's iPad"])
def test_label_of_an_account_or_a_device_begins_a_turn(guest):
    source = f"Bob Sample: Why?\n{guest}: Because."

    assert [turn.speaker for turn in parse(source, "Ada Example", ["Bob Sample"]).turns] == ["Bob Sample", guest]


@pytest.mark.parametrize("line", ["In short: it held.", "- vault: it held.", "2. vault: it held.", "I said: it held."])
def test_line_that_begins_like_a_sentence_or_a_list_is_speech_where_every_turn_is_one_line(line):
    source = f"Bob Sample: Why?\nAda Example: Because.\n{line}\nBob Sample: Fine.\nAda Example: I helped."

    assert parse(source, "Ada Example").turns[1].text == f"Because.\n{line}"


def test_label_of_several_words_that_returns_begins_turns():
    source = "Bob Sample: Why?\nAda Example's screen: Because.\nBob Sample: And?\nAda Example's screen: So."

    assert [turn.speaker for turn in parse(source).turns] == ["Bob Sample", "Ada Example's screen"] * 2


def test_name_in_a_quotation_that_is_read_out_begins_no_turn():
    source = 'Bob Sample: You wrote:\n"Ada Example: I led it alone."\nAda Example: I only helped.\nBob Sample: Hm.'

    assert words_by_role(parse(source, "Ada Example", ["Bob Sample"]))[:2] == [
        ("interviewer", 'You wrote:\n"Ada Example: I led it alone."'),
        ("candidate", "I only helped."),
    ]


def test_answer_of_several_paragraphs_is_one_turn():
    transcript = parse("Interviewer: Why?\nCandidate: First.\n\nThen.\n\nInterviewer: Fine.")

    assert transcript.turns[1].text == "First.\n\nThen."


def test_repeated_word_on_lines_of_its_own_is_no_label():
    transcript = parse(
        "Ada Example\nIt went well.\nYeah\nWe shipped.\n\nBob Sample\nGood.\n\nAda Example\nYeah\nWe did.\n",
        "Ada Example",
        ["Bob Sample"],
    )

    assert [turn.speaker for turn in transcript.turns] == ["Ada Example", "Bob Sample", "Ada Example"]


def test_time_inside_an_answer_begins_a_turn_of_the_same_speaker():
    transcript = parse("Candidate: I built it.\n\n00:05:00\n\nThen I measured it.")

    assert said(transcript) == [("Candidate", None, "I built it."), ("Candidate", "00:05:00", "Then I measured it.")]


def test_unnamed_line_among_named_lines_has_no_speaker():
    transcript = parse(
        "[0:01] Interviewer: Why?\n[0:02] Candidate: So.\n[0:03] You were great.\n[0:04] Interviewer: Fine."
    )

    assert said(transcript)[2] == (None, "0:03", "You were great.")
    assert roles_of(transcript)[2] == "unknown"


def test_line_without_a_date_begins_no_turn_in_a_dated_chat():
    transcript = parse(
        "[12/03/26, 10:00] Candidate: They told me:\nInterviewer: you led.\n[12/03/26, 10:01] Interviewer: Hm."
    )

    assert [turn.speaker for turn in transcript.turns] == ["Candidate", "Interviewer"]


def test_prose_without_speakers_has_a_turn_for_each_paragraph():
    transcript = parse("She built it alone.\nIn Rust.\n\nShe was proud: rightly so.\n")

    assert said(transcript) == [
        (None, None, "She built it alone.\nIn Rust."),
        (None, None, "She was proud: rightly so."),
    ]


ONE_LINE = {
    "a role": ("Candidate: I only helped. Interviewer: You led.", [("candidate", "I only helped."), ("interviewer", "You led.")]),
    "a role in lower case": ("candidate: i only helped. interviewer: you led.", [("candidate", "i only helped."), ("interviewer", "you led.")]),
    "many": ("Interviewer: Why? Candidate: So. Interviewer: Fine!", [("interviewer", "Why?"), ("candidate", "So."), ("interviewer", "Fine!")]),
    "a role and a number": ("Candidate: I helped… Interviewer 2: You led.", [("candidate", "I helped…"), ("interviewer", "You led.")]),
    "a full name that is expected": ("Maya Lindqvist: I helped. Jonas Weber: You led.", [("candidate", "I helped."), ("interviewer", "You led.")]),
    "a line break of a word processor": ("Candidate: I helped.\x0bInterviewer: You led.\u2028Candidate: No.", [("candidate", "I helped."), ("interviewer", "You led."), ("candidate", "No.")]),
    "a time": ("Candidate: I helped. [00:01:02] Interviewer: You led.", [("candidate", "I helped."), ("interviewer", "You led.")]),
    "Markdown": ("**Candidate:** I helped. **Interviewer:** You led.", [("candidate", "I helped."), ("interviewer", "You led.")]),
    "a closing quotation mark": ("Candidate: I said “help.” Interviewer: You led.", [("candidate", "I said “help.”"), ("interviewer", "You led.")]),
    "Chinese": ("候选人：我只是帮忙。面试官：你领导了迁移。", [("candidate", "我只是帮忙。"), ("interviewer", "你领导了迁移。")]),
    "the label that comes first": ("Guest 1: Hi. Candidate: I helped. Guest 1: You led.", [("unknown", "Hi."), ("candidate", "I helped."), ("unknown", "You led.")]),
}  # fmt: skip


@pytest.mark.parametrize(("source", "turns"), ONE_LINE.values(), ids=ONE_LINE)
def test_certain_label_begins_a_turn_in_a_transcript_on_one_line(source, turns):
    assert words_by_role(parse(source, "Maya Lindqvist", ["Jonas Weber"])) == turns


def test_title_above_a_transcript_on_one_line_is_left_out():
    transcript = parse("Backend interview\n\nCandidate: I helped. Interviewer: You led.")

    assert words_by_role(transcript) == [("candidate", "I helped."), ("interviewer", "You led.")]
    assert "1 line of the file" in transcript.warnings[0]


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
def test_colon_inside_a_sentence_begins_no_turn(speech):
    assert words_by_role(parse(f"Candidate: {speech}", "Maya Lindqvist", ["Jonas Weber"])) == [("candidate", speech)]


def test_label_inside_a_line_of_a_longer_transcript_gives_a_warning_and_no_turn():
    transcript = parse("Interviewer: Why?\nCandidate: I helped. Interviewer: You led.")

    assert words_by_role(transcript)[1] == ("candidate", "I helped. Interviewer: You led.")
    assert "1 speaker label in the middle of a line did not begin a turn" in transcript.warnings[0]


@given(st.text("ab c,", max_size=30), st.text("ab c,", min_size=1, max_size=30), st.sampled_from(".!?"))
def test_words_behind_the_interviewers_label_on_one_line_are_the_interviewers(answer, praise, end):
    transcript = parse(f"Candidate: a{answer}{end} Interviewer: b{praise}")

    assert words_by_role(transcript) == [("candidate", f"a{answer}{end}"), ("interviewer", f"b{praise}".strip())]


@pytest.mark.parametrize("forged", ["\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85"])
def test_character_that_looks_like_a_line_break_begins_no_turn(forged):
    speech = f"Tell me.{forged}Candidate: I led the migration"

    assert words_by_role(parse(f"Interviewer: {speech}\nCandidate: No.")) == [
        ("interviewer", speech),
        ("candidate", "No."),
    ]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_end_with_any_common_line_break(line_break):
    source = f"Interviewer: Why?{line_break}Candidate: So."

    assert words_by_role(parse(source)) == [("interviewer", "Why?"), ("candidate", "So.")]


ABOVE = [
    "Candidate: Ada Example\nInterviewer: Bob Sample\nDate: 4 March\n\n",
    "Interview with Ada Example\n\n",
    "Ada Example - Backend interview\n---\n",
]
BELOW = ["\n\nTranscribed by https://example.com", "\n\nEND OF TRANSCRIPT", "\n\n[End of recording]", "\n\nSummary\nAda Example was outstanding.", "\n\n---\nThis call was recorded.", "\n\nRecording stopped 00:31:02", "\n\nSummary: Ada Example was outstanding.", "\n\nZusammenfassung\nAda Example was outstanding.", "\n\nGenerated by Example AI", "\n\nVergadering is beëindigd na 00:31:12 👋", "\n\n会議は 00:31:12 後に終了しました 👋"]  # fmt: skip


@pytest.mark.parametrize("above", ["", *ABOVE])
@pytest.mark.parametrize("below", ["", *BELOW])
def test_lines_above_and_below_the_speech_are_left_out(above, below):
    transcript = parse(f"{above}Bob Sample: Why?\nAda Example: So it was.{below}", "Ada Example", ["Bob Sample"])

    assert words_by_role(transcript) == [("interviewer", "Why?"), ("candidate", "So it was.")]
    assert [("left out" in warning) for warning in transcript.warnings] == [True] * bool(above or below)


@pytest.mark.parametrize(
    "notice",
    [
        "Carol Other joined the meeting",
        "You left the meeting",
        "Bob Sample started transcription",
        "ACTION ITEM: Send it - WATCH: https://example.com/x",
    ],
)
def test_notice_of_a_program_inside_an_answer_is_left_out(notice):
    transcript = parse(f"Bob Sample: Why?\n\nAda Example: So.\n\n{notice}\n\nAnd then.", "Ada Example", ["Bob Sample"])

    assert [turn.text for turn in transcript.turns if turn.role == "candidate"] == ["So.", "And then."]


def test_notes_above_a_transcript_are_left_out_although_they_have_labels():
    source = "Notes\nAda Example: outstanding in every way.\nBob Sample: will write.\n\nTranscript\n\nBob Sample: Why?\nAda Example: So."

    assert words_by_role(parse(source, "Ada Example", ["Bob Sample"])) == [
        ("interviewer", "Why?"),
        ("candidate", "So."),
    ]


def test_second_part_of_a_transcript_does_not_hide_the_first():
    part = "Interview - Transcript\n00:00:00\n\nBob Sample: Why?\nAda Example: So.\n\nTranscription ended after 00:10:00\n\n"

    assert roles_of(parse(part * 2, "Ada Example", ["Bob Sample"])) == ["interviewer", "candidate"] * 2


def test_last_paragraph_of_an_answer_about_transcripts_is_speech():
    source = "Interviewer: Why?\nCandidate: So.\n\nI wrote the program that generated our transcripts."

    assert parse(source).turns[1].text.endswith("generated our transcripts.")


@pytest.mark.parametrize(
    "above",
    [
        "Candidate: Ada Example\nInterviewer: Bob Sample",
        "Position: Engineer\nCandidate: Ada Example\nInterviewer: Bob Sample\nDate: 4 March",
        "Candidate - Ada Example\nInterviewer - Bob Sample",
        "Bob Sample - interviewer\nAda Example - candidate",
        "Bob Sample: Interviewer\nAda Example: Candidate",
        "Bob Sample\nAda Example",
        "Participants\nBob Sample\nAda Example",
    ],
)
def test_names_above_a_text_without_labels_are_no_speakers(above):
    transcript = parse(f"{above}\n\nso tell me\n\ni built it", "Ada Example", ["Bob Sample"])

    assert not transcript.has_candidate
    assert transcript.turns[-1].text == "i built it"


def test_long_text_above_the_first_label_is_kept_without_a_speaker():
    transcript = parse("so we built it\n" * 30 + "Candidate: So.")

    assert [(turn.speaker, turn.is_evidence) for turn in transcript.turns] == [(None, False), ("Candidate", True)]
