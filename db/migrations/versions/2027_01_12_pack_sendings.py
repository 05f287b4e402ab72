"""How submission packs went out: to whom, when, and by which way."""

import sqlalchemy as sa
from alembic import op

revision = 'pack_sendings'
down_revision = 'pack_letters'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'pack_sendings',
        sa.Column('id', BIG, nullable=False),
        sa.Column('pack_id', BIG, nullable=False),
        sa.Column('sent_to', sa.String(), nullable=False),
        sa.Column('sent_on', sa.Date(), nullable=False),
        sa.Column('way', sa.String(), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('internal', sa.Boolean(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['pack_id'], ['submission_packs.id'], name=op.f('fk_pack_sendings_pack_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_pack_sendings_user_id')),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_pack_sendings_office_id')),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'],
            ['claims.id', 'claims.office_id'],
            name=op.f('fk_pack_sendings_claim_id_office_id'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_pack_sendings')),
        sa.UniqueConstraint(
            'pack_id', 'sent_on', 'way', 'sent_to', name=op.f('uq_pack_sendings_pack_id_sent_on_way_sent_to')
        ),
    )
    # every page of a claim's documents asks by the claim
    op.create_index('ix_pack_sendings_claim', 'pack_sendings', ['claim_id'])


def downgrade() -> None:
    op.drop_table('pack_sendings')
