"""An index for lists sorted by what was demanded: claims without a demand before all others, as the lists have them."""

from alembic import op

revision = 'demands'
down_revision = 'search_follows'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('CREATE INDEX ix_claims_demand ON claims (coalesce(demand_amount, -1), seq DESC, is_open, office_id)')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ANALYZE claims')


def downgrade() -> None:
    op.execute('DROP INDEX ix_claims_demand')
