"""Phone calls, and responses stored for idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the two tables that prevent costly calls from being repeated."""
    op.create_table(
        "phone_calls",
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "idempotency_slots",
        sa.Column("slot", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("lease", MOMENT, nullable=False),
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE")),
        sa.Column("status", sa.Integer),
        sa.Column("headers", sa.Text),
        sa.Column("body", sa.LargeBinary),
    )
    op.create_index("idempotency_slots_of_room", "idempotency_slots", ["room"])
    op.create_index("idempotency_slots_by_end", "idempotency_slots", ["until"])
