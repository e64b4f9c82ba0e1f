"""`DATABASE_URL` as people paste it from Supabase, Neon, Heroku and Render, as a URL that SQLAlchemy takes.

PostgreSQL is reached with psycopg, so the parameters of the URL are libpq's own:
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from pathlib import Path
from urllib.parse import unquote

import certifi
from psycopg.pq import Conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from config import UnusableSetting

FORMS = "sqlite:///./rooms.db or postgresql://user:password@host:5432/database"
LIBPQ_KEYWORDS = frozenset(option.keyword.decode() for option in Conninfo.get_defaults())
POOL_HINTS = frozenset({"connection_limit", "pgbouncer", "pool_timeout", "supa"})
"""Parameters that Supabase and Neon add for other programs' connection pools. They are left out."""


class UnusableDatabaseUrl(UnusableSetting):
    """DATABASE_URL can't be used. The message is one line without the password."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"DATABASE_URL: {reason}")


def read_database_url(text: str) -> URL:
    """The URL with the driver and the parameters that we use. Raises UnusableDatabaseUrl."""
    scheme, colon, rest = text.strip().strip("\"'").partition(":")
    try:
        url = make_url(scheme.lower() + colon + rest)
    except (ArgumentError, ValueError):
        raise UnusableDatabaseUrl(f"this is no database URL; it looks like {FORMS}") from None
    if "\0" in unquote(rest):
        raise UnusableDatabaseUrl("%00 is not allowed in any of its parts")
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql" | "postgres":
            return _postgresql(url, rest)
        case _:
            raise UnusableDatabaseUrl(f"only SQLite and PostgreSQL are supported; use {FORMS}")


def location(url: URL) -> str:
    """Location of the database for the log, without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.host or 'local socket'}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def _sqlite(url: URL) -> URL:
    if url.host:
        raise UnusableDatabaseUrl("a SQLite file is written with three slashes, such as sqlite:///./rooms.db")
    if not url.database or ":memory:" in url.database:
        raise UnusableDatabaseUrl("name a file, such as sqlite:///./rooms.db; leave it empty to keep rooms in memory")
    if url.query:
        raise UnusableDatabaseUrl("a SQLite URL takes no parameters; remove what follows the ?")
    return URL.create("sqlite+aiosqlite", database=url.database)


def _postgresql(url: URL, rest: str) -> URL:
    _check_delimiters(url, rest)
    query = {name: value for name, value in url.query.items() if name not in POOL_HINTS}
    if set(query) - LIBPQ_KEYWORDS:
        # not named: where the password holds an & that is not percent-encoded, the name is a part of it
        raise UnusableDatabaseUrl("it has a parameter that libpq does not know; check what follows the ?")
    if query.get("sslmode") in {"verify-ca", "verify-full"}:
        query.setdefault("sslrootcert", _root_certificates())
    url = url.set(drivername="postgresql+psycopg", query=query)
    try:
        url.get_dialect()().create_connect_args(url)
    except ArgumentError:
        raise UnusableDatabaseUrl("its hosts and ports do not fit together") from None
    return url


def _check_delimiters(url: URL, rest: str) -> None:
    """Refuse a URL in which a part of the password may be read as host, port or database, which errors would show."""
    if rest.count("@") > 1:
        raise UnusableDatabaseUrl("write special characters, in the password and elsewhere, percent-encoded (@ is %40)")
    if set("@:/") & set(url.database or ""):
        raise UnusableDatabaseUrl(f"only the database's name may follow the host; it looks like {FORMS}")
    if url.port is not None and not 0 < url.port < 65536:
        raise UnusableDatabaseUrl(f"the port is a number from 1 to 65535; it looks like {FORMS}")


def _root_certificates() -> str:
    """libpq's default file where it exists, else the authorities that vendors are checked with."""
    own = Path.home() / ".postgresql" / "root.crt"
    return str(own) if own.is_file() else certifi.where()
