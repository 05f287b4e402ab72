"""Words the bureau taught the import, and what an import says of itself when its rows are forgotten."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'import_words'
down_revision = 'money_and_cheques'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table(
        'import_words',
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('word', sa.String(), nullable=False),
        sa.Column('meaning', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('kind', 'key', name=op.f('pk_import_words')),
    )
    op.add_column('import_runs', sa.Column('counts', JSON, nullable=False, server_default='{}'))
    op.add_column('import_runs', sa.Column('words', JSON, nullable=False, server_default='[]'))


def downgrade() -> None:
    op.drop_column('import_runs', 'words')
    op.drop_column('import_runs', 'counts')
    op.drop_table('import_words')
