"""Databases as earlier versions of the service left them: their migrations, and rows as they wrote them."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

import services.storage
from services.storage.database import open_engine
from services.storage.database_url import read_database_url
from tests.services.storage.interviews import NOW

MIGRATIONS = Path(services.storage.__file__).parent / "migrations"
REVISIONS = ("0001", "0002", "0003")
ROOM = "interview-old"
OTHER_ROOM = "interview-older"
ESCAPE = "\uffff"
ODD_TEXT = "naïve \uffff \uffff1 \\ \\0 ' \" 🦊 %s :name \r\n \u2028"
ROWS = {
    "rooms": ("name", "url", "created_by", "created_at", "expires_at", "daily_id", "owner", "candidate_name"),
    "briefings": (
        "room",
        "candidate_name",
        "role",
        "resume_summary",
        "notes",
        "focus_areas",
        "briefing_prompt",
        "updated_at",
    ),
    "debriefs": ("room", "version", "fingerprint", "created_at", "document"),
    "chat_turns": ("room", "role", "content", "at"),
    "phone_calls": ("room", "call_id", "at"),
    "quota_uses": ("id", "room", "quota", "at"),
}


async def make_old_database(url: str, revision: str, *, odd_text: str = ODD_TEXT, rooms: int = 1) -> None:
    """A database of this schema, with a full room, another with a briefing alone, and more if there are to be more."""
    engine = open_engine(read_database_url(url))
    async with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        await connection.run_sync(_make, revision, odd_text, rooms)
    await engine.dispose()


def _make(connection: Connection, revision: str, odd_text: str, rooms: int) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, revision)
    for number in range(rooms):
        _insert_room(connection, ROOM if number == 0 else f"{ROOM}-{number:04}", odd_text)
    _insert_room(connection, OTHER_ROOM, "plain")
    if revision >= "0002":
        _insert(connection, "phone_calls", ROOM, "call-1", NOW)
    if revision >= "0003":
        _insert(connection, "quota_uses", f"{ROOM}/call-1", ROOM, "phone", NOW)


def _insert_room(connection: Connection, name: str, text_: str) -> None:
    stored = _escaped(text_)
    end = NOW + timedelta(hours=2)
    _insert(connection, "rooms", name, f"https://x.test/{name}", stored, NOW, end, "daily-1", "key:web", stored)
    focus_areas = json.dumps(["Compilers", "Tëaching"])
    _insert(connection, "briefings", name, "Grace", stored, stored, stored, focus_areas, stored, NOW)
    _insert(connection, "chat_turns", name, "user", stored, NOW)
    _insert(connection, "chat_turns", name, "assistant", "an answer", NOW)
    _insert(connection, "debriefs", name, 1, "print", NOW, _escaped(json.dumps({"text": text_}, ensure_ascii=False)))


def _escaped(stored: str) -> str:
    """What the first version did to texts, since PostgreSQL cannot store U+0000."""
    return stored.replace(ESCAPE, f"{ESCAPE}1").replace("\x00", f"{ESCAPE}0")


def _insert(connection: Connection, table: str, *values: object) -> None:
    names = ROWS[table]
    if connection.dialect.name == "sqlite":
        values = tuple(_sqlite_time(value) if isinstance(value, datetime) else value for value in values)
    places = ", ".join(f":{name}" for name in names)
    statement = text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})")
    connection.execute(statement, dict(zip(names, values, strict=True)))


def _sqlite_time(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(" ", "microseconds")
