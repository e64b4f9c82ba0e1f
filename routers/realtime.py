"""The web page's voice endpoint: a session with a simulated candidate described in the request."""

from fastapi import APIRouter, Response

from routers.access import AccessCheckedRoute, VoiceRequest
from routers.bodies import BRIEFING_BODY_BYTES
from routers.idempotency import IdempotencyDep
from routers.problems import BODY, problem_responses
from routers.schemas.voice import RealtimeResponse, RealtimeSessionRequest
from services.interview.voice_candidate import VoiceCandidate, VoiceSession
from services.storage.records import StoredResponse

router = APIRouter(
    prefix="/api/realtime",
    tags=["voice"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=AccessCheckedRoute,
)

NOTE = (
    "Post your SDP offer to calls_url with Authorization: Bearer <client_secret> and Content-Type: application/sdp. "
    "OpenAI removed POST /v1/realtime/sessions and the handshake at /v1/realtime?model= on 2026-05-12."
)


def voice_candidate(request: VoiceRequest) -> VoiceCandidate:
    """Returns the voice sessions that are charged to the caller."""
    services = request.services
    return VoiceCandidate(services.openai, services.budgets, services.idempotency, request.payer)


@router.post(
    "/session",
    response_model=RealtimeResponse,
    operation_id="create_realtime_session",
    max_body_size=BRIEFING_BODY_BYTES,
    responses=problem_responses(*BODY, 409, 502, 504),
)
async def create_realtime_session(
    body: RealtimeSessionRequest,
    request: VoiceRequest,
    idempotency: IdempotencyDep,
) -> Response:
    """Get a short-lived key for a voice session with this candidate. The instructions stay on the server.

    While a key is valid, the same request returns it again.
    """

    async def work() -> StoredResponse:
        issued = await voice_candidate(request).for_page(body.profile())
        return StoredResponse.of(realtime_response(issued), expires_at=issued.secret.expires_at)

    return await idempotency.run(body, work)


def realtime_response(issued: VoiceSession) -> RealtimeResponse:
    """Returns the client secret as clients get it."""
    secret = issued.secret
    return RealtimeResponse(
        client_secret=secret.value,
        expires_at=secret.expires_at,
        session_id=secret.session_id,
        model=secret.model,
        modalities=secret.modalities,
        calls_url=secret.calls_url,
        note=NOTE,
        warnings=issued.warnings,
    )
