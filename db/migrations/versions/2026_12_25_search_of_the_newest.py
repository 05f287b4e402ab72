"""On PostgreSQL the index over the searched texts knows the newest claims by their epoch, and the fields one searches alone have an index of their own."""

from alembic import op

revision = 'search_of_the_newest'
down_revision = 'two_factor'
branch_labels = None
depends_on = None

EPOCH = '(seq >> 16)'


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        _index(f'office_id, {EPOCH}, text gin_trgm_ops')
        fields = ', '.join(f'{name} gin_trgm_ops' for name in ('claim_no_key', 'plate', 'insured_key'))
        op.execute(f'CREATE INDEX ix_claims_search ON claims USING gin (office_id, {EPOCH}, {fields})')
        # what lies in an epoch is known to nobody yet
        op.execute('ANALYZE claims')
        op.execute('ANALYZE claim_search')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP INDEX ix_claims_search')
        _index('office_id, text gin_trgm_ops')


def _index(columns: str) -> None:
    op.execute('DROP INDEX ix_claim_search_text')
    op.execute(f'CREATE INDEX ix_claim_search_text ON claim_search USING gin ({columns})')
