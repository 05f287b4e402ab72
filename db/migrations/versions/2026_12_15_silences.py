"""The silence meter: what was last heard of each party of an open claim, and what is usual for a firm."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'silences'
down_revision = 'tasks'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table(
        'silences',
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('party', sa.String(), nullable=False),
        sa.Column('since', sa.DateTime(timezone=True), nullable=False),
        sa.Column('heard', sa.String(), nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('tried_at', JSON, nullable=False),
        sa.Column('usual_days', sa.Integer(), nullable=False),
        sa.Column('measured', sa.Boolean(), nullable=False),
        sa.Column('over_on', sa.Date(), nullable=True),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f('fk_silences_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_silences_office_id')),
        sa.PrimaryKeyConstraint('claim_id', 'party', name=op.f('pk_silences')),
    )
    op.create_index('ix_silences_over', 'silences', ['over_on', 'claim_id', 'office_id'])
    op.create_table(
        'party_usuals',
        sa.Column('party', sa.String(), nullable=False),
        sa.Column('firm_id', sa.Integer(), nullable=False),
        sa.Column('days', sa.Integer(), nullable=False),
        sa.Column('gaps', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('party', 'firm_id', name=op.f('pk_party_usuals')),
    )


def downgrade() -> None:
    op.drop_table('party_usuals')
    op.drop_table('silences')
