"""The matrix learns: who asked for a document of a claim, and which proposals for the matrix were declined."""

import sqlalchemy as sa
from alembic import op

revision = 'learning_matrix'
down_revision = 'names_for_agents'
branch_labels = None
depends_on = None

TAUGHT = sa.text("source = 'insurer' AND withdrawn_at IS NULL")


def upgrade() -> None:
    op.add_column('document_needs', sa.Column('source', sa.String(), nullable=False, server_default=''))
    op.create_index(
        'ix_document_needs_taught',
        'document_needs',
        ['type', 'claim_id'],
        sqlite_where=TAUGHT,
        postgresql_where=TAUGHT,
    )
    op.create_table(
        'declined_requirements',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('type', sa.String(), nullable=False),
        sa.Column('track', sa.String(), nullable=False),
        sa.Column('insurer_id', sa.Integer(), nullable=False),
        sa.Column('claims', sa.Integer(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['type'], ['document_types.id'], name=op.f('fk_declined_requirements_type')),
        sa.ForeignKeyConstraint(['insurer_id'], ['insurers.id'], name=op.f('fk_declined_requirements_insurer_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_declined_requirements')),
        sa.UniqueConstraint('type', 'track', 'insurer_id', name=op.f('uq_declined_requirements_type_track_insurer_id')),
    )


def downgrade() -> None:
    op.drop_table('declined_requirements')
    op.drop_index('ix_document_needs_taught', 'document_needs')
    op.drop_column('document_needs', 'source')
