"""The hand-overs of cars in an index of their own: what was handed over between two days is found without a look at all other moves."""

import sqlalchemy as sa
from alembic import op

revision = 'handovers'
down_revision = 'stage_explanations'
branch_labels = None
depends_on = None

HANDED_OVER = sa.column('after') == 'delivered'


def upgrade() -> None:
    op.create_index(
        'ix_repair_events_delivered',
        'repair_events',
        ['kind', 'at', 'office_id', 'claim_id', 'takes_back', 'id'],
        sqlite_where=HANDED_OVER,
        postgresql_where=HANDED_OVER,
    )


def downgrade() -> None:
    op.drop_index('ix_repair_events_delivered', 'repair_events')
