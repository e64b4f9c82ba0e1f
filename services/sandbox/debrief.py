"""The emulated model's debrief: the candidate's own sentences, sorted by competency.

One claim has an invented quote, as real models write them now and then, so that a user of the sandbox sees it caught.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.sandbox.conversation import Conversation
from services.sandbox.passages import QuotableText, Topic, quotable_passages, topic

MOST_STRENGTHS = 5
MOST_IMPROVEMENTS = 4
MOST_QUESTIONS = 5
MOST_QUOTES = 3
"""Maximum quotes of one sentence of the summary."""


@dataclass(frozen=True)
class Finding:
    """The findings about one competency."""

    topic: Topic
    best: Sequence[QuotableText]
    """At most two passages, the best first; empty when the competency did not come up."""
    hedged: QuotableText | None
    """A sentence in which the candidate is unsure."""

    @property
    def merits(self) -> int:
        """Number of the three signals that the best passages give together."""
        return sum(
            any(getattr(passage, signal) for passage in self.best)
            for signal in ("has_figures", "shows_own_part", "has_outcome")
        )

    @property
    def rating(self) -> int | None:
        """2 for having spoken about it, one more for each signal, one less for being unsure."""
        if not self.best:
            return None
        return max(1, 2 + self.merits - (self.hedged is not None))

    @property
    def evidence(self) -> list[QuotableText]:
        hedged = [self.hedged] if self.hedged and self.hedged not in self.best else []
        return [*self.best, *hedged]


def debrief_answer(conversation: Conversation) -> dict[str, Any]:
    """The object that the schema named `debrief` asks for."""
    passages = quotable_passages(conversation)
    findings = [_find(topic(name), passages) for name in conversation.competencies]
    return {
        "summary": _summary(conversation, findings),
        "claims": [*_strengths(findings), *_improvements(findings), *_invented(passages, conversation)],
        "ratings": {str(number): _rating(finding) for number, finding in enumerate(findings, 1)},
        "follow_up_questions": _follow_up_questions(findings),
    }


def _find(about: Topic, passages: Sequence[QuotableText]) -> Finding:
    near = [passage for passage in passages if about.nearness(passage)]
    ranked = sorted(near, key=lambda passage: (passage.is_hedged, -passage.merits, -about.nearness(passage)))
    hedged = next((passage for passage in near if passage.is_hedged), None)
    return Finding(about, ranked[:2], hedged)


def _summary(conversation: Conversation, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """A sentence for the competencies that are best supported and one for those that are least, with their quotes."""
    who = conversation.block("candidate_name") or "The candidate"
    best = [finding for finding in findings if (finding.rating or 0) >= 4]
    thin = [finding for finding in findings if finding.rating is not None and finding.rating <= 2]
    return [
        *_sentence(f"{who} is most concrete about", best),
        *_sentence(f"{who} is least concrete about", thin),
    ]


def _sentence(opening: str, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    if not findings:
        return []
    named = ", ".join(finding.topic.name for finding in findings)
    quoted = [finding.best[0] for finding in findings][:MOST_QUOTES]
    return [{"text": f"{opening} {named}.", "evidence": _evidence(quoted)}]


def _strengths(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """One for each competency with a telling passage that no other claim has used yet."""
    used: set[QuotableText] = set()
    claims = []
    for finding in findings:
        fresh = [
            passage for passage in finding.best if passage.merits and passage not in used and not passage.is_hedged
        ]
        if fresh:
            used.update(fresh)
            claims.append(_claim(_praise(finding.topic, fresh[0]), "strength", fresh))
    return claims[:MOST_STRENGTHS]


def _praise(about: Topic, passage: QuotableText) -> str:
    if passage.source == "notes":
        return f"The interviewer noted something in favour of the candidate on {about.name}"
    if passage.shows_own_part and passage.has_figures:
        return f"Describes their own part in work that shows {about.name}, with figures"
    if passage.shows_own_part:
        return f"Describes their own part in work that shows {about.name}"
    if passage.has_figures:
        return f"Gives figures when speaking about {about.name}"
    return f"Names what came of work that shows {about.name}"


def _improvements(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Competencies on which the candidate was unsure, or spoke without anything to check."""
    used: set[QuotableText] = set()
    claims = []
    for finding in findings:
        passage = finding.hedged or (finding.best[0] if finding.best and not finding.merits else None)
        if passage and passage not in used:
            used.add(passage)
            words = "Is unsure or vague about" if finding.hedged else "Says little that could be checked about"
            claims.append(_claim(f"{words} {finding.topic.name}", "improvement", [passage]))
    return claims[:MOST_IMPROVEMENTS]


def _invented(passages: Sequence[QuotableText], conversation: Conversation) -> list[dict[str, Any]]:
    """A claim whose quote is almost what was said, and does not occur in the material."""
    telling = max(passages, key=lambda passage: passage.merits, default=None)
    if telling is None:
        return []
    said = re.sub(r"\bI\b", "we", telling.text)
    source = conversation.block("transcript") + conversation.block("interviewer_notes")
    if said in source:
        said = f"Put simply, {said[:1].lower()}{said[1:]}"
    if said in source:
        return []
    paraphrase = QuotableText(said, telling.source, telling.turn)
    return [_claim("Would bring the same approach to a new team from the first day", "strength", [paraphrase])]


def _rating(finding: Finding) -> dict[str, Any]:
    return {
        "evidence": _evidence(finding.evidence),
        "rationale": _rationale(finding),
        "rating": finding.rating,
    }


def _rationale(finding: Finding) -> str:
    if not finding.best:
        return "This did not come up."
    found: Mapping[str, bool] = {
        "concrete figures": any(passage.has_figures for passage in finding.best),
        "a part of their own": any(passage.shows_own_part for passage in finding.best),
        "an outcome": any(passage.has_outcome for passage in finding.best),
    }
    signals = [name for name, is_there in found.items() if is_there]
    given = f"The answers give {', '.join(signals)}" if signals else "The answers name nothing concrete"
    return f"{given}, and are unsure in one place." if finding.hedged else f"{given}."


def _follow_up_questions(findings: Sequence[Finding]) -> list[str]:
    missing = [
        f"{finding.topic.name} did not come up: what is your latest example, and what was your own part in it?"
        for finding in findings
        if finding.rating is None
    ]
    unsure = [
        f"You sounded unsure about {finding.topic.name}: what would you do first if it landed on your desk tomorrow?"
        for finding in findings
        if finding.hedged
    ]
    unmeasured = [
        f"On {finding.topic.name}: how did you know that it worked, and what changed in numbers?"
        for finding in findings
        if finding.best and not finding.hedged and not any(passage.has_figures for passage in finding.best)
    ]
    return [*missing, *unsure, *unmeasured][:MOST_QUESTIONS]


def _claim(text: str, kind: str, passages: Sequence[QuotableText]) -> dict[str, Any]:
    return {"claim": text, "kind": kind, "evidence": _evidence(passages)}


def _evidence(passages: Sequence[QuotableText]) -> list[dict[str, Any]]:
    return [{"source": passage.source, "turn": passage.turn, "quote": passage.text} for passage in passages]
