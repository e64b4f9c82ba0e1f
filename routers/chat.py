"""The interviewer's sidebar: questions, answers, and their record."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query, Response

from routers.accept import EVENTS, JSON, json_response, negotiate
from routers.access import AccessCheckedRoute, CallerRequest, LlmRequest
from routers.bodies import CHAT_BODY_BYTES
from routers.dependencies import RoomName
from routers.openapi import streamed
from routers.problems import BODY, problem_responses
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
from routers.streaming import Event, open_stream
from services.interview.chat import ChatService, Question
from services.llm import Piece
from services.upstream.chat_completions import Reply

router = APIRouter(
    prefix="/api/rooms/{name}/chat",
    tags=["rooms"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=AccessCheckedRoute,
)


@router.post(
    "",
    response_model=ChatResponse,
    operation_id="chat",
    max_body_size=CHAT_BODY_BYTES,
    responses=problem_responses(*BODY, 404, 502, 504) | streamed("ChatEvent", delta=ChatDelta, done=ChatDone),
)
async def chat(name: RoomName, body: ChatRequest, request: LlmRequest) -> Response:
    """Ask the sidebar. With `Accept: text/event-stream`: `delta` events, then one `done` or `error`."""
    services, spoken = request.services, body.spoken()
    interview = await request.rooms.get_own_room(
        name, briefing=True, plan=True, transcript=not spoken, participants=True
    )
    sidebar = ChatService(services.llm_charged_to(request.payer), services.storage, services.clock, interview)
    history = [entry.message() for entry in body.history]
    question = Question(body.message, body.context, history, spoken, body.speakers)
    if negotiate(request, JSON, EVENTS) == EVENTS:
        return await open_stream(_chat_events(sidebar, question))
    reply, warnings = await sidebar.answer(question)
    return json_response(ChatResponse(response=reply.text, model=reply.model, usage=reply.usage, warnings=warnings))


@router.get("", operation_id="get_chat", responses=problem_responses(404, 502, 504))
async def get_chat(
    name: RoomName,
    request: CallerRequest,
    limit: Annotated[int, Query(ge=1, le=MAX_TURNS, description="The most messages of one page.")] = TURNS,
    starting_after: Annotated[
        int, Query(ge=0, le=MAX_TURN_NUMBER, description="The `number` of the last message of the page before.")
    ] = 0,
) -> ChatRecord:
    """Read the messages of the room's sidebar, oldest first, in pages."""
    await request.rooms.get_own_room(name)
    turns = await request.services.storage.chat_turns(name, limit=limit + 1, starting_after=starting_after)
    page = [ChatTurnResponse.model_validate(turn) for turn in turns[:limit]]
    return ChatRecord(room_name=name, turns=page, has_more=len(turns) > limit)


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
