"""The record of what is done to people, offices and reference data."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'admin_changes'
down_revision = 'messages'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table(
        'admin_changes',
        sa.Column('id', BIG, nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('table_name', sa.String(), nullable=False),
        sa.Column('row_key', sa.String(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('fields', JSON, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_admin_changes')),
    )
    op.create_index('ix_admin_changes_row', 'admin_changes', ['table_name', 'row_key', 'id'])


def downgrade() -> None:
    op.drop_table('admin_changes')
