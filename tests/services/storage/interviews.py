"""Rooms and what belongs to them, as the tests of storages need them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.briefing import Briefing
from services.storage.protocol import Storage
from services.storage.records import ChatTurn, Claim, Quota, Room, StoredResponse

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
TWICE = Quota("twice", 2, timedelta(hours=1), "tries")
RESPONSE = StoredResponse(201, (("Location", "/api/rooms/a"), ("X-Name", "ä")), b'{"ok":true}\x00\xff')


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


def make_briefing(room_name: str, notes: str = "Ask about the compiler.") -> Briefing:
    return Briefing(
        room_name=room_name,
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


async def claim(
    storage: Storage, slot: str, fingerprint: str = "f1", after: timedelta = timedelta(), **changes
) -> Claim:
    """Claim a slot for a day with a lease of a minute, so long after NOW."""
    now = NOW + after
    return await storage.claim_slot(slot, fingerprint, now=now, until=now + DAY, lease=now + MINUTE, **changes)


async def complete(storage: Storage, slot: str, room: str | None = None) -> None:
    await storage.complete_slot(slot, RESPONSE, room, NOW + DAY)


def take(storage: Storage, name: str, after: timedelta = timedelta(), quota: Quota = TWICE, use: str | None = None):
    return storage.consume_quota(name, quota, use or uuid4().hex, NOW + after)


async def fill(storage: Storage) -> str:
    """A room with some of everything under its name."""
    room = make_room()
    await storage.save_room(room)
    await storage.save_briefing(make_briefing(room.name))
    await storage.add_chat_turns(room.name, make_turns("a", "b", "c"))
    await storage.add_debrief(room.name, "f1", NOW, '{"v":1}')
    await storage.add_debrief(room.name, "f2", NOW, '{"v":2}')
    await storage.add_phone_call(room.name, "call-1", NOW)
    await take(storage, room.name)
    slot = f"slot-{room.name}"
    await claim(storage, slot)
    await complete(storage, slot, room.name)
    return room.name
