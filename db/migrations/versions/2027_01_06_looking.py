"""Looking at the portal as an agent: which browser does and until when, and in the log of access as whom somebody looked."""

import sqlalchemy as sa
from alembic import op

revision = 'looking'
down_revision = 'inspections'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('web_sessions', sa.Column('looks_as', sa.Integer(), nullable=True))
    op.add_column('web_sessions', sa.Column('looks_until', sa.DateTime(timezone=True), nullable=True))
    op.add_column('accesses', sa.Column('as_user_id', sa.Integer(), nullable=True))
    op.add_column('accesses', sa.Column('as_name', sa.String(), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('accesses', 'as_name')
    op.drop_column('accesses', 'as_user_id')
    op.drop_column('web_sessions', 'looks_until')
    op.drop_column('web_sessions', 'looks_as')
