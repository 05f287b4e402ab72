"""An office's claims by status, repair stage, insurer and whom one waits for, newest first, and by the day of the event."""

from alembic import op

revision = 'office_values'
down_revision = 'office_orders'
branch_labels = None
depends_on = None

BY_VALUE = {
    'status': 'status',
    'stage': 'repair_stage',
    'insurer': 'tp_insurer_id',
    'waiting': 'waiting_on',
    'event': 'event_date',
}


def upgrade() -> None:
    for name, column in BY_VALUE.items():
        op.create_index(f'ix_claims_office_{name}', 'claims', ['office_id', column, 'seq', 'is_open'])


def downgrade() -> None:
    for name in BY_VALUE:
        op.drop_index(f'ix_claims_office_{name}', 'claims')
