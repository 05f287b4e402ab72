"""An office's claims in the order of their numbers and vehicles, and how many a garage has of them."""

from alembic import op

revision = 'office_orders'
down_revision = 'orders'
branch_labels = None
depends_on = None

OF_OFFICE = {'claim_no': 'claim_no_key', 'plate': 'plate', 'garage': 'garage_id'}


def upgrade() -> None:
    for name, column in OF_OFFICE.items():
        op.create_index(f'ix_claims_office_{name}', 'claims', ['office_id', column, 'is_open'])


def downgrade() -> None:
    for name in OF_OFFICE:
        op.drop_index(f'ix_claims_office_{name}', 'claims')
