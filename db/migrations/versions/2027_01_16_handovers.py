"""The stays in a repair stage, and the hand-overs of cars, each by its days in an index: neither takes a look at all other moves any more."""

import sqlalchemy as sa
from alembic import op

revision = 'handovers'
down_revision = 'pinned_views'
branch_labels = None
depends_on = None

HANDED_OVER = sa.column('after') == 'delivered'
BEFORE = ['kind', 'at', 'office_id', 'before', 'after', 'since', 'claim_id', 'takes_back']


def upgrade() -> None:
    op.create_index(
        'ix_repair_events_delivered',
        'repair_events',
        ['kind', 'at', 'office_id', 'claim_id', 'takes_back', 'id'],
        sqlite_where=HANDED_OVER,
        postgresql_where=HANDED_OVER,
    )
    op.create_index(
        'ix_repair_events_left',
        'repair_events',
        ['kind', 'before', 'at', 'office_id', 'since', 'claim_id', 'takes_back', 'id'],
    )
    op.drop_index('ix_repair_events_moved', 'repair_events')


def downgrade() -> None:
    op.create_index('ix_repair_events_moved', 'repair_events', BEFORE)
    op.drop_index('ix_repair_events_left', 'repair_events')
    op.drop_index('ix_repair_events_delivered', 'repair_events')
