"""The voice call that the web page makes: a session with a candidate described in the request."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from routers.dependencies import AdmittingRoute, AllServices, Made, ModelRooms, Once, caller_of
from routers.problems import BODY, problem_answers
from routers.voice_schemas import RealtimeAnswer, RealtimeSessionRequest
from services.interview.voice_candidate import IssuedSecret, Persona, VoiceCandidate

router = APIRouter(
    prefix="/api/realtime",
    tags=["voice"],
    responses=problem_answers(401, 422, 429, 503),
    route_class=AdmittingRoute,
)

NOTE = (
    "Post your SDP offer to calls_url with Authorization: Bearer <client_secret> and Content-Type: application/sdp. "
    "OpenAI removed POST /v1/realtime/sessions and the handshake at /v1/realtime?model= on 2026-05-12."
)


async def _candidate(services: AllServices) -> VoiceCandidate:
    return VoiceCandidate(services.openai, services.storage, services.clock)


Candidate = Annotated[VoiceCandidate, Depends(_candidate)]


@router.post(
    "/session",
    response_model=RealtimeAnswer,
    operation_id="create_realtime_session",
    responses=problem_answers(*BODY, 409, 502, 504),
)
async def create_realtime_session(
    body: RealtimeSessionRequest, request: Request, candidate: Candidate, _: ModelRooms, once: Once
) -> Response:
    """A short-lived key for a voice session with this candidate. The browser never gets the instructions."""

    async def work() -> Made:
        persona = Persona(body.candidate_name, body.role, body.resume, body.job_description)
        return Made(realtime_answer(await candidate.for_page(persona, caller_of(request))), None)

    return await once.run(body, work)


def realtime_answer(issued: IssuedSecret) -> RealtimeAnswer:
    """The secret as clients get it."""
    secret = issued.secret
    return RealtimeAnswer(
        client_secret=secret.value,
        expires_at=secret.expires_at,
        session_id=secret.session_id,
        model=secret.model,
        modalities=secret.modalities,
        calls_url=secret.calls_url,
        note=NOTE,
        warnings=issued.warnings,
    )
