"""The endpoints of a room: the room itself, its briefing, and voice sessions with its candidate."""

from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Body, Response

from routers.accept import json_response
from routers.access import AccessCheckedRoute, CallerRequest, PublicRequest, VoiceRequest
from routers.bodies import BRIEFING_BODY_BYTES, JOIN_BODY_BYTES
from routers.dependencies import RoomName
from routers.idempotency import IdempotencyDep
from routers.openapi import LOCATION
from routers.problems import BODY, problem_responses
from routers.realtime import realtime_response, voice_candidate
from routers.schemas.rooms import (
    Deleted,
    DeletionReceipt,
    JoinRequest,
    JoinResponse,
    OpenedRoomResponse,
    RoomRequest,
    RoomResponse,
)
from routers.schemas.voice import (
    RealtimeResponse,
    RealtimeTokenRequest,
)
from services.briefing import Briefing, BriefingRequest
from services.errors import BriefingNotFound
from services.interview import briefing
from services.interview.plan import current_plan
from services.storage.records import StoredResponse

router = APIRouter(
    prefix="/api/rooms",
    tags=["rooms"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=AccessCheckedRoute,
)


@router.post(
    "",
    status_code=201,
    response_model=OpenedRoomResponse,
    operation_id="create_room",
    responses=problem_responses(*BODY, 409, 502, 504) | {201: LOCATION},
)
async def create_room(body: RoomRequest, request: CallerRequest, idempotency: IdempotencyDep) -> Response:
    """Open a private room with an unguessable name and a fixed end; returns a token for its interviewer."""

    async def work() -> StoredResponse:
        room, token = await request.rooms.open(body.interviewer_name, body.candidate_name, body.expires_in_minutes)
        answer = OpenedRoomResponse(interviewer_token=token, **dict(RoomResponse.model_validate(room)))
        return StoredResponse.of(answer, 201, location=f"/api/rooms/{room.name}", room=room.name)

    return await idempotency.run_shielded(body, work)


@router.get("/{name}", operation_id="get_room", responses=problem_responses(404, 410, 502, 504))
async def get_room(name: RoomName, request: PublicRequest) -> RoomResponse:
    """Read the room. Anyone who has its link can."""
    return RoomResponse.model_validate((await request.rooms.get_open_room(name)).room)


@router.post(
    "/{name}/join",
    operation_id="join_room",
    max_body_size=JOIN_BODY_BYTES,
    responses=problem_responses(*BODY, 403, 404, 410, 502, 504),
)
async def join_room(name: RoomName, body: JoinRequest, request: PublicRequest) -> JoinResponse:
    """Get a meeting token for this room only; it expires with the room. Only an interviewer gets an owner's token."""
    room, token = await request.rooms.join(name, body.participant_name, body.participant_type)
    return JoinResponse(token=token, room_url=room.url, expires_at=room.expires_at)


@router.delete("/{name}", operation_id="delete_room", responses=problem_responses(404))
async def delete_room(name: RoomName, request: CallerRequest) -> DeletionReceipt:
    """Delete everything stored under the name, the room at Daily, and its transcripts there. Repeatable."""
    erasure = await request.services.shutdown.run_shielded(request.rooms.close(name))
    deleted = Deleted(transcripts_at_daily=erasure.transcripts_at_daily, **asdict(erasure.receipt))
    return DeletionReceipt(room_name=name, deleted=deleted, remaining=list(erasure.remaining))


@router.post(
    "/{name}/briefing",
    operation_id="save_briefing",
    max_body_size=BRIEFING_BODY_BYTES,
    responses=problem_responses(*BODY, 404, 502, 504),
)
async def save_briefing(name: RoomName, body: BriefingRequest, request: CallerRequest) -> Briefing:
    """Save the briefing, and get the prompt for an agent that prepares the interviewer. Saving again replaces it."""
    interview = await request.rooms.get_own_room(name, plan=True)
    saved = await briefing.save_briefing(request.services.storage, name, body, request.services.clock())
    return briefing.with_plan(saved, current_plan(replace(interview, briefing=saved)))


@router.get(
    "/{name}/briefing",
    response_model=Briefing,
    operation_id="get_briefing",
    responses=problem_responses(404, 502, 504),
)
async def get_briefing(name: RoomName, request: CallerRequest) -> Response:
    """Read the saved briefing and its prompt."""
    interview = await request.rooms.get_own_room(name, briefing=True, plan=True)
    if interview.briefing is None:
        raise BriefingNotFound
    return json_response(briefing.with_plan(interview.briefing, current_plan(interview)))


@router.post(
    "/{name}/realtime/token",
    status_code=201,
    response_model=RealtimeResponse,
    operation_id="create_realtime_token",
    tags=["voice"],
    responses=problem_responses(*BODY, 404, 409, 410, 502, 504),
)
async def create_realtime_token(
    *,
    name: RoomName,
    body: Annotated[RealtimeTokenRequest, Body(default_factory=RealtimeTokenRequest)],
    request: VoiceRequest,
    idempotency: IdempotencyDep,
) -> Response:
    """Get a short-lived key for a voice session with this room's simulated candidate, without the instructions.

    While a key is valid, the same request returns it again.
    """
    interview = await request.rooms.get_own_open_room(name, briefing=True)

    async def work() -> StoredResponse:
        issued = await voice_candidate(request).for_room(interview, body.voice, body.expires_in_seconds)
        return StoredResponse.of(realtime_response(issued), 201, expires_at=issued.secret.expires_at)

    return await idempotency.run(body, work, room=name)
