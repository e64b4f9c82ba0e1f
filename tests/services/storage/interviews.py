"""Rooms and their records for the tests of storages."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.briefing import Briefing
from services.storage.protocol import Storage
from services.storage.records import (
    BudgetUse,
    ChatTurn,
    Claim,
    Participant,
    Receipt,
    Room,
    Segment,
    StoredResponse,
    StoredTranscript,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
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


def make_turns(*contents: str, first: int = 1) -> tuple[ChatTurn, ...]:
    """Turns with the numbers that they get in a room whose next number is `first`."""
    return tuple(
        ChatTurn("assistant" if at % 2 else "user", content, NOW, first + at) for at, content in enumerate(contents)
    )


def make_segments(*ids: str, text: str = "I led the migration.") -> list[Segment]:
    return [Segment(segment_id, "Grace", text, "00:01", NOW) for segment_id in ids]


CANDIDATE = Participant("Grace", "candidate", "user-1", NOW)
INTERVIEWER = Participant("Ada", "interviewer", "user-2", NOW)
TRANSCRIPT = StoredTranscript("client", '{"transcript":"Candidate: Yes."}', NOW)


async def claim(
    storage: Storage, slot: str, fingerprint: str = "f1", after: timedelta = timedelta(), **changes
) -> Claim:
    """Claim a slot for a day with a lease of a minute, so long after NOW."""
    now = NOW + after
    return await storage.claim_slot(slot, fingerprint, now=now, until=now + DAY, lease=now + MINUTE, **changes)


async def complete(storage: Storage, slot: str, room: str | None = None) -> None:
    await storage.complete_slot(slot, RESPONSE, room, NOW + DAY)


def make_use(subject: str, *, amount: int = 1, most: int = 2, room: str | None = None) -> BudgetUse:
    return BudgetUse(subject, amount, most, HOUR, room)


async def reserve(storage: Storage, *uses: BudgetUse, after: timedelta = timedelta(), reservation: str | None = None):
    """The result of a reservation so long after NOW."""
    return await storage.reserve_uses(reservation or uuid4().hex, uses, NOW + after)


FILLED = Receipt(
    room=1,
    briefing=1,
    participants=2,
    plans=2,
    transcripts=1,
    segments=2,
    chat_turns=3,
    debriefs=2,
    ratings=3,
    decisions=2,
    phone_calls=1,
    idempotency_keys=1,
)


async def fill(storage: Storage) -> str:
    """A room with some of everything under its name."""
    room = make_room()
    name = room.name
    await storage.save_room(room)
    await storage.save_briefing(make_briefing(name))
    for participant in (CANDIDATE, INTERVIEWER):
        await storage.add_participant(name, participant)
    await storage.save_transcript(name, TRANSCRIPT)
    await storage.add_segments(name, make_segments("a", "b"), NOW)
    await storage.add_chat_turns(name, make_turns("a", "b", "c"))
    for number in (1, 2):
        await storage.add_plan(name, NOW, f'{{"plan":{number}}}')
        await storage.add_debrief(name, f"f{number}", NOW, f'{{"v":{number}}}')
        await storage.add_rating(name, "ada", NOW, f'{{"rating":{number}}}')
        await storage.add_decision(name, NOW, f'{{"decision":{number}}}')
    await storage.add_rating(name, "bob", NOW, "{}")
    await storage.add_phone_call(name, "call-1", NOW)
    await reserve(storage, make_use(f"calls:{name}", room=name))
    await claim(storage, f"slot-{name}")
    await complete(storage, f"slot-{name}", name)
    return name
