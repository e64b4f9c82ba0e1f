"""The schema: created, or migrated from an older one, once, by the first of several processes."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from services.briefing import Briefing
from services.errors import UnreadableRecord
from services.storage.database import open_engine
from services.storage.database_url import UnusableDatabaseUrl, read_database_url
from services.storage.migrate import migrate
from services.storage.records import BudgetUse, ChatTurn, Exhausted, Receipt
from services.storage.tables import metadata
from tests.services.storage.conftest import open_at
from tests.services.storage.interviews import NOW, RESPONSE, make_briefing, make_room, make_turns
from tests.services.storage.old_schemas import ODD_TEXT, REVISIONS, ROOM, make_old_database
from tests.support.sqlite_files import files_with

pytestmark = pytest.mark.anyio

CANARY = "canary-7f3a"
OLD_TABLES = ("briefings", "chat_turns", "debriefs", "phone_calls", "quota_uses")
HOUR = timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[3]
MIGRATE = [sys.executable, "-m", "services.storage.migrate"]


@pytest.fixture(params=["sqlite", "postgresql", "pgbouncer"])
async def url(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/rooms.db"
        return
    url = request.getfixturevalue(f"{request.param}_url")
    await drop_all(url)
    yield url
    await drop_all(url)


async def run_sql(url, *statements):
    engine = open_engine(read_database_url(url))
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def drop_all(url):
    await run_sql(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


async def inspect_database(url, look):
    engine = open_engine(read_database_url(url))
    async with engine.connect() as connection:
        seen = await connection.run_sync(look)
    await engine.dispose()
    return seen


def schema_differences(connection):
    return compare_metadata(MigrationContext.configure(connection), metadata)


FROM_EACH_OLDER_SCHEMA = pytest.mark.parametrize("older", REVISIONS)


async def test_an_empty_database_gets_the_tables_as_they_are_described(url):
    async with open_at(url):
        pass

    assert await inspect_database(url, schema_differences) == []


async def test_migrating_again_changes_nothing(url):
    async with open_at(url):
        pass

    async with open_at(url) as storage:
        await storage.ping()


@FROM_EACH_OLDER_SCHEMA
async def test_records_of_an_older_schema_are_kept(url, older):
    await make_old_database(url, older)

    async with open_at(url) as storage:
        stored = await storage.find(ROOM, briefing=True, debrief=True)
        turns = await storage.chat_turns(ROOM)

    assert (stored.room.created_by, stored.room.candidate_name) == (ODD_TEXT, ODD_TEXT)
    assert stored.room.expires_at == NOW + 2 * HOUR
    assert stored.briefing == Briefing(
        room_name=ROOM,
        candidate_name="Grace",
        role=ODD_TEXT,
        resume_summary=ODD_TEXT,
        notes=ODD_TEXT,
        focus_areas=("Compilers", "Tëaching"),
        briefing_prompt=ODD_TEXT,
        updated_at=NOW,
    )
    assert json.loads(stored.debrief.document) == {"text": ODD_TEXT}
    assert turns == (ChatTurn("user", ODD_TEXT, NOW, 1), ChatTurn("assistant", "an answer", NOW, 2))


@FROM_EACH_OLDER_SCHEMA
async def test_null_characters_of_an_older_schema_are_dropped(url, older):
    await make_old_database(url, older, odd_text="a\x00\uffff\x000\x001b")

    async with open_at(url) as storage:
        stored = await storage.find(ROOM, briefing=True)
        [turn, _] = await storage.chat_turns(ROOM)

    assert {stored.room.created_by, stored.briefing.notes, turn.content} == {"a\uffff01b"}


@FROM_EACH_OLDER_SCHEMA
async def test_older_schema_is_migrated_to_the_described_one(url, older):
    await make_old_database(url, older)

    async with open_at(url):
        pass

    assert await inspect_database(url, schema_differences) == []


async def test_many_briefings_of_an_older_schema_are_kept(url):
    """More than are copied at a time."""
    await make_old_database(url, "0003", rooms=150)

    async with open_at(url) as storage:
        for number in range(1, 150):
            stored = await storage.find(f"{ROOM}-{number:04}", briefing=True)
            assert stored.briefing.notes == ODD_TEXT


@FROM_EACH_OLDER_SCHEMA
async def test_an_older_database_works_after_its_migration(url, older):
    await make_old_database(url, older)

    async with open_at(url) as storage:
        await storage.claim_slot("slot", "f", now=NOW, until=NOW, lease=NOW)
        await storage.complete_slot("slot", RESPONSE, ROOM, NOW + HOUR)
        await storage.add_phone_call(ROOM, "call-2", NOW)
        await storage.save_briefing(make_briefing(ROOM, "newer"))
        await storage.add_chat_turns(ROOM, make_turns("newer"))
        assert await storage.add_debrief(ROOM, "f", NOW, "{}") == 2
        receipt = await storage.erase(ROOM)

    calls = 1 if older == "0001" else 2
    assert receipt == Receipt(room=1, briefing=1, debriefs=2, chat_turns=3, phone_calls=calls, idempotency_keys=1)


@pytest.mark.parametrize("older", ["0002", "0003"])
async def test_phone_calls_of_an_older_schema_count_against_the_rooms_budget(url, older):
    await make_old_database(url, older)

    async with open_at(url) as storage:
        use = BudgetUse(f"room_phone_calls:{ROOM}", 1, 2, HOUR, ROOM)
        exhausted = [await storage.reserve_uses(str(number), [use], NOW) for number in range(2)]
        await storage.erase(ROOM)
        await storage.save_room(make_room(ROOM))
        after_erasure = await storage.reserve_uses("again", [use], NOW)

    assert exhausted == [None, Exhausted(use, 2, NOW + HOUR)]
    assert after_erasure is None


@pytest.mark.parametrize("was_erased", [False, True], ids=["erased after the migration", "erased before it"])
async def test_a_migration_leaves_no_byte_of_an_erased_room_in_the_files(tmp_path, was_erased):
    """Texts moved to another table, so the old pages must be purged too, also those of rooms erased before."""
    url = f"sqlite:///{tmp_path}/rooms.db"
    await make_old_database(url, "0003", odd_text=CANARY * 1000)
    if was_erased:
        await run_sql(url, "PRAGMA secure_delete = OFF", *(f"DELETE FROM {table}" for table in (*OLD_TABLES, "rooms")))
        assert files_with(CANARY, tmp_path)

    async with open_at(url) as storage:
        await storage.erase(ROOM)

        assert await storage.purge_deleted(in_background=False)
        assert files_with(CANARY, tmp_path) == {}


@pytest.mark.parametrize("older", [None, "0001", "0003"])
async def test_four_processes_at_once_migrate_once(url, older):
    if older:
        await make_old_database(url, older)

    processes = [
        subprocess.Popen(MIGRATE, cwd=ROOT, env={"DATABASE_URL": url}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=50)[0] for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, outputs
    assert await inspect_database(url, schema_differences) == []


async def test_a_database_of_a_newer_version_is_refused(url):
    async with open_at(url):
        pass
    await run_sql(url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(UnusableDatabaseUrl, match=r"DATABASE_URL: .*newer version.*9999"):
        await open_at(url).__aenter__()


async def test_failed_migration_is_rolled_back(url):
    """A table is in the way of the second migration, so the first must be rolled back too."""
    await run_sql(url, "CREATE TABLE idempotency_slots (anything INTEGER)")
    engine = open_engine(read_database_url(url))

    with pytest.raises(UnusableDatabaseUrl, match="already exists"):
        await migrate(engine)

    await engine.dispose()
    assert await inspect_database(url, lambda connection: inspect(connection).get_table_names()) == [
        "idempotency_slots"
    ]
    await run_sql(url, "DROP TABLE idempotency_slots")


def test_migrating_without_a_database_says_so():
    done = subprocess.run(MIGRATE, cwd=ROOT, env={}, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL: it is empty")


async def test_a_briefing_of_another_version_is_a_named_problem_without_its_content_in_the_log(url, caplog):
    async with open_at(url) as storage:
        await storage.save_room(make_room(ROOM))
        await storage.save_briefing(make_briefing(ROOM, CANARY))
        await run_sql(url, "UPDATE briefings SET document = replace(document, '\"candidate_name\"', '\"name\"')")

        with pytest.raises(UnreadableRecord, match="stored briefing"):
            await storage.find(ROOM, briefing=True)

    assert "candidate_name" in caplog.text
    assert CANARY not in caplog.text
