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


def _number_key(name: str) -> Column[int]:
    """Counts the records of a room from 1."""
    return Column(name, Integer, primary_key=True, autoincrement=False)


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
    Column("payer", Text),
    Column("stored_bytes", BigInteger, nullable=False, server_default="0"),
    Index("rooms_by_end", "expires_at"),
    Index("rooms_of_owner", "owner", "created_at", "name"),
    Index("rooms_of_payer", "payer"),
)

briefings = Table(
    "briefings",
    metadata,
    _room_key(),
    Column("document", Text, nullable=False),
)

participants = Table(
    "participants",
    metadata,
    _room_key(),
    _number_key("number"),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    _room_key(),
    _number_key("version"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("document", Text, nullable=False),
)

transcripts = Table(
    "transcripts",
    metadata,
    _room_key(),
    Column("source", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

segments = Table(
    "segments",
    metadata,
    _room_key(),
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("speaker", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Text),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("segments_in_order", "room", "number", unique=True),
)

chat_turns = Table(
    "chat_turns",
    metadata,
    _room_key(),
    _number_key("number"),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

debriefs = Table(
    "debriefs",
    metadata,
    _room_key(),
    _number_key("version"),
    Column("fingerprint", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("document", Text, nullable=False),
)

ratings = Table(
    "ratings",
    metadata,
    _room_key(),
    Column("rater", Text, primary_key=True),
    _number_key("number"),
    Column("submitted_at", UtcDateTime, nullable=False),
    Column("document", Text, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    _room_key(),
    _number_key("number"),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("document", Text, nullable=False),
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

budget_uses = Table(
    "budget_uses",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("room", Text, ForeignKey("rooms.name", ondelete="CASCADE")),
    Column("amount", BigInteger, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Index("budget_uses_of_room", "room"),
    Index("budget_uses_by_end", "ends_at"),
)

COUNTED = {
    "briefing": briefings,
    "participants": participants,
    "plans": plans,
    "transcripts": transcripts,
    "segments": segments,
    "chat_turns": chat_turns,
    "debriefs": debriefs,
    "ratings": ratings,
    "decisions": decisions,
    "phone_calls": phone_calls,
    "idempotency_keys": idempotency_slots,
}
"""Deleted with their room, and counted under this name in the receipt. Budget uses are deleted as well."""
