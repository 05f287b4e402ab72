"""The log of access chained by hash. What was written before is sealed afterwards, by the job."""

import sqlalchemy as sa
from alembic import op

revision = 'access_seals'
down_revision = 'handovers'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'access_seals',
        sa.Column('number', BIG, nullable=False),
        sa.Column('first_id', BIG, nullable=False),
        sa.Column('last_id', BIG, nullable=False),
        sa.Column('lines', sa.Integer(), nullable=False),
        sa.Column('newest_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('hash', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('number', name='pk_access_seals'),
        sa.UniqueConstraint('last_id', name='uq_access_seals_last_id'),
    )


def downgrade() -> None:
    op.drop_table('access_seals')
