"""People's review of an interview: they rate before they see, then compare, then decide."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.access.idempotency import Idempotency
from services.clock import Clock
from services.errors import DecisionBeforeRating, FieldError, InvalidInput
from services.evidence.agreement import Agreement, compare
from services.evidence.report_view import PeopleReview
from services.evidence.review import (
    CompetencyRating,
    CompetencyRatingRequest,
    DecisionRequest,
    Rater,
    RatingSheet,
    RatingsRequest,
    RecordedDecision,
    Submission,
)
from services.interview.debrief import read_stored
from services.interview.plan import competencies_of, current_plan
from services.storage.documents import read_document
from services.storage.protocol import Storage
from services.storage.records import StoredRating, StoredRoom
from services.text.fields import ResponseModel
from services.text.normalization import normalize

log = logging.getLogger(__name__)


class RatingsResponse(ResponseModel):
    """Who has rated an interview, and, for a reader who has rated too, what they said."""

    room_name: str
    competencies: list[str]
    """What is rated: the briefing's focus areas, else the plan's, else four defaults."""
    raters: list[Rater]
    sealed: bool
    """Whether the ratings are hidden: the request names no `rater` who has submitted."""
    ratings: list[Submission] | None
    """Every submission, by rater and number; null while sealed."""
    agreement: list[Agreement] | None
    """People beside the model, by competency; null while sealed."""
    debrief_version: int | None
    """The debrief that `agreement` compares with; null while sealed and where there is none."""


@dataclass(frozen=True, slots=True)
class Review:
    """The ratings and decisions of one interview, which was found with its briefing, its plan and its debrief.

    `is_human_first`: people rate before they see the model's ratings (HUMAN_FIRST).
    """

    storage: Storage
    once: Idempotency
    clock: Clock
    interview: StoredRoom
    is_human_first: bool

    async def submit(self, rater: str, request: RatingsRequest) -> Submission:
        """Store this person's ratings beside earlier ones. The same ratings again are the same submission.

        Raises InvalidInput for a competency that is not rated here or is named twice, and RoomNotFound when the room is
        erased meanwhile.
        """
        ratings = list(self._named_as_here(request.ratings))
        async with self.once.lock(f"ratings {self._room} {rater}"):
            earlier = [one for one in await self._submissions() if one.rater == rater]
            if earlier and (earlier[-1].ratings, earlier[-1].recommendation) == (ratings, request.recommendation):
                return earlier[-1]
            independent = not earlier and (self.is_human_first or self.interview.debrief is None)
            sheet = RatingSheet(ratings=ratings, recommendation=request.recommendation, independent=independent)
            stored = await self.storage.add_rating(self._room, rater, self.clock(), sheet.model_dump_json())
        log.info("ratings of %s stored: submission %d of a rater", self._room, stored.number)
        return _read_submission(stored)

    async def ratings(self, reader: str | None) -> RatingsResponse:
        """Who has rated; for a reader who has, also the ratings and how they compare."""
        submissions = await self._submissions()
        raters = list(_raters(submissions))
        is_sealed = reader not in {rater.rater for rater in raters}
        debrief = self.interview.debrief if not is_sealed else None
        scorecard = read_stored(debrief).scorecard if debrief else []
        return RatingsResponse(
            room_name=self._room,
            competencies=list(self._competencies()),
            raters=raters,
            sealed=is_sealed,
            ratings=None if is_sealed else submissions,
            agreement=None if is_sealed else compare(scorecard, submissions),
            debrief_version=debrief.version if debrief else None,
        )

    async def shown_to(self, reader: str | None) -> PeopleReview:
        """What the report shows this reader."""
        ratings = await self.ratings(reader)
        return PeopleReview(ratings.raters, ratings.agreement or (), await self.decision(reader))

    async def decide(self, request: DecisionRequest) -> RecordedDecision:
        """Store a person's decision; the latest one counts. The same decision again is the same one.

        Raises DecisionBeforeRating under HUMAN_FIRST where the person has not rated, and RoomNotFound.
        """
        if self.is_human_first and not await has_rated(self.storage, self._room, request.rater):
            raise DecisionBeforeRating
        decision = RecordedDecision(
            decision=request.decision, reasons=request.reasons, rater=request.rater, decided_at=self.clock()
        )
        async with self.once.lock(f"decision {self._room}"):
            latest = await self._latest_decision()
            if latest and latest == decision.model_copy(update={"decided_at": latest.decided_at}):
                return latest
            await self.storage.add_decision(self._room, decision.decided_at, decision.model_dump_json())
        log.info("a decision on %s is stored", self._room)
        return decision

    async def decision(self, reader: str | None) -> RecordedDecision | None:
        """The latest decision. Under HUMAN_FIRST its reasons are for people who have rated."""
        decision = await self._latest_decision()
        if decision and self.is_human_first and not await has_rated(self.storage, self._room, reader):
            return decision.model_copy(update={"reasons": None, "sealed": True})
        return decision

    @property
    def _room(self) -> str:
        return self.interview.room.name

    def _competencies(self) -> tuple[str, ...]:
        return competencies_of(self.interview, current_plan(self.interview))

    def _named_as_here(self, ratings: Sequence[CompetencyRatingRequest]) -> Iterator[CompetencyRating]:
        """The ratings with their competencies as the briefing or the plan spells them."""
        names = {normalize(name): name for name in self._competencies()}
        if errors := list(_competency_errors(ratings, names)):
            raise InvalidInput.in_fields(errors)
        for one in ratings:
            yield CompetencyRating(competency=names[normalize(one.competency)], rating=one.rating, note=one.note)

    async def _submissions(self) -> list[Submission]:
        return list(map(_read_submission, await self.storage.ratings(self._room)))

    async def _latest_decision(self) -> RecordedDecision | None:
        stored = await self.storage.decision(self._room)
        return read_document(RecordedDecision, stored.document, "decision") if stored else None


async def has_rated(storage: Storage, room_name: str, rater: str | None) -> bool:
    """Whether this rater has submitted ratings of the interview."""
    return rater is not None and any(one.rater == rater for one in await storage.ratings(room_name))


def _competency_errors(ratings: Sequence[CompetencyRatingRequest], names: dict[str, str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for number, one in enumerate(ratings):
        key = normalize(one.competency)
        if key not in names:
            yield FieldError(
                f"ratings.{number}.competency",
                "this interview rates no such competency; the list of ratings names those that it rates",
            )
        elif key in seen:
            yield FieldError(f"ratings.{number}.competency", "it is rated twice")
        seen.add(key)


def _raters(submissions: Sequence[Submission]) -> Iterator[Rater]:
    for rater, group in groupby(submissions, lambda submission: submission.rater):
        first, *later = group
        yield Rater(
            rater=rater,
            submitted_at=first.submitted_at,
            submissions=1 + len(later),
            independent=first.independent,
        )


def _read_submission(stored: StoredRating) -> Submission:
    sheet = read_document(RatingSheet, stored.document, "rating")
    return Submission(
        **dict(sheet),
        rater=stored.rater,
        number=stored.number,
        submitted_at=stored.submitted_at,
        after_reveal=stored.number > 1,
    )
