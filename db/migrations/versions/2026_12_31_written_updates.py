"""A contact that was no call: an update the client was sent in writing."""

import sqlalchemy as sa
from alembic import op

revision = 'written_updates'
down_revision = 'deadlines'
branch_labels = None
depends_on = None

_BOOL, _TEXT = sa.Boolean(), sa.String()
_outcomes = sa.table(
    'call_outcomes',
    *(sa.column(name, _TEXT) for name in ('id', 'label', 'label_en')),
    *(sa.column(name, _BOOL) for name in ('reached', 'attempt', 'active')),
    sa.column('position', sa.Integer()),
)


def upgrade() -> None:
    written = {'id': 'written', 'label': 'נשלח עדכון בכתב', 'label_en': 'Update sent in writing'}
    op.bulk_insert(_outcomes, [{**written, 'reached': False, 'attempt': False, 'active': True, 'position': 5}])


def downgrade() -> None:
    op.execute("UPDATE calls SET outcome = 'spoke' WHERE outcome = 'written'")
    op.execute("DELETE FROM call_outcomes WHERE id = 'written'")
