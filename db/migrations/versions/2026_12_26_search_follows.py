"""Beside what a claim is found by stands whether it is open, so that hits are counted without a look at claims; the database keeps both up to it."""

import sqlalchemy as sa
from alembic import op

revision = 'search_follows'
down_revision = 'search_of_the_newest'
branch_labels = None
depends_on = None

FOLLOW = 'UPDATE claim_search SET seq = new.seq, is_open = new.is_open WHERE claim_id = new.id'
# as the first schema has it
CHANGED = (
    'CREATE TRIGGER claim_search_changed AFTER UPDATE ON claim_search BEGIN '
    "INSERT INTO claim_fts(claim_fts, rowid, text) VALUES ('delete', old.seq, old.text); "
    'INSERT INTO claim_fts(rowid, text) VALUES (new.seq, new.text); END'
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == 'postgresql'
    op.add_column('claim_search', sa.Column('is_open', sa.Boolean(), nullable=False, server_default=sa.true()))
    # what would be kept row by row is rather built anew afterwards
    op.execute('DROP INDEX ix_claim_search_text' if postgres else 'DROP TRIGGER claim_search_changed')
    op.drop_index('ix_claim_search_office', 'claim_search')
    op.execute(
        'UPDATE claim_search SET is_open = false WHERE claim_id IN (SELECT id FROM claims WHERE is_open = false)'
    )
    if postgres:
        op.execute("SET LOCAL maintenance_work_mem = '512MB'")
        op.execute(
            'CREATE INDEX ix_claim_search_text ON claim_search USING gin (office_id, (seq >> 16), text gin_trgm_ops)'
        )
        op.execute(
            f'CREATE FUNCTION claim_search_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {FOLLOW}; RETURN NULL; END $$'
        )
        op.execute(
            'CREATE TRIGGER claims_found AFTER UPDATE OF seq, is_open ON claims FOR EACH ROW '
            'WHEN (old.seq <> new.seq OR old.is_open <> new.is_open) EXECUTE FUNCTION claim_search_follows()'
        )
    else:
        op.execute(CHANGED)
        op.execute(
            'CREATE TRIGGER claims_found AFTER UPDATE OF seq, is_open ON claims '
            f'WHEN old.seq <> new.seq OR old.is_open <> new.is_open BEGIN {FOLLOW}; END'
        )
    op.create_index('ix_claim_search_office', 'claim_search', ['office_id', 'seq', 'is_open'])
    if postgres:
        op.execute('ANALYZE claim_search')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP TRIGGER claims_found ON claims')
        op.execute('DROP FUNCTION claim_search_follows')
    else:
        op.execute('DROP TRIGGER claims_found')
    op.drop_index('ix_claim_search_office', 'claim_search')
    op.drop_column('claim_search', 'is_open')
    op.create_index('ix_claim_search_office', 'claim_search', ['office_id', 'seq'])
