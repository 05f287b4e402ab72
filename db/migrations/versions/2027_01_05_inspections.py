"""What the reports ask about inspections: a stretch of days, and what is told of the claims in it."""

from alembic import op

revision = 'inspections'
down_revision = 'record_seals'
branch_labels = None
depends_on = None

COLUMNS = ['appraised_at', 'office_id', 'appraiser_id', 'tp_insurer_id', 'agent_id', 'opened_at']


def upgrade() -> None:
    op.create_index('ix_claims_appraised', 'claims', COLUMNS)


def downgrade() -> None:
    op.drop_index('ix_claims_appraised', 'claims')
