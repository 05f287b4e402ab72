"""The call log."""

import sqlalchemy as sa
from alembic import op

revision = 'calls'
down_revision = 'documents'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
# id, label, English label
PARTIES = (
    ('insured', 'לקוח', 'Client'),
    ('garage', 'מוסך', 'Garage'),
    ('appraiser', 'שמאי', 'Appraiser'),
    ('insurer', 'חברת ביטוח', 'Insurer'),
    ('agent', 'סוכן', 'Agent'),
    ('third_party', "צד ג'", 'Third party'),
    ('tp_agent', 'סוכן צ"ג', "Third party's agent"),
    ('other', 'אחר', 'Other'),
)
# id, label, English label, somebody was reached, an attempt in vain
OUTCOMES = (
    ('spoke', 'נשוחח', 'Spoke', True, False),
    ('no_answer', 'לא ענה', 'No answer', False, True),
    ('voicemail', 'הושארה הודעה', 'Left a message', False, True),
    ('wrong_number', 'מספר שגוי', 'Wrong number', False, False),
    ('callback', 'ביקש שנחזור', 'Asked to be called back', True, False),
)


def _labelled(name: str, *more: sa.Column[bool]) -> sa.Table:
    return op.create_table(
        name,
        *more,
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{name}')),
    )


def upgrade() -> None:
    parties = _labelled('call_parties')
    outcomes = _labelled(
        'call_outcomes',
        sa.Column('reached', sa.Boolean(), nullable=False),
        sa.Column('attempt', sa.Boolean(), nullable=False),
    )
    names = ('id', 'label', 'label_en', 'reached', 'attempt')
    for table, rows in ((parties, PARTIES), (outcomes, OUTCOMES)):
        numbered = [
            {**dict(zip(names, row, strict=False)), 'position': place, 'active': True} for place, row in enumerate(rows)
        ]
        op.bulk_insert(table, numbered)
    op.create_table(
        'calls',
        sa.Column('id', BIG, nullable=False),
        sa.Column('party', sa.String(), nullable=False),
        sa.Column('person', sa.String(), nullable=False),
        sa.Column('phone', sa.String(), nullable=False),
        sa.Column('direction', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('minutes', sa.Integer(), nullable=True),
        sa.Column('outcome', sa.String(), nullable=False),
        sa.Column('summary', sa.String(), nullable=False),
        sa.Column('follow_up', sa.Date(), nullable=True),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('logged_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('corrects', BIG, nullable=True),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.Column('internal', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'],
            ['claims.id', 'claims.office_id'],
            name=op.f('fk_calls_claim_id_office_id'),
        ),
        sa.ForeignKeyConstraint(['corrects'], ['calls.id'], name=op.f('fk_calls_corrects')),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_calls_office_id')),
        sa.ForeignKeyConstraint(['outcome'], ['call_outcomes.id'], name=op.f('fk_calls_outcome')),
        sa.ForeignKeyConstraint(['party'], ['call_parties.id'], name=op.f('fk_calls_party')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_calls')),
        sa.UniqueConstraint('corrects', name=op.f('uq_calls_corrects')),
    )
    op.create_index('ix_calls_claim', 'calls', ['claim_id', 'at'])
    op.create_index('ix_calls_follow_up', 'calls', ['follow_up'])


def downgrade() -> None:
    for name in ('calls', 'call_outcomes', 'call_parties'):
        op.drop_table(name)
