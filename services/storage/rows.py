"""Rows of the database as records."""

from collections.abc import Callable, Sequence
from typing import Any

from services.briefing import Briefing
from services.storage.documents import read_document
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
    return read_document(Briefing, document, "briefing")


_READERS: dict[str, Callable[..., Any]] = {
    "briefing": _read_briefing,
    "debrief": StoredDebrief,
    "plan": StoredPlan,
    "transcript": StoredTranscript,
}
