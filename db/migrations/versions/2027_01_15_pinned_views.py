"""Each person pins views for himself; what he pinned of his own until now he pinned so, and what an office pins is proposed to its people."""

from datetime import UTC

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = 'pinned_views'
down_revision = 'stage_explanations'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), 'postgresql')
USERS = sa.table('users', sa.column('id'), sa.column('pinned_views', JSON))
SAVED = sa.table(
    'saved_views',
    *(sa.column(name) for name in ('id', 'user_id', 'name', 'address')),
    sa.column('pinned', sa.Boolean()),
    sa.column('at', sa.DateTime(timezone=True)),
)
_OWN = 'own-'


def upgrade() -> None:
    op.add_column('users', sa.Column('pinned_views', JSON, nullable=False, server_default='[]'))
    pins: dict[int, list[str]] = {}
    for view in op.get_bind().execute(sa.select(SAVED).where(SAVED.c.pinned).order_by(SAVED.c.name)):
        at = view.at if view.at.tzinfo else view.at.replace(tzinfo=UTC)
        pins.setdefault(view.user_id, []).append(f'{_OWN}{view.id}@{int(at.timestamp())}')
    for user_id, marks in pins.items():
        op.execute(USERS.update().where(USERS.c.id == user_id).values(pinned_views=marks))
    op.drop_column('saved_views', 'pinned')


def downgrade() -> None:
    """The table is made anew: SQLite would put a column that comes back behind all others."""
    bind = op.get_bind()
    chosen = [mark for marks in bind.scalars(sa.select(USERS.c.pinned_views)) for mark in marks]
    pinned = {int(mark[len(_OWN) :].partition('@')[0]) for mark in chosen if mark.startswith(_OWN)}
    kept = [column for column in SAVED.c if column.name != 'pinned']
    views = [{**row, 'pinned': row['id'] in pinned} for row in bind.execute(sa.select(*kept)).mappings()]
    op.drop_table('saved_views')
    op.create_table(
        'saved_views',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('address', sa.String(), nullable=False),
        sa.Column('pinned', sa.Boolean(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_saved_views_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_views')),
        sa.UniqueConstraint('user_id', 'name', name=op.f('uq_saved_views_user_id_name')),
    )
    if views:
        op.bulk_insert(SAVED, views)
        if bind.dialect.name == 'postgresql':
            op.execute("SELECT setval('saved_views_id_seq', (SELECT max(id) FROM saved_views))")
    op.drop_column('users', 'pinned_views')
