"""People's ratings of an interview, and their decision."""

from fastapi import APIRouter, Response

from routers.accept import json_response
from routers.access import AccessCheckedRoute, CallerRequest
from routers.bodies import RATINGS_BODY_BYTES
from routers.debrief_readers import Rater, Reader, open_review
from routers.dependencies import RoomName
from routers.problems import BODY, problem_responses
from services.errors import DecisionNotFound
from services.evidence.review import DecisionRequest, RatingsRequest, RecordedDecision, Submission
from services.interview.review import RatingsResponse, Review

router = APIRouter(
    prefix="/api/rooms",
    tags=["reviews"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=AccessCheckedRoute,
)


@router.put(
    "/{name}/ratings/{rater:path}",
    response_model=Submission,
    operation_id="submit_ratings",
    max_body_size=RATINGS_BODY_BYTES,
    responses=problem_responses(*BODY, 404, 502, 504),
)
async def submit_ratings(
    name: RoomName,
    rater: Rater,
    body: RatingsRequest,
    request: CallerRequest,
) -> Response:
    """Submit one person's ratings. The first submission is sealed; later ones are kept beside it."""
    review = await _review(name, request)
    return json_response(await request.services.shutdown.run_shielded(review.submit(rater, body)))


@router.get(
    "/{name}/ratings",
    response_model=RatingsResponse,
    operation_id="get_ratings",
    responses=problem_responses(404, 502, 504),
)
async def get_ratings(name: RoomName, request: CallerRequest, rater: Reader = None) -> Response:
    """Read who has rated; with the `rater` of a person who has, also the ratings and how far they agree."""
    review = await _review(name, request)
    return json_response(await review.ratings(rater))


@router.put(
    "/{name}/decision",
    response_model=RecordedDecision,
    operation_id="save_decision",
    responses=problem_responses(*BODY, 404, 409, 502, 504),
)
async def save_decision(name: RoomName, body: DecisionRequest, request: CallerRequest) -> Response:
    """Save a person's decision. It is stored apart from the model's recommendation, and never filled in by code."""
    review = await _review(name, request)
    return json_response(await request.services.shutdown.run_shielded(review.decide(body)))


@router.get(
    "/{name}/decision",
    response_model=RecordedDecision,
    operation_id="get_decision",
    responses=problem_responses(404, 502, 504),
)
async def get_decision(name: RoomName, request: CallerRequest, rater: Reader = None) -> Response:
    """Read the latest decision."""
    review = await _review(name, request)
    decision = await review.decision(rater)
    if decision is None:
        raise DecisionNotFound
    return json_response(decision)


async def _review(name: str, request: CallerRequest) -> Review:
    return open_review(request.services, await request.rooms.get_own_room(name, briefing=True, debrief=True, plan=True))
