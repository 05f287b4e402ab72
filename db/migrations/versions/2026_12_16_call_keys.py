"""A call that is saved again because its answer got lost is still one call."""

import sqlalchemy as sa
from alembic import op

revision = 'call_keys'
down_revision = 'clocks'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('calls', sa.Column('key', sa.String(), nullable=True))
    op.create_index('ix_calls_key', 'calls', ['user_id', 'key'], unique=True)


def downgrade() -> None:
    op.drop_index('ix_calls_key', 'calls')
    op.drop_column('calls', 'key')
