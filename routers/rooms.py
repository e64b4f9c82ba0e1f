"""Every /api/rooms endpoint: the room, its briefing, the sidebar, the debrief, and the calls about it."""

from collections.abc import AsyncGenerator, Callable
from json import dumps
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Response
from pydantic import BaseModel

from routers.dependencies import PUBLIC, AdmittingRoute, AllServices, LinkedRooms, Made, ModelRooms, Once, OwnRooms
from routers.fields import RoomName
from routers.negotiation import preferred
from routers.problems import BODY, problem_answers
from routers.realtime import Candidate, realtime_answer
from routers.schemas import (
    BriefingRequest,
    ChatAnswer,
    ChatDone,
    ChatRecord,
    ChatRequest,
    DebriefRequest,
    DeletionReceipt,
    JoinAnswer,
    JoinRequest,
    OpenedRoomAnswer,
    ProgressEvent,
    RoomAnswer,
    RoomRequest,
)
from routers.sse import Event, open_stream, progress_of
from routers.voice_schemas import (
    PhoneCallAnswer,
    PhoneCallId,
    PhoneCallRequest,
    PhoneCallStateAnswer,
    RealtimeAnswer,
    RealtimeTokenRequest,
)
from services.completion import Reply
from services.errors import BriefingNotFound, DebriefNotFound
from services.evidence.debrief import BriefingDocument, Debrief
from services.evidence.prompts import Material
from services.evidence.report import HTML_CSP, render_html, render_markdown
from services.interview.chat import Question, Sidebar
from services.interview.debrief import Debriefing, InterviewRecord, read_stored
from services.interview.material import briefing_document
from services.interview.phone_briefing import PhoneBriefing
from services.llm import Piece, generate_briefing_prompt
from services.storage.records import Briefing, Interview
from services.wiring import Services

router = APIRouter(
    prefix="/api/rooms",
    tags=["rooms"],
    responses=problem_answers(401, 422, 429, 503),
    route_class=AdmittingRoute,
)

JSON = "application/json"
EVENTS = "text/event-stream"
HTML = "text/html"
MARKDOWN = "text/markdown"

Accept = Annotated[str | None, Header(include_in_schema=False)]


def _json(answer: BaseModel, **headers: str) -> Response:
    """An answer that we made needs no second validation."""
    return Response(answer.model_dump_json(), headers=headers, media_type=JSON)


def _also(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Other forms of a 200 answer, for the OpenAPI document."""
    return {200: {"content": {kind: {"schema": {"type": "string"}} for kind in kinds}}}


@router.post(
    "",
    status_code=201,
    response_model=OpenedRoomAnswer,
    operation_id="create_room",
    responses=problem_answers(*BODY, 409, 502, 504),
)
async def create_room(body: RoomRequest, rooms: OwnRooms, once: Once) -> Response:
    """Open a private room that nobody guesses and that ends by itself, with a token for its interviewer."""

    async def work() -> Made:
        room, token = await rooms.open(body.interviewer_name, body.candidate_name, body.expires_in_minutes)
        answer = OpenedRoomAnswer(interviewer_token=token, **dict(RoomAnswer.of(room)))
        return Made(answer, room.name, 201, f"/api/rooms/{room.name}")

    return await once.run_to_the_end(body, work)


@router.get("/{name}", operation_id="get_room", responses=problem_answers(404, 410, 502, 504), openapi_extra=PUBLIC)
async def get_room(name: RoomName, rooms: LinkedRooms) -> RoomAnswer:
    """The room, for anyone who has its link."""
    room = await rooms.visible(name)
    return RoomAnswer.of(room)


@router.post(
    "/{name}/join",
    operation_id="join_room",
    responses=problem_answers(*BODY, 403, 404, 410, 502, 504),
    openapi_extra=PUBLIC,
)
async def join_room(name: RoomName, body: JoinRequest, rooms: LinkedRooms) -> JoinAnswer:
    """A token for this room only, which ends with it. An owner's token only for an interviewer."""
    room, token = await rooms.join(name, body.participant_name, body.participant_type)
    return JoinAnswer(token=token, room_url=room.url, expires_at=room.expires_at)


@router.delete("/{name}", operation_id="delete_room", responses=problem_answers(404))
async def delete_room(name: RoomName, rooms: OwnRooms, services: AllServices) -> DeletionReceipt:
    """Erase everything under the name, and take the room away at Daily. Repeatable."""
    erasure = await services.shutdown.run_to_the_end(rooms.close(name))
    return DeletionReceipt.of(name, erasure)


@router.post("/{name}/briefing", operation_id="save_briefing", responses=problem_answers(*BODY, 404, 502, 504))
async def save_briefing(name: RoomName, body: BriefingRequest, rooms: OwnRooms) -> BriefingDocument:
    """Keep what the interviewer knows, and get the prompt that prepares them. Saving again replaces."""
    await rooms.owned(name)
    material = Material(
        candidate_name=body.candidate_name,
        role=body.role,
        resume=body.resume_summary,
        job_description=body.notes,
        focus_areas=body.areas(),
    )
    briefing = Briefing(
        candidate_name=body.candidate_name,
        role=body.role,
        resume_summary=body.resume_summary,
        notes=body.notes,
        focus_areas=body.areas(),
        briefing_prompt=generate_briefing_prompt(material),
        updated_at=rooms.clock(),
    )
    await rooms.storage.save_briefing(name, briefing)
    return briefing_document(name, briefing)


@router.get(
    "/{name}/briefing",
    response_model=BriefingDocument,
    operation_id="get_briefing",
    responses=problem_answers(404, 502, 504),
)
async def get_briefing(name: RoomName, rooms: OwnRooms) -> Response:
    """The saved briefing with its prompt."""
    interview = await rooms.owned(name, briefing=True)
    if interview.briefing is None:
        raise BriefingNotFound
    return _json(briefing_document(name, interview.briefing))


@router.post(
    "/{name}/chat",
    response_model=ChatAnswer,
    operation_id="chat",
    responses=problem_answers(*BODY, 404, 502, 504) | _also(EVENTS),
)
async def chat(
    *, name: RoomName, body: ChatRequest, rooms: ModelRooms, services: AllServices, accept: Accept = None
) -> Response:
    """Ask the sidebar. With `Accept: text/event-stream`, `delta` events and then one `done` or `error`."""
    interview = await rooms.owned(name, briefing=True)
    sidebar = Sidebar(services.llm, services.storage, services.clock, interview)
    question = Question(body.message, body.context, [entry.message() for entry in body.history], body.spoken())
    if preferred(accept, (JSON, EVENTS)) == EVENTS:
        return await open_stream(_chat_events(sidebar, question))
    reply, warnings = await sidebar.answer(question)
    return _json(ChatAnswer(response=reply.text, model=reply.model, usage=reply.usage, warnings=warnings))


@router.get("/{name}/chat", operation_id="get_chat", responses=problem_answers(404, 502, 504))
async def get_chat(name: RoomName, rooms: OwnRooms) -> ChatRecord:
    """What was asked and answered in the room's sidebar."""
    await rooms.owned(name)
    turns = await rooms.storage.chat_turns(name)
    return ChatRecord.of(name, turns)


@router.post(
    "/{name}/debrief",
    response_model=Debrief,
    operation_id="create_debrief",
    responses=problem_answers(*BODY, 404, 409, 502, 504) | _also(EVENTS),
)
async def create_debrief(
    *,
    name: RoomName,
    body: DebriefRequest,
    rooms: ModelRooms,
    services: AllServices,
    once: Once,
    regenerate: Annotated[bool, Query(description="Make a new version even of the same input.")] = False,
    accept: Accept = None,
) -> Response:
    """What the interview showed: quotes checked by code, a recommendation computed by rule, a person decides.

    The same input within the hour gives the stored debrief. With `Accept: text/event-stream`,
    `progress` events and then one `done` or `error`.
    """
    interview = await rooms.owned(name, briefing=True)
    debriefing = _debriefing(services, interview)
    record = InterviewRecord(body.spoken(), body.notes, [entry.message() for entry in body.chat_history])

    async def work(report: Callable[[str], None] = lambda _: None) -> Made:
        return Made(await debriefing.make(record, report, is_new_wanted=regenerate), name)

    async def reported_work(report: Callable[[str], None]) -> str:
        response = await once.run(body, lambda: work(report))
        return bytes(response.body).decode()

    if preferred(accept, (JSON, EVENTS)) == EVENTS:
        return await open_stream(progress_of(reported_work, _progress))
    return await once.run(body, work)


@router.get(
    "/{name}/debrief",
    response_model=Debrief,
    operation_id="get_debrief",
    responses=problem_answers(404, 502, 504) | _also(HTML, MARKDOWN),
)
async def get_debrief(name: RoomName, rooms: OwnRooms, accept: Accept = None) -> Response:
    """The latest debrief: as JSON, or with `Accept: text/html` or `text/markdown` as a report to read and print."""
    interview = await rooms.owned(name, debrief=True)
    if interview.debrief is None:
        raise DebriefNotFound
    debrief = read_stored(interview.debrief)
    match preferred(accept, (JSON, HTML, MARKDOWN)):
        case "text/html":
            headers = {"Content-Security-Policy": HTML_CSP, "Vary": "Accept"}
            return Response(render_html(debrief), headers=headers, media_type=HTML)
        case "text/markdown":
            return Response(render_markdown(debrief), headers={"Vary": "Accept"}, media_type=MARKDOWN)
        case _:
            return _json(debrief, Vary="Accept")


@router.post(
    "/{name}/realtime/token",
    status_code=201,
    response_model=RealtimeAnswer,
    operation_id="create_realtime_token",
    tags=["voice"],
    responses=problem_answers(*BODY, 404, 409, 410, 502, 504),
)
async def create_realtime_token(
    *,
    name: RoomName,
    body: Annotated[RealtimeTokenRequest, Body(default_factory=RealtimeTokenRequest)],
    rooms: ModelRooms,
    candidate: Candidate,
    once: Once,
) -> Response:
    """A short-lived key for a voice session that plays this room's candidate. The instructions stay here."""
    interview = await rooms.owned_and_live(name, briefing=True)

    async def work() -> Made:
        issued = await candidate.for_room(interview, body.voice, body.expires_in_seconds)
        return Made(realtime_answer(issued), name, 201)

    return await once.run(body, work)


@router.post(
    "/{name}/briefing/call",
    status_code=202,
    response_model=PhoneCallAnswer,
    operation_id="place_briefing_call",
    tags=["voice"],
    responses=problem_answers(*BODY, 404, 409, 410, 502, 504),
)
async def place_briefing_call(
    name: RoomName, body: PhoneCallRequest, rooms: ModelRooms, services: AllServices, once: Once
) -> Response:
    """Phone the interviewer and brief them from the stored briefing. Costs money and rings a phone: three an hour."""
    interview = await rooms.owned_and_live(name, briefing=True)
    countries = services.settings.vapi_allowed_countries

    async def work() -> Made:
        placed = await _phone_briefing(services, interview).place(body.phone_number, countries, once.attempt)
        call = placed.call
        answer = PhoneCallAnswer(call_id=call.call_id, status=call.status, warnings=placed.warnings)
        location = f"/api/rooms/{name}/briefing/call/{call.call_id}" if placed.is_recorded else None
        return Made(answer, name, 202, location)

    return await once.run_to_the_end(body, work)


@router.get(
    "/{name}/briefing/call/{call_id}",
    operation_id="get_briefing_call",
    tags=["voice"],
    responses=problem_answers(404, 502, 504),
)
async def get_briefing_call(
    name: RoomName, call_id: PhoneCallId, rooms: OwnRooms, services: AllServices
) -> PhoneCallStateAnswer:
    """How a call that this room placed goes, or went."""
    interview = await rooms.owned(name)
    state = await _phone_briefing(services, interview).look_up(call_id)
    return PhoneCallStateAnswer.of(state)


def _phone_briefing(services: Services, interview: Interview) -> PhoneBriefing:
    return PhoneBriefing(services.vapi, services.storage, services.clock, interview)


def _debriefing(services: Services, interview: Interview) -> Debriefing:
    return Debriefing(
        llm=services.llm,
        storage=services.storage,
        once=services.idempotency,
        clock=services.clock,
        interview=interview,
        is_recommending=services.settings.debrief_recommendation,
    )


def _progress(stage: str) -> Event:
    return Event.of("progress", ProgressEvent(stage=stage))


async def _chat_events(sidebar: Sidebar, question: Question) -> AsyncGenerator[Event]:
    async for step in sidebar.stream(question):
        match step:
            case Piece(text):
                yield Event("delta", dumps({"text": text}))
            case Reply() as reply, list() as warnings:
                yield Event.of("done", ChatDone.of(reply, warnings))
