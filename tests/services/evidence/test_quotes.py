"""Which quotes are found, where, and what is printed of them."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.evidence.debrief import Quote
from services.evidence.quotes import QuoteFinder
from services.text.normalization import normalize
from services.transcript.transcript import SourceTurn, Transcript, parse_transcript

GOLDEN = json.loads((Path(__file__).parents[2] / "data/grounding/quotes.json").read_text(encoding="utf-8"))

WORDS = st.sampled_from(
    [
        "I",
        "led",
        "the",
        "migration",
        "not",
        "“never”",
        "café",
        "café",
        "ﬁne",
        "—",
        "can’t",
        "can",
        "Straße",
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
    ]
)
SPACES = st.sampled_from([" ", "  ", "\n", " \u00a0"])


def speech_of(least: int) -> st.SearchStrategy[str]:
    spaced = st.lists(st.tuples(WORDS, SPACES), min_size=least, max_size=30)
    return spaced.map(lambda pairs: "".join(word + space for word, space in pairs).strip())


SPEECH = speech_of(1)
SPEAKERS = st.sampled_from(["user", "assistant", "Speaker 3", ""])
TURNS = st.lists(st.builds(SourceTurn, SPEAKERS, SPEECH | st.text(max_size=60)), min_size=1, max_size=8)


def parse(turns: list[SourceTurn]) -> Transcript:
    return parse_transcript(turns, candidate_names=(), interviewer_names=())


def speakers_of(quotes: list[Quote], transcript: Transcript) -> set[str | None]:
    return {transcript.turns[quote.turn - 1].speaker for quote in quotes}


@pytest.mark.parametrize("case", GOLDEN, ids=[case["fact"] for case in GOLDEN])
def test_golden_quotes(case):
    transcript = parse([SourceTurn(speaker, text) for speaker, text in case["turns"]])

    quotes = QuoteFinder(transcript).find_quote(case["quote"], case["turn"])

    assert [[quote.status, quote.turn, quote.text] for quote in quotes] == case["found"]


@given(TURNS, st.integers(0, 9), st.text(max_size=80) | SPEECH)
def test_what_is_found_stands_where_it_says_and_is_never_the_interviewers(turns, number, words):
    transcript = parse(turns)

    for quote in QuoteFinder(transcript).find_quote(words, number):
        turn = transcript.turns[quote.turn - 1]
        assert transcript.text[quote.start : quote.end] == quote.text
        assert turn.start <= quote.start < quote.end <= turn.end
        assert quote.speaker == turn.role != "interviewer"
        assert normalize(quote.text) in normalize(turn.text)


@given(speech_of(12), st.data())
def test_every_long_run_of_whole_words_is_found_in_its_turn(speech, data):
    words = speech.split()
    start = data.draw(st.integers(0, len(words) - 12))
    quote = " ".join(words[start : data.draw(st.integers(start + 12, len(words)))])
    assume("…" not in quote)
    assume({"not", "“never”", "can’t", "don't"}.isdisjoint(words[max(0, start - 3) : start]))

    found = QuoteFinder(parse([SourceTurn("candidate", speech)])).find_quote(quote, 1)

    assert [normalize(piece.text) for piece in found] == [normalize(quote)]


@given(st.data())
def test_a_quote_with_a_word_changed_is_never_found(data):
    words = data.draw(st.lists(st.text("abcdefgh", min_size=2, max_size=6), min_size=6, max_size=40))
    changed = list(words)
    place = data.draw(st.integers(0, len(words) - 1))
    changed[place] = data.draw(st.text("abcdefgh", min_size=1, max_size=6).filter(lambda word: word != words[place]))
    quote = " ".join(changed)
    assume(f" {quote} " not in f" {' '.join(words)} ")

    assert QuoteFinder(parse([SourceTurn("candidate", " ".join(words))])).find_quote(quote, 1) == []


@given(st.data())
def test_a_quote_with_not_put_in_or_left_out_is_never_found(data):
    words = data.draw(st.lists(st.sampled_from(["i", "would", "like", "to", "lead", "teams"]), min_size=6, max_size=20))
    negated = [*words]
    negated.insert(data.draw(st.integers(1, len(words) - 1)), "not")
    said, quoted = data.draw(st.permutations([words, negated]))

    assert QuoteFinder(parse([SourceTurn("candidate", " ".join(said))])).find_quote(" ".join(quoted), 1) == []


@given(st.data())
def test_a_quote_that_begins_within_three_words_behind_a_negation_is_never_found(data):
    words = data.draw(st.lists(st.sampled_from(["i", "led", "the", "team", "well"]), min_size=8, max_size=20))
    negation = data.draw(
        st.sampled_from(["not", "NEVER", "don’t", "can't", "“not”", "n\u200bot", "nicht", "n'ai", "sin"])
    )
    between = data.draw(st.integers(0, 2))
    said = " ".join(["so", negation, *words])

    quote = " ".join(words[between:])
    assume(quote not in f"so {' '.join(words[:between])}")

    assert QuoteFinder(parse([SourceTurn("candidate", said)])).find_quote(quote, 1) == []


@given(TURNS.map(lambda turns: [*turns, SourceTurn("candidate", "Hello.")]), st.integers(0, 9), SPEECH)
def test_beside_the_candidate_nobody_who_is_named_is_quoted(turns, number, words):
    transcript = parse(turns)

    quotes = QuoteFinder(transcript).find_quote(words, number)

    assert speakers_of(quotes, transcript) <= {None, "candidate", "assistant"}


@given(SPEECH, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]), st.sampled_from([str.upper, str.lower, str]))
def test_form_and_case_change_nothing(speech, form, change):
    finder = QuoteFinder(parse([SourceTurn("candidate", speech)]))
    as_said = finder.find_quote(speech, 1)
    assume("ё" not in speech.casefold())

    as_written = finder.find_quote(unicodedata.normalize(form, change(speech)), 1)

    assert [quote.text for quote in as_written] == [quote.text for quote in as_said]


def test_a_quote_can_be_found_with_ctrl_f_in_plain_lines():
    source = "Interviewer: Well?\r\nCandidate: I led the\r\n  migration of “billing”.\r\n"
    transcript = parse_transcript(source, candidate_names=(), interviewer_names=())

    (quote,) = QuoteFinder(transcript).find_quote('I led the migration of "billing"', 2)

    assert quote.text == "I led the\r\n  migration of “billing”"
    assert source[quote.start : quote.end] == quote.text


def test_a_quote_says_when_it_was_said():
    transcript = parse([SourceTurn("candidate", "I led the migration", "00:07:31")])

    (quote,) = QuoteFinder(transcript).find_quote("I led the migration", 1)

    assert quote.at == "00:07:31"


def test_words_said_twice_in_the_turn_they_name_are_placed_where_they_stand_first():
    transcript = parse([SourceTurn("candidate", "I led the migration. Yes, I led the migration.")])

    (quote,) = QuoteFinder(transcript).find_quote("I led the migration", 1)

    assert quote.start == transcript.turns[0].start


def test_the_interviewers_notes_are_labelled_as_notes():
    finder = QuoteFinder(parse([]), "Strong on SQL —\nweak on testing habits")

    (quote,) = finder.find_in_notes("strong on sql - weak on testing")

    assert quote.model_dump() == {
        "text": "Strong on SQL —\nweak on testing",
        "status": "normalized",
        "source": "notes",
        "speaker": None,
        "turn": None,
        "at": None,
        "start": 0,
        "end": 31,
    }


@pytest.mark.parametrize(
    ("notes", "quote", "is_found"),
    [
        ("Could not explain caching at all", "explain caching at all", False),
        ("Did not\nexplain caching at all", "explain caching at all", False),
        ("- no questions\n- explained caching at length", "explained caching at length", True),
        ("Could not wait.\n\nExplained caching at length", "Explained caching at length", True),
    ],
)
def test_notes_are_not_cut_off_their_negation_either(notes, quote, is_found):
    found = QuoteFinder(parse([]), notes).find_in_notes(quote)

    assert bool(found) == is_found


def test_words_are_found_where_they_stand_without_the_negation():
    transcript = parse([SourceTurn("candidate", "I did not lead the migration alone. I lead the migration alone now.")])

    (quote,) = QuoteFinder(transcript).find_quote("lead the migration alone", 1)

    assert quote.start > transcript.text.index("I lead")


def test_notes_are_no_transcript_and_the_transcript_is_no_notes():
    transcript = parse([SourceTurn("candidate", "I led the migration")])
    finder = QuoteFinder(transcript, "Candidate was on time today")

    assert finder.find_in_notes("I led the migration") == []
    assert finder.find_quote("Candidate was on time", 1) == []


def test_what_stands_hundreds_of_times_inside_of_longer_words_is_not_looked_for_any_further():
    transcript = parse([SourceTurn("candidate", "we led itself " * 300 + "we led it alone")])

    assert QuoteFinder(transcript).find_quote("itself we led it", 1) == []


def test_a_million_marks_on_one_letter_hide_nothing_behind_them():
    transcript = parse([SourceTurn("candidate", "e" + "\u0301\u0323" * 500_000 + " and I led the migration")])

    (quote,) = QuoteFinder(transcript).find_quote("AND I LED THE MIGRATION", 1)

    assert quote.text == "and I led the migration"
