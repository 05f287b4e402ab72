"""What the bureau looked at and found right."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'sanity'
down_revision = 'admin_changes'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'doubt_answers',
        sa.Column('id', BIG, nullable=False),
        sa.Column('mark', sa.String(), nullable=False),
        sa.Column('field', sa.String(), nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('values', JSON, nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.Column('internal', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'],
            ['claims.id', 'claims.office_id'],
            name=op.f('fk_doubt_answers_claim_id_office_id'),
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_doubt_answers_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_doubt_answers')),
    )
    op.create_index('ix_doubt_answers_claim', 'doubt_answers', ['claim_id'])


def downgrade() -> None:
    op.drop_table('doubt_answers')
