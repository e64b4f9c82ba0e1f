"""A database that is lost is reported as unavailable, and used again when it is back."""

import asyncio
import sqlite3

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from config import Settings
from services.errors import StorageUnavailable
from services.storage.database import Database, open_engine
from services.storage.database_url import read_database_url
from services.storage.opening import open_storage
from services.storage.sql import SqlStorage
from tests.services.storage.conftest import open_at
from tests.services.storage.interviews import NOW, make_room, make_turns
from tests.storage_over_http.databases import open_database
from tests.support.servers import pgbouncer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def storage(own_server):
    async with open_storage(Settings(_env_file=None, database_url=own_server.url), lambda: NOW) as storage:
        yield storage


async def wait_until_back(storage):
    """Ping until the storage answers, as a readiness probe does."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await storage.ping()
            except StorageUnavailable:
                await asyncio.sleep(0.05)


class Load:
    """Sixteen callers that read and write until they are stopped. Collects their failures."""

    def __init__(self, storage) -> None:
        self.storage = storage
        self.failures: list[Exception] = []
        self.successes = 0
        self.is_over = False

    async def __aenter__(self):
        self.callers = [asyncio.create_task(self.call()) for _ in range(16)]
        return self

    async def __aexit__(self, *_):
        self.is_over = True
        await asyncio.gather(*self.callers)

    async def call(self):
        room = make_room()
        while not self.is_over:
            try:
                await self.storage.save_room(room)
                await self.storage.add_chat_turns(room.name, make_turns("a"))
                await self.storage.find(room.name)
                self.successes += 1
            except StorageUnavailable as failure:
                self.failures.append(failure)
                await asyncio.sleep(0.01)

    async def until(self, is_so):
        async with asyncio.timeout(20):
            while not is_so():
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_database_that_stops_under_load_is_unavailable_until_it_is_back(own_server, storage, end):
    async with Load(storage) as load:
        await load.until(lambda: load.successes > 50)
        getattr(own_server, end)()
        await load.until(lambda: len(load.failures) > 50)
        own_server.start()
        await wait_until_back(storage)
        before = load.successes
        await load.until(lambda: load.successes > before + 200)

    assert all(2 <= failure.retry_after <= 5 for failure in load.failures)


async def test_a_ping_reports_that_the_database_is_unavailable(own_server, storage):
    own_server.stop()

    with pytest.raises(StorageUnavailable):
        await storage.ping()

    own_server.start()


async def test_what_postgresql_said_is_logged(own_server, storage, caplog):
    own_server.stop()

    with pytest.raises(StorageUnavailable):
        await storage.ping()

    assert "the database is unavailable: 'connection failed: connection to server at" in caplog.text
    assert "refused" in caplog.text.lower()
    own_server.start()


async def test_exhausted_pool_is_logged_with_its_setting(own_server, caplog):
    database = Database(open_engine(read_database_url(own_server.url), 1))

    async with database.connection(seconds=30):
        with pytest.raises(StorageUnavailable):
            await SqlStorage(database).ping()

    assert "all connections were in use for 5 s; raise DATABASE_POOL_SIZE" in caplog.text
    await database.close()


async def test_a_restart_between_calls_fails_no_call(own_server, storage):
    await asyncio.gather(*(storage.ping() for _ in range(10)))
    own_server.stop()
    own_server.start()

    for _ in range(10):
        await storage.add_chat_turns((await saved_room(storage)).name, make_turns("a"))


async def saved_room(storage):
    room = make_room()
    await storage.save_room(room)
    return room


async def test_a_call_through_a_pooler_succeeds_or_is_unavailable_when_the_database_restarts(own_server):
    with pgbouncer(own_server) as pooler:
        async with open_at(pooler.url) as behind:
            own_server.stop()
            lost = asyncio.create_task(behind.ping())
            await asyncio.wait([lost], timeout=0.5)
            own_server.start()
            await wait_until_back(behind)
            assert lost.done()
            assert lost.exception() is None or isinstance(lost.exception(), StorageUnavailable)


async def test_a_server_that_does_not_answer_is_given_up_at_the_deadline(own_server):
    storage = SqlStorage(Database(open_engine(read_database_url(own_server.url)), call_seconds=1))
    await storage.ping()
    own_server.freeze()

    with pytest.raises(StorageUnavailable):
        async with asyncio.timeout(5):
            await storage.ping()

    own_server.thaw()
    await wait_until_back(storage)
    await storage.close()


@pytest.fixture
async def sqlite_storage(tmp_path):
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/rooms.db")
    async with open_storage(settings, lambda: NOW) as storage:
        yield storage


@pytest.fixture
def other_program(tmp_path):
    connection = sqlite3.connect(tmp_path / "rooms.db", isolation_level=None)
    yield connection
    connection.close()


async def test_sqlite_is_unavailable_while_another_program_keeps_writing(sqlite_storage, other_program):
    other_program.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageUnavailable):
        await sqlite_storage.save_room(make_room())

    other_program.execute("COMMIT")
    await sqlite_storage.save_room(make_room())


async def test_sqlite_is_read_while_another_program_writes(sqlite_storage, other_program):
    room = await saved_room(sqlite_storage)
    other_program.execute("BEGIN IMMEDIATE")

    found = await sqlite_storage.find(room.name)

    assert found.room == room


async def test_a_full_disk_is_named(tmp_path):
    url = f"sqlite:///{tmp_path}/rooms.db"
    async with open_storage(Settings(_env_file=None, database_url=url), lambda: NOW):
        pass
    engine = open_engine(read_database_url(url))
    event.listen(engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 60"))
    storage = SqlStorage(Database(engine))
    room = await saved_room(storage)

    with pytest.raises(StorageUnavailable, match="is full; the operator") as failed:
        await storage.add_chat_turns(room.name, make_turns("a" * 1_000_000))

    assert failed.value.retry_after is None
    await storage.close()


async def test_a_damaged_file_is_named(sqlite_storage, tmp_path):
    room = await saved_room(sqlite_storage)
    await sqlite_storage.close()
    path = tmp_path / "rooms.db"
    path.write_bytes(path.read_bytes()[:4096] + b"damage" * 30_000)
    storage = SqlStorage(Database(open_engine(read_database_url(f"sqlite:///{path}"))))

    with pytest.raises(StorageUnavailable, match="damaged"):
        await storage.find(room.name)

    await storage.close()


async def test_a_read_only_server_is_not_ready(own_server, storage):
    with open_database(own_server.url) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(20):
        while not await reports_read_only(storage):
            await asyncio.sleep(0.05)

    with pytest.raises(StorageUnavailable, match="read-only"):
        await storage.save_room(make_room())

    with open_database(own_server.url) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")
    await wait_until_back(storage)


async def reports_read_only(storage) -> bool:
    try:
        await storage.ping()
    except StorageUnavailable as failure:
        return "read-only" in failure.detail
    return False


async def test_a_wrong_statement_is_not_reported_as_a_lost_sqlite(sqlite_storage, other_program):
    other_program.execute("DROP TABLE phone_calls")

    with pytest.raises(DBAPIError, match="no such table"):
        await sqlite_storage.has_phone_call("room", "call")


async def test_a_wrong_statement_is_not_reported_as_a_lost_postgresql(own_server, storage):
    engine = open_engine(read_database_url(own_server.url))
    async with engine.connect() as connection:
        await connection.execute(text("ALTER TABLE phone_calls RENAME TO calls"))

    with pytest.raises(DBAPIError, match="does not exist"):
        await storage.has_phone_call("room", "call")

    async with engine.connect() as connection:
        await connection.execute(text("ALTER TABLE calls RENAME TO phone_calls"))
    await engine.dispose()
