"""A briefing is one JSON document, and texts are stored as they are."""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BATCH = 100
ESCAPE = "\uffff"
"""Escape character of older versions: followed by 0 it means U+0000, which PostgreSQL cannot store; by 1, itself."""
ESCAPED = {
    "rooms": ("url", "created_by", "daily_id", "owner", "candidate_name"),
    "chat_turns": ("content",),
    "debriefs": ("document",),
}


def upgrade() -> None:
    """Copy the columns of each briefing into a document, and undo the escapes of the other texts."""
    op.rename_table("briefings", "briefings_in_columns")
    op.create_table(
        "briefings",
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    _copy_briefings()
    op.drop_table("briefings_in_columns")
    for table, columns in ESCAPED.items():
        for name in columns:
            _unescape_column(table, sa.column(name, sa.Text))


def _copy_briefings() -> None:
    connection = op.get_bind()
    new = sa.table("briefings", sa.column("room"), sa.column("document"))
    old = sa.table(
        "briefings_in_columns",
        *map(
            sa.column, ("room", "candidate_name", "role", "resume_summary", "notes", "focus_areas", "briefing_prompt")
        ),
        sa.column("updated_at", sa.DateTime(timezone=True)),
    )
    last = ""
    while rows := connection.execute(sa.select(old).where(old.c.room > last).order_by(old.c.room).limit(BATCH)).all():
        documents = [{"room": row.room, "document": json.dumps(_document(row), ensure_ascii=False)} for row in rows]
        connection.execute(sa.insert(new), documents)
        last = rows[-1].room


def _document(row: sa.Row[Any]) -> dict[str, object]:
    texts = ("candidate_name", "role", "resume_summary", "notes", "briefing_prompt")
    return {
        **{name: _unescaped(getattr(row, name)) for name in texts},
        "focus_areas": json.loads(row.focus_areas),
        "room_name": row.room,
        "updated_at": _utc(row.updated_at).isoformat().replace("+00:00", "Z"),
    }


def _utc(time: datetime) -> datetime:
    """SQLite stores times without a zone, in UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _unescaped(text: str) -> str:
    """The text without U+0000, which no field takes any more."""
    return text.replace(f"{ESCAPE}0", "").replace(f"{ESCAPE}1", ESCAPE)


def _unescape_column(name: str, column: sa.ColumnClause[str]) -> None:
    table = sa.table(name, column)
    unescaped = sa.func.replace(sa.func.replace(column, f"{ESCAPE}0", ""), f"{ESCAPE}1", ESCAPE)
    op.get_bind().execute(sa.update(table).where(column.contains(ESCAPE)).values({column.name: unescaped}))
