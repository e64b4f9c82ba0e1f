"""The emulated model's sidebar answer: what the material says about the question, and what to ask next."""

import re
from collections.abc import Iterator, Sequence

from services.sandbox.conversation import Conversation
from services.sandbox.passages import sentences, spoken_passages, stems, topic

EMULATED = "(Sandbox: matched by keywords, no language model was asked.)"
LONGEST_EXCERPT = 180

_WANTS_QUESTIONS = re.compile(r"\b(?:ask|asking|questions?|probe|dig|follow[- ]?ups?)\b", re.IGNORECASE)

_SOURCES = (
    ("resume", "The resume says"),
    ("job_description", "The job description says"),
    ("context", "Your context says"),
)


def chat_answer(conversation: Conversation) -> str:
    """The answer: a few sentences, short enough to be read during a call."""
    question = conversation.question
    if not conversation.blocks.keys() - {"question"}:
        return f"Nothing is saved about this interview, so there is only your question to go by. {EMULATED}"
    if _WANTS_QUESTIONS.search(question):
        return " ".join([*_suggestions(conversation, question), EMULATED])
    facts = list(_facts(conversation, question))
    if not facts:
        facts = ["The material does not contain an answer to that."]
    return " ".join([*facts, *_suggestions(conversation, question)[:1], EMULATED])


def _facts(conversation: Conversation, question: str) -> Iterator[str]:
    """The sentence of each source that shares the most words with the question."""
    wanted = stems(question)
    for kind, label in _SOURCES:
        if found := _nearest(sentences(conversation.block(kind)), wanted):
            yield f"{label}: {_excerpt(found)}"
    answers = list(spoken_passages(conversation.turns))
    said = max(answers, key=lambda passage: (passage.overlap(wanted), len(passage.words & wanted)), default=None)
    if said is not None and said.overlap(wanted):
        yield f"In T{said.turn} the answer was: {_excerpt(said.text)}"


def _suggestions(conversation: Conversation, question: str) -> list[str]:
    """Questions on the two focus areas that are nearest to what was asked."""
    who = conversation.block("candidate_name") or "the candidate"
    areas = conversation.focus_areas or [conversation.block("role") or "the role"]
    wanted = stems(question)
    nearest = sorted(areas, key=lambda area: -len((topic(area).named | topic(area).related) & wanted))[:2]
    return [f"Ask {who}, on {area}: {_question(conversation, area)}" for area in nearest]


def _question(conversation: Conversation, area: str) -> str:
    """A question that quotes the resume where the resume mentions the area."""
    about = topic(area)
    line = _nearest(sentences(conversation.block("resume")), about.named | about.related)
    if line is None:
        return f"“What is the hardest thing you have done in {area}, and what was your own part in it?”"
    return f"“Your resume says: {_cut(line)} What did you decide yourself, and how did you know that it worked?”"


def _nearest(candidates: Sequence[str], wanted: frozenset[str]) -> str | None:
    """The text that shares the most words with what is wanted; None when no text shares any."""
    best = max(candidates, key=lambda text: len(stems(text) & wanted), default=None)
    return best if best is not None and stems(best) & wanted else None


def _excerpt(text: str) -> str:
    return f"“{_cut(text)}”"


def _cut(text: str) -> str:
    """The text at most `LONGEST_EXCERPT` characters long, with a full stop at its end."""
    if len(text) > LONGEST_EXCERPT:
        return text[:LONGEST_EXCERPT].rpartition(" ")[0] + " …"
    return text if text[-1:] in ".!?…" else f"{text}."
