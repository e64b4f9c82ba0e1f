"""Checks a plan that the interviewer wrote. What it may not contain is refused by field; no question is left out."""

from collections.abc import Callable, Iterator, Sequence

from services.briefing import BriefingFields
from services.errors import FieldError, InvalidInput
from services.evidence.personal_topics import is_personal, personal_topics, topics_of_name
from services.evidence.plan import VerifiedPlan
from services.evidence.plan_sources import PlanSources
from services.evidence.prose import plain_words
from services.plan import (
    MOST_AREAS,
    PlanEdit,
    PlannedArea,
    PlannedQuestion,
    PlanSource,
    QuestionEdit,
    Scale,
    ScaleEdit,
    SourceEdit,
)
from services.text.normalization import normalize

SOURCE_NOT_FOUND = "The source of {} was found neither in the resume nor in the job description: left out."
SOURCE_IS_PERSONAL = "The source of {} is a line on a topic that must not play a part, such as age or health: left out."


def check_edit(
    edit: PlanEdit, briefing: BriefingFields, *, should_stop: Callable[[], bool] = lambda: False
) -> VerifiedPlan:
    """The interviewer's plan with its sources cut from the briefing. A source that is not there becomes a warning.

    Raises InvalidInput for texts on topics that must not play a part, questions and scales that repeat another one,
    and focus areas that the briefing does not have, and `quotes.Stopped` soon after `should_stop` is true.
    """
    return _EditCheck(edit, briefing, PlanSources(briefing, should_stop)).run()


class _EditCheck:
    """One run of `check_edit`."""

    def __init__(self, edit: PlanEdit, briefing: BriefingFields, sources: PlanSources) -> None:
        self._edit = edit
        self._sources = sources
        self._warnings: list[str] = []
        self._is_bound = bool(briefing.focus_areas)
        self._areas: dict[str, str] = {}
        for name in briefing.focus_areas or self._names():
            self._areas.setdefault(normalize(name), name)

    def run(self) -> VerifiedPlan:
        if errors := list(self._errors()):
            raise InvalidInput.in_fields(errors)
        ids = _ids(self._edit.questions)
        questions = [self._question(*numbered) for numbered in zip(ids, self._edit.questions, strict=True)]
        scales = [Scale(focus_area=self._area(scale.focus_area), levels=scale.levels) for scale in self._edit.scales]
        given = {self._area(area.name): area.because for area in self._edit.focus_areas}
        areas = [
            PlannedArea(name=name, because=self._source(given.get(name), f"focus area {number}"))
            for number, name in enumerate(self._areas.values(), 1)
        ]
        return VerifiedPlan(areas, questions, scales, self._warnings)

    def _names(self) -> list[str]:
        """Every focus area of the edit, in order."""
        edit = self._edit
        named = [area.name for area in edit.focus_areas]
        return [*named, *(item.focus_area for items in (edit.questions, edit.scales) for item in items)]

    def _area(self, name: str) -> str:
        """The focus area as the briefing, or else its first occurrence, spells it."""
        return self._areas[normalize(name)]

    def _errors(self) -> Iterator[FieldError]:
        edit = self._edit
        for number, area in enumerate(edit.focus_areas):
            yield from self._area_errors(f"focus_areas.{number}.name", area.name)
        for number, question in enumerate(edit.questions):
            yield from self._area_errors(f"questions.{number}.focus_area", question.focus_area)
            yield from _personal(f"questions.{number}.text", question.text)
            yield from _personal(f"questions.{number}.listen_for", question.listen_for)
            yield from _personal(f"questions.{number}.because", question.because.text if question.because else "")
        for number, scale in enumerate(edit.scales):
            yield from self._area_errors(f"scales.{number}.focus_area", scale.focus_area)
            yield from _level_errors(f"scales.{number}.levels", scale)
        yield from _repeated("questions", "id", [question.id for question in edit.questions])
        yield from _repeated("questions", "text", [plain_words(question.text) for question in edit.questions])
        yield from _repeated("scales", "focus_area", [normalize(scale.focus_area) for scale in edit.scales])
        if len(self._areas) > MOST_AREAS:
            yield FieldError("focus_areas", f"a plan has at most {MOST_AREAS} focus areas")

    def _area_errors(self, field: str, name: str) -> Iterator[FieldError]:
        """A focus area of the briefing is the interviewer's own, such as `Family law`."""
        if not self._is_bound:
            yield from _forbidden(field, topics_of_name(name))
        elif normalize(name) not in self._areas:
            yield FieldError(field, "the briefing has no such focus area; add it there first, or use one of those")

    def _question(self, question_id: str, question: QuestionEdit) -> PlannedQuestion:
        return PlannedQuestion(
            id=question_id,
            focus_area=self._area(question.focus_area),
            text=question.text,
            kind=question.kind,
            because=self._source(question.because, f"question {question_id}"),
            listen_for=question.listen_for,
            minutes=question.minutes,
        )

    def _source(self, because: SourceEdit | None, what: str) -> PlanSource | None:
        if because is None:
            return None
        exact = self._sources.locate_words(because.source, because.text, because.start or 0)
        found = exact or self._sources.find(because.text, because.source)
        if found and not is_personal(found.text):
            return found
        self._warnings.append((SOURCE_IS_PERSONAL if found else SOURCE_NOT_FOUND).format(what))
        return None


def _ids(questions: Sequence[QuestionEdit]) -> Iterator[str]:
    """The ids of the questions; those without one get the next free number."""
    taken = {question.id for question in questions}
    free = (name for name in (f"q{number}" for number in range(1, 2 * len(questions) + 1)) if name not in taken)
    return (question.id or next(free) for question in questions)


def _level_errors(field: str, scale: ScaleEdit) -> Iterator[FieldError]:
    levels = scale.levels.model_dump(by_alias=True)
    for level, text in levels.items():
        yield from _personal(f"{field}.{level}", text)


def _personal(field: str, text: str) -> Iterator[FieldError]:
    return _forbidden(field, personal_topics(text))


def _forbidden(field: str, topics: Iterator[str]) -> Iterator[FieldError]:
    if topic := next(topics, None):
        yield FieldError(field, f"it touches on {topic}, which must not play a part; ask about the work instead")


def _repeated(items: str, field: str, values: Sequence[str | None]) -> Iterator[FieldError]:
    first: dict[str, int] = {}
    for number, value in enumerate(values):
        if value and first.setdefault(value, number) != number:
            yield FieldError(f"{items}.{number}.{field}", f"it is the same as that of {items}.{first[value]}")
