"""What people choose to hear of: event by event, and claim by claim."""

import sqlalchemy as sa
from alembic import op

revision = 'alert_choices'
down_revision = 'bulk_orders'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'alert_choices',
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('event', sa.String(), nullable=False),
        sa.Column('channel', sa.String(), nullable=False),
        sa.Column('wanted', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_alert_choices_user_id')),
        sa.PrimaryKeyConstraint('user_id', 'event', 'channel', name=op.f('pk_alert_choices')),
    )
    op.create_table(
        'claim_watches',
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('muted', sa.Boolean(), nullable=False),
        sa.Column('follows', sa.Boolean(), nullable=False),
        sa.Column('snoozed_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'],
            ['claims.id', 'claims.office_id'],
            name=op.f('fk_claim_watches_claim_id_office_id'),
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_claim_watches_office_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_claim_watches_user_id')),
        sa.PrimaryKeyConstraint('user_id', 'claim_id', name=op.f('pk_claim_watches')),
    )
    op.create_index('ix_claim_watches_claim', 'claim_watches', ['claim_id'])
    op.add_column('users', sa.Column('only_own_alerts', sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column('users', 'only_own_alerts')
    op.drop_table('claim_watches')
    op.drop_table('alert_choices')
