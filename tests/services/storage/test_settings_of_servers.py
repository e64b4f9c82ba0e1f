"""PostgreSQL servers with unusual settings."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from psycopg.errors import InsufficientPrivilege

from services.errors import StorageUnavailable
from services.storage.database_url import UnusableDatabaseUrl
from services.storage.tables import metadata
from tests.services.storage.conftest import open_at
from tests.services.storage.interviews import make_room, make_use, reserve
from tests.storage_over_http.databases import open_database

pytestmark = pytest.mark.anyio

WEB_ROLES = ("anon", "authenticated")
OPEN_TO = "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {}"


@pytest.fixture
def make_database(postgresql_server):
    """Create a database with these options, then run these statements in it."""
    made = []

    def make(words: str, *then: str) -> str:
        name = f"rooms_{len(made)}_{uuid4().hex}"
        with open_database(postgresql_server.url) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {words}")
        made.append(name)
        url = postgresql_server.url.rpartition("/")[0] + f"/{name}"
        with open_database(url) as connection:
            for statement in then:
                connection.execute(statement.replace("THIS", name))
        return url

    yield make
    with open_database(postgresql_server.url) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_any_text_is_stored_by_a_server_without_encoding(make_database):
    room = replace(make_room(), created_by="Zoë 🦊")

    async with open_at(make_database("ENCODING 'SQL_ASCII' LOCALE 'C'")) as storage:
        await storage.save_room(room)

        assert (await storage.find(room.name)).room == room


@pytest.mark.parametrize(
    ("words", "then", "reason"),
    [
        ("ENCODING 'LATIN1' LOCALE 'C'", [], "its encoding is LATIN1"),
        ("", ["ALTER DATABASE THIS SET datestyle TO 'German, DMY'"], "its DateStyle is German"),
    ],
    ids=["letters", "dates"],
)
async def test_a_database_with_an_unusable_encoding_or_date_style_ends_the_start(make_database, words, then, reason):
    with pytest.raises(UnusableDatabaseUrl, match=f"^DATABASE_URL: {reason}"):
        await open_at(make_database(words, *then)).__aenter__()


async def test_supabases_public_roles_may_read_no_table(make_database):
    url = make_database("", *(f"CREATE ROLE {role}" for role in WEB_ROLES), *map(OPEN_TO.format, WEB_ROLES))
    async with open_at(url) as storage:
        await storage.save_room(make_room())

    with open_database(url) as connection:
        for role in WEB_ROLES:
            connection.execute(f"SET ROLE {role}")
            for table in [*metadata.tables, "alembic_version"]:
                with pytest.raises(InsufficientPrivilege):
                    connection.execute(f"SELECT * FROM {table}")
            connection.execute("RESET ROLE")
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_a_budget_holds_under_a_stricter_default_isolation(make_database):
    use = make_use("calls", most=3)
    url = make_database("", "ALTER DATABASE THIS SET default_transaction_isolation TO 'repeatable read'")

    async with open_at(url) as storage:
        exhausted = await asyncio.gather(*(reserve(storage, use) for _ in range(10)))

    assert exhausted.count(None) == use.most


async def test_a_role_without_the_right_to_delete_is_named(make_database):
    url = make_database("")
    async with open_at(url) as storage:
        await storage.save_room(room := make_room())
    with open_database(url) as connection:
        connection.execute("CREATE ROLE clerk LOGIN")
        connection.execute("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO clerk")

    async with open_at(url.replace("postgres@", "clerk@")) as storage:
        with pytest.raises(StorageUnavailable, match="rights of its role"):
            await storage.erase(room.name)

    with open_database(url) as connection:
        connection.execute("DROP OWNED BY clerk")
        connection.execute("DROP ROLE clerk")
