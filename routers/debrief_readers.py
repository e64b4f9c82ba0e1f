"""Who reads a debrief. Under HUMAN_FIRST it is sealed here, on the way out, until the reader has rated."""

import asyncio
from typing import Annotated

from fastapi import Depends, Path, Query, Response

from routers.access import CallerRequest
from routers.dependencies import RoomName
from services.evidence.debrief import Debrief
from services.evidence.sealing import ReadableDebrief, seal
from services.interview.review import Review, has_rated
from services.lifespan import Services
from services.storage.records import StoredRoom
from services.text.fields import RaterName

Rater = Annotated[
    RaterName,
    Path(alias="rater", description="Name or id of the person, as the client chooses.", examples=["ada"]),
]
Reader = Annotated[
    RaterName | None,
    Query(
        alias="rater",
        description="Who reads. Ratings are shown to people who have submitted theirs.",
        examples=["ada"],
    ),
]


class DebriefReader:
    """The reader of one room's debriefs. Every form in which a debrief leaves the service passes through `show`."""

    def __init__(self, request: CallerRequest, name: RoomName, rater: Reader = None) -> None:
        self.rater = rater
        self._room_name = name
        self._services = request.services

    async def show(self, debrief: Debrief) -> ReadableDebrief:
        """The debrief as this reader may see it now. What is stored stays whole."""
        if await self._may_see_ratings():
            return debrief
        return await asyncio.to_thread(seal, debrief)

    async def show_response(self, response: Response) -> Response:
        """The same for a response that holds a debrief, such as one that is replayed."""
        if not self._services.settings.human_first:
            return response
        shown = await self.show(Debrief.model_validate_json(bytes(response.body)))
        response.body = shown.model_dump_json().encode()
        response.headers["Content-Length"] = str(len(response.body))
        return response

    async def _may_see_ratings(self) -> bool:
        is_human_first = self._services.settings.human_first
        return not is_human_first or await has_rated(self._services.storage, self._room_name, self.rater)


DebriefReaderDep = Annotated[DebriefReader, Depends()]


def open_review(services: Services, interview: StoredRoom) -> Review:
    """The review of an interview that was found with its briefing, its plan and its debrief."""
    return Review(
        storage=services.storage,
        once=services.idempotency,
        clock=services.clock,
        interview=interview,
        is_human_first=services.settings.human_first,
    )
