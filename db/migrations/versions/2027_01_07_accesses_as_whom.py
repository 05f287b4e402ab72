"""The log of access by whom somebody looked as: few lines of it are, so the index holds only those."""

import sqlalchemy as sa
from alembic import op

revision = 'accesses_as_whom'
down_revision = 'looking'
branch_labels = None
depends_on = None


def upgrade() -> None:
    some = sa.column('as_user_id').is_not(None)
    op.create_index('ix_accesses_as_user', 'accesses', ['as_user_id', 'id'], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    op.drop_index('ix_accesses_as_user', 'accesses')
