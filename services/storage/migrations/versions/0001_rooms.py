"""Rooms, briefings, debriefs and chat turns."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the first four tables."""
    op.create_table(
        "rooms",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("daily_id", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("candidate_name", sa.Text),
    )
    op.create_index("rooms_by_end", "rooms", ["expires_at"])
    op.create_table(
        "briefings",
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("candidate_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("resume_summary", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("focus_areas", sa.Text, nullable=False),
        sa.Column("briefing_prompt", sa.Text, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
    op.create_table(
        "debriefs",
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "chat_turns",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE"), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("chat_turns_of_room", "chat_turns", ["room", "id"])
