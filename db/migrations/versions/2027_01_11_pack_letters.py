"""The demand letter of a submission pack: what was drawn of it and on which pages, or why there is none."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'pack_letters'
down_revision = 'api_keys'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.add_column('submission_packs', sa.Column('letter', JSON, nullable=True))


def downgrade() -> None:
    op.drop_column('submission_packs', 'letter')
