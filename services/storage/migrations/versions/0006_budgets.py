"""Budgets: uses in rolling windows, and what is stored for each payer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BATCH = 500
ROW_BYTES = 100
QUOTA_WINDOW = timedelta(hours=1)
SUBJECTS = {"phone": "room_phone_calls", "realtime": "room_voice_sessions"}
TEXTS = {
    "briefings": ("document",),
    "participants": ("name", "user_id"),
    "plans": ("document",),
    "transcripts": ("document",),
    "segments": ("id", "speaker", "text", "at"),
    "chat_turns": ("content",),
    "debriefs": ("document",),
    "ratings": ("rater", "document"),
    "decisions": ("document",),
    "phone_calls": ("call_id",),
    "idempotency_slots": ("body",),
}
ROOM_TEXTS = ("name", "url", "created_by", "daily_id", "owner", "candidate_name")


def upgrade() -> None:
    """Charge every room to its owner, and move the uses of quotas to the table of budgets."""
    op.add_column("rooms", sa.Column("payer", sa.Text))
    op.add_column("rooms", sa.Column("stored_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("rooms_of_payer", "rooms", ["payer"])
    op.execute(f"UPDATE rooms SET payer = owner, stored_bytes = {stored_bytes(op.get_bind().dialect.name)}")  # noqa: S608
    op.create_table(
        "budget_uses",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE")),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("budget_uses_of_room", "budget_uses", ["room"])
    op.create_index("budget_uses_by_end", "budget_uses", ["ends_at"])
    _move_quota_uses()
    op.drop_table("quota_uses")


def stored_bytes(kind: str) -> str:
    """The SQL expression of what a room's records count."""
    length = "length(CAST({} AS BLOB))" if kind == "sqlite" else "octet_length({})"

    def size(columns: tuple[str, ...]) -> str:
        return " + ".join([str(ROW_BYTES), *(f"coalesce({length.format(column)}, 0)" for column in columns)])

    sizes = [size(ROOM_TEXTS)]
    for table, columns in TEXTS.items():
        rows = f"FROM {table} WHERE {table}.room = rooms.name" + (" AND body IS NOT NULL" if "body" in columns else "")
        sizes.append(f"coalesce((SELECT sum({size(columns)}) {rows}), 0)")
    return " + ".join(sizes)


def _move_quota_uses() -> None:
    connection = op.get_bind()
    at = sa.column("at", sa.DateTime(timezone=True))
    old = sa.table("quota_uses", sa.column("id"), sa.column("room"), sa.column("quota"), at)
    new = sa.table(
        "budget_uses",
        *map(sa.column, ("subject", "id", "room", "amount")),
        sa.column("ends_at", sa.DateTime(timezone=True)),
    )
    last = ""
    while rows := connection.execute(sa.select(old).where(old.c.id > last).order_by(old.c.id).limit(BATCH)).all():
        connection.execute(sa.insert(new), list(map(_use, rows)))
        last = rows[-1].id


def _use(row: sa.Row[Any]) -> dict[str, object]:
    return {
        "subject": f"{SUBJECTS.get(row.quota, row.quota)}:{row.room}",
        "id": row.id,
        "room": row.room,
        "amount": 1,
        "ends_at": _utc(row.at) + QUOTA_WINDOW,
    }


def _utc(time: datetime) -> datetime:
    """SQLite stores times without a zone, in UTC, and takes them so."""
    return time if time.tzinfo is None else time.astimezone(UTC)
