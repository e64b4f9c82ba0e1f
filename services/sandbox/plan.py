"""The emulated model's question plan: questions about the lines of the resume and the job that name a focus area.

One question has an invented line of the resume, as real models write them now and then, so that a user of the sandbox
sees it caught.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from services.sandbox.conversation import Conversation
from services.sandbox.passages import sentences, stems, topic

MOST_AREAS = 6
MOST_QUESTIONS_FOR_AN_AREA = 2
LEAST_WORDS = 4
WORDS_IN_A_NAME = 4

INVENTED = "Received the award for the best engineer of the year three times in a row."

_SMALL_WORD = r"(?:an?|the|and|or|in|of|on|to|for|with|that|is|you|we|will)"
_EDGE_WORDS = re.compile(rf"^[\W_]+|^(?:{_SMALL_WORD}\s+)+|(?:\s+{_SMALL_WORD})+$|[\W_]+$", re.IGNORECASE)


def plan_answer(conversation: Conversation) -> dict[str, Any]:
    """The object that the schema named `plan` asks for."""
    given = conversation.numbered_focus_areas
    lines = [] if given else _asking_lines(conversation.block("job_description"))
    areas = given or [_name(line) for line in lines]
    minutes = int(conversation.block("minutes"))
    questions = [*_questions(conversation, areas)]
    answer = {"questions": [*questions, _invented()] if areas else questions, "scales": list(_scales(areas))}
    for question in answer["questions"]:
        question["minutes"] = max(1, minutes // len(answer["questions"]))
    if given:
        return answer
    proposed = [
        {"name": name, "because": {"source": "job", "text": line}} for name, line in zip(areas, lines, strict=True)
    ]
    return {"focus_areas": proposed} | answer


def _asking_lines(job: str) -> list[str]:
    """The longest sentences of the job description, each about something else, in their order."""
    lines = [line for line in sentences(job) if len(line.split()) >= LEAST_WORDS and stems(line)]
    telling = sorted(lines, key=lambda line: -len(stems(line)))[:MOST_AREAS]
    return [line for line in lines if line in telling]


def _name(line: str) -> str:
    """The first words of a line, as a name."""
    words = " ".join(_EDGE_WORDS.sub("", line).split()[:WORDS_IN_A_NAME])
    name = _EDGE_WORDS.sub("", words)
    return name[:1].upper() + name[1:]


def _questions(conversation: Conversation, areas: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, area in enumerate(areas, 1):
        done, needed = (_nearest(conversation.block(kind), area) for kind in ("resume", "job_description"))
        asked = [_about_resume(area, done)] if done else []
        asked += [_about_job(area, needed)] if needed else []
        for question in asked[:MOST_QUESTIONS_FOR_AN_AREA] or [_about_area(area)]:
            yield {"focus_area": number} | question


def _about_resume(area: str, line: str) -> dict[str, Any]:
    return _question(
        f"On {area}: walk me through one case from your resume. What did you decide yourself, and what came of it?",
        "behaviour",
        {"source": "resume", "text": line},
    )


def _about_job(area: str, line: str) -> dict[str, Any]:
    return _question(
        f"On {area}: imagine your first month in this job. What would you look at first, and why?",
        "situation",
        {"source": "job", "text": line},
    )


def _about_area(area: str) -> dict[str, Any]:
    return _question(
        f"What is the hardest thing you have done in {area}, and what was your own part?", "behaviour", None
    )


def _invented() -> dict[str, Any]:
    """A question that rests on a line which is not in the resume."""
    because = {"source": "resume", "text": INVENTED}
    return {"focus_area": 1} | _question(
        "Which piece of work are you proud of that won no award?", "behaviour", because
    )


def _question(text: str, kind: str, because: dict[str, str] | None) -> dict[str, Any]:
    listen_for = "A concrete case, the candidate's own part in it, and how the outcome was measured."
    return {"text": text, "kind": kind, "because": because, "listen_for": listen_for}


def _scales(areas: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, area in enumerate(areas, 1):
        yield {
            "focus_area": number,
            "levels": {
                "1": f"Names no case of {area}, or only what others did.",
                "3": f"Describes a case of {area} with an own part in it.",
                "5": f"Describes several cases of {area}, with figures, alternatives and what was learned.",
            },
        }


def _nearest(text: str, area: str) -> str | None:
    """The line of the text that shares the most words with the area; None where none shares any."""
    about = topic(area)
    wanted = about.named | about.related
    lines = [line for line in sentences(text) if len(line.split()) >= LEAST_WORDS]
    best = max(lines, key=lambda line: len(stems(line) & wanted), default=None)
    return best if best is not None and stems(best) & wanted else None
