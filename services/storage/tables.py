"""The tables of the database. The migrations build the same; a test compares the two."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite has no time zones, so it stores the time without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _room_key() -> Column[str]:
    return Column("room", Text, ForeignKey("rooms.name", ondelete="CASCADE"), primary_key=True)


metadata = MetaData()

rooms = Table(
    "rooms",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("daily_id", Text),
    Column("owner", Text),
    Column("candidate_name", Text),
    Index("rooms_by_end", "expires_at"),
)

briefings = Table(
    "briefings",
    metadata,
    _room_key(),
    Column("document", Text, nullable=False),
)

debriefs = Table(
    "debriefs",
    metadata,
    _room_key(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("document", Text, nullable=False),
)

chat_turns = Table(
    "chat_turns",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("room", Text, ForeignKey("rooms.name", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("chat_turns_of_room", "room", "id"),
)

phone_calls = Table(
    "phone_calls",
    metadata,
    _room_key(),
    Column("call_id", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

idempotency_slots = Table(
    "idempotency_slots",
    metadata,
    Column("slot", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("lease", UtcDateTime, nullable=False),
    Column("room", Text, ForeignKey("rooms.name", ondelete="CASCADE")),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", LargeBinary),
    Index("idempotency_slots_of_room", "room"),
    Index("idempotency_slots_by_end", "until"),
)

quota_uses = Table(
    "quota_uses",
    metadata,
    Column("id", Text, primary_key=True),
    Column("room", Text, ForeignKey("rooms.name", ondelete="CASCADE"), nullable=False),
    Column("quota", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("quota_uses_of_room", "room", "quota", "at"),
)

CHILDREN = (briefings, debriefs, chat_turns, phone_calls, idempotency_slots)
"""Deleted with their room and counted in the receipt. Quota uses are deleted as well, and not counted."""
