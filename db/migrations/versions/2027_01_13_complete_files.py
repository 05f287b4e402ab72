"""When the documents of a claim were complete, kept beside it: from that day an insurer has to answer."""

import sqlalchemy as sa
from alembic import op

revision = 'complete_files'
down_revision = 'pack_sendings'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('claims', sa.Column('documents_complete_at', sa.DateTime(timezone=True), nullable=True))
    turned = "json_extract(fields, '$.documents[1]')"
    if op.get_bind().dialect.name == 'postgresql':
        turned = "(fields -> 'documents' ->> 1)"
    op.execute(
        'UPDATE claims SET documents_complete_at = (SELECT at FROM changes WHERE changes.claim_id = claims.id '
        f"AND changes.kind IN ('opened', 'updated') AND {turned} = 'complete' ORDER BY changes.id DESC LIMIT 1) "
        "WHERE documents = 'complete'"
    )


def downgrade() -> None:
    op.drop_column('claims', 'documents_complete_at')
