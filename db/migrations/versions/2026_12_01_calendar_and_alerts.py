"""The bureau's settings and its own days of the calendar; alerts that wait, and that dates raise."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'calendar_and_alerts'
down_revision = 'sanity'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    settings = op.create_table(
        'bureau_settings',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('hol_hamoed_works', sa.Boolean(), nullable=False),
        sa.Column('memorial_day_works', sa.Boolean(), nullable=False),
        sa.Column('city', sa.String(), nullable=False),
        sa.Column('stage_cool_off_minutes', sa.Integer(), nullable=False),
        sa.Column('alert_cool_off_minutes', sa.Integer(), nullable=False),
        sa.Column('stuck_days', sa.Integer(), nullable=False),
        sa.Column('stale_days', sa.Integer(), nullable=False),
        sa.Column('link_days', sa.Integer(), nullable=False),
        sa.Column('digest_at', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_bureau_settings')),
    )
    op.bulk_insert(
        settings,
        [
            {
                'id': 1,
                'hol_hamoed_works': False,
                'memorial_day_works': True,
                'city': 'tel_aviv',
                'stage_cool_off_minutes': 10,
                'alert_cool_off_minutes': 5,
                'stuck_days': 7,
                'stale_days': 1,
                'link_days': 30,
                'digest_at': '07:30',
            }
        ],
    )
    op.create_table(
        'calendar_days',
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('works', sa.Boolean(), nullable=False),
        sa.Column('note', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('day', name=op.f('pk_calendar_days')),
    )
    # those who wrote the rows before knew no other kinds
    op.add_column('alerts', sa.Column('event', sa.String(), nullable=False, server_default='details'))
    op.add_column('alerts', sa.Column('values', JSON, nullable=False, server_default='{}'))
    op.add_column('alerts', sa.Column('due_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('alerts', sa.Column('hidden', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('alerts', sa.Column('snoozed_until', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_alerts_waiting'), 'alerts', ['hidden', 'due_at'])


def downgrade() -> None:
    op.drop_index(op.f('ix_alerts_waiting'), table_name='alerts')
    for name in ('snoozed_until', 'hidden', 'due_at', 'values', 'event'):
        op.drop_column('alerts', name)
    op.drop_table('calendar_days')
    op.drop_table('bureau_settings')
