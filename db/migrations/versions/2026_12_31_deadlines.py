"""Which clocks alert of their last day; alerts of dates by their claim; and edits of Administration by their transaction."""

import sqlalchemy as sa
from alembic import op

revision = 'deadlines'
down_revision = 'office_values'
branch_labels = None
depends_on = None

# who has to answer is pressed, and a limitation is never to be missed; of the others only people know whether they are kept
ALERTING = (
    'insurer_decision',
    'insurer_continued',
    'policy_info',
    'public_enquiry',
    'limitation_tort',
    'limitation_policy',
)
BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
OWN_XID = sa.text('(pg_current_xact_id()::text)::bigint')
OF_DATES = sa.text('change_id IS NULL')


def upgrade() -> None:
    op.add_column('clock_rules', sa.Column('alerts', sa.Boolean(), nullable=False, server_default=sa.false()))
    rules = sa.table('clock_rules', sa.column('id', sa.String()), sa.column('alerts', sa.Boolean()))
    op.execute(rules.update().where(rules.c.id.in_(ALERTING)).values(alerts=True))
    op.create_index('ix_alerts_of_dates', 'alerts', ['claim_id'], sqlite_where=OF_DATES, postgresql_where=OF_DATES)
    op.add_column('admin_changes', sa.Column('xid', BIG, nullable=True))
    if op.get_bind().dialect.name == 'postgresql':
        # what was followed already stays so: the cursor stands at transaction 0
        op.execute(sa.table('admin_changes', sa.column('xid', BIG)).update().values(xid=0))
        op.alter_column('admin_changes', 'xid', server_default=OWN_XID)
    op.create_index('ix_admin_changes_xid', 'admin_changes', ['xid', 'id'])


def downgrade() -> None:
    op.drop_index('ix_admin_changes_xid', 'admin_changes')
    op.drop_column('admin_changes', 'xid')
    op.drop_index('ix_alerts_of_dates', 'alerts')
    op.drop_column('clock_rules', 'alerts')
