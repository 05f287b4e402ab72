"""The log of access: who looked at which personal data."""

import sqlalchemy as sa
from alembic import op

revision = 'accesses'
down_revision = 'written_updates'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'accesses',
        sa.Column('id', BIG, primary_key=True),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('address', sa.String(), nullable=False),
        sa.Column('what', sa.String(), nullable=False),
        sa.Column('claim_no', sa.String(), nullable=False),
        sa.Column('told', sa.String(), nullable=False),
        sa.Column('granted', sa.Boolean(), nullable=False),
    )
    op.create_index('ix_accesses_user', 'accesses', ['user_id', 'id'])
    op.create_index('ix_accesses_claim', 'accesses', ['claim_no', 'id'])
    op.create_index('ix_accesses_what', 'accesses', ['what', 'id'])
    op.create_index('ix_accesses_at', 'accesses', ['at'])
    op.create_index('ix_accesses_granted', 'accesses', ['granted', 'id'])


def downgrade() -> None:
    op.drop_table('accesses')
