"""The record of claims chained by hash. What was recorded before is sealed afterwards, by the job."""

import sqlalchemy as sa
from alembic import op

revision = 'record_seals'
down_revision = 'teams'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'change_seals',
        sa.Column('id', BIG, nullable=False),
        sa.Column('change_id', BIG, nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('salt', sa.String(), nullable=False),
        sa.Column('hash', sa.String(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name='fk_change_seals_office_id'),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name='fk_change_seals_claim_id_office_id'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_change_seals'),
        sa.UniqueConstraint('change_id', name='uq_change_seals_change_id'),
        sa.UniqueConstraint('claim_id', 'number', name='uq_change_seals_claim_id_number'),
    )
    op.create_table(
        'seal_heads',
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('up_to', BIG, nullable=False),
        sa.Column('claims', sa.Integer(), nullable=False),
        sa.Column('hash', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('day', name='pk_seal_heads'),
    )


def downgrade() -> None:
    op.drop_table('seal_heads')
    op.drop_table('change_seals')
