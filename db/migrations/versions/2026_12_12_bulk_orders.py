"""Orders of one person for many claims, and what became of each claim."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'bulk_orders'
down_revision = 'import_words'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'bulk_orders',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('action', sa.String(), nullable=False),
        sa.Column('value', sa.String(), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('put_away', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_bulk_orders_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_bulk_orders')),
        sa.UniqueConstraint('user_id', 'key', name=op.f('uq_bulk_orders_user_id_key')),
    )
    op.create_index('ix_bulk_orders_state', 'bulk_orders', ['state', 'id'])
    op.create_table(
        'bulk_lines',
        sa.Column('order_id', sa.Integer(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('seen', sa.String(), nullable=False),
        sa.Column('outcome', sa.String(), nullable=False),
        sa.Column('why', sa.String(), nullable=False),
        sa.Column('why_values', JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f('fk_bulk_lines_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_bulk_lines_office_id')),
        sa.ForeignKeyConstraint(['order_id'], ['bulk_orders.id'], name=op.f('fk_bulk_lines_order_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_bulk_lines_user_id')),
        sa.PrimaryKeyConstraint('order_id', 'claim_id', name=op.f('pk_bulk_lines')),
    )
    op.create_index('ix_bulk_lines_order', 'bulk_lines', ['order_id', 'outcome', 'claim_id'])


def downgrade() -> None:
    op.drop_table('bulk_lines')
    op.drop_table('bulk_orders')
