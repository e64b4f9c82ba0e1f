"""The debrief of an interview: making one, and reading the latest."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from routers.accept import EVENTS, HTML, JSON, MARKDOWN, also_as, json_response, negotiate
from routers.access import CallerRequest, LlmRequest, TranscriptRoute
from routers.debrief_readers import DebriefReaderDep, open_review
from routers.dependencies import RoomName
from routers.idempotency import IdempotencyDep
from routers.openapi import streamed
from routers.problems import BODY, problem_responses
from routers.schemas.debrief import DebriefRequest, ProgressEvent
from routers.streaming import open_stream, progress_event, stream_progress
from services.errors import DebriefNotFound
from services.evidence.rendering import HTML_CSP
from services.evidence.report import render_html, render_markdown
from services.evidence.sealing import ReadableDebrief
from services.interview.debrief import DebriefInput, DebriefService, OnProgress, read_stored
from services.interview.debrief_sources import DebriefSources
from services.storage.records import StoredResponse, StoredRoom

router = APIRouter(
    prefix="/api/rooms/{name}/debrief",
    tags=["rooms"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=TranscriptRoute,
)


@router.post(
    "",
    response_model=ReadableDebrief,
    operation_id="create_debrief",
    responses=problem_responses(*BODY, 404, 409, 502, 504)
    | streamed("DebriefEvent", progress=ProgressEvent, done=ReadableDebrief),
)
async def create_debrief(
    *,
    name: RoomName,
    body: DebriefRequest,
    request: LlmRequest,
    idempotency: IdempotencyDep,
    reader: DebriefReaderDep,
    regenerate: Annotated[bool, Query(description="Make a new version even of the same input.")] = False,
) -> Response:
    """Make a debrief: the model reads, code checks every quote and computes the recommendation, a person decides.

    Without a transcript, the stored one is used; where Daily transcribes calls, it is fetched first, and while Daily is
    still writing it the call waits for at most 20 seconds. Without a chat history, the room's sidebar record is read.

    The same input within the hour returns the stored debrief. A debrief is completed and stored even when the client
    disconnects, so that the same request finds it. With `Accept: text/event-stream`: `progress` events, then one
    `done` or `error`.
    """
    sent = DebriefInput(body.spoken(), body.notes, [entry.message() for entry in body.chat_history], body.speakers)
    interview = await request.rooms.get_own_room(
        name, briefing=True, plan=True, transcript=not sent.transcript, participants=True
    )
    services = request.services
    debriefing = _debriefing(request, interview)
    is_transcribed = services.settings.daily_transcription
    sources = DebriefSources(services.daily_transcripts, services.storage, interview, is_transcribed)

    async def work(on_progress: OnProgress = lambda _: None) -> StoredResponse:
        record = await sources.complete(sent, on_progress)
        debrief = await debriefing.make(record, on_progress, regenerate=regenerate)
        # not replayed when the transcript is there
        is_provisional = debrief.basis == "none" and record.missing_transcript
        return StoredResponse.of(debrief, expires_at=services.clock() if is_provisional else None)

    async def reported_work(on_progress: OnProgress) -> str:
        response = await idempotency.run_shielded(body, lambda: work(on_progress), room=name)
        return bytes((await reader.show_response(response)).body).decode()

    if negotiate(request, JSON, EVENTS) == EVENTS:
        return await open_stream(stream_progress(reported_work, progress_event))
    return await reader.show_response(await idempotency.run_shielded(body, work, room=name))


@router.get(
    "",
    response_model=ReadableDebrief,
    operation_id="get_debrief",
    responses=problem_responses(404, 502, 504) | also_as(HTML, MARKDOWN),
)
async def get_debrief(name: RoomName, request: CallerRequest, reader: DebriefReaderDep) -> Response:
    """Read the latest debrief as JSON, or as a printable report with `Accept: text/html` or `text/markdown`."""
    interview = await request.rooms.get_own_room(name, briefing=True, debrief=True, plan=True)
    if interview.debrief is None:
        raise DebriefNotFound
    debrief = await reader.show(read_stored(interview.debrief))
    form = negotiate(request, JSON, HTML, MARKDOWN)
    if form == JSON:
        return json_response(debrief, Vary="Accept")
    people = await open_review(request.services, interview).shown_to(reader.rater)
    if form == MARKDOWN:
        return Response(render_markdown(debrief, people), headers={"Vary": "Accept"}, media_type=MARKDOWN)
    headers = {"Content-Security-Policy": HTML_CSP, "Vary": "Accept"}
    return Response(render_html(debrief, people), headers=headers, media_type=HTML)


def _debriefing(request: CallerRequest, interview: StoredRoom) -> DebriefService:
    services = request.services
    return DebriefService(
        llm=services.llm_charged_to(request.payer),
        storage=services.storage,
        once=services.idempotency,
        clock=services.clock,
        interview=interview,
        is_recommending=services.settings.debrief_recommendation,
        is_emulated="openrouter" in services.settings.sandbox,
    )
