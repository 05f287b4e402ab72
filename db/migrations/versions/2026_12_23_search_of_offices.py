"""On PostgreSQL the index over the searched texts knows the office too: an office's hits are no longer picked out of everybody's."""

from alembic import op

revision = 'search_of_offices'
down_revision = 'numbers'
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('CREATE EXTENSION IF NOT EXISTS btree_gin')
        _index('office_id, text gin_trgm_ops')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        _index('text gin_trgm_ops')
        op.execute('DROP EXTENSION btree_gin')


def _index(columns: str) -> None:
    op.execute('DROP INDEX ix_claim_search_text')
    op.execute(f'CREATE INDEX ix_claim_search_text ON claim_search USING gin ({columns})')
