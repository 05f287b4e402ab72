"""API keys: with one a program reads what its person may read; only the hash of a key is kept."""

import sqlalchemy as sa
from alembic import op

revision = 'api_keys'
down_revision = 'learning_matrix'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'api_keys',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=True),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('token_hash', sa.String(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_api_keys_user_id')),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_api_keys_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
        sa.UniqueConstraint('token_hash', name=op.f('uq_api_keys_token_hash')),
    )
    op.create_index('ix_api_keys_user', 'api_keys', ['user_id', 'created_at'])


def downgrade() -> None:
    op.drop_index('ix_api_keys_user', 'api_keys')
    op.drop_table('api_keys')
