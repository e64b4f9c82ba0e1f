"""The schema: made from nothing or from an older one, once, by whoever comes first."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from config import Settings
from services.access.quotas import PHONE_CALLS
from services.storage.database import open_engine
from services.storage.database_url import UnusableDatabaseUrl, read_database_url
from services.storage.migrate import migrate
from services.storage.opening import open_storage
from services.storage.records import Quota
from services.storage.tables import metadata
from tests.services.storage.interviews import ANSWER, NOW, make_briefing, make_room

pytestmark = pytest.mark.anyio

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
    tables = [*metadata.tables, "alembic_version"]
    await run_sql(url, *(f"DROP TABLE IF EXISTS {table} CASCADE" for table in tables))


async def inspect_database(url, look):
    engine = open_engine(read_database_url(url))
    async with engine.connect() as connection:
        seen = await connection.run_sync(look)
    await engine.dispose()
    return seen


def schema_differences(connection):
    return compare_metadata(MigrationContext.configure(connection), metadata)


def open_at(url):
    return open_storage(Settings(_env_file=None, database_url=url), lambda: NOW)


UNDO = {
    "0002": ["DROP TABLE quota_uses"],
    "0001": ["DROP TABLE quota_uses", "DROP TABLE phone_calls", "DROP TABLE idempotency_slots"],
}
FROM_AN_OLDER_SCHEMA = pytest.mark.parametrize("older", UNDO)


async def go_back(url, older):
    """A database as an older schema left it, with a room in it."""
    async with open_at(url) as storage:
        room = make_room()
        await storage.save_room(room)
        await storage.save_briefing(make_briefing(room.name))
    await run_sql(url, *UNDO[older], f"UPDATE alembic_version SET version_num = '{older}'")
    return room


async def test_an_empty_database_gets_the_tables_as_they_are_described(url):
    async with open_at(url):
        pass

    assert await inspect_database(url, schema_differences) == []


async def test_migrating_again_changes_nothing(url):
    async with open_at(url):
        pass

    async with open_at(url) as storage:
        await storage.ping()


@FROM_AN_OLDER_SCHEMA
async def test_what_an_older_schema_held_is_kept(url, older):
    room = await go_back(url, older)

    async with open_at(url) as storage:
        interview = await storage.find(room.name, briefing=True)

    assert (interview.room, interview.briefing) == (room, make_briefing(room.name))
    assert await inspect_database(url, schema_differences) == []


@FROM_AN_OLDER_SCHEMA
async def test_what_an_older_schema_did_not_know_works_afterwards(url, older):
    room = await go_back(url, older)

    async with open_at(url) as storage:
        await storage.claim_slot("slot", "f", NOW, NOW, NOW)
        await storage.complete_slot("slot", ANSWER, room.name)
        await storage.add_phone_call(room.name, "call", NOW)
        taken = [
            await storage.consume_quota(room.name, Quota("calls", 1, HOUR, "calls"), use, NOW)
            for use in ("first", "second")
        ]
        receipt = await storage.erase(room.name)

    assert (receipt.phone_calls, receipt.idempotency_keys) == (1, 1)
    assert taken == [None, NOW + HOUR]


async def test_the_calls_that_a_room_placed_before_count(url):
    async with open_at(url) as storage:
        room = make_room()
        await storage.save_room(room)
        await storage.add_phone_call(room.name, "before", NOW)
    await run_sql(url, *UNDO["0002"], "UPDATE alembic_version SET version_num = '0002'")

    async with open_at(url) as storage:
        taken = [
            await storage.consume_quota(room.name, replace(PHONE_CALLS, most=2), str(use), NOW) for use in range(2)
        ]

    assert taken == [None, NOW + PHONE_CALLS.window]


@pytest.mark.parametrize("older", [None, *UNDO], ids=["from nothing", *(f"from {older}" for older in UNDO)])
async def test_four_processes_at_once_migrate_once(url, older):
    if older:
        await go_back(url, older)

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

    with pytest.raises(UnusableDatabaseUrl, match=r"DATABASE_URL: .*newer version.*9999.*0003"):
        await open_at(url).__aenter__()


async def test_a_migration_that_fails_leaves_nothing_behind(url):
    """Something of ours is in the way of the second migration, so the first may not stay either."""
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
