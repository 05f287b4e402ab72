"""Rings for other processes, and the end of a document's time in the trash."""

import sqlalchemy as sa
from alembic import op

revision = 'rings'
down_revision = 'repairs'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)
OWN_XID = sa.text('(pg_current_xact_id()::text)::bigint')


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == 'postgresql'
    op.create_table(
        'rings',
        sa.Column('id', BIG, nullable=False),
        sa.Column('xid', BIG, nullable=True, server_default=OWN_XID if postgres else None),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('process', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=True),
        sa.Column('claim_id', BIG, nullable=True),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_rings')),
    )
    op.create_index('ix_rings_xid', 'rings', ['xid', 'id'], unique=False)
    op.add_column('documents', sa.Column('purged_at', MOMENT, nullable=True))
    op.create_index('ix_documents_message', 'documents', ['message_id'], unique=False)
    op.create_index('ix_documents_trash', 'documents', ['deleted_at'], unique=False)


def downgrade() -> None:
    for name in ('ix_documents_trash', 'ix_documents_message'):
        op.drop_index(name, table_name='documents')
    op.drop_column('documents', 'purged_at')
    op.drop_table('rings')
