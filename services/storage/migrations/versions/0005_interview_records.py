"""Participants, plans, transcripts, segments, ratings and decisions; chat turns are numbered in their room."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables of the interview's records, and the index that lists the rooms of an owner."""
    op.create_index("rooms_of_owner", "rooms", ["owner", "created_at", "name"])
    _create_table("participants", _number("number"), _text("name"), _text("role"), _text("user_id"), _time("joined_at"))
    _create_table("plans", _number("version"), _time("created_at"), _text("document"))
    _create_table("transcripts", _text("source"), _text("document"), _time("updated_at"))
    _create_table(
        "segments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        _text("speaker"),
        _text("text"),
        sa.Column("at", sa.Text),
        _time("updated_at"),
    )
    op.create_index("segments_in_order", "segments", ["room", "number"], unique=True)
    _create_table(
        "ratings",
        sa.Column("rater", sa.Text, primary_key=True),
        _number("number"),
        _time("submitted_at"),
        _text("document"),
    )
    _create_table("decisions", _number("number"), _time("decided_at"), _text("document"))
    _number_chat_turns()


def _number_chat_turns() -> None:
    op.rename_table("chat_turns", "chat_turns_by_id")
    _create_table("chat_turns", _number("number"), _text("role"), _text("content"), _time("at"))
    op.execute(
        "INSERT INTO chat_turns (room, number, role, content, at) "
        "SELECT room, row_number() OVER (PARTITION BY room ORDER BY id), role, content, at FROM chat_turns_by_id"
    )
    op.drop_table("chat_turns_by_id")


def _create_table(name: str, *columns: sa.Column[Any]) -> None:
    room = sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE"), primary_key=True)
    op.create_table(name, room, *columns)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=True, autoincrement=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _time(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)
