"""After an erasure and a purge, no byte of the room is left in any of SQLite's files."""

import asyncio
import random
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from config import Settings
from services.storage.database import Database, open_engine
from services.storage.database_url import read_database_url
from services.storage.opening import open_storage
from services.storage.purging import FilePurger
from services.storage.records import (
    Briefing,
    BudgetUse,
    ChatTurn,
    Participant,
    Segment,
    StoredResponse,
    StoredTranscript,
)
from services.storage.retention import run_retention
from services.storage.sql import SqlStorage
from tests.services.storage.conftest import open_at
from tests.services.storage.interviews import NOW, make_briefing, make_room
from tests.support.sqlite_files import files_with

pytestmark = pytest.mark.anyio

CANARY = "canary-7f3a"
DAY = timedelta(days=1)


@pytest.fixture
async def sqlite_storage(tmp_path):
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/rooms.db")
    async with open_storage(settings, lambda: NOW) as storage:
        yield storage


def canary(field: str, size: int = 1) -> str:
    return f"{CANARY}-{field} " * size


async def plant(storage, size: int = 1, ends_in=timedelta(hours=2)) -> str:
    """A room with the canary in every field of every table."""
    name = f"{CANARY}-{size}"
    room = replace(
        make_room(name, ends_in=ends_in),
        created_by=canary("creator"),
        daily_id=canary("daily"),
        owner=canary("owner"),
        candidate_name=canary("candidate"),
        payer=canary("payer"),
    )
    await storage.save_room(room)
    texts = {field: canary(field, size) for field in ("resume_summary", "notes", "briefing_prompt")}
    names = {field: canary(field) for field in ("candidate_name", "role")}
    briefing = Briefing.model_construct(
        **texts, **names, focus_areas=(canary("focus"),), room_name=name, updated_at=NOW
    )
    for _ in range(2):
        await storage.save_briefing(briefing)
    await storage.add_chat_turns(name, [ChatTurn("user", canary("turn", size), NOW)] * 3)
    await storage.add_participant(name, Participant(canary("participant"), "candidate", canary("user"), NOW))
    for _ in range(2):
        await storage.add_segments(name, [Segment("1", canary("speaker"), canary("segment", size), canary("at"))], NOW)
        await storage.save_transcript(name, StoredTranscript("client", canary("transcript", size), NOW))
        await storage.add_debrief(name, canary("fingerprint"), NOW, canary("debrief", size))
        await storage.add_plan(name, NOW, canary("plan", size))
        await storage.add_rating(name, canary("rater"), NOW, canary("rating", size))
        await storage.add_decision(name, NOW, canary("decision", size))
    await storage.add_segments(name, [Segment("2", canary("speaker"), canary("segment", size), canary("at"))], NOW)
    await storage.add_phone_call(name, canary("call"), NOW)
    for number in range(2):
        use = BudgetUse(canary("subject"), 1, 5, DAY, name)
        await storage.reserve_uses(canary(f"use-{size}-{number}"), [use], NOW)
    await storage.settle_uses(canary(f"use-{size}-0"), [use], 1)
    await storage.claim_slot(canary("slot"), canary("print"), now=NOW, until=NOW + DAY, lease=NOW)
    headers = ((canary("header"), canary("value")),)
    await storage.complete_slot(
        canary("slot"), StoredResponse(200, headers, canary("body", size).encode()), name, NOW + DAY
    )
    return name


@pytest.mark.parametrize("size", [1, 30, 5000])
async def test_no_byte_of_an_erased_room_is_left_in_any_file(sqlite_storage, tmp_path, size):
    name = await plant(sqlite_storage, size)
    assert files_with(CANARY, tmp_path)

    await sqlite_storage.erase(name)

    assert await sqlite_storage.purge_deleted(in_background=False)
    assert files_with(CANARY, tmp_path) == {}


async def test_no_byte_of_a_room_is_left_after_its_retention(sqlite_storage, tmp_path):
    await plant(sqlite_storage, ends_in=timedelta(hours=1))

    await sqlite_storage.erase_ended(NOW + DAY, 10)

    assert await sqlite_storage.purge_deleted(in_background=False)
    assert files_with(CANARY, tmp_path) == {}


async def test_no_copy_is_left_where_rows_moved_between_pages(sqlite_storage, tmp_path):
    """Rooms of every size come and go, so pages split and merge; SQLite's secure_delete alone misses some."""
    chance = random.Random(2)
    live = []
    for at in range(80):
        live.append(await plant_mark(sqlite_storage, at, chance))
        if chance.random() < 0.6 and len(live) > 5:
            name, mark = live.pop(chance.randrange(len(live)))

            await sqlite_storage.erase(name)
            await sqlite_storage.purge_deleted(in_background=False)

            assert files_with(mark, tmp_path) == {}


async def plant_mark(storage, at, chance) -> tuple[str, str]:
    name, mark = f"{chance.randrange(10**6)}-{at}", f"mark{at:05d}x"
    await storage.save_room(replace(make_room(name), owner=mark * chance.randrange(1, 8)))
    for _ in range(chance.randrange(1, 4)):
        await storage.save_briefing(make_briefing(name, mark * chance.randrange(1, 120)))
    turns = [ChatTurn("user", mark * chance.randrange(1, 60), NOW) for _ in range(chance.randrange(1, 9))]
    await storage.add_chat_turns(name, turns)
    await storage.add_debrief(name, mark, NOW, mark * chance.randrange(1, 400))
    return name, mark


async def test_erasing_while_others_read_leaves_nothing(sqlite_storage, tmp_path):
    other = make_room()
    await sqlite_storage.save_room(other)
    name = await plant(sqlite_storage, 30)

    async def read():
        for _ in range(100):
            await sqlite_storage.find(other.name, briefing=True)

    async def erase():
        await sqlite_storage.erase(name)
        return await sqlite_storage.purge_deleted(in_background=False)

    *_, is_clean = await asyncio.gather(read(), read(), read(), erase())

    assert is_clean
    assert files_with(CANARY, tmp_path) == {}


async def test_expired_responses_leave_no_byte(sqlite_storage, tmp_path):
    await sqlite_storage.claim_slot("slot", "f", now=NOW, until=NOW, lease=NOW)
    await sqlite_storage.complete_slot("slot", StoredResponse(200, (), CANARY.encode()), None, NOW)

    await sqlite_storage.delete_expired_responses(NOW)

    assert await sqlite_storage.purge_deleted(in_background=False)
    assert files_with(CANARY, tmp_path) == {}


async def test_expired_budget_uses_leave_no_byte(sqlite_storage, tmp_path):
    use = BudgetUse(CANARY, 1, 5, DAY)
    await sqlite_storage.reserve_uses("settled", [use], NOW)
    await sqlite_storage.reserve_uses("running", [use], NOW)
    await sqlite_storage.settle_uses("settled", [use], 1)

    await sqlite_storage.delete_expired_uses(NOW + DAY)

    assert await sqlite_storage.purge_deleted(in_background=False)
    assert files_with(CANARY, tmp_path) == {}


@pytest.fixture
def reader(tmp_path, sqlite_storage):
    """Another program with an open read transaction."""
    connection = sqlite3.connect(tmp_path / "rooms.db", isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT * FROM rooms").fetchall()
    yield connection
    connection.close()


async def test_a_file_that_another_program_reads_is_purged_when_the_reader_leaves(
    sqlite_storage, tmp_path, reader, caplog
):
    await sqlite_storage.erase(await plant(sqlite_storage))

    assert not await sqlite_storage.purge_deleted(in_background=False)
    assert "another process is reading" in caplog.text
    reader.close()

    assert await sqlite_storage.purge_deleted(in_background=False)
    assert files_with(CANARY, tmp_path) == {}


async def test_an_unfinished_purge_is_finished_after_a_restart(sqlite_storage, tmp_path, reader):
    await sqlite_storage.erase(await plant(sqlite_storage, 5000))
    assert not await sqlite_storage.purge_deleted(in_background=True)
    await sqlite_storage.close()
    assert files_with(CANARY, tmp_path)
    reader.close()

    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/rooms.db")
    async with open_storage(settings, lambda: NOW) as storage:
        assert unused_pages(tmp_path) > 0
        assert await storage.purge_deleted(in_background=True)
        assert unused_pages(tmp_path) == 0


def unused_pages(folder) -> int:
    """The number of free pages: 0 in a file that was rewritten."""
    connection = sqlite3.connect(folder / "rooms.db")
    [(count,)] = connection.execute("PRAGMA freelist_count")
    connection.close()
    return count


class Watched:
    """A storage that takes every file for a large one, and the statements that it sends to SQLite."""

    def __init__(self, folder) -> None:
        engine = open_engine(read_database_url(f"sqlite:///{folder}/rooms.db"))
        self.statements: list[str] = []
        self.database = Database(engine)
        self.storage = SqlStorage(self.database)
        self.purger = self.storage._purger = FilePurger(self.database, large_bytes=0)
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: self.statements.append(call[2]))

    async def wait_for(self, words: str, times: int = 1) -> None:
        async with asyncio.timeout(60):
            while sum(words in statement for statement in self.statements) < times:
                await asyncio.sleep(0)


@pytest.fixture
async def watched(sqlite_storage, tmp_path):
    watched = Watched(tmp_path)
    yield watched
    await watched.storage.close()


async def test_a_large_file_is_rewritten_in_the_background_only(watched, tmp_path):
    await watched.storage.erase(await plant(watched.storage, 30))

    assert not await watched.storage.purge_deleted(in_background=False)
    assert "VACUUM" not in watched.statements
    assert (tmp_path / "rooms.db-wal").stat().st_size == 0
    assert await watched.storage.purge_deleted(in_background=True)
    assert await watched.storage.purge_deleted(in_background=False)
    assert files_with(CANARY, tmp_path) == {}


@pytest.mark.usefixtures("reader")
async def test_a_file_that_another_program_reads_is_not_rewritten(watched):
    """Each rewrite would make the log grow by the size of the file."""
    for at in range(2):
        await watched.storage.erase(await plant(watched.storage, at))
        assert not await watched.storage.purge_deleted(in_background=True)

    assert "VACUUM" not in watched.statements


async def test_a_file_is_not_rewritten_again_without_a_deletion(watched):
    await watched.storage.erase(await plant(watched.storage))
    await watched.storage.purge_deleted(in_background=True)

    await watched.storage.erase("an unknown room")
    await watched.storage.erase_ended(NOW, 100)
    await watched.storage.delete_expired_responses(NOW)

    assert await watched.storage.purge_deleted(in_background=True)
    assert watched.statements.count("VACUUM") == 1


async def test_a_log_that_is_read_during_the_rewrite_is_truncated_when_the_reader_leaves(watched, tmp_path):
    await watched.storage.erase(await plant(watched.storage, 30))
    await watched.storage.save_room(room := make_room())
    reader = sqlite3.connect(tmp_path / "rooms.db", isolation_level=None)
    purging = asyncio.create_task(watched.storage.purge_deleted(in_background=True))
    await watched.wait_for("VACUUM")
    reader.execute("BEGIN")
    assert reader.execute("SELECT name FROM rooms").fetchall() == [(room.name,)]
    await watched.wait_for("wal_checkpoint", times=3)
    reader.close()

    assert await purging
    assert watched.statements.count("VACUUM") == 1
    assert files_with(CANARY, tmp_path) == {}


async def test_a_deletion_during_the_rewrite_is_not_covered_by_it(watched, tmp_path):
    await watched.storage.erase(await plant(watched.storage, 30))
    later = await plant(watched.storage, 31)
    purging = asyncio.create_task(watched.storage.purge_deleted(in_background=True))
    await watched.wait_for("VACUUM")
    await watched.storage.erase(later)

    assert await purging
    assert not await watched.storage.purge_deleted(in_background=False)
    assert await watched.storage.purge_deleted(in_background=True)
    assert files_with(CANARY, tmp_path) == {}


@pytest.fixture
def hundred_megabytes(tmp_path, sqlite_storage):
    with sqlite3.connect(tmp_path / "rooms.db") as others:
        others.execute("CREATE TABLE others AS SELECT zeroblob(100 * 1024 * 1024)")
    others.close()


@pytest.mark.usefixtures("hundred_megabytes")
@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_rewrite_ends_and_stays_due(watched, tmp_path, times):
    """Cancelled twice: the deadlines of the purge and of the connection end at the same time."""
    await watched.storage.erase(await plant(watched.storage, 5000))

    purging = asyncio.create_task(watched.storage.purge_deleted(in_background=True))
    await watched.wait_for("VACUUM")
    for _ in range(times):
        purging.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([purging])

    assert purging.cancelled()
    assert unused_pages(tmp_path) > 0
    assert not await watched.storage.purge_deleted(in_background=False)
    assert await watched.storage.purge_deleted(in_background=True)
    assert unused_pages(tmp_path) == 0


@pytest.mark.usefixtures("reader")
async def test_retention_that_is_cancelled_during_a_purge_ends(watched, caplog):
    await watched.storage.erase(await plant(watched.storage))
    retention = asyncio.create_task(run_retention(watched.storage, lambda: NOW, None))
    await watched.wait_for("wal_checkpoint")

    retention.cancel()
    await asyncio.wait([retention], timeout=60)

    assert retention.cancelled()
    assert "Traceback" not in caplog.text
    assert not await watched.storage.purge_deleted(in_background=False)


async def test_many_erasures_at_once_share_one_rewrite(tmp_path):
    url = f"sqlite:///{tmp_path}/rooms.db"
    async with open_at(url) as storage:
        names = [make_room().name for _ in range(20)]
        for name in names:
            await storage.save_room(make_room(name))
    engine, rewritings = open_engine(read_database_url(url)), []

    def count(_connection, _cursor, statement, *_):
        rewritings.extend([statement] * (statement == "VACUUM"))

    event.listen(engine.sync_engine, "before_cursor_execute", count)
    storage = SqlStorage(Database(engine))

    async def erase(name):
        await storage.erase(name)
        return await storage.purge_deleted(in_background=False)

    assert await asyncio.gather(*map(erase, names)) == [True] * 20
    assert 1 <= len(rewritings) <= 3
    assert await storage.purge_deleted(in_background=True)
    assert len(rewritings) <= 3
    await storage.close()
