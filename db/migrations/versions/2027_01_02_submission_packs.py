"""Submission packs: a claim's documents as one PDF, and what stands in it on which page."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'submission_packs'
down_revision = 'accesses'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'submission_packs',
        sa.Column('id', BIG, nullable=False),
        sa.Column('uuid', sa.String(), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('insurer', sa.String(), nullable=False),
        sa.Column('insurer_claim_no', sa.String(), nullable=False),
        sa.Column('pages', sa.Integer(), nullable=False),
        sa.Column('size', BIG, nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('contents', JSON, nullable=False),
        sa.Column('apart', JSON, nullable=False),
        sa.Column('internal', sa.Boolean(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_submission_packs_user_id'),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name='fk_submission_packs_office_id'),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'],
            ['claims.id', 'claims.office_id'],
            name='fk_submission_packs_claim_id_office_id',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_submission_packs'),
        sa.UniqueConstraint('uuid', name='uq_submission_packs_uuid'),
    )
    op.create_index('ix_submission_packs_claim', 'submission_packs', ['claim_id', 'id'])
    op.create_index('ix_submission_packs_sha256', 'submission_packs', ['sha256'])


def downgrade() -> None:
    op.drop_table('submission_packs')
