"""The tables, and how times and texts stand in them.

The migrations build the same; a test compares the two.
"""

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

ESCAPE = "\uffff"
"""A code point that Unicode gives no character, so that hardly any text is changed by escaping."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite knows no time zones, so there it stands without one."""

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


class Words(TypeDecorator[str]):
    """Any text. PostgreSQL can't hold U+0000, which people paste all the same, so it stands escaped."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (SQLAlchemy's signature)
        if value is None or ("\x00" not in value and ESCAPE not in value):
            return value
        return value.replace(ESCAPE, f"{ESCAPE}1").replace("\x00", f"{ESCAPE}0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (the same)
        if value is None or ESCAPE not in value:
            return value
        return value.replace(f"{ESCAPE}0", "\x00").replace(f"{ESCAPE}1", ESCAPE)


def _room_key() -> Column[str]:
    return Column("room", Text, ForeignKey("rooms.name", ondelete="CASCADE"), primary_key=True)


metadata = MetaData()

rooms = Table(
    "rooms",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Words, nullable=False),
    Column("created_by", Words, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("daily_id", Words),
    Column("owner", Words),
    Column("candidate_name", Words),
    Index("rooms_by_end", "expires_at"),
)

briefings = Table(
    "briefings",
    metadata,
    _room_key(),
    Column("document", Words, nullable=False),
)

debriefs = Table(
    "debriefs",
    metadata,
    _room_key(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("document", Words, nullable=False),
)

chat_turns = Table(
    "chat_turns",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("room", Text, ForeignKey("rooms.name", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Words, nullable=False),
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
"""What goes with its room and is counted in the receipt. Uses of quotas go as well."""
