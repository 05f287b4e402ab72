"""Saved views, what people like to see of the list, which claims they opened last, and the ways to more filters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = 'views'
down_revision = 'exports'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), 'postgresql')
OFFICE = (
    *('office_id', 'seq', 'is_open', 'status', 'tp_insurer_id', 'agent_id', 'garage_id', 'waiting_on', 'event_date'),
)
LOOKED_AT = ('repair_stage', 'appraiser_id', 'documents', 'status_since', 'updated_at', 'closed_at')
BY = {
    'ix_claims_stage_seq': 'repair_stage',
    'ix_claims_appraiser_seq': 'appraiser_id',
    'ix_claims_documents_seq': 'documents',
    'ix_claims_updated': 'updated_at',
}


def upgrade() -> None:
    op.create_table(
        'saved_views',
        *_view_columns(),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_saved_views_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_views')),
        sa.UniqueConstraint('user_id', 'name', name=op.f('uq_saved_views_user_id_name')),
    )
    op.create_table(
        'shared_views',
        *_view_columns(),
        sa.Column('office_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_shared_views_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_shared_views')),
    )
    op.create_index('ix_shared_views_office', 'shared_views', ['office_id', 'name'], unique=True)
    op.add_column('users', sa.Column('list_columns', JSON, nullable=False, server_default='[]'))
    op.add_column('users', sa.Column('list_density', sa.String(), nullable=False, server_default='usual'))
    op.add_column('seen_marks', sa.Column('opened_at', MOMENT, nullable=True))
    op.execute('UPDATE seen_marks SET opened_at = at')
    op.create_index('ix_seen_marks_opened', 'seen_marks', ['user_id', 'opened_at'])
    for name, column in BY.items():
        op.create_index(name, 'claims', [column, 'seq', 'is_open', 'office_id'])
    _index_again('claims', 'ix_claims_office_seq', [*OFFICE, *LOOKED_AT])
    _index_again('cheques', 'ix_cheques_due', ['live', 'due_date', 'office_id', 'claim_id'])


def downgrade() -> None:
    _index_again('cheques', 'ix_cheques_due', ['live', 'due_date', 'office_id'])
    _index_again('claims', 'ix_claims_office_seq', [*OFFICE])
    for name in BY:
        op.drop_index(name, table_name='claims')
    op.drop_index('ix_seen_marks_opened', table_name='seen_marks')
    op.drop_column('seen_marks', 'opened_at')
    op.drop_column('users', 'list_density')
    op.drop_column('users', 'list_columns')
    op.drop_table('shared_views')
    op.drop_table('saved_views')


def _view_columns() -> list[sa.Column]:
    return [
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('address', sa.String(), nullable=False),
        sa.Column('pinned', sa.Boolean(), nullable=False),
        sa.Column('at', MOMENT, nullable=False),
    ]


def _index_again(table: str, name: str, columns: list[str]) -> None:
    op.drop_index(name, table_name=table)
    op.create_index(name, table, columns)
