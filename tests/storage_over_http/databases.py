"""Direct access to the PostgreSQL database that a service uses."""

import psycopg
from psycopg import sql

from services.storage.database_url import read_database_url
from services.storage.tables import metadata


def open_database(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    plain = read_database_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, prepare_threshold=None)


def drop_tables(url: str) -> None:
    """Remove the whole schema."""
    with open_database(url) as connection:
        for table in [*metadata.tables, "alembic_version"]:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(table)))


def dump(url: str) -> str:
    """Every row of every table."""
    with open_database(url) as connection:
        rows = [
            row
            for table in metadata.tables
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
        ]
    return repr(rows)
