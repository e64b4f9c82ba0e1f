"""`DATABASE_URL` in the forms that people paste, turned into one that SQLAlchemy takes.

PostgreSQL is reached with psycopg, so the parameters of the URL are libpq's own:
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from difflib import get_close_matches
from pathlib import Path
from urllib.parse import unquote

import certifi
from psycopg.pq import Conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from config import UnusableSetting

FORMS = "sqlite:///./rooms.db or postgresql://user:password@host:5432/database"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""The laxest first. Of several that are asked for, under other programs' names too, the strictest counts."""
LIBPQ_KEYWORDS = frozenset(option.keyword.decode() for option in Conninfo.get_defaults())
MEANT_FOR_OTHERS = frozenset(
    {
        "check_same_thread",
        "client_encoding",
        "command_timeout",
        "connection_limit",
        "encoding",
        "pgbouncer",
        "pool_size",
        "pool_timeout",
        "prepare_threshold",
        "prepareThreshold",
        "prepared_statement_cache_size",
        "prepared_statement_name_func",
        "prepared_statements",
        "schema",
        "socket_timeout",
        "statement_cache_size",
        "supa",
        "timeout",
        "uselibpqcompat",
    }
)
"""Hints to other programs' pools and caches, in URLs copied from their settings. They are left out."""


class UnusableDatabaseUrl(UnusableSetting):
    """What stands in DATABASE_URL can't be used. The message is one line without the password."""

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
        raise UnusableDatabaseUrl("%00 can be in none of its parts")
    if url.get_backend_name() != "sqlite" and rest.count("@") > 1:
        raise UnusableDatabaseUrl("write special characters, in the password and elsewhere, percent-encoded (@ is %40)")
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql" | "postgres":
            return _postgresql(url)
        case _:
            raise UnusableDatabaseUrl(f"only SQLite and PostgreSQL are supported; use {FORMS}")


def place(url: URL) -> str:
    """Where the database is, for the log: no user, no password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.host or 'local socket'}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def _sqlite(url: URL) -> URL:
    if url.host:
        raise UnusableDatabaseUrl("a SQLite file is written with three slashes, such as sqlite:///./rooms.db")
    if not url.database or ":memory:" in url.database:
        raise UnusableDatabaseUrl("name a file, such as sqlite:///./rooms.db; leave it empty to keep rooms in memory")
    if unknown := set(url.query) - MEANT_FOR_OTHERS:
        raise UnusableDatabaseUrl(f"unknown parameter {', '.join(sorted(unknown))}; take it out")
    return URL.create("sqlite+aiosqlite", database=url.database)


def _postgresql(url: URL) -> URL:
    query = {name: value for name, value in url.query.items() if name not in MEANT_FOR_OTHERS}
    _check_place(url)
    if query.get("sslaccept") == "accept_invalid_certs":
        query.pop("sslaccept")  # about certificates only, which nothing but verify-… looks at
    if asked := [_ssl_mode(query.pop(name)) for name in ("sslmode", "ssl", "sslaccept") if name in query]:
        query["sslmode"] = max(asked, key=SSL_MODES.index)
    if unknown := set(query) - LIBPQ_KEYWORDS:
        raise _unknown(unknown)
    if query.get("sslmode") in {"verify-ca", "verify-full"}:
        query.setdefault("sslrootcert", _root_certificates())
    url = url.set(drivername="postgresql+psycopg", query=query)
    try:
        url.get_dialect()().create_connect_args(url)
    except ArgumentError:
        raise UnusableDatabaseUrl("its hosts and ports do not fit together") from None
    return url


def _check_place(url: URL) -> None:
    """Where a slash or sign is missing, what is taken for the host, port or database may be a part of the password."""
    if set("@:/") & set(url.database or ""):
        raise UnusableDatabaseUrl(f"behind the host stands the database's name alone; it looks like {FORMS}")
    if url.port is not None and not 0 < url.port < 65536:
        raise UnusableDatabaseUrl(f"the port is a number from 1 to 65535; it looks like {FORMS}")
    try:
        for host in (url.host or "", *_listed(url, "host")):
            host.encode("idna")
    except UnicodeError:
        raise UnusableDatabaseUrl("the host can be no host name; check its dots") from None
    if not all(not port or (port.isdecimal() and 0 < int(port) < 65536) for port in _listed(url, "port")):
        raise UnusableDatabaseUrl("the parameter port is no number from 1 to 65535")


def _listed(url: URL, name: str) -> list[str]:
    """A parameter that may hold several values, one after another or with commas."""
    values = url.query.get(name, ())
    return ",".join((values,) if isinstance(values, str) else values).split(",")


_SSL_MODES_OF_OTHERS = {
    "true": "require",
    "1": "require",
    "false": "disable",
    "0": "disable",
    "no-verify": "require",
    "strict": "verify-full",
}
"""The words of asyncpg, JDBC, node-postgres and Prisma."""


def _ssl_mode(value: str | tuple[str, ...]) -> str:
    mode = _SSL_MODES_OF_OTHERS.get(str(value), str(value))
    if mode not in SSL_MODES:
        raise UnusableDatabaseUrl(f"sslmode is one of {', '.join(SSL_MODES)}")
    return mode


def _root_certificates() -> str:
    """libpq's own default file where somebody made one, else the authorities that vendors are checked by too."""
    own = Path.home() / ".postgresql" / "root.crt"
    return str(own) if own.is_file() else certifi.where()


def _unknown(names: set[str]) -> UnusableDatabaseUrl:
    """Only what looks like a misspelt parameter is repeated: the rest may be the end of a password with an & in it."""
    shown = [name for name in sorted(names) if get_close_matches(name, LIBPQ_KEYWORDS, cutoff=0.85)]
    return UnusableDatabaseUrl(f"unknown parameter {', '.join(shown) or 'behind the ?'}; take it out")
