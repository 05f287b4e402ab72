"""Signing in in two steps: the sealed secrets, of which roles it is required, and sessions that wait for it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = 'two_factor'
down_revision = 'search_of_offices'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table(
        'two_factors',
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('sealed', sa.String(), nullable=False),
        sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('last_step', BIG, nullable=False),
        sa.Column('recovery', JSON, nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_two_factors_user_id')),
        sa.PrimaryKeyConstraint('user_id', name=op.f('pk_two_factors')),
    )
    op.add_column('web_sessions', sa.Column('must_set_up', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('bureau_settings', sa.Column('two_factor_roles', JSON, nullable=False, server_default='[]'))


def downgrade() -> None:
    op.drop_column('bureau_settings', 'two_factor_roles')
    op.drop_column('web_sessions', 'must_set_up')
    op.drop_table('two_factors')
