"""The conversation in numbers, and topics that should not be asked about."""

from datetime import UTC, datetime

import pytest

from services.evidence.conversation import count_interview
from services.evidence.times import seconds_of, without_fraction
from services.evidence.unlawful_topics import unlawful_topics
from services.transcript.transcript import SourceTurn, parse_transcript

OPENED_AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def count(*turns: tuple[str, str, str | None]):
    transcript = parse_transcript([SourceTurn(*turn) for turn in turns], candidate_names=(), interviewer_names=())
    return count_interview(transcript, interviewers=["Jonas Weber"], candidate="Ada", opened_at=OPENED_AT)


def test_words_time_questions_and_the_longest_answer_are_counted():
    numbers = count(
        ("user", "Hello. How are you? What did you do?", "00:00:00"),
        ("assistant", "Fine, thanks.", "00:00:05"),
        ("user", "And then??", "00:00:10.500"),
        ("assistant", "I led the migration of billing for a year.", "00:00:12.500"),
        ("user", "Thanks.", "00:01:12"),
    )

    assert numbers.words == {"interviewer": 11, "candidate": 11}
    assert numbers.share == {"interviewer": 0.5, "candidate": 0.5}
    assert numbers.seconds == {"interviewer": 7.0, "candidate": 65.0}
    assert numbers.duration_seconds == 72
    assert numbers.questions_asked == 3
    assert numbers.longest_answer.model_dump() == {"turn": 4, "words": 9, "seconds": 59.5}
    assert (numbers.interviewers, numbers.candidate, numbers.opened_at) == (["Jonas Weber"], "Ada", OPENED_AT)


def test_without_times_only_words_are_counted():
    numbers = count(("user", "Why?", None), ("assistant", "I led it.", None))

    assert (numbers.seconds, numbers.duration_seconds, numbers.longest_answer.seconds) == (None, None, None)
    assert numbers.words == {"interviewer": 1, "candidate": 3}


def test_times_that_run_backwards_are_not_added_up():
    assert (
        count(("user", "Why?", "10:00"), ("assistant", "I led it.", "09:00"), ("user", "So?", "11:00")).seconds is None
    )


def test_an_empty_transcript_has_no_numbers():
    numbers = count()

    assert (numbers.words, numbers.share, numbers.seconds, numbers.longest_answer) == ({}, {}, None, None)


def test_words_are_counted_in_scripts_without_spaces():
    assert count(("assistant", "私は移行を担当しました", None)).words == {"candidate": 6}


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        ("00:07:31.250", 451.25),
        ("7:31", 451),
        ("107:31", 6451),
        ("1:00:00,5", 3600.5),
        ("10:02 PM", 79_320),
        ("12/03/24, 10:02:13 PM", 79_333),
        ("12:05 am", 300),
        ("2026-11-23T10:00:00Z", 1_795_428_000),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_as_seconds(at, seconds):
    assert seconds_of(at) == seconds


@pytest.mark.parametrize(
    ("at", "shown"), [("00:07:31.250", "00:07:31"), ("7:31", "7:31"), ("1:02:03,5 PM", "1:02:03 PM")]
)
def test_times_are_printed_without_fractions(at, shown):
    assert without_fraction(at) == shown


@pytest.mark.parametrize(
    ("asked", "topic"),
    [
        ("So, how old are you?", "age"),
        ("Wie alt sind Sie?", "age"),
        ("Are you married?", "family"),
        ("Do you have any kids?", "family"),
        ("Haben Sie Kinder?", "family"),
        ("Are you planning to get pregnant?", "pregnancy"),
        ("What is your religion?", "religion"),
        ("Do you go to church?", "religion"),
        ("Where are you really from?", "origin"),
        ("I like your accent. Where is it from?", "origin"),
        ("Do you have a disability?", "health"),
        ("How is your health?", "health"),
        ("Are you gay?", "orientation"),
        ("Are you in a union?", "union"),
        ("Have you ever been arrested?", "criminal record"),
        ("Quel âge avez-vous ?", "age"),
        ("¿Tiene hijos?", "family"),
    ],
)
def test_a_topic_that_should_not_be_asked_about_is_noted(asked, topic):
    assert list(unlawful_topics(f"Thanks for that. {asked} Go on.")) == [topic]


@pytest.mark.parametrize(
    "asked",
    [
        "How old is the code base?",
        "How do you write a health check?",
        "Is your health endpoint public?",
        "What is a union type in TypeScript?",
        "Would you use UNION or UNION ALL in your SQL?",
        "How do you debug your race condition?",
        "We offer childcare and parental leave.",
        "Are you authorized to work in the EU?",
        "Tell me about the children of a node.",
        "Do you disable the cache?",
        "What do you believe in when you design?",
        "How did you store the criminal record dataset?",
        "Where are you from here on?",
        "",
    ],
)
def test_a_legitimate_question_is_not_noted(asked):
    assert list(unlawful_topics(asked)) == []


def test_topics_are_noted_with_the_turn_and_only_on_the_interviewers_turns():
    numbers = count(
        ("assistant", "How old are you? I led it.", None),
        ("user", "Fine.", None),
        ("user", "How old are you? Are you married?", None),
    )

    assert [topic.model_dump() for topic in numbers.unlawful_topics] == [
        {"turn": 3, "topic": "age"},
        {"turn": 3, "topic": "family"},
    ]
