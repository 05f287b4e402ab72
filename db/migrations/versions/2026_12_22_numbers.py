"""Indexes of the numbers that people type as a whole when they look for a claim."""

from alembic import op

revision = 'numbers'
down_revision = 'reports'
branch_labels = None
depends_on = None

NUMBERS = ('tp_plate', 'insured_phone', 'tp_phone')


def upgrade() -> None:
    for name in NUMBERS:
        op.create_index(f'ix_claims_{name}', 'claims', [name])


def downgrade() -> None:
    for name in NUMBERS:
        op.drop_index(f'ix_claims_{name}', 'claims')
