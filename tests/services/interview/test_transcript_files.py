"""The transcript as a file: it says the same when it is read again."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.interview.transcript_files import write_plain_text, write_webvtt
from services.transcript.transcript import SourceTurn, parse_transcript
from tests.services.transcript.reading import parse, said

TURNS = [
    SourceTurn("Ada", "What did you build?", "00:01"),
    SourceTurn("Grace", "A compiler.\n\nAda: I did not say this --> really.", "00:07"),
    SourceTurn("", "Hm.", None),
    SourceTurn("Ada", "Tom & <Jerry>", "01:02:03.5"),
]


def read(*turns):
    return parse_transcript(turns, candidate_names=[], interviewer_names=[]).turns


def test_webvtt_has_a_cue_for_each_turn():
    assert write_webvtt(read(*TURNS)) == (
        "WEBVTT\n\n"
        "1\n00:00:01.000 --> 00:00:07.000\n<v Ada>What did you build?\n\n"
        "2\n00:00:07.000 --> 00:00:08.000\n<v Grace>A compiler. Ada: I did not say this --&gt; really.\n\n"
        "3\n00:00:07.000 --> 01:02:03.500\nHm.\n\n"
        "4\n01:02:03.500 --> 01:02:04.500\n<v Ada>Tom &amp; &lt;Jerry&gt;\n"
    )


def test_plain_text_has_a_line_for_each_turn():
    assert write_plain_text(read(*TURNS)) == (
        "[00:01] Ada: What did you build?\n"
        "[00:07] Grace: A compiler. Ada: I did not say this --> really.\n"
        "Hm.\n"
        "[01:02:03.5] Ada: Tom & <Jerry>\n"
    )


def test_webvtt_of_a_transcript_without_times_says_so():
    text = write_webvtt(read(SourceTurn("Ada", "Why?"), SourceTurn("Grace", "So.")))

    assert "NOTE\nThe transcript has no times." in text
    assert [at for _, at, _ in said(parse(text))] == ["00:00:00.000", "00:00:01.000"]


def test_webvtt_of_times_of_day_counts_from_the_first_date():
    times = ["2026-11-23T10:00:00Z", "2026-11-23T10:02:30Z"]
    text = write_webvtt(read(*(SourceTurn(f"Speaker {at}", "Yes.", at) for at in times)))

    assert re.findall(r"(\S+) -->", text) == ["00:00:00.000", "00:02:30.000"]


def test_empty_transcript_is_an_empty_file():
    assert (write_webvtt(()), write_plain_text(())) == ("WEBVTT\n", "")


WORD = st.text(st.characters(categories=["Lu", "Ll", "Po", "Sm"], max_codepoint=0x24F), min_size=1, max_size=12)
SPOKEN = st.lists(
    st.builds(
        SourceTurn,
        st.sampled_from(["Ada Byron", "Grace", "Tom & Co", "A <b>"]),
        st.lists(
            st.one_of(WORD, st.sampled_from(["Grace:", "-->", "\n\n", "00:01 --> 00:02", "WEBVTT", "NOTE", "&lt;"]))
        )
        .map(" ".join)
        .map(lambda text: f"I said {text}"),
        st.sampled_from([None, "00:01", "0:59", "1:02:03", "10:02 PM", "2026-11-23T10:00:00Z", "later"]),
    ),
    min_size=1,
    max_size=8,
)


@given(SPOKEN)
def test_webvtt_is_read_again_with_the_same_words_under_the_same_names(turns):
    written = [(turn.speaker, " ".join(turn.text.split())) for turn in read(*turns)]

    again = [(speaker, words) for speaker, _, words in said(parse(write_webvtt(read(*turns))))]

    assert joined(again) == joined(written)


@given(SPOKEN)
def test_cues_of_webvtt_are_in_order_and_none_ends_before_it_starts(turns):
    text = write_webvtt(read(*turns))

    timings = re.findall(r"^(\S{12,}) --> (\S{12,})$", text, re.MULTILINE)
    assert len(timings) == len(turns)
    assert [start for start, _ in timings] == sorted(start for start, _ in timings)
    assert all(start < end for start, end in timings)


def joined(spoken):
    """Neighbours of one speaker as one turn, as a WebVTT file is read."""
    result = []
    for speaker, words in spoken:
        if result and result[-1][0] == speaker:
            result[-1] = (speaker, f"{result[-1][1]} {words}")
        else:
            result.append((speaker, words))
    return result
