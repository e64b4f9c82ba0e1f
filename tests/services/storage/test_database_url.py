"""DATABASE_URL as people paste it."""

import logging

import pytest
from sqlalchemy.engine import make_url

from config import Settings
from services.storage.database_url import UnusableDatabaseUrl, place, read_database_url
from services.storage.opening import open_storage
from tests.services.storage.interviews import NOW, make_room
from tests.support.servers import free_port

SECRET = "s3cr3t-w0rd"


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "PostgreSQL", "postgresql+asyncpg", "postgresql+psycopg2"]
)
def test_every_form_of_a_postgresql_url_is_the_same(scheme):
    url = read_database_url(f"{scheme}://ada:{SECRET}@db.example.com:6543/rooms")

    assert url == make_url(f"postgresql+psycopg://ada:{SECRET}@db.example.com:6543/rooms")


def test_a_percent_encoded_password_is_decoded():
    assert read_database_url("postgres://ada:p%40ss%2Fw%25rd@db/rooms").password == "p@ss/w%rd"


def test_spaces_and_quotes_around_it_are_no_part_of_it():
    assert read_database_url(' "postgres://db/rooms" ').host == "db"


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_sslmode_is_kept(mode):
    assert read_database_url(f"postgres://db/rooms?sslmode={mode}").query == {"sslmode": mode}


def test_asyncpgs_word_for_sslmode_is_understood():
    assert read_database_url("postgres://db/rooms?ssl=require").query == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("ssl=true", "require"),
        ("sslmode=no-verify", "require"),
        ("sslaccept=strict", "verify-full"),
        ("sslmode=require&sslaccept=accept_invalid_certs", "require"),
        ("sslmode=disable&sslaccept=accept_invalid_certs", "disable"),
        ("sslmode=require&sslaccept=strict", "verify-full"),
        ("sslmode=prefer&ssl=true", "require"),
    ],
)
def test_other_programs_words_for_sslmode_are_understood(query, mode):
    assert read_database_url(f"postgres://db/rooms?{query}").query["sslmode"] == mode


def test_several_hosts_may_be_listed_as_parameters():
    url = read_database_url("postgresql://u:p@/db?host=h1,h2&port=5432,5433")

    assert (url.query["host"], url.query["port"]) == ("h1,h2", "5432,5433")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://postgres.ref:p@aws-0-eu.pooler.supabase.com:6543/postgres",
        "postgresql://u@[::1]:5432/my-rooms.db",
        "postgresql:///rooms?host=/var/run/postgresql",
        "postgresql://u@localhost/rooms?options=-c%20search_path%3Drooms",
    ],
)
def test_usual_urls_are_taken(text):
    assert read_database_url(text).get_backend_name() == "postgresql"


def test_a_verified_server_is_verified_by_known_authorities():
    assert read_database_url("postgres://db/rooms?sslmode=verify-full").query["sslrootcert"].endswith((".pem", ".crt"))


def test_an_authority_of_ones_own_is_kept():
    url = read_database_url("postgres://db/rooms?sslmode=verify-full&sslrootcert=/ca.pem")

    assert url.query["sslrootcert"] == "/ca.pem"


def test_hints_to_other_programs_are_left_out():
    url = read_database_url(
        "postgres://db/rooms?pgbouncer=true&connection_limit=1&connect_timeout=3&schema=public"
        "&socket_timeout=10&command_timeout=5&prepareThreshold=0&prepared_statements=false&encoding=utf8&client_encoding=LATIN1"
    )

    assert url.query == {"connect_timeout": "3"}


@pytest.mark.parametrize("text", ["sqlite:///./rooms.db", "sqlite+aiosqlite:///./rooms.db"])
def test_every_form_of_a_sqlite_url_is_the_same(text):
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
        (f"postgres://ada:{SECRET}@db..example/rooms", "host name"),
        (f"postgres://ada:{SECRET}@.example/rooms", "host name"),
        (f"postgres://ada:{SECRET}@{'d' * 64}.example/rooms", "host name"),
        ("sqlite:///%00.db", "%00 can be in none"),
        (f"postgres://ada:{SECRET}%00@db/rooms", "%00 can be in none"),
        (f"postgres:///ada:{SECRET}@db:5432/rooms", "the database's name alone"),
        (f"postgres://ten/ada:{SECRET}@db/rooms", "the database's name alone"),
        ("postgres://ada:123456/rooms", "the port is a number"),
        (f"postgres://ada:{SECRET}@db:0/rooms", "the port is a number"),
        (f"postgres://ada:{SECRET}@db/rooms?port=abc", "port is no number"),
        (f"postgres://ada:{SECRET}@/rooms?host=a,b&port=1,99999", "port is no number"),
        (f"postgres://ada:{SECRET}@/rooms?host=..x", "host name"),
        (f"postgres://ada:{SECRET}@/rooms?host=a,b,c&port=1", "do not fit"),
        (f"postgres://db/rooms?user=ada&password=ab&{SECRET}=1", "unknown parameter behind the ?"),
        (f"postgres://ada:{SECRET}@db/rooms?sslmod=require", "unknown parameter sslmod"),
        (f"postgres://ada:{SECRET}@db/rooms?sslmode=yes", "sslmode is one of"),
        ("sqlite://rooms.db", "three slashes"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:///rooms.db?mode=ro", "unknown parameter mode"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_without_the_password(text, reason):
    with pytest.raises(UnusableDatabaseUrl, match=reason) as refused:
        read_database_url(text)

    assert str(refused.value).startswith("DATABASE_URL: ")
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_the_place_holds_neither_user_nor_password():
    assert place(read_database_url(f"postgres://ada:{SECRET}@db:6543/rooms")) == "db:6543/rooms"


@pytest.mark.anyio
async def test_a_database_that_is_not_there_ends_the_start_with_one_line(caplog):
    caplog.set_level(logging.DEBUG)
    url = f"postgres://ada:{SECRET}@127.0.0.1:{free_port()}/rooms"

    with pytest.raises(UnusableDatabaseUrl, match="Connection refused") as refused:
        async with open_storage(Settings(_env_file=None, database_url=url), lambda: NOW):
            pass

    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value) + caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "reason"), [("", "Is a directory"), ("/no/rooms.db", "No such file or directory")])
async def test_a_file_that_cannot_be_opened_ends_the_start_with_one_line(tmp_path, path, reason):
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}{path}")

    with pytest.raises(UnusableDatabaseUrl, match=reason):
        async with open_storage(settings, lambda: NOW):
            pass


@pytest.mark.anyio
async def test_only_the_owner_may_read_the_files(tmp_path):
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/rooms.db")

    async with open_storage(settings, lambda: NOW) as storage:
        await storage.save_room(make_room())
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert modes == {"rooms.db": 0o600, "rooms.db-wal": 0o600, "rooms.db-shm": 0o600}


@pytest.mark.anyio
async def test_a_file_that_is_no_database_ends_the_start_with_one_line(tmp_path):
    path = tmp_path / "rooms.db"
    path.write_text("This is a letter, and not a database. " * 100)

    with pytest.raises(UnusableDatabaseUrl, match="not a database"):
        async with open_storage(Settings(_env_file=None, database_url=f"sqlite:///{path}"), lambda: NOW):
            pass
