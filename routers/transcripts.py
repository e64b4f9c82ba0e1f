"""The room's transcript: sent whole, sent line by line, fetched from Daily, read, deleted."""

import asyncio

from fastapi import APIRouter, Response

from routers.accept import JSON, PLAIN_TEXT, WEBVTT, also_as, json_response, negotiate
from routers.access import CallerRequest, TranscriptRoute
from routers.bodies import SMALL_BODY_BYTES
from routers.dependencies import RoomName
from routers.openapi import header_references
from routers.problems import BODY, problem_responses
from routers.schemas.transcript import (
    SegmentsRequest,
    SegmentsResponse,
    SpeakerResponse,
    TranscriptInProgressResponse,
    TranscriptRequest,
    TranscriptResponse,
    TranscriptTurnResponse,
)
from services.interview.stored_transcript import ReadTranscript, TranscriptService
from services.interview.transcript_files import write_plain_text, write_webvtt
from services.storage.records import StoredRoom

RETRY_AFTER_SECONDS = 5
"""When to ask again for a transcript that Daily is still writing."""

router = APIRouter(
    prefix="/api/rooms/{name}/transcript",
    tags=["transcripts"],
    responses=problem_responses(401, 404, 422, 429, 502, 503, 504),
    route_class=TranscriptRoute,
)


@router.put("", response_model=TranscriptResponse, operation_id="save_transcript", responses=problem_responses(*BODY))
async def save_transcript(name: RoomName, body: TranscriptRequest, request: CallerRequest) -> Response:
    """Store the transcript, whole; it replaces what is stored. It is read at once, and stored as it was sent."""
    transcript = await _transcript(name, request)
    return await _json(name, await transcript.save(body.spoken(), body.speakers))


@router.get(
    "",
    response_model=TranscriptResponse,
    operation_id="get_transcript",
    responses=also_as(WEBVTT, PLAIN_TEXT),
)
async def get_transcript(name: RoomName, request: CallerRequest) -> Response:
    """Read the transcript, with each speaker's role and the reason for it; or as a file.

    `Accept: text/vtt` gives WebVTT, `Accept: text/plain` a line for each turn.
    """
    read = await (await _transcript(name, request)).read()
    match negotiate(request, JSON, WEBVTT, PLAIN_TEXT):
        case "text/vtt":
            text = await asyncio.to_thread(write_webvtt, read.transcript.turns)
            return Response(text, headers={"Vary": "Accept"}, media_type=WEBVTT)
        case "text/plain":
            text = await asyncio.to_thread(write_plain_text, read.transcript.turns)
            return Response(text, headers={"Vary": "Accept"}, media_type=PLAIN_TEXT)
        case _:
            return await _json(name, read)


@router.post(
    "/fetch",
    response_model=TranscriptResponse,
    operation_id="fetch_transcript",
    responses=problem_responses(409)
    | {202: {"model": TranscriptInProgressResponse, "headers": header_references("Retry-After")}},
    max_body_size=SMALL_BODY_BYTES,
)
async def fetch_transcript(name: RoomName, request: CallerRequest) -> Response:
    """Pull what Daily transcribed in this room; it replaces what is stored. 202 while Daily is still writing it."""
    interview = await request.rooms.get_own_room(name, briefing=True, participants=True)
    if not await request.services.daily_transcripts.pull(interview):
        in_progress = TranscriptInProgressResponse(room_name=name).model_dump_json()
        return Response(in_progress, 202, {"Retry-After": str(RETRY_AFTER_SECONDS)}, JSON)
    return await _json(name, await (await _transcript(name, request)).read())


@router.delete("", status_code=204, operation_id="delete_transcript", max_body_size=SMALL_BODY_BYTES)
async def delete_transcript(name: RoomName, request: CallerRequest) -> None:
    """Delete the stored transcript and all lines, to start over. What Daily has stays until the room is deleted."""
    interview = await request.rooms.get_own_room(name)
    await _transcript_service(request, interview).delete()


@router.post("/segments", operation_id="add_transcript_segments", responses=problem_responses(*BODY, 409))
async def add_segments(name: RoomName, body: SegmentsRequest, request: CallerRequest) -> SegmentsResponse:
    """Store lines of the transcript as they are spoken. They keep the order in which their ids were first sent.

    A line with a known id replaces that line, so a client may repeat itself.
    """
    interview = await request.rooms.get_own_room(name, transcript=True)
    transcript = _transcript_service(request, interview)
    totals = await transcript.add_segments([line.segment() for line in body.segments])
    return SegmentsResponse(stored=totals.segments, turns=totals.turns)


async def _transcript(name: str, request: CallerRequest) -> TranscriptService:
    interview = await request.rooms.get_own_room(name, briefing=True, transcript=True, participants=True)
    return _transcript_service(request, interview)


def _transcript_service(request: CallerRequest, interview: StoredRoom) -> TranscriptService:
    return TranscriptService(request.services.storage, request.services.clock, interview)


async def _json(name: str, read: ReadTranscript) -> Response:
    return await asyncio.to_thread(_render, name, read)


def _render(name: str, read: ReadTranscript) -> Response:
    transcript = TranscriptResponse(
        room_name=name,
        source=read.source,
        turns=[TranscriptTurnResponse.model_validate(turn) for turn in read.transcript.turns],
        speakers=[SpeakerResponse.model_validate(speaker) for speaker in read.transcript.speakers],
        warnings=list(read.warnings),
        updated_at=read.updated_at,
    )
    return json_response(transcript, Vary="Accept")
