"""What holds for every transcript, however it is written."""

from hypothesis import given
from hypothesis import strategies as st

from services.text.invisible import has_visible
from services.transcript.transcript import UnreadableTranscript
from tests.services.transcript.reading import parse

FRAGMENTS = st.sampled_from(
    ["Ada:", "Bob Sample: ", "Bob Sample", "[00:01:02] ", "(1:02)", "0:12 ", "12/03/24, ", "WEBVTT\n\n", "00:01.000 --> 00:02.000\n", "<v Ada>", "<v>Ada:</v>", "</v>", "\n", "\r\n", "\n\n", "\r", "NOTE ", "transcript:1\n", "：", "**", "# ", "- ", " - ", "|", "\t", "(a) ", "---\n", "Transcript\n", "&lt;", "&", "<", "Interviewer: ", " ", "\u2028", "\u200b", "\u200e", "\ufeff", "Candidate:", "Candidate\n", ". ", "x", '{"text": "a"}', "["]
)  # fmt: skip
SOURCES = st.lists(FRAGMENTS | st.text(max_size=12), max_size=40).map("".join)
NAMES = st.none() | st.text(max_size=20)


@given(
    SOURCES,
    NAMES,
    st.lists(st.text(max_size=20), max_size=2),
    st.dictionaries(st.text(max_size=9), st.sampled_from(["candidate", "interviewer", "other"]), max_size=2),
)
def test_any_text_is_read_or_refused_and_every_turn_is_cut_from_it(source, candidate, interviewers, roles):
    try:
        transcript = parse(source, candidate, interviewers, roles)
    except UnreadableTranscript:
        return

    end = 0
    for number, turn in enumerate(transcript.turns, 1):
        assert turn.number == number
        assert end <= turn.start < turn.end
        assert transcript.text[turn.start : turn.end] == turn.text == turn.text.strip()
        end = turn.end


@given(SOURCES, NAMES)
def test_speakers_and_turns_agree(source, candidate):
    try:
        transcript = parse(source, candidate)
    except UnreadableTranscript:
        return

    roles = {speaker.label: speaker.role for speaker in transcript.speakers}
    assert set(roles) == {turn.speaker for turn in transcript.turns if turn.speaker}
    assert all(turn.role == roles[turn.speaker] for turn in transcript.turns if turn.speaker)
    assert sum(speaker.turns for speaker in transcript.speakers) == sum(
        turn.speaker is not None for turn in transcript.turns
    )
    assert transcript.has_candidate == ("candidate" in roles.values())
    assert all(turn.is_evidence for turn in transcript.turns if turn.role == "candidate")
    assert not any(turn.is_evidence for turn in transcript.turns if turn.role in {"interviewer", "other"})


@given(st.lists(st.text("ab c.,\n", max_size=30), max_size=12))
def test_prose_without_labels_is_kept_whole(paragraphs):
    source = "\n\n".join(paragraphs)

    transcript = parse(source)

    assert transcript.text == source
    assert "".join("".join(turn.text for turn in transcript.turns).split()) == "".join(source.split())


@given(
    st.lists(
        st.tuples(st.sampled_from(["Interviewer", "Candidate"]), st.text("ab c,\n", min_size=1, max_size=30)),
        min_size=1,
        max_size=9,
    )
)
def test_everything_behind_a_label_is_kept(turns):
    source = "\n".join(f"{label}: x{text}" for label, text in turns)

    transcript = parse(source)

    heard = [(turn.speaker, "".join(turn.text.split())) for turn in transcript.turns]
    assert heard == [(label, "".join(f"x{text}".split())) for label, text in turns]


@given(SOURCES, NAMES)
def test_no_turn_is_empty(source, candidate):
    try:
        turns = parse(source, candidate).turns
    except UnreadableTranscript:
        return

    assert all(has_visible(turn.text) for turn in turns)
