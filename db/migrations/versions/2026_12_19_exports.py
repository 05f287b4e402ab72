"""Workbooks people take away, and the record of what left the product."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'exports'
down_revision = 'cheque_keys'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table(
        'exports',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('same', sa.String(), nullable=False),
        sa.Column('address', sa.String(), nullable=False),
        sa.Column('numbers', JSON, nullable=False),
        sa.Column('columns', JSON, nullable=False),
        sa.Column('title', sa.String(), nullable=False),
        sa.Column('confirmed', sa.Boolean(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('worker', sa.String(), nullable=False),
        sa.Column('beat', sa.DateTime(timezone=True), nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('done', sa.Integer(), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.Column('why', sa.String(), nullable=False),
        sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('put_away', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_exports_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_exports')),
    )
    op.create_index('ix_exports_state', 'exports', ['state', 'id'])
    op.create_index('ix_exports_user', 'exports', ['user_id', 'id'])
    op.create_table(
        'export_records',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('export_id', sa.Integer(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('what', sa.String(), nullable=False),
        sa.Column('picked', sa.Integer(), nullable=False),
        sa.Column('columns', JSON, nullable=False),
        sa.Column('confirmed', sa.Boolean(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('rows', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_export_records_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_export_records')),
    )
    op.create_index('ix_export_records_export', 'export_records', ['export_id'])


def downgrade() -> None:
    op.drop_table('export_records')
    op.drop_table('exports')
