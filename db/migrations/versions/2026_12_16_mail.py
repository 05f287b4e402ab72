"""The mail that waits, when it rests, and what people chose of it."""

import sqlalchemy as sa
from alembic import op

revision = 'mail'
down_revision = 'silences'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'mails',
        sa.Column('id', BIG, nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('claim_id', BIG, nullable=True),
        sa.Column('urgent', sa.Boolean(), nullable=False),
        sa.Column('made_at', MOMENT, nullable=False),
        sa.Column('due_at', MOMENT, nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('leased_until', MOMENT, nullable=True),
        sa.Column('ended_at', MOMENT, nullable=True),
        sa.Column('error', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_mails_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_mails')),
        sa.UniqueConstraint('key', name=op.f('uq_mails_key')),
    )
    op.create_index('ix_mails_waiting', 'mails', ['state', 'due_at'])
    op.create_index('ix_mails_person', 'mails', ['user_id', 'kind', 'claim_id'])
    op.create_table(
        'mailed_alerts',
        sa.Column('alert_id', BIG, nullable=False),
        sa.Column('mail_id', BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ['alert_id'], ['alerts.id'], name=op.f('fk_mailed_alerts_alert_id'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(['mail_id'], ['mails.id'], name=op.f('fk_mailed_alerts_mail_id')),
        sa.PrimaryKeyConstraint('alert_id', name=op.f('pk_mailed_alerts')),
    )
    op.create_index('ix_mailed_alerts_mail_id', 'mailed_alerts', ['mail_id'])
    op.create_index('ix_alerts_at', 'alerts', ['at'])
    op.add_column('users', sa.Column('digest', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column('users', sa.Column('mail_any_time', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('bureau_settings', sa.Column('quiet_from', sa.String(), nullable=False, server_default='21:00'))


def downgrade() -> None:
    op.drop_column('bureau_settings', 'quiet_from')
    op.drop_column('users', 'mail_any_time')
    op.drop_column('users', 'digest')
    op.drop_index('ix_alerts_at', table_name='alerts')
    op.drop_table('mailed_alerts')
    op.drop_table('mails')
