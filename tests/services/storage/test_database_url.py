"""DATABASE_URL as people paste it."""

import logging

import pytest
from sqlalchemy.engine import make_url

from services.storage.database_url import UnusableDatabaseUrl, location, read_database_url
from tests.services.storage.conftest import open_at
from tests.services.storage.interviews import make_room

SECRET = "s3cr3t-w0rd"


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "PostgreSQL", "postgresql+asyncpg", "postgresql+psycopg2"]
)
def test_every_scheme_of_postgresql_means_the_same(scheme):
    url = read_database_url(f"{scheme}://ada:{SECRET}@db.example.com:6543/rooms")

    assert url == make_url(f"postgresql+psycopg://ada:{SECRET}@db.example.com:6543/rooms")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("postgresql://postgres.ref:p@aws-0-eu.pooler.supabase.com:6543/postgres", {}),
        (
            "postgresql://postgres.ref:p@aws-0-eu.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1",
            {},
        ),
        (
            "postgres://postgres.ref:p@aws-0-eu.pooler.supabase.com:6543/postgres?sslmode=require&supa=base-pooler.x",
            {"sslmode": "require"},
        ),
        (
            "postgresql://u:p@ep-a-1-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
            {"sslmode": "require", "channel_binding": "require"},
        ),
        (
            "postgresql://u:p@ep-a-1.neon.tech/neondb?options=endpoint%3Dep-a-1&connect_timeout=15&pool_timeout=15",
            {"options": "endpoint=ep-a-1", "connect_timeout": "15"},
        ),
        ("postgres://u:p@ec2-3-4-5-6.compute-1.amazonaws.com:5432/d1?sslmode=require", {"sslmode": "require"}),
        ("postgresql://u:p@dpg-a-a.frankfurt-postgres.render.com/rooms_1", {}),
        ("postgresql://u@[::1]:5432/my-rooms.db", {}),
        ("postgresql:///rooms?host=/var/run/postgresql", {"host": "/var/run/postgresql"}),
        ("postgresql://u:p@/db?host=h1,h2&port=5432,5433", {"host": "h1,h2", "port": "5432,5433"}),
    ],
    ids=[
        "supabase",
        "supabase prisma",
        "supabase vercel",
        "neon",
        "neon prisma",
        "heroku",
        "render",
        "ipv6",
        "socket",
        "hosts",
    ],
)
def test_a_url_of_a_hosting_provider_is_accepted(text, query):
    url = read_database_url(text)

    assert url.drivername == "postgresql+psycopg"
    assert url.query == query


def test_a_percent_encoded_password_is_decoded():
    assert read_database_url("postgres://ada:p%40ss%2Fw%25rd@db/rooms").password == "p@ss/w%rd"


def test_spaces_and_quotes_around_the_url_are_ignored():
    assert read_database_url(' "postgres://db/rooms" ').host == "db"


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_sslmode_is_kept(mode):
    assert read_database_url(f"postgres://db/rooms?sslmode={mode}").query == {"sslmode": mode}


def test_a_verified_server_is_verified_by_known_authorities():
    assert read_database_url("postgres://db/rooms?sslmode=verify-full").query["sslrootcert"].endswith((".pem", ".crt"))


def test_a_given_authority_is_kept():
    url = read_database_url("postgres://db/rooms?sslmode=verify-full&sslrootcert=/ca.pem")

    assert url.query["sslrootcert"] == "/ca.pem"


@pytest.mark.parametrize("text", ["sqlite:///./rooms.db", "sqlite+aiosqlite:///./rooms.db"])
def test_every_scheme_of_sqlite_means_the_same(text):
    assert read_database_url(text) == make_url("sqlite+aiosqlite:///./rooms.db")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rooms.db", "is no database URL"),
        (f"postgres://ada:{SECRET}@db:port/rooms", "is no database URL"),
        (f"mysql://ada:{SECRET}@db/rooms", "only SQLite and PostgreSQL"),
        (f"https://ada:{SECRET}@db/rooms", "only SQLite and PostgreSQL"),
        (f"postgres://ada:x@{SECRET}@db/rooms", "percent-encoded"),
        (f"postgres://ada:x@y?{SECRET}=1@db/rooms", "percent-encoded"),
        (f"postgres://ada:x@y/{SECRET}@db:5432/rooms", "percent-encoded"),
        (f"postgres://ada:x@{SECRET}?w@db/rooms", "percent-encoded"),
        ("sqlite:///%00.db", "%00 is not allowed"),
        (f"postgres://ada:{SECRET}%00@db/rooms", "%00 is not allowed"),
        (f"postgres:///ada:{SECRET}@db:5432/rooms", "only the database's name"),
        (f"postgres://ten/ada:{SECRET}@db/rooms", "only the database's name"),
        ("postgres://ada:123456/rooms", "the port is a number"),
        (f"postgres://ada:{SECRET}@db:0/rooms", "the port is a number"),
        (f"postgres://ada:{SECRET}@/rooms?host=a,b,c&port=1", "do not fit"),
        (f"postgres://db/rooms?user=ada&password=ab&{SECRET}=1", "libpq does not know"),
        (f"postgres://ada:{SECRET}@db/rooms?sslmod=require", "libpq does not know"),
        ("sqlite://rooms.db", "three slashes"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:///rooms.db?mode=ro", "takes no parameters"),
    ],
)
def test_an_unusable_url_is_refused_in_one_line_without_the_password(text, reason):
    with pytest.raises(UnusableDatabaseUrl, match=reason) as refused:
        read_database_url(text)

    assert str(refused.value).startswith("DATABASE_URL: ")
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_location_contains_neither_user_nor_password():
    assert location(read_database_url(f"postgres://ada:{SECRET}@db:6543/rooms")) == "db:6543/rooms"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("127.0.0.1:1/rooms", "Connection refused"),
        ("db..example/rooms", "host name"),
        (f"{'d' * 64}.example/rooms", "host name"),
        ("127.0.0.1/rooms?port=abc", "port"),
        ("127.0.0.1/rooms?sslmode=yes", "sslmode"),
    ],
)
async def test_a_server_that_can_not_be_reached_ends_the_start_with_one_line(caplog, rest, reason):
    caplog.set_level(logging.DEBUG)

    with pytest.raises(UnusableDatabaseUrl, match=reason) as refused:
        async with open_at(f"postgres://ada:{SECRET}@{rest}"):
            pass

    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value) + caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "reason"), [("", "Is a directory"), ("/no/rooms.db", "No such file or directory")])
async def test_a_file_that_can_not_be_opened_ends_the_start_with_one_line(tmp_path, path, reason):
    with pytest.raises(UnusableDatabaseUrl, match=reason):
        async with open_at(f"sqlite:///{tmp_path}{path}"):
            pass


@pytest.mark.anyio
async def test_only_the_owner_may_read_the_files(tmp_path):
    async with open_at(f"sqlite:///{tmp_path}/rooms.db") as storage:
        await storage.save_room(make_room())
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert modes == {"rooms.db": 0o600, "rooms.db-wal": 0o600, "rooms.db-shm": 0o600}


@pytest.mark.anyio
async def test_a_file_that_is_no_database_ends_the_start_with_one_line(tmp_path):
    path = tmp_path / "rooms.db"
    path.write_text("This is a letter, and not a database. " * 100)

    with pytest.raises(UnusableDatabaseUrl, match="not a database"):
        async with open_at(f"sqlite:///{path}"):
            pass
