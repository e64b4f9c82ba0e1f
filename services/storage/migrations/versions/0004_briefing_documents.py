"""A briefing is one JSON document."""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ESCAPE = "\uffff"
BATCH = 100


def upgrade() -> None:
    """Copies each briefing's columns into a document, in batches, and drops the table that held them."""
    op.rename_table("briefings", "briefings_in_columns")
    op.create_table(
        "briefings",
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
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
    op.drop_table("briefings_in_columns")


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
    """Texts were stored with U+0000 escaped; no field takes it any more, so it is dropped."""
    return text.replace(f"{ESCAPE}0", "").replace(f"{ESCAPE}1", ESCAPE)
