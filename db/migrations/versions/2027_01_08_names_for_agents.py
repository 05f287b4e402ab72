"""What a status is called outside the bureau, where that is another name."""

import sqlalchemy as sa
from alembic import op

revision = 'names_for_agents'
down_revision = 'accesses_as_whom'
branch_labels = None
depends_on = None

NAMES = 'label_office', 'label_office_en'


def upgrade() -> None:
    for name in NAMES:
        op.add_column('claim_statuses', sa.Column(name, sa.String(), nullable=False, server_default=''))


def downgrade() -> None:
    for name in reversed(NAMES):
        op.drop_column('claim_statuses', name)
