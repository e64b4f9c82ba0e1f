"""Rooms and what belongs to them, as the tests of storages need them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.storage.records import Answer, Briefing, ChatTurn, Room

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ANSWER = Answer(201, (("Location", "/api/rooms/a"), ("X-Name", "ä")), b'{"ok":true}\x00\xff')


def make_room(name: str | None = None, *, ends_in: timedelta = timedelta(hours=2)) -> Room:
    name = name or f"room-{uuid4().hex}"
    return Room(
        name=name,
        url=f"https://example.daily.co/{name}",
        created_by="Ada",
        created_at=NOW,
        expires_at=NOW + ends_in,
        daily_id=str(uuid4()),
        owner="key:web",
        candidate_name="Grace",
    )


def make_briefing(notes: str = "Ask about the compiler.") -> Briefing:
    return Briefing(
        candidate_name="Grace",
        role="Engineer",
        resume_summary="Wrote a compiler.",
        notes=notes,
        focus_areas=("Compilers", "Teaching"),
        briefing_prompt="You prepare the interviewer.",
        updated_at=NOW,
    )


def make_turns(*contents: str) -> list[ChatTurn]:
    return [ChatTurn("assistant" if at % 2 else "user", content, NOW) for at, content in enumerate(contents)]
