"""Indexes of the numbers that people type as a whole when they look for a claim; and which filters PostgreSQL should know to go together."""

from alembic import op

revision = 'numbers'
down_revision = 'reports'
branch_labels = None
depends_on = None

NUMBERS = ('tp_plate', 'insured_phone', 'tp_phone')


def upgrade() -> None:
    for name in NUMBERS:
        op.create_index(f'ix_claims_{name}', 'claims', [name])
    if op.get_bind().dialect.name == 'postgresql':
        # a status says whether a claim is open and on whom it waits: without this a filter that finds little reads everything
        op.execute('CREATE STATISTICS claims_by_status (mcv) ON is_open, status, waiting_on FROM claims')
        op.execute('ANALYZE claims')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP STATISTICS claims_by_status')
    for name in NUMBERS:
        op.drop_index(f'ix_claims_{name}', 'claims')
