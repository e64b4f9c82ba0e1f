"""Checks a question plan: where each question comes from, what may not be asked, and whether the times add up.

A model's plan keeps what passes, and warnings count what was left out. The interviewer's own plan
(`services/evidence/plan_edit.py`) is refused instead.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

from services.briefing import BriefingFields
from services.evidence.beyond_quotes import QuotedFacts
from services.evidence.model_plan import ModelArea, ModelPlan, ModelQuestion, ModelScale, ModelSource
from services.evidence.personal_topics import is_personal, topics_of_name
from services.evidence.plan_sources import PlanSources
from services.evidence.prose import plain_words, strip_quotation_marks
from services.plan import Levels, Plan, PlannedArea, PlannedQuestion, PlanSource, Scale

MINUTES_OF_A_QUESTION = 3
"""The fewest that a question gets, so that an interview has at most one in so many minutes."""

_LeftOut = Literal[
    "personal question",
    "personal text",
    "personal scale",
    "personal area",
    "repeated question",
    "question beyond time",
    "question of dropped area",
    "personal source",
    "unfound source",
    "unfound area",
]
_PERSONAL = "on a topic that must not play a part, such as age or health"
_REASONS: dict[_LeftOut, tuple[str, str]] = {
    "personal question": ("question", _PERSONAL),
    "personal text": ("note", f"on what to listen for, {_PERSONAL}"),
    "personal scale": ("scale", _PERSONAL),
    "personal area": ("focus area", _PERSONAL),
    "repeated question": ("question", "asked before in the same words"),
    "question beyond time": ("question", "beyond the time that there is"),
    "question of dropped area": ("question", "on a focus area that was left out"),
    "personal source": ("source", _PERSONAL),
    "unfound source": ("source", "found neither in the resume nor in the job description"),
    "unfound area": ("focus area", "proposed without a line of the job description"),
}
"""What was left out, and why: `Left out: 2 questions asked before in the same words.`"""


@dataclass(frozen=True, slots=True)
class VerifiedPlan:
    """The checked parts of a plan."""

    focus_areas: Sequence[PlannedArea]
    questions: Sequence[PlannedQuestion]
    scales: Sequence[Scale]
    warnings: Sequence[str]


def verify_plan(
    answer: ModelPlan,
    focus_areas: Sequence[str],
    briefing: BriefingFields,
    minutes: int,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> VerifiedPlan:
    """Check a model's plan. `focus_areas` are those that it was asked about; where there are none, it proposes them.

    Raises `quotes.Stopped` soon after `should_stop` is true.
    """
    return _Verification(answer, PlanSources(briefing, should_stop)).run(focus_areas, briefing, minutes)


class _Verification:
    """One run of `verify_plan`."""

    def __init__(self, answer: ModelPlan, sources: PlanSources) -> None:
        self._answer = answer
        self._sources = sources
        self._left_out: Counter[_LeftOut] = Counter()

    def run(self, focus_areas: Sequence[str], briefing: BriefingFields, minutes: int) -> VerifiedPlan:
        given: list[PlannedArea | None] = [PlannedArea(name=name, because=None) for name in focus_areas]
        numbered = given or list(self._proposed(self._answer.focus_areas))
        areas = list(dict.fromkeys(area for area in numbered if area))
        names = [area.name if area else None for area in numbered]
        asked = self._fitting(list(self._asked(names)), minutes)
        facts = QuotedFacts(
            self._sources.texts.values(), [briefing.candidate_name, briefing.role, *filter(None, names)]
        )
        shares = share_minutes(minutes, [question.minutes for _, question in asked])
        questions = [
            self._question(f"q{number}", name, question, share, facts)
            for number, ((name, question), share) in enumerate(zip(asked, shares, strict=True), 1)
        ]
        scales = list(self._scales(names))
        return VerifiedPlan(areas, questions, scales, list(self._warnings(areas, questions, scales)))

    def _proposed(self, proposed: Iterable[ModelArea | None]) -> Iterator[PlannedArea | None]:
        """The areas by their number. One that is proposed again is the first one; None is one that was left out."""
        first: dict[str, PlannedArea | None] = {}
        for area in proposed:
            key = plain_words(area.name) if area else ""
            if area and key and key not in first:
                first[key] = self._area(area)
            yield first.get(key)

    def _area(self, area: ModelArea) -> PlannedArea | None:
        """The proposed area with its line of the job description."""
        name = strip_quotation_marks(area.name)
        because = self._sources.find(area.because.text, "job") if area.because else None
        if any(topics_of_name(name)) or (because and is_personal(because.text)):
            self._left_out["personal area"] += 1
            return None
        if because is None or because.source != "job":
            self._left_out["unfound area"] += 1
            return None
        return PlannedArea(name=name, because=because)

    def _asked(self, names: Sequence[str | None]) -> Iterator[tuple[str, ModelQuestion]]:
        """The questions that may be asked, each once, with the name of their area."""
        seen: set[str] = set()
        for question in self._answer.questions:
            name = names[question.focus_area - 1]
            text = strip_quotation_marks(question.text)
            key = plain_words(text)
            if name is None:
                self._left_out["question of dropped area"] += 1
            elif is_personal(text):
                self._left_out["personal question"] += 1
            elif not key or key in seen:
                self._left_out["repeated question"] += 1
            else:
                seen.add(key)
                yield name, question.model_copy(update={"text": text})

    def _fitting(self, asked: Sequence[tuple[str, ModelQuestion]], minutes: int) -> list[tuple[str, ModelQuestion]]:
        """As many as have time, in their order: the first of each area before the second of any."""
        most = minutes // MINUTES_OF_A_QUESTION
        rank: Counter[str] = Counter()
        ranked: list[tuple[int, int]] = []
        for place, (name, _) in enumerate(asked):
            ranked.append((rank[name], place))
            rank[name] += 1
        kept = sorted(place for _, place in sorted(ranked)[:most])
        self._left_out["question beyond time"] += len(asked) - len(kept)
        return [asked[place] for place in kept]

    def _question(
        self, question_id: str, area: str, question: ModelQuestion, minutes: int, facts: QuotedFacts
    ) -> PlannedQuestion:
        is_about_the_past = question.kind == "behaviour"
        return PlannedQuestion(
            id=question_id,
            focus_area=area,
            text=question.text,
            kind=question.kind,
            because=self._source(question.because),
            listen_for=self._listen_for(question.listen_for),
            minutes=minutes,
            goes_beyond_briefing=is_about_the_past and facts.lack_something_in(question.text),
        )

    def _source(self, because: ModelSource | None) -> PlanSource | None:
        if because is None:
            return None
        found = self._sources.find(because.text, because.source)
        if found is None:
            self._left_out["unfound source"] += 1
        elif is_personal(found.text):
            self._left_out["personal source"] += 1
            return None
        return found

    def _listen_for(self, text: str) -> str:
        text = strip_quotation_marks(text)
        if is_personal(text):
            self._left_out["personal text"] += 1
            return ""
        return text

    def _scales(self, names: Sequence[str | None]) -> Iterator[Scale]:
        """The first usable scale of each area, in the order of the areas."""
        scales = {}
        for scale in self._answer.scales:
            name = names[scale.focus_area - 1]
            levels = self._levels(scale) if name and name not in scales else None
            if name and levels:
                scales[name] = Scale(focus_area=name, levels=levels)
        return (scales[name] for name in dict.fromkeys(names) if name in scales)

    def _levels(self, scale: ModelScale) -> Levels | None:
        """The three levels; None where they are not different or touch on a topic that must not play a part."""
        lowest, middle, highest = map(strip_quotation_marks, scale.levels)
        if any(map(is_personal, (lowest, middle, highest))):
            self._left_out["personal scale"] += 1
            return None
        if len({plain_words(level) for level in (lowest, middle, highest)} - {""}) < len(scale.levels):
            return None
        return Levels(lowest=lowest, middle=middle, highest=highest)

    def _warnings(
        self, areas: Sequence[PlannedArea], questions: Sequence[PlannedQuestion], scales: Sequence[Scale]
    ) -> Iterator[str]:
        for kind, (noun, reason) in _REASONS.items():
            if count := self._left_out[kind]:
                yield f"Left out: {_counted(count, noun)} {reason}."
        beyond = sum(question.goes_beyond_briefing for question in questions)
        if beyond:
            yield f"{_counted(beyond, 'question')} with a number or a name that the briefing lacks; check before use."
        if len(scales) < len(areas):
            yield f"{_counted(len(areas) - len(scales), 'focus area')} without a scale; the general one applies."


def not_covered(focus_areas: Iterable[str], questions: Iterable[PlannedQuestion]) -> list[str]:
    """The focus areas without a question."""
    asked = {question.focus_area for question in questions}
    return [area for area in focus_areas if area not in asked]


def share_minutes(total: int, wanted: Sequence[int | None]) -> list[int]:
    """Minutes for each question, at least 3 each, that add up to `total`; in proportion to what was wanted.

    Where nothing is wanted for a question, it counts as the mean of the others. `total` has 3 for each.
    """
    least = MINUTES_OF_A_QUESTION
    known = [minutes for minutes in wanted if minutes is not None]
    if len(known) == len(wanted) and sum(known) == total and min(known, default=least) >= least:
        return known
    mean = sum(known) / len(known) if known else least
    weights = [max(0, (minutes or mean) - least) for minutes in wanted]
    if not any(weights):
        weights = [1] * len(wanted)
    spare, whole = total - least * len(wanted), sum(weights)
    ends = [0, *(round(spare * weight / whole) for weight in accumulate(weights))]
    return [least + end - start for start, end in pairwise(ends)]


def refresh(plan: Plan, briefing: BriefingFields) -> Plan:
    """The plan beside the briefing as it is now: sources where they are today, and focus areas without a question.

    A source that the briefing lost becomes null, with a warning.
    """
    sources = PlanSources(briefing)

    def moved(source: PlanSource | None) -> PlanSource | None:
        return source and sources.locate(source.source, source.text, source.start)

    areas = [area.model_copy(update={"because": moved(area.because)}) for area in plan.focus_areas]
    questions = [question.model_copy(update={"because": moved(question.because)}) for question in plan.questions]
    before = [item.because for items in (plan.focus_areas, plan.questions) for item in items if item.because]
    after = [item.because for items in (areas, questions) for item in items if item.because]
    lost = len(before) - len(after)
    changed = [f"Left out: {_counted(lost, 'source')} no longer found in the briefing."] if lost else []
    return plan.model_copy(
        update={
            "focus_areas": areas,
            "questions": questions,
            "not_covered": not_covered(briefing.focus_areas or [area.name for area in areas], questions),
            "warnings": [*plan.warnings, *changed],
        }
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
