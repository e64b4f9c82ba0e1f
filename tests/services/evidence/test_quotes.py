"""Which quotes are found, where, what is shown of them, and why the others are refused."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.evidence.debrief import Quote
from services.evidence.quotes import QuoteFinder, Stopped
from services.evidence.sentences import LONGEST_QUOTE
from services.text.normalization import normalize
from services.transcript.transcript import SourceTurn, Transcript, parse_transcript

GOLDEN = json.loads((Path(__file__).parents[2] / "data/grounding/quotes.json").read_text(encoding="utf-8"))

WORDS = st.sampled_from(
    [
        *("I", "led", "the", "migration", "not", "“never”", "café", "cafe\u0301", "ﬁne", "—", "can’t", "can", "Straße"),
        *(
            "我",
            "了",
            "well…",
            "1.5",
            "ni\u200bce",
            "ВСЁ",
            "नेतृत्व",
            "👍🏽",
            "and",
            "shipped",
            "it",
            "don't",
            "end-to-end",
        ),
        *("Dr.", "yes.", "Why?", "*bold*", "--", "№", "7."),
    ]
)
SPACES = st.sampled_from([" ", "  ", "\n", " \u00a0"])
NEGATIONS = {"not", "“never”", "can’t", "don't"}


def speech_of(least: int) -> st.SearchStrategy[str]:
    spaced = st.lists(st.tuples(WORDS, SPACES), min_size=least, max_size=30)
    return spaced.map(lambda pairs: "".join(word + space for word, space in pairs).strip())


SPEECH = speech_of(1)
SPEAKERS = st.sampled_from(["user", "assistant", "Speaker 3", ""])
TURNS = st.lists(st.builds(SourceTurn, SPEAKERS, SPEECH | st.text(max_size=60)), min_size=1, max_size=8)


def parse(turns: list[SourceTurn]) -> Transcript:
    return parse_transcript(turns, candidate_names=(), interviewer_names=())


def find(transcript: Transcript, words: str, turn: int | None = 1) -> tuple[Quote, ...]:
    return QuoteFinder(transcript).find_quote(words, turn).quotes


def said_by_candidate(text: str) -> Transcript:
    return parse([SourceTurn("candidate", text)])


def chosen(quote: Quote) -> str:
    return quote.text[quote.cut.start : quote.cut.end]


@pytest.mark.parametrize("case", GOLDEN, ids=[case["fact"] for case in GOLDEN])
def test_golden_quotes_are_found_or_refused_as_recorded(case):
    transcript = parse([SourceTurn(speaker, text) for speaker, text in case["turns"]])

    lookup = QuoteFinder(transcript).find_quote(case["quote"], case["turn"])

    found = [[quote.status, quote.turn, quote.text, chosen(quote)] for quote in lookup.quotes]
    assert found == case.get("found", [])
    assert lookup.refused == case.get("refused")


@given(TURNS, st.integers(0, 9), st.text(max_size=80) | SPEECH)
def test_a_found_quote_is_cut_from_its_turn_and_never_the_interviewers(turns, number, words):
    transcript = parse(turns)

    for quote in find(transcript, words, number):
        turn = transcript.turns[quote.turn - 1]
        assert transcript.text[quote.start : quote.end] == quote.text
        assert turn.start <= quote.start < quote.end <= turn.end
        assert quote.speaker == turn.role != "interviewer"
        assert 0 <= quote.cut.start <= quote.cut.end <= len(quote.text) <= LONGEST_QUOTE


@given(TURNS, st.integers(0, 9), st.text(max_size=80) | SPEECH)
def test_a_proposal_is_either_found_or_refused_with_a_reason(turns, number, words):
    lookup = QuoteFinder(parse(turns)).find_quote(words, number)

    assert bool(lookup.quotes) == (lookup.refused is None)


@given(speech_of(12), st.data())
def test_every_long_run_of_whole_words_is_found_in_its_turn(speech, data):
    words = speech.split()
    start = data.draw(st.integers(0, len(words) - 12))
    end = data.draw(st.integers(start + 12, len(words)))
    quote = " ".join(words[start:end])
    assume("…" not in quote)
    assume(NEGATIONS.isdisjoint([word for word in words[:start] if word != "№"][-3:]))
    assume(NEGATIONS.isdisjoint([word for word in words[end:] if word != "№"][:1]))

    found = find(said_by_candidate(speech), quote)

    assert found
    assert all(normalize(quote.text) in normalize(speech) for quote in found)


@given(st.data())
def test_a_quote_with_a_word_changed_is_never_found(data):
    words = data.draw(st.lists(st.text("abcdefgh", min_size=2, max_size=6), min_size=6, max_size=40))
    changed = list(words)
    place = data.draw(st.integers(0, len(words) - 1))
    changed[place] = data.draw(st.text("abcdefgh", min_size=1, max_size=6).filter(lambda word: word != words[place]))
    quote = " ".join(changed)
    assume(f" {quote} " not in f" {' '.join(words)} ")

    assert find(said_by_candidate(" ".join(words)), quote) == ()


@given(st.data())
def test_a_quote_with_not_put_in_or_left_out_is_never_found(data):
    words = data.draw(st.lists(st.sampled_from(["i", "would", "like", "to", "lead", "teams"]), min_size=6, max_size=20))
    negated = [*words]
    negated.insert(data.draw(st.integers(1, len(words) - 1)), "not")
    said, quoted = data.draw(st.permutations([words, negated]))

    assert find(said_by_candidate(" ".join(said)), " ".join(quoted)) == ()


@given(st.data())
def test_a_quote_that_starts_within_three_words_after_a_negation_is_reversed(data):
    words = data.draw(st.lists(st.sampled_from(["i", "led", "the", "team", "well"]), min_size=12, max_size=20))
    negation = data.draw(
        st.sampled_from(["not", "NEVER", "don’t", "can't", "“not”", "n\u200bot", "nicht", "n'ai", "sin"])
    )
    between = data.draw(st.integers(0, 2))
    quote = " ".join(words[between:])
    assume(quote not in f"so {' '.join(words[:between])}")

    lookup = QuoteFinder(said_by_candidate(" ".join(["so", negation, *words]))).find_quote(quote, 1)

    assert lookup == ((), "reversed")


@given(TURNS.map(lambda turns: [*turns, SourceTurn("candidate", "Hello.")]), st.integers(0, 9), SPEECH)
def test_only_candidate_or_unnamed_speakers_are_quoted(turns, number, words):
    transcript = parse(turns)

    speakers = {transcript.turns[quote.turn - 1].speaker for quote in find(transcript, words, number)}

    assert speakers <= {None, "candidate", "assistant"}


@given(SPEECH, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]), st.sampled_from([str.upper, str.lower, str]))
def test_unicode_form_and_case_change_nothing(speech, form, change):
    transcript = said_by_candidate(speech)
    as_said = find(transcript, speech)
    assume("ё" not in speech.casefold())

    as_written = find(transcript, unicodedata.normalize(form, change(speech)))

    assert [quote.text for quote in as_written] == [quote.text for quote in as_said]


def test_a_quote_can_be_found_with_ctrl_f_in_plain_lines():
    source = "Interviewer: Well?\r\nCandidate: I led the\r\n  migration of “billing”.\r\n"
    transcript = parse_transcript(source, candidate_names=(), interviewer_names=())

    (quote,) = find(transcript, 'I led the migration of "billing"', 2)

    assert quote.text == "I led the\r\n  migration of “billing”."
    assert chosen(quote) == "I led the\r\n  migration of “billing"
    assert source[quote.start : quote.end] == quote.text


def test_a_quote_has_the_time_and_the_question_before_it():
    transcript = parse(
        [
            SourceTurn("user", "Hello there. What did you do? Take your time.", "00:07:20"),
            SourceTurn("candidate", "I led the migration", "00:07:31"),
        ]
    )

    (quote,) = find(transcript, "I led the migration", 2)

    assert (quote.at, quote.question) == ("00:07:31", "What did you do?")


@pytest.mark.parametrize(
    ("asked", "question"),
    [
        ("Tell me about the ledger.", "Tell me about the ledger."),
        ("So, please describe it. Take your time.", "So, please describe it."),
        ("Your design skills are truly outstanding and specific.", None),
        (f"Why {'on earth ' * 60}?", f"…{('Why ' + 'on earth ' * 60 + '?')[-300:]}"),
    ],
)
def test_the_question_before_a_quote_is_a_question_or_a_request(asked, question):
    transcript = parse([SourceTurn("user", asked), SourceTurn("candidate", "I led the migration")])

    (quote,) = find(transcript, "I led the migration", 2)

    assert quote.question == question


def test_words_said_twice_in_the_turn_they_name_are_placed_at_the_first():
    transcript = said_by_candidate("I led the migration. Yes, I led the migration.")

    (quote,) = find(transcript, "I led the migration")

    assert quote.start == transcript.turns[0].start


def test_the_interviewers_notes_are_labelled_as_notes():
    finder = QuoteFinder(parse([]), "Good listener\nStrong on SQL —\nweak on testing habits\nOn time")

    (quote,) = finder.find_in_notes("strong on sql - weak on testing").quotes

    assert quote.model_dump() == {
        "text": "Strong on SQL —\nweak on testing habits",
        "cut": {"start": 0, "end": 31},
        "status": "normalized",
        "source": "notes",
        "speaker": None,
        "turn": None,
        "at": None,
        "question": None,
        "start": 14,
        "end": 52,
        "truncated": False,
        "continues": False,
    }


@pytest.mark.parametrize(
    ("notes", "quote", "refused"),
    [
        ("Could not explain caching at all", "explain caching at all", "reversed"),
        ("Did not\nexplain caching at all", "explain caching at all", "reversed"),
        ("- no questions\n- explained caching at length", "explained caching at length", None),
        ("Could not wait.\n\nExplained caching at length", "Explained caching at length", None),
        ("Explained caching at length", "Explained caching badly", "not_found"),
        ("Explained caching at length", "caching", "too_short"),
    ],
)
def test_a_quote_from_the_notes_is_refused_for_the_same_reasons(notes, quote, refused):
    assert QuoteFinder(parse([]), notes).find_in_notes(quote).refused == refused


def test_words_are_found_where_they_are_not_negated():
    transcript = said_by_candidate("I did not lead the migration alone. I lead the migration alone now.")

    (quote,) = find(transcript, "lead the migration alone")

    assert quote.text == "I lead the migration alone now."


def test_quotes_are_found_only_in_the_source_that_they_name():
    finder = QuoteFinder(said_by_candidate("I led the migration"), "Candidate was on time today")

    assert finder.find_in_notes("I led the migration").refused == "not_found"
    assert finder.find_quote("Candidate was on time", 1).refused == "not_found"


def test_without_notes_a_quote_from_the_notes_is_looked_up_in_the_transcript():
    finder = QuoteFinder(said_by_candidate("I led the migration"), " ")

    assert finder.find_in_notes("I led the migration").quotes[0].source == "transcript"
    assert finder.find_in_notes("I led the redesign").refused == "not_found"


def test_selection_longer_than_the_limit_is_split_into_quotes_without_loss():
    sentences = [f"In step number {number} I checked every single invoice by hand." for number in range(40)]
    transcript = said_by_candidate(" ".join(sentences))

    quotes = find(transcript, " ".join(sentences[3:30]))

    assert all(len(quote.text) <= LONGEST_QUOTE and not quote.truncated for quote in quotes)
    assert " ".join(quote.text for quote in quotes) == " ".join(sentences[3:30])
    assert [quote.continues for quote in quotes] == [False, True, True]


def test_a_sentence_longer_than_the_limit_is_shown_around_the_selection():
    long = "and then we checked it again " * 60
    transcript = said_by_candidate(f"{long}before I led the migration of billing {long}.")

    (quote,) = find(transcript, "I led the migration of billing")

    assert quote.truncated
    assert len(quote.text) <= LONGEST_QUOTE
    assert chosen(quote) == "I led the migration of billing"
    assert quote.cut.start > 200
    assert len(quote.text) - quote.cut.end > 200


def test_words_that_occur_hundreds_of_times_inside_longer_words_are_not_searched_further():
    transcript = said_by_candidate("we led itself " * 300 + "we led it alone")

    assert find(transcript, "itself we led it") == ()


def test_quote_after_a_million_combining_marks_is_found():
    transcript = said_by_candidate("e" + "\u0301\u0323" * 500_000 + " and I led the migration")

    (quote,) = find(transcript, "AND I LED THE MIGRATION")

    assert chosen(quote) == "and I led the migration"


def test_lookups_stop_when_the_callers_work_is_cancelled():
    finder = QuoteFinder(said_by_candidate("I led the migration"), should_stop=lambda: True)

    with pytest.raises(Stopped):
        finder.find_quote("I led the migration", 1)
