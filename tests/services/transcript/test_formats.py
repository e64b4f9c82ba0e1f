"""One interview, as many programs write it: each file gives the same turns, roles and times."""

from itertools import groupby
from pathlib import Path

import pytest

from services.transcript.transcript import Transcript, UnreadableTranscript, parse_transcript
from tests.services.transcript.reading import said

SAMPLES = Path(__file__).parents[2] / "data/transcripts"

INTERVIEWER = "Mira Solberg"
CANDIDATE = "Tomás Vidal"
CONVERSATION = (
    ("interviewer", "Tell me about the harbour project."),
    ("candidate", "I planned the berths, and I wrote the schedule by hand."),
    ("interviewer", "How long did it take?"),
    ("candidate", "Two winters, with one crew."),
)

MILLISECONDS = ("00:00:03.200", "00:00:06.100", "00:00:11.000", "00:00:12.500")
WITHOUT_HOURS = ("00:03.200", "00:06.100", "00:11.000", "00:11.000")
SUBRIP = ("00:00:03,200", "00:00:06,100", "00:00:11,000", "00:00:12,500")
SECONDS = ("00:00:03", "00:00:06", "00:00:11", "00:00:12")
SHORT = ("00:03", "00:06", "00:11", "00:12")
SHORTEST = ("0:03", "0:06", "0:11", "0:12")
MEETING = ("00:00:00", "00:00:00", "00:05:00", "00:05:00")
EVENING = ("21:00", "21:01", "21:02", "21:03")
EVENING_12H = ("9:00 PM", "9:01 PM", "9:02 PM", "9:03 PM")
UNTIMED = (None, None, None, None)

NAMED = {
    "comma_separated.csv": SECONDS,
    "semicolons.csv": SECONDS,
    "daily.vtt": MILLISECONDS,
    "zoom.vtt": MILLISECONDS,
    "teams.vtt": MILLISECONDS,
    "webex.vtt": MILLISECONDS,
    "standard.vtt": WITHOUT_HOURS,
    "no_milliseconds.vtt": SECONDS,
    "other_arrows.vtt": ("00:03.2", "00:06.1", "00:11.0", "00:12.5"),
    "no_empty_lines.vtt": MILLISECONDS,
    "two_files_joined.vtt": MILLISECONDS,
    "names_in_brackets.vtt": MILLISECONDS,
    "escaped.vtt": MILLISECONDS,
    "subrip.srt": SUBRIP,
    "two_in_a_cue.srt": (SUBRIP[0], SUBRIP[0], SUBRIP[2], SUBRIP[2]),
    "youtube.sbv": ("0:00:03.200", "0:00:06.100", "0:00:11.000", "0:00:12.500"),
    "teams_document.txt": SHORTEST,
    "teams_old_document.txt": MILLISECONDS,
    "teams_copy.txt": SHORTEST,
    "google_meet.txt": MEETING,
    "google_meet_spanish.txt": MEETING,
    "google_notes.txt": ("00:00:00",) * 4,
    "otter.txt": SHORT,
    "fathom.txt": SHORTEST,
    "tactiq.txt": SECONDS,
    "rev.txt": SHORT,
    "sonix.txt": SECONDS,
    "trint.txt": MILLISECONDS,
    "fireflies.txt": SECONDS,
    "zoom_captions.txt": ("09:00:03", "09:00:06", "09:00:11", "09:00:12"),
    "zoom_chat.txt": ("09:00:03", "09:00:06", "09:00:11", "09:00:12"),
    "whatsapp_ios.txt": ("9:00:03 PM", "9:00:06 PM", "9:00:11 PM", "9:00:12 PM"),
    "whatsapp_android.txt": EVENING,
    "telegram.txt": EVENING,
    "slack.txt": EVENING_12H,
    "discord.txt": EVENING_12H,
    "time_in_the_line.txt": SHORTEST,
    "time_ranges.txt": SECONDS,
    "time_ranges_above.txt": SECONDS,
    "decorated_names.txt": UNTIMED,
    "bold.txt": UNTIMED,
    "headings.md": UNTIMED,
    "names_alone.txt": UNTIMED,
    "name_in_brackets.txt": UNTIMED,
    "table.md": UNTIMED,
    "table_above.txt": UNTIMED,
    "one_line.txt": UNTIMED,
    "questions.txt": UNTIMED,
    "turns.json": UNTIMED,
    "turns.jsonl": SECONDS,
    "fireflies.json": SECONDS,
    "fireflies_export.json": SHORT,
    "recall.json": SECONDS,
}
"""Files that name the speakers, and the times that they give."""

NUMBERED = {
    "whisperx.srt": (SUBRIP, "SPEAKER_00", "SPEAKER_01"),
    "speaker_in_brackets.txt": (UNTIMED, "speaker 0", "speaker 1"),
    "whisperx.json": (SECONDS, "SPEAKER_00", "SPEAKER_01"),
    "deepgram_words.json": (SECONDS, "0", "1"),
    "deepgram_utterances.json": (SECONDS, "0", "1"),
    "deepgram_paragraphs.json": (SECONDS, "0", "1"),
    "assemblyai.json": (SECONDS, "A", "B"),
    "rev_ai.json": (SECONDS, "0", "1"),
    "amazon_transcribe.json": (SECONDS, "spk_0", "spk_1"),
    "vapi.json": (SECONDS, "bot", "user"),
}
"""Files that tell speakers apart without names: their times, and the labels of interviewer and candidate."""

UNNAMED = ("whisper.json", "whisper_cpp.json", "whisper_cpp.txt", "youtube.txt")


def parse(file: str, roles=None) -> Transcript:
    source = (SAMPLES / file).read_bytes().decode()
    return parse_transcript(source, candidate_names=[CANDIDATE], interviewer_names=[INTERVIEWER], roles=roles)


def spoken(transcript: Transcript) -> list[tuple]:
    """Role, first time and words of each speaker in a row."""
    runs = [list(run) for _, run in groupby(transcript.turns, key=lambda turn: turn.role)]
    return [(run[0].role, run[0].at, " ".join(" ".join(turn.text for turn in run).split())) for run in runs]


def conversation(times) -> list[tuple]:
    return [(role, at, text) for (role, text), at in zip(CONVERSATION, times, strict=True)]


@pytest.mark.parametrize(("file", "times"), NAMED.items(), ids=NAMED)
def test_file_with_names_gives_every_turn_its_role_and_time(file, times):
    transcript = parse(file)

    assert spoken(transcript) == conversation(times)
    assert not any("candidate" in warning for warning in transcript.warnings)


@pytest.mark.parametrize(
    ("file", "times", "interviewer", "candidate"), [(file, *facts) for file, facts in NUMBERED.items()]
)
def test_file_with_numbered_speakers_needs_a_mapping(file, times, interviewer, candidate):
    assert not parse(file).has_candidate
    assert spoken(parse(file, {interviewer: "interviewer", candidate: "candidate"})) == conversation(times)


@pytest.mark.parametrize("file", UNNAMED)
def test_file_without_speakers_keeps_words_and_times(file):
    transcript = parse(file)

    assert " ".join(turn.text for turn in transcript.turns) == " ".join(text for _, text in CONVERSATION)
    assert transcript.turns[0].at is not None
    assert transcript.speakers == ()
    assert not transcript.has_candidate


def test_chat_messages_have_the_candidate_as_assistant():
    transcript = parse("chat_messages.json")

    assert spoken(transcript)[1:] == conversation(UNTIMED)
    assert transcript.turns[0].role == "other"


def test_language_without_spaces_is_joined_without_spaces():
    source = (SAMPLES / "chinese.vtt").read_text()
    transcript = parse_transcript(source, candidate_names=["林海"], interviewer_names=[])

    assert spoken(transcript) == [
        ("interviewer", "00:00:03.200", "请介绍一下港口项目。"),
        ("candidate", "00:00:06.100", "我规划了泊位，时间表是我手写的。"),
    ]


def test_every_sample_is_tested():
    tested = {*NAMED, *NUMBERED, *UNNAMED, "chat_messages.json", "chinese.vtt"}

    assert {path.name for path in SAMPLES.iterdir()} == tested


UNREADABLE = {
    "truncated JSON": ('[{"speaker": "Mira Solberg", "text": "Tell', "JSON", "line 1"),
    "JSON with an error in a later line": ('[{"speaker": "A", "text": "b"},\n{"speaker" "A"}]', "JSON", "line 2"),
    "JSON without turns": ('{"a": 1}', "JSON", "text"),
    "JSON nested too deeply": ("[" * 100_000 + "]" * 100_000, "JSON", "nested"),
    "JSON with an endless number": (f'[{{"text": "a", "start": {"9" * 5000}}}]', "JSON", "number"),
    "WebVTT with a broken timing": ("WEBVTT\n\n00:01.000 --> 00:02.000\nA: b\n\n00:0x.000 --> 00:04.000\nB: c", "WebVTT", "line 6"),
    "WebVTT without timings": ("WEBVTT\n\nMira Solberg: Tell me.", "WebVTT", "line 3"),
    "SubRip with a broken timing": ("1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:o3,000 --> 00:00:04,000\nb", "SubRip", "line 6"),
    "SubRip with a broken end": ("1\n00:00:01,000 --> 00:00:0x,000\na", "SubRip", "line 2"),
    "JavaScript": ("{speaker: 'Ada', text: 'Tell me.'}", "JSON", "line 1"),
    "JSON below empty lines": ('\n\r\n[{"speaker": ]', "JSON", "line 3"),
    "JSON in a code block": ('```json\n[{"speaker": ]\n```', "JSON", "line 2"),
    "WebVTT below an empty line": ("\nWEBVTT\n\nMira Solberg: Tell me.", "WebVTT", "line 4"),
    "values with too many columns": ('speaker,text,at\nAda,"Hello,\nyou",0:01\nAda,Hello, you,0:01', "comma-separated", "line 4"),
    "values with an open quotation mark": ('speaker,text\nAda,"Hello.\nBob,"Hi."', "comma-separated", "line 2"),
    "values without a text": ("speaker,start,text\nAda,Hello there", "comma-separated", "line 2"),
    "JSON Lines with a broken line": ('{"speaker": "A", "text": "b"}\n{"speaker": "B", "text": "c"}\n{"spea', "JSON", "line 3"),
    "HTML in a code block": ("```\n<html>\n```", "HTML", "line 2"),
    "HTML": ("<!DOCTYPE html>\n<p>Mira Solberg: Tell me.</p>", "HTML", "line 1"),
    "XML": ('<?xml version="1.0"?><tt/>', "XML", "line 1"),
    "RTF": ("{\\rtf1\\ansi Mira Solberg: Tell me.}", "RTF", "line 1"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "format_", "place"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_file_is_refused_by_format_and_line(source, format_, place):
    with pytest.raises(UnreadableTranscript) as refusal:
        parse_transcript(source, candidate_names=[], interviewer_names=[])

    assert format_ in str(refusal.value)
    assert place in str(refusal.value)


def test_text_in_the_last_column_may_have_commas_without_quotation_marks():
    source = "speaker,text\nInterviewer,Well, why?\nCandidate,So, it was."

    transcript = parse_transcript(source, candidate_names=[], interviewer_names=[])

    assert [(turn.role, turn.text) for turn in transcript.turns] == [
        ("interviewer", "Well, why?"),
        ("candidate", "So, it was."),
    ]


@pytest.mark.parametrize("source", ["", " \n\n", "\ufeff", "WEBVTT", "WEBVTT\n\n00:01.000 --> 00:02.000\n", "[]", []])
def test_file_without_words_has_no_turns(source):
    transcript = parse_transcript(source, candidate_names=["A"], interviewer_names=[])

    assert transcript.turns == ()
    assert transcript.warnings == ()


def unnamed(source: str) -> Transcript:
    return parse_transcript(source, candidate_names=[], interviewer_names=[])


def test_long_value_in_quotation_marks_is_read():
    transcript = unnamed('speaker,text\nAda,"{}"\n'.format("Hello there. " * 20_000))

    assert [turn.speaker for turn in transcript.turns] == ["Ada"]


def test_subtitles_copied_from_html_are_read_without_a_header():
    timings = ("00:00:01,000 --&gt; 00:00:02,000", "00:00:03,000 --&gt; 00:00:04,000")
    transcript = unnamed(f"1\n{timings[0]}\nAda: Hi there\n\n2\n{timings[1]}\nBob: So.")

    assert said(transcript) == [("Ada", "00:00:01,000", "Hi there"), ("Bob", "00:00:03,000", "So.")]
