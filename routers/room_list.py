"""The caller's own rooms."""

from typing import Annotated

from fastapi import APIRouter, Query

from routers.access import AccessCheckedRoute, CallerRequest
from routers.problems import problem_responses
from routers.schemas.rooms import ListedRoom, RoomList, RoomStatus
from services.text.fields import ROOM_NAME_PATTERN

router = APIRouter(
    prefix="/api/rooms",
    tags=["rooms"],
    responses=problem_responses(401, 422, 429, 503),
    route_class=AccessCheckedRoute,
)


@router.get("", operation_id="list_rooms", responses=problem_responses(403, 404))
async def list_rooms(
    request: CallerRequest,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    starting_after: Annotated[
        str | None, Query(pattern=ROOM_NAME_PATTERN, description="The last `room_name` of the page before.")
    ] = None,
    status: Annotated[RoomStatus | None, Query(description="Only rooms that are active, or that have ended.")] = None,
) -> RoomList:
    """List the caller's own rooms, newest first. Only with authentication: room names are meant to be unguessable."""
    is_ended = None if status is None else status == "ended"
    found, has_more = await request.rooms.list_own(limit=limit, starting_after=starting_after, ended=is_ended)
    now = request.services.clock()
    return RoomList(data=[ListedRoom.of(summary, now) for summary in found], has_more=has_more)
