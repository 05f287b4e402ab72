"""Lists of a status, or of an office, sorted and narrowed by what else they have: their indexes have it, and no claim is read."""

from alembic import op

revision = 'orders'
down_revision = 'demands'
branch_labels = None
depends_on = None

OF_STATUS = ['status', 'seq', 'is_open', 'tp_insurer_id', 'garage_id', 'office_id']
OF_OFFICE = [
    *('office_id', 'seq', 'is_open', 'status', 'tp_insurer_id', 'agent_id', 'garage_id', 'waiting_on', 'event_date'),
    *('repair_stage', 'appraiser_id', 'documents', 'status_since', 'updated_at', 'closed_at'),
]


def upgrade() -> None:
    _build(['waiting_on', 'repair_stage', 'agent_id', 'demand_amount'], ['demand_amount'])


def downgrade() -> None:
    _build([], [])


def _build(with_status: list[str], with_office: list[str]) -> None:
    for name, columns in (('status', OF_STATUS + with_status), ('office', OF_OFFICE + with_office)):
        op.drop_index(f'ix_claims_{name}_seq', 'claims')
        op.create_index(f'ix_claims_{name}_seq', 'claims', columns)
