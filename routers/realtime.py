"""The web page's voice endpoint: a session with a simulated candidate described in the request."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from routers.body_sizes import BRIEFING_BODY_BYTES
from routers.dependencies import AccessCheckedRoute, ServicesDep, VoiceRateLimitedRooms, caller_of
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


async def _candidate(request: Request, services: ServicesDep) -> VoiceCandidate:
    return VoiceCandidate(services.openai, services.budgets, services.idempotency, caller_of(request))


VoiceCandidateDep = Annotated[VoiceCandidate, Depends(_candidate)]


@router.post(
    "/session",
    response_model=RealtimeResponse,
    operation_id="create_realtime_session",
    max_body_size=BRIEFING_BODY_BYTES,
    responses=problem_responses(*BODY, 409, 502, 504),
)
async def create_realtime_session(
    body: RealtimeSessionRequest,
    candidate: VoiceCandidateDep,
    _: VoiceRateLimitedRooms,
    idempotency: IdempotencyDep,
) -> Response:
    """Get a short-lived key for a voice session with this candidate. The instructions stay on the server.

    While a key is valid, the same request returns it again.
    """

    async def work() -> StoredResponse:
        issued = await candidate.for_page(body.profile())
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
