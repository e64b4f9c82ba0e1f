"""Lists of an owner's rooms, in every storage."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from services.errors import RoomNotFound
from services.storage.records import RoomSummary
from services.storage.statements import list_statement
from tests.services.storage.interviews import (
    HOUR,
    MINUTE,
    NOW,
    TRANSCRIPT,
    fill,
    make_briefing,
    make_room,
    make_segments,
)

pytestmark = pytest.mark.anyio

OWNER = "key:lister"


async def save_rooms(storage, count, **changes):
    """Rooms of the owner, oldest first."""
    rooms = [
        replace(make_room(f"room-{at}"), **{"owner": OWNER, "created_at": NOW + at * MINUTE} | changes)
        for at in range(count)
    ]
    for room in rooms:
        await storage.save_room(room)
    return rooms


async def list_names(storage, owner=OWNER, *, limit=100, starting_after=None, ended=None, now=NOW):
    summaries = await storage.list_rooms(owner, limit=limit, starting_after=starting_after, ended=ended, now=now)
    return [summary.room.name for summary in summaries]


async def test_rooms_are_listed_newest_first(storage):
    rooms = await save_rooms(storage, 3)

    summaries = await storage.list_rooms(OWNER, limit=100, starting_after=None, ended=None, now=NOW)

    assert [summary.room for summary in summaries] == rooms[::-1]


async def test_only_the_owners_rooms_are_listed(storage):
    await save_rooms(storage, 1)
    await storage.save_room(replace(make_room("of another"), owner="key:other"))
    await storage.save_room(replace(make_room("of no owner"), owner=None))

    assert await list_names(storage) == ["room-0"]
    assert await list_names(storage, "key:unknown") == []


@pytest.mark.parametrize("is_one_time", [False, True])
async def test_pages_contain_every_room_once(storage, is_one_time):
    await save_rooms(storage, 7, **({"created_at": NOW} if is_one_time else {}))

    pages, cursor = [], None
    while page := await list_names(storage, limit=3, starting_after=cursor):
        pages.append(page)
        cursor = page[-1]

    assert pages == [["room-6", "room-5", "room-4"], ["room-3", "room-2", "room-1"], ["room-0"]]


async def test_a_room_opened_between_two_pages_changes_none_of_the_later_pages(storage):
    await save_rooms(storage, 4)
    first = await list_names(storage, limit=2)
    await storage.save_room(replace(make_room("newest"), owner=OWNER, created_at=NOW + HOUR))

    second = await list_names(storage, limit=2, starting_after=first[-1])

    assert first + second == ["room-3", "room-2", "room-1", "room-0"]


@pytest.mark.parametrize("cursor", ["nowhere", "of another"])
async def test_a_cursor_that_is_no_room_of_the_owner_is_refused(storage, cursor):
    await save_rooms(storage, 2)
    await storage.save_room(replace(make_room("of another"), owner="key:other", created_at=NOW + HOUR))

    with pytest.raises(RoomNotFound):
        await list_names(storage, starting_after=cursor)


async def test_page_after_the_oldest_room_is_empty(storage):
    await save_rooms(storage, 2)

    assert await list_names(storage, starting_after="room-0") == []


async def test_rooms_are_selected_by_whether_they_ended(storage):
    [early, late] = await save_rooms(storage, 2)
    for room, ends_in in ((early, HOUR), (late, 2 * HOUR)):
        await storage.erase(room.name)
        await storage.save_room(replace(room, expires_at=NOW + ends_in))

    at = NOW + HOUR
    assert await list_names(storage, ended=True, now=at) == [early.name]
    assert await list_names(storage, ended=False, now=at) == [late.name]
    assert await list_names(storage, ended=None, now=at) == [late.name, early.name]


SAVE = {
    "has_briefing": lambda storage, name: storage.save_briefing(make_briefing(name)),
    "has_transcript": lambda storage, name: storage.save_transcript(name, TRANSCRIPT),
    "has_debrief": lambda storage, name: storage.add_debrief(name, "f", NOW, "{}"),
    "has_decision": lambda storage, name: storage.add_decision(name, NOW, "{}"),
}


@pytest.mark.parametrize("part", [None, *SAVE])
async def test_summary_names_the_stored_records(storage, part):
    [room, _] = await save_rooms(storage, 2)
    await fill(storage)
    if part:
        await SAVE[part](storage, room.name)

    [_, summary] = await storage.list_rooms(OWNER, limit=2, starting_after=None, ended=None, now=NOW)

    assert summary == RoomSummary(room, **{name: name == part for name in SAVE})


async def test_segments_are_a_transcript(storage):
    [room] = await save_rooms(storage, 1)
    await storage.add_segments(room.name, make_segments("a"), NOW)

    [summary] = await storage.list_rooms(OWNER, limit=1, starting_after=None, ended=None, now=NOW)

    assert summary.has_transcript


MANY_ROOMS = text("""
    INSERT INTO rooms (name, url, created_by, created_at, expires_at, owner)
    SELECT 'many-' || n, 'https://x.test', 'Ada', now() + n * interval '1 minute', now() + interval '1 year',
           'key:' || n % 10
    FROM generate_series(1, 5000) AS n
""")


@pytest.mark.parametrize("is_continued", [False, True])
async def test_a_page_is_read_from_the_index_of_the_owner_without_sorting(postgresql_storage, is_continued):
    database = postgresql_storage._database
    await database.write(MANY_ROOMS)
    await database.write(text("ANALYZE"))
    values = {"owner": "key:1", "limit": 20, "starting_after": "many-4001", "now": NOW}
    statement = list_statement(is_continued=is_continued, ended=False).params(values)
    literal = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})

    rows = await database.fetch(text(f"EXPLAIN {literal}".replace(":", r"\:")))

    plan = "\n".join(row[0] for row in rows)
    assert "Index Scan Backward using rooms_of_owner" in plan
    assert "Sort" not in plan
