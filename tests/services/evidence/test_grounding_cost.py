"""The cost of checking a model's debrief: bounded, and linear in the transcript and in the answer."""

from time import thread_time

import pytest

from services.evidence.grounding import TOO_MANY_QUOTES, verify
from services.evidence.model_answer import ModelClaim, ModelDebrief, ModelQuote, ModelRating, ModelSentence
from services.transcript.transcript import SourceTurn, Transcript, parse_transcript

UNITS = [
    "the ",
    "we led itself ",
    "a. ",
    "“x” - ",
    "'a' ",
    "é\u0301\u0323 ",
    "移行",
    "Not ",
    "we led … it all ",
    "Dr. 1 ",
]
COMPETENCIES = [f"Competency {number}" for number in range(20)]


def hostile_transcript(unit: str, length: int) -> Transcript:
    text = unit * (length // len(unit))
    return parse_transcript([SourceTurn("candidate", text)], candidate_names=(), interviewer_names=())


def hostile_answer(unit: str, size: int) -> ModelDebrief:
    """Distinct quotes of which only the last word does not occur, beside long prose: `size` claims, half as many ratings."""
    prose = unit * (3000 // len(unit))

    def quotes(first: int) -> tuple[ModelQuote, ...]:
        words = unit * (300 // len(unit))
        return tuple(
            ModelQuote(source="transcript", turn=number, quote=f"{words}{first}x{number}") for number in range(20)
        )

    return ModelDebrief.model_construct(
        summary=tuple(ModelSentence(text=f"{prose}{n}", evidence=quotes(n)) for n in range(size // 2)),
        claims=tuple(ModelClaim(claim=f"{prose}{n}", kind="strength", evidence=quotes(100 + n)) for n in range(size)),
        ratings=tuple(
            ModelRating(competency=n + 1, rating=3, rationale=prose, evidence=quotes(200 + n)) for n in range(size // 2)
        ),
        follow_up_questions=(prose,) * (size // 2),
        dropped=0,
    )


def cpu_seconds(unit: str, length: int, size: int) -> float:
    """The least CPU time of three checks. Time of the thread, so that other load does not count."""
    transcript, answer = hostile_transcript(unit, length), hostile_answer(unit, size)
    times = []
    for _ in range(3):
        started = thread_time()
        verify(answer, COMPETENCIES, transcript, "")
        times.append(thread_time() - started)
    return min(times)


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_transcript_costs_about_twice_the_time(unit):
    assert cpu_seconds(unit, 200_000, 6) < 3.5 * cpu_seconds(unit, 100_000, 6) + 0.05


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_answer_costs_about_twice_the_time(unit):
    assert cpu_seconds(unit, 100_000, 12) < 3.5 * cpu_seconds(unit, 100_000, 6) + 0.05


def test_beyond_the_limit_of_work_quotes_count_as_not_found_and_a_warning_says_so():
    checked = verify(
        hostile_answer("we led it all ", 40), COMPETENCIES, hostile_transcript("we led it all ", 1_000_000), ""
    )

    assert TOO_MANY_QUOTES in checked.warnings
    assert checked.grounding.quotes_proposed == 1600


def test_a_debrief_of_an_ordinary_size_is_far_below_the_limit_of_work():
    words = " ".join(f"In step {number} I led the migration of table {number}." for number in range(20_000))
    transcript = parse_transcript([SourceTurn("candidate", words)], candidate_names=(), interviewer_names=())
    quotes = tuple(
        ModelQuote(source="transcript", turn=1, quote=f"I led the migration of table {number}.")
        for number in range(0, 20_000, 200)
    )
    claims = tuple(ModelClaim(claim=f"Claim {n}", kind="strength", evidence=quotes[n::20]) for n in range(20))
    answer = ModelDebrief.model_construct(summary=(), claims=claims, ratings=(), follow_up_questions=(), dropped=0)

    checked = verify(answer, COMPETENCIES, transcript, "")

    assert checked.grounding.quotes_found == checked.grounding.quotes_proposed == 100
