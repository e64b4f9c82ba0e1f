"""Uses of the quotas of each room."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table of quota uses, and count the phone calls that were placed so far."""
    op.create_table(
        "quota_uses",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("room", sa.Text, sa.ForeignKey("rooms.name", ondelete="CASCADE"), nullable=False),
        sa.Column("quota", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("quota_uses_of_room", "quota_uses", ["room", "quota", "at"])
    op.execute(
        "INSERT INTO quota_uses (id, room, quota, at) SELECT room || '/' || call_id, room, 'phone', at FROM phone_calls"
    )
