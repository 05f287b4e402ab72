"""Imports as the bureau runs them, and which column of its workbooks is which field."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'imports'
down_revision = 'rings'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'import_mappings',
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('columns', JSON, nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_import_mappings')),
    )
    op.create_table(
        'import_runs',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('file_name', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('sheets', JSON, nullable=False),
        sa.Column('sheet', sa.Integer(), nullable=False),
        sa.Column('heading_row', sa.Integer(), nullable=False),
        sa.Column('columns', JSON, nullable=False),
        sa.Column('mode', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('worker', sa.String(), nullable=False),
        sa.Column('beat', sa.DateTime(timezone=True), nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('done', sa.Integer(), nullable=False),
        sa.Column('committed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('committed_by', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_import_runs_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_import_runs')),
    )
    op.create_index('ix_import_runs_sha256', 'import_runs', ['sha256'])
    op.create_table(
        'import_rows',
        sa.Column('id', BIG, nullable=False),
        sa.Column('run_id', sa.Integer(), nullable=False),
        sa.Column('sheet', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('cells', JSON, nullable=False),
        sa.Column('claim_no', sa.String(), nullable=False),
        sa.Column('outcome', sa.String(), nullable=False),
        sa.Column('applied', sa.Boolean(), nullable=False),
        sa.Column('faults', JSON, nullable=False),
        sa.Column('warnings', JSON, nullable=False),
        sa.Column('changes', JSON, nullable=False),
        sa.Column('warned', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['run_id'], ['import_runs.id'], name=op.f('fk_import_rows_run_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_import_rows')),
    )
    op.create_index('ix_import_rows_run', 'import_rows', ['run_id', 'sheet', 'outcome', 'number'])
    op.create_index('ix_claims_insurer_claim_no', 'claims', ['insurer_claim_no'])


def downgrade() -> None:
    op.drop_index('ix_claims_insurer_claim_no', 'claims')
    for name in ('import_rows', 'import_runs', 'import_mappings'):
        op.drop_table(name)
