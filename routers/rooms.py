"""The endpoints of a room: the room itself, its briefing, the sidebar, the debrief, voice sessions."""

from collections.abc import AsyncGenerator
from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from routers.accept import EVENTS, HTML, JSON, MARKDOWN, Accept, also_as, json_response, negotiate
from routers.body_sizes import BRIEFING_BODY_BYTES, CHAT_BODY_BYTES, JOIN_BODY_BYTES
from routers.debrief_readers import DebriefReaderDep, open_review
from routers.dependencies import (
    PUBLIC,
    AccessCheckedRoute,
    CallerRooms,
    LlmRateLimitedRooms,
    PublicRooms,
    RoomName,
    ServicesDep,
    VoiceRateLimitedRooms,
)
from routers.idempotency import IdempotencyDep
from routers.openapi import LOCATION, streamed
from routers.problems import BODY, problem_responses
from routers.realtime import VoiceCandidateDep, realtime_response
from routers.schemas.chat import (
    MAX_TURN_NUMBER,
    MAX_TURNS,
    TURNS,
    ChatDelta,
    ChatDone,
    ChatRecord,
    ChatRequest,
    ChatResponse,
    ChatTurnResponse,
)
from routers.schemas.debrief import DebriefRequest, ProgressEvent
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
from routers.streaming import Event, open_stream, progress_event, stream_progress
from services.briefing import Briefing, BriefingRequest
from services.errors import BriefingNotFound, DebriefNotFound
from services.evidence.rendering import HTML_CSP
from services.evidence.report import render_html, render_markdown
from services.evidence.sealing import ReadableDebrief
from services.interview import briefing
from services.interview.chat import ChatService, Question
from services.interview.debrief import DebriefInput, DebriefService, OnProgress, read_stored
from services.interview.debrief_sources import DebriefSources
from services.interview.plan import current_plan
from services.lifespan import Services
from services.llm import Piece
from services.storage.records import StoredResponse, StoredRoom
from services.upstream.chat_completions import Reply

router = APIRouter(
    prefix="/api/rooms",
    tags=["rooms"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=AccessCheckedRoute,
)
frequent_router = APIRouter(
    prefix=router.prefix, tags=router.tags, responses=router.responses, route_class=AccessCheckedRoute
)
"""Routes that are called most. A request tries the routes in order, and these come first (`main.create_app`)."""
transcript_router = APIRouter(
    prefix=router.prefix, tags=router.tags, responses=router.responses, route_class=AccessCheckedRoute
)
"""Routes whose requests may contain a transcript: `main.create_app` lets them take MAX_BODY_BYTES."""


@router.post(
    "",
    status_code=201,
    response_model=OpenedRoomResponse,
    operation_id="create_room",
    responses=problem_responses(*BODY, 409, 502, 504) | {201: LOCATION},
)
async def create_room(body: RoomRequest, rooms: CallerRooms, idempotency: IdempotencyDep) -> Response:
    """Open a private room with an unguessable name and a fixed end; returns a token for its interviewer."""

    async def work() -> StoredResponse:
        room, token = await rooms.open(body.interviewer_name, body.candidate_name, body.expires_in_minutes)
        answer = OpenedRoomResponse(interviewer_token=token, **dict(RoomResponse.model_validate(room)))
        return StoredResponse.of(answer, 201, location=f"/api/rooms/{room.name}", room=room.name)

    return await idempotency.run_shielded(body, work)


@router.get("/{name}", operation_id="get_room", responses=problem_responses(404, 410, 502, 504), openapi_extra=PUBLIC)
async def get_room(name: RoomName, rooms: PublicRooms) -> RoomResponse:
    """Read the room. Anyone who has its link can."""
    return RoomResponse.model_validate((await rooms.get_open_room(name)).room)


@router.post(
    "/{name}/join",
    operation_id="join_room",
    max_body_size=JOIN_BODY_BYTES,
    responses=problem_responses(*BODY, 403, 404, 410, 502, 504),
    openapi_extra=PUBLIC,
)
async def join_room(name: RoomName, body: JoinRequest, rooms: PublicRooms) -> JoinResponse:
    """Get a meeting token for this room only; it expires with the room. Only an interviewer gets an owner's token."""
    room, token = await rooms.join(name, body.participant_name, body.participant_type)
    return JoinResponse(token=token, room_url=room.url, expires_at=room.expires_at)


@router.delete("/{name}", operation_id="delete_room", responses=problem_responses(404))
async def delete_room(name: RoomName, rooms: CallerRooms, services: ServicesDep) -> DeletionReceipt:
    """Delete everything stored under the name, the room at Daily, and its transcripts there. Repeatable."""
    erasure = await services.shutdown.run_shielded(rooms.close(name))
    deleted = Deleted(transcripts_at_daily=erasure.transcripts_at_daily, **asdict(erasure.receipt))
    return DeletionReceipt(room_name=name, deleted=deleted, remaining=list(erasure.remaining))


@router.post(
    "/{name}/briefing",
    operation_id="save_briefing",
    max_body_size=BRIEFING_BODY_BYTES,
    responses=problem_responses(*BODY, 404, 502, 504),
)
async def save_briefing(name: RoomName, body: BriefingRequest, rooms: CallerRooms, services: ServicesDep) -> Briefing:
    """Save the briefing, and get the prompt for an agent that prepares the interviewer. Saving again replaces it."""
    interview = await rooms.get_own_room(name, plan=True)
    saved = await briefing.save_briefing(services.storage, name, body, services.clock())
    return briefing.with_plan(saved, current_plan(replace(interview, briefing=saved)))


@frequent_router.get(
    "/{name}/briefing",
    response_model=Briefing,
    operation_id="get_briefing",
    responses=problem_responses(404, 502, 504),
)
async def get_briefing(name: RoomName, rooms: CallerRooms) -> Response:
    """Read the saved briefing and its prompt."""
    interview = await rooms.get_own_room(name, briefing=True, plan=True)
    if interview.briefing is None:
        raise BriefingNotFound
    return json_response(briefing.with_plan(interview.briefing, current_plan(interview)))


@frequent_router.post(
    "/{name}/chat",
    response_model=ChatResponse,
    operation_id="chat",
    max_body_size=CHAT_BODY_BYTES,
    responses=problem_responses(*BODY, 404, 502, 504) | streamed("ChatEvent", delta=ChatDelta, done=ChatDone),
)
async def chat(
    *, name: RoomName, body: ChatRequest, rooms: LlmRateLimitedRooms, services: ServicesDep, accept: Accept = None
) -> Response:
    """Ask the sidebar. With `Accept: text/event-stream`: `delta` events, then one `done` or `error`."""
    interview = await rooms.get_own_room(
        name, briefing=True, plan=True, transcript=not body.spoken(), participants=True
    )
    sidebar = ChatService(services.llm_charged_to(rooms.payer), services.storage, services.clock, interview)
    history = [entry.message() for entry in body.history]
    question = Question(body.message, body.context, history, body.spoken(), body.speakers)
    if negotiate(accept, (JSON, EVENTS)) == EVENTS:
        return await open_stream(_chat_events(sidebar, question))
    reply, warnings = await sidebar.answer(question)
    return json_response(ChatResponse(response=reply.text, model=reply.model, usage=reply.usage, warnings=warnings))


@router.get("/{name}/chat", operation_id="get_chat", responses=problem_responses(404, 502, 504))
async def get_chat(
    name: RoomName,
    rooms: CallerRooms,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=MAX_TURNS, description="The most messages of one page.")] = TURNS,
    starting_after: Annotated[
        int, Query(ge=0, le=MAX_TURN_NUMBER, description="The `number` of the last message of the page before.")
    ] = 0,
) -> ChatRecord:
    """Read the messages of the room's sidebar, oldest first, in pages."""
    await rooms.get_own_room(name)
    turns = await services.storage.chat_turns(name, limit=limit + 1, starting_after=starting_after)
    page = [ChatTurnResponse.model_validate(turn) for turn in turns[:limit]]
    return ChatRecord(room_name=name, turns=page, has_more=len(turns) > limit)


@transcript_router.post(
    "/{name}/debrief",
    response_model=ReadableDebrief,
    operation_id="create_debrief",
    responses=problem_responses(*BODY, 404, 409, 502, 504)
    | streamed("DebriefEvent", progress=ProgressEvent, done=ReadableDebrief),
)
async def create_debrief(
    *,
    name: RoomName,
    body: DebriefRequest,
    rooms: LlmRateLimitedRooms,
    services: ServicesDep,
    idempotency: IdempotencyDep,
    reader: DebriefReaderDep,
    regenerate: Annotated[bool, Query(description="Make a new version even of the same input.")] = False,
    accept: Accept = None,
) -> Response:
    """Make a debrief: the model reads, code checks every quote and computes the recommendation, a person decides.

    Without a transcript, the stored one is used; where Daily transcribes calls, it is fetched first, and while Daily is
    still writing it the call waits for at most 20 seconds. Without a chat history, the room's sidebar record is read.

    The same input within the hour returns the stored debrief. A debrief is completed and stored even when the client
    disconnects, so that the same request finds it. With `Accept: text/event-stream`: `progress` events, then one
    `done` or `error`.
    """
    sent = DebriefInput(body.spoken(), body.notes, [entry.message() for entry in body.chat_history], body.speakers)
    interview = await rooms.get_own_room(
        name, briefing=True, plan=True, transcript=not sent.transcript, participants=True
    )
    debriefing = _debriefing(services, interview, rooms.payer)
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

    if negotiate(accept, (JSON, EVENTS)) == EVENTS:
        return await open_stream(stream_progress(reported_work, progress_event))
    return await reader.show_response(await idempotency.run_shielded(body, work, room=name))


@router.get(
    "/{name}/debrief",
    response_model=ReadableDebrief,
    operation_id="get_debrief",
    responses=problem_responses(404, 502, 504) | also_as(HTML, MARKDOWN),
)
async def get_debrief(
    *, name: RoomName, rooms: CallerRooms, services: ServicesDep, reader: DebriefReaderDep, accept: Accept = None
) -> Response:
    """Read the latest debrief as JSON, or as a printable report with `Accept: text/html` or `text/markdown`."""
    interview = await rooms.get_own_room(name, briefing=True, debrief=True, plan=True)
    if interview.debrief is None:
        raise DebriefNotFound
    debrief = await reader.show(read_stored(interview.debrief))
    form = negotiate(accept, (JSON, HTML, MARKDOWN))
    if form == JSON:
        return json_response(debrief, Vary="Accept")
    people = await open_review(services, interview).shown_to(reader.rater)
    if form == MARKDOWN:
        return Response(render_markdown(debrief, people), headers={"Vary": "Accept"}, media_type=MARKDOWN)
    headers = {"Content-Security-Policy": HTML_CSP, "Vary": "Accept"}
    return Response(render_html(debrief, people), headers=headers, media_type=HTML)


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
    rooms: VoiceRateLimitedRooms,
    candidate: VoiceCandidateDep,
    idempotency: IdempotencyDep,
) -> Response:
    """Get a short-lived key for a voice session with this room's simulated candidate, without the instructions.

    While a key is valid, the same request returns it again.
    """
    interview = await rooms.get_own_open_room(name, briefing=True)

    async def work() -> StoredResponse:
        issued = await candidate.for_room(interview, body.voice, body.expires_in_seconds)
        return StoredResponse.of(realtime_response(issued), 201, expires_at=issued.secret.expires_at)

    return await idempotency.run(body, work, room=name)


def _debriefing(services: Services, interview: StoredRoom, payer: str) -> DebriefService:
    return DebriefService(
        llm=services.llm_charged_to(payer),
        storage=services.storage,
        once=services.idempotency,
        clock=services.clock,
        interview=interview,
        is_recommending=services.settings.debrief_recommendation,
        is_emulated="openrouter" in services.settings.sandbox,
    )


async def _chat_events(sidebar: ChatService, question: Question) -> AsyncGenerator[Event]:
    async for step in sidebar.stream(question):
        match step:
            case Piece(text):
                yield Event.from_model("delta", ChatDelta(text=text))
            case Reply() as reply, list() as warnings:
                done = ChatDone(
                    response=reply.text,
                    model=reply.model,
                    usage=reply.usage,
                    warnings=warnings,
                    finish_reason=reply.finish_reason,
                )
                yield Event.from_model("done", done)
