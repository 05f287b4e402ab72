"""Which process runs the timetable, and the heartbeats of its jobs."""

import sqlalchemy as sa
from alembic import op

revision = 'timetable'
down_revision = 'alert_choices'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'leases',
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('holder', sa.String(), nullable=False),
        sa.Column('beat', BIG, nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_leases')),
    )
    op.create_table(
        'job_runs',
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('every_seconds', sa.Integer(), nullable=False),
        sa.Column('at_night', sa.Boolean(), nullable=False),
        sa.Column('known_since', MOMENT, nullable=False),
        sa.Column('started_at', MOMENT, nullable=True),
        sa.Column('ended_at', MOMENT, nullable=True),
        sa.Column('took_ms', sa.Integer(), nullable=False),
        sa.Column('failed_at', MOMENT, nullable=True),
        sa.Column('error', sa.String(), nullable=False),
        sa.Column('fails', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_job_runs')),
    )


def downgrade() -> None:
    op.drop_table('job_runs')
    op.drop_table('leases')
