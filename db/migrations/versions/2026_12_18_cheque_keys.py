"""A cheque that is saved again because its answer got lost is still one cheque."""

import sqlalchemy as sa
from alembic import op

revision = 'cheque_keys'
down_revision = 'call_keys'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('cheques', sa.Column('key', sa.String(), nullable=True))
    op.create_index('ix_cheques_key', 'cheques', ['claim_id', 'key'], unique=True)


def downgrade() -> None:
    op.drop_index('ix_cheques_key', 'cheques')
    op.drop_column('cheques', 'key')
