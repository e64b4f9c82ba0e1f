"""Phone calls in which the interviewer is briefed."""

from fastapi import APIRouter, Response

from routers.access import AccessCheckedRoute, CallerRequest, VoiceRequest
from routers.dependencies import RoomName
from routers.idempotency import IdempotencyDep
from routers.openapi import LOCATION
from routers.problems import BODY, problem_responses
from routers.schemas.voice import PhoneCallId, PhoneCallRequest, PhoneCallResponse, PhoneCallStateResponse
from services.interview.phone_briefing import DIALS_ONCE, PhoneBriefing
from services.storage.records import StoredResponse, StoredRoom

router = APIRouter(
    prefix="/api/rooms/{name}/briefing/call",
    tags=["voice"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=AccessCheckedRoute,
)


@router.post(
    "",
    status_code=202,
    response_model=PhoneCallResponse,
    operation_id="place_briefing_call",
    responses=problem_responses(*BODY, 404, 409, 410, 502, 504) | {202: LOCATION},
)
async def place_briefing_call(
    name: RoomName,
    body: PhoneCallRequest,
    request: VoiceRequest,
    idempotency: IdempotencyDep,
) -> Response:
    """Phone the interviewer and brief them from the stored briefing. It costs money; a room has three calls an hour."""
    interview = await request.rooms.get_own_open_room(name, briefing=True)
    countries = request.services.settings.vapi_allowed_countries

    async def work() -> StoredResponse:
        placed = await _phone_briefing(request, interview).call(body.phone_number, countries, request.payer)
        call = placed.call
        answer = PhoneCallResponse(call_id=call.call_id, status=call.status, warnings=placed.warnings)
        location = f"/api/rooms/{name}/briefing/call/{call.call_id}" if placed.is_recorded else None
        return StoredResponse.of(answer, 202, location=location)

    return await idempotency.run_shielded(body, work, room=name, unrepeatable=DIALS_ONCE)


@router.get(
    "/{call_id}",
    operation_id="get_briefing_call",
    responses=problem_responses(404, 502, 504),
)
async def get_briefing_call(name: RoomName, call_id: PhoneCallId, request: CallerRequest) -> PhoneCallStateResponse:
    """Read the state of a phone call that this room placed."""
    interview = await request.rooms.get_own_room(name)
    state = await _phone_briefing(request, interview).look_up(call_id)
    return PhoneCallStateResponse.model_validate(state)


def _phone_briefing(request: CallerRequest, interview: StoredRoom) -> PhoneBriefing:
    services = request.services
    return PhoneBriefing(services.vapi, services.storage, services.clock, services.budgets, interview)
