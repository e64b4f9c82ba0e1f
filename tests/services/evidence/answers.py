"""Short answers of a model, and the check of one against a short interview."""

from services.evidence.grounding import VerifiedDebrief, verify
from services.evidence.model_answer import ModelClaim, ModelDebrief, ModelQuote, ModelRating, ModelSentence
from services.transcript.transcript import SourceTurn, parse_transcript

SAID = "I led the migration of billing. We cut costs by half."
TRANSCRIPT = parse_transcript(
    [SourceTurn("user", "You clearly led everything alone"), SourceTurn("assistant", SAID)],
    candidate_names=(),
    interviewer_names=(),
)
NOTES = "Explained caching well, with an example"


def quote(text: str, turn: int | None = 2, source: str = "transcript") -> ModelQuote:
    return ModelQuote(source=source, turn=turn, quote=text)


LED = quote("I led the migration")
CUT = quote("We cut costs by half")
NOTED = quote("Explained caching well", None, "notes")
INVENTED = quote("I saved the whole company")
ASKED = quote("You clearly led everything alone", 1)


def claim(text: str, *quotes: ModelQuote, kind: str = "strength") -> ModelClaim:
    return ModelClaim(claim=text, kind=kind, evidence=quotes)


def rating(value: int | None, *quotes: ModelQuote, rationale: str = "", competency: int = 1) -> ModelRating:
    return ModelRating(competency=competency, rating=value, rationale=rationale, evidence=quotes)


def check(*items: ModelClaim | ModelRating | ModelSentence, questions=(), **options) -> VerifiedDebrief:
    answer = ModelDebrief.model_construct(
        summary=tuple(item for item in items if isinstance(item, ModelSentence)),
        claims=tuple(item for item in items if isinstance(item, ModelClaim)),
        ratings=tuple(item for item in items if isinstance(item, ModelRating)),
        follow_up_questions=tuple(questions),
        dropped=0,
    )
    given_options = {"competencies": ["SQL"], "transcript": TRANSCRIPT, "notes": NOTES} | options
    return verify(answer, **given_options)


def texts(quotes) -> list[str]:
    return [each.text for each in quotes]
