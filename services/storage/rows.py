"""Rows of the database as records."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from services.briefing import Briefing
from services.errors import UnreadableRecord
from services.storage.records import (
    Participant,
    Room,
    RoomSummary,
    StoredDebrief,
    StoredPlan,
    StoredRoom,
    StoredTranscript,
)
from services.storage.statements import PARTS, ROOM, without_room

log = logging.getLogger(__name__)

_ROOM_WIDTH = len(ROOM)


def read_room(row: Sequence[Any], parts: Sequence[str], participants: tuple[Participant, ...]) -> StoredRoom:
    """A row of `find_statement` with these parts."""
    columns = iter(row[_ROOM_WIDTH:])
    found = {}
    for part in parts:
        values = [next(columns) for _ in without_room(PARTS[part])]
        found[part] = None if values[0] is None else _READERS[part](*values)
    return StoredRoom(Room(*row[:_ROOM_WIDTH]), participants=participants, **found)


def read_summary(row: Sequence[Any]) -> RoomSummary:
    """A row of `list_statement`."""
    return RoomSummary(Room(*row[:_ROOM_WIDTH]), *map(bool, row[_ROOM_WIDTH:]))


def _read_briefing(document: str) -> Briefing:
    try:
        return Briefing.model_validate_json(document)
    except ValidationError as error:
        fields = {".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False)}
        log.error("a stored briefing can't be read: %s", ", ".join(sorted(fields)) or "it is not JSON")  # noqa: TRY400
        raise UnreadableRecord("briefing") from None


_READERS: dict[str, Callable[..., Any]] = {
    "briefing": _read_briefing,
    "debrief": StoredDebrief,
    "plan": StoredPlan,
    "transcript": StoredTranscript,
}
