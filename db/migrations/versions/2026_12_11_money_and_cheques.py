"""Heads of damage, offers, VAT by date, and cheques with what is done about them."""

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = 'money_and_cheques'
down_revision = 'imports'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
# id, label, English label
DAMAGE_HEADS = (
    ('repair_cost', 'נזק לרכב / עלות תיקון', 'Vehicle damage / cost of repair'),
    ('depreciation', 'ירידת ערך', 'Depreciation'),
    ('appraiser_fee', 'שכר טרחת שמאי', "Appraiser's fee"),
    ('towing_cost', 'גרירה', 'Towing'),
    ('replacement_car_cost', 'רכב חלופי', 'Replacement car'),
    ('loss_of_use', 'השבתה / הפסד שימוש', 'Loss of use'),
    ('lost_workdays', 'אובדן ימי עבודה', 'Lost workdays'),
    ('deductible', 'השתתפות עצמית', 'Deductible'),
    ('lost_no_claims_discount', 'הפסד הנחת היעדר תביעות', 'Lost no-claims discount'),
    ('accessories', 'אביזרים / תכולה', 'Accessories / contents'),
    ('linkage_and_interest', 'הפרשי הצמדה וריבית', 'Linkage and interest'),
    ('other', 'אחר', 'Other'),
)
REDUCTION_REASONS = (
    ('wear', 'ניכוי בלאי', 'Deduction for wear'),
    ('vat', 'מע"מ', 'VAT'),
    ('depreciation_disputed', 'ירידת ערך שנויה במחלוקת', 'Depreciation disputed'),
    ('appraiser_fee_cut', 'הפחתת שכ"ט שמאי', "Appraiser's fee reduced"),
    ('price_list', 'מחירון חלקים / שעות עבודה', 'Price list of parts / hours of work'),
    ('contributory_fault', 'אשם תורם', 'Contributory fault'),
    ('head_not_recognised', 'ראש נזק שלא הוכר', 'Head of damage not recognised'),
    ('other', 'אחר', 'Other'),
)
VAT_RATES = ((date(2015, 10, 1), 17), (date(2025, 1, 1), 18))


def _labelled(name, rows):
    table = op.create_table(
        name,
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{name}')),
    )
    names = ('id', 'label', 'label_en')
    op.bulk_insert(
        table,
        [{**dict(zip(names, row, strict=True)), 'position': place, 'active': True} for place, row in enumerate(rows)],
    )


def _of_a_claim(name):
    return (
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f(f'fk_{name}_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f(f'fk_{name}_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{name}')),
    )


def upgrade() -> None:
    _labelled('damage_heads', DAMAGE_HEADS)
    _labelled('reduction_reasons', REDUCTION_REASONS)
    rates = op.create_table(
        'vat_rates',
        sa.Column('since', sa.Date(), nullable=False),
        sa.Column('percent', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('since', name=op.f('pk_vat_rates')),
    )
    op.bulk_insert(rates, [{'since': since, 'percent': percent} for since, percent in VAT_RATES])
    op.create_table(
        'head_amounts',
        sa.Column('id', BIG, nullable=False),
        sa.Column('head', sa.String(), nullable=False),
        sa.Column('demanded', BIG, nullable=True),
        sa.Column('offered', BIG, nullable=True),
        sa.Column('approved', BIG, nullable=True),
        sa.Column('received', BIG, nullable=True),
        sa.Column('reason_id', sa.String(), nullable=True),
        sa.Column('net_of_vat', sa.Boolean(), nullable=False),
        *_of_a_claim('head_amounts'),
        sa.ForeignKeyConstraint(['head'], ['damage_heads.id'], name=op.f('fk_head_amounts_head')),
        sa.ForeignKeyConstraint(['reason_id'], ['reduction_reasons.id'], name=op.f('fk_head_amounts_reason_id')),
        sa.UniqueConstraint('claim_id', 'head', name=op.f('uq_head_amounts_claim_id_head')),
    )
    op.create_table(
        'offers',
        sa.Column('id', BIG, nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('amount', BIG, nullable=False),
        sa.Column('offered_on', sa.Date(), nullable=False),
        sa.Column('note', sa.String(), nullable=False),
        sa.Column('answer', sa.String(), nullable=False),
        sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        *_of_a_claim('offers'),
    )
    op.create_index('ix_offers_claim', 'offers', ['claim_id', 'offered_on'])
    _cheques()


def _cheques() -> None:
    texts = ('drawer', 'payee', 'cheque_no', 'bank', 'branch', 'account')
    op.create_table(
        'cheques',
        sa.Column('id', BIG, nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('direction', sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column('amount', BIG, nullable=False),
        sa.Column('due_date', sa.Date(), nullable=False),
        sa.Column('warn_on', sa.Date(), nullable=False),
        sa.Column('late', sa.Boolean(), nullable=False),
        sa.Column('closed_note', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('state_since', sa.DateTime(timezone=True), nullable=False),
        sa.Column('live', sa.Boolean(), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('replaces', BIG, nullable=True),
        sa.Column('image_id', BIG, nullable=True),
        sa.Column('waiver', sa.Boolean(), nullable=False),
        sa.Column('waiver_confirmed_by', sa.String(), nullable=False),
        sa.Column('head_id', sa.String(), nullable=True),
        sa.Column('offer_id', BIG, nullable=True),
        sa.Column('note', sa.String(), nullable=False),
        sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        *_of_a_claim('cheques'),
        sa.ForeignKeyConstraint(['replaces'], ['cheques.id'], name=op.f('fk_cheques_replaces')),
        sa.ForeignKeyConstraint(['image_id'], ['documents.id'], name=op.f('fk_cheques_image_id')),
        sa.ForeignKeyConstraint(['head_id'], ['damage_heads.id'], name=op.f('fk_cheques_head_id')),
        sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_cheques_offer_id')),
    )
    op.create_index('ix_cheques_claim', 'cheques', ['claim_id', 'due_date'])
    op.create_index('ix_cheques_due', 'cheques', ['live', 'due_date', 'office_id'])
    op.create_index('ix_cheques_warn', 'cheques', ['live', 'warn_on', 'id'])
    op.create_table(
        'cheque_steps',
        sa.Column('id', BIG, nullable=False),
        sa.Column('cheque_id', BIG, nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('wording', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        *_of_a_claim('cheque_steps'),
        sa.ForeignKeyConstraint(['cheque_id'], ['cheques.id'], name=op.f('fk_cheque_steps_cheque_id')),
    )
    op.create_index('ix_cheque_steps_cheque', 'cheque_steps', ['cheque_id', 'at'])


def downgrade() -> None:
    for name in ('cheque_steps', 'cheques', 'offers', 'head_amounts', 'vat_rates', 'reduction_reasons', 'damage_heads'):
        op.drop_table(name)
