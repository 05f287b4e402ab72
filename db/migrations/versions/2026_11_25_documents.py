"""Documents: types, the matrix of what is required, files, who saw them; the claim's flags and counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'documents'
down_revision = 'reference_data'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
MOMENT = sa.DateTime(timezone=True)

FLAGS = (
    *('own_policy_used', 'total_loss', 'business_owner', 'liability_disputed'),
    *('depreciation_claimed', 'towing_claimed', 'replacement_car_claimed'),
)
COUNTS = ('required_documents', 'missing_documents')
# id, label, English label, group, who supplies it, several are usual
DOCUMENT_TYPES = (
    ('accident_notice', 'טופס הודעה על תאונה', 'Accident notice', 'demand', ['insured', 'agent'], False),
    ('demand_letter', 'מכתב דרישה', 'Demand letter', 'demand', ['bureau'], False),
    ('appraisal_report', 'דוח שמאי', "Appraiser's report", 'appraisal', ['appraiser'], False),
    (
        'appraiser_fee_invoice',
        'חשבונית שכר טרחת שמאי',
        "Invoice for the appraiser's fee",
        'appraisal',
        ['appraiser'],
        False,
    ),
    (
        'appraiser_fee_receipt',
        'קבלה על שכר טרחת שמאי',
        "Receipt for the appraiser's fee",
        'appraisal',
        ['appraiser'],
        False,
    ),
    ('counter_appraisal', 'שומה נגדית', 'Counter appraisal', 'appraisal', ['tp_insurer'], True),
    ('damage_photos', 'תמונות נזק', 'Damage photos', 'photos', ['insured', 'appraiser', 'garage'], True),
    ('vehicle_licence', 'צילום רישיון רכב', 'Vehicle licence', 'vehicle', ['insured'], False),
    ('driving_licence', 'צילום רישיון נהיגה', 'Driving licence', 'vehicle', ['insured'], True),
    ('power_of_attorney', 'ייפוי כוח', 'Power of attorney', 'vehicle', ['insured'], False),
    ('info_consent', 'טופס הסכמה למסירת מידע', 'Consent to passing on information', 'vehicle', ['insured'], False),
    ('police_report', 'אישור משטרה', 'Police report', 'vehicle', ['insured'], True),
    ('witness_statement', 'הצהרת עד', 'Witness statement', 'vehicle', ['insured'], True),
    ('repair_invoice', 'חשבונית תיקון (מקור)', 'Repair invoice (original)', 'repair', ['garage'], True),
    ('payment_receipt', 'קבלה', 'Receipt', 'repair', ['garage'], True),
    ('towing_invoice', 'חשבונית גרירה', 'Towing invoice', 'repair', ['insured'], True),
    ('replacement_car_invoice', 'חשבונית רכב חלופי', 'Replacement car invoice', 'repair', ['insured'], True),
    (
        'no_claim_confirmation',
        'אישור אי הגשת תביעה (מקור)',
        'Confirmation of no claim (original)',
        'money',
        ['own_insurer'],
        False,
    ),
    ('loss_confirmation', 'אישור הפסדים', 'Confirmation of losses', 'money', ['own_insurer'], False),
    ('claims_history', 'עבר ביטוחי (3 שנים)', 'Insurance history (3 years)', 'money', ['own_insurer'], False),
    ('settlement_request_form', "טופס בקשה להסדר צד ג'", 'Settlement request form', 'demand', ['insured'], False),
    ('bank_details', 'אישור ניהול חשבון', 'Bank account confirmation', 'money', ['insured'], False),
    ('vat_confirmation', 'אישור רו"ח – מע"מ', "Accountant's VAT confirmation", 'money', ['insured'], False),
    ('settlement_offer_letter', 'הצעת פשרה', 'Settlement offer', 'money', ['tp_insurer'], True),
    ('waiver_and_release', 'כתב ויתור ושחרור', 'Waiver and release', 'money', ['insured'], True),
    ('rejection_letter', 'מכתב דחייה', 'Rejection letter', 'money', ['tp_insurer'], True),
    ('cheque_image', 'צילום המחאה', 'Cheque image', 'money', ['tp_insurer'], True),
    ('other_required', 'מסמך אחר', 'Another document', 'money', ['insured', 'agent'], True),
)
# type, track, insurer, flag and its value, blocking; None: any
REQUIREMENTS = (
    ('accident_notice', None, None, None, True, True),
    ('vehicle_licence', None, None, None, True, True),
    ('driving_licence', None, None, None, True, False),
    ('damage_photos', None, None, None, True, True),
    ('appraisal_report', 'private_report', None, None, True, True),
    ('appraiser_fee_invoice', 'private_report', None, None, True, True),
    ('appraiser_fee_receipt', 'private_report', 'harel', None, True, False),
    ('repair_invoice', 'private_report', None, 'total_loss', False, True),
    ('payment_receipt', 'private_report', 'harel', 'total_loss', False, False),
    ('demand_letter', 'private_report', None, None, True, True),
    ('no_claim_confirmation', None, None, 'own_policy_used', False, True),
    ('loss_confirmation', 'private_report', None, 'own_policy_used', True, True),
    ('claims_history', None, 'shlomo', 'depreciation_claimed', True, True),
    ('claims_history', None, 'shlomo', 'total_loss', True, True),
    ('settlement_request_form', 'settlement', 'shlomo', None, True, True),
    ('power_of_attorney', None, None, None, True, False),
    ('bank_details', 'private_report', None, None, True, False),
    ('vat_confirmation', None, None, 'business_owner', True, True),
    ('towing_invoice', 'private_report', None, 'towing_claimed', True, False),
    ('replacement_car_invoice', 'private_report', None, 'replacement_car_claimed', True, False),
    ('police_report', None, None, 'liability_disputed', True, False),
    ('witness_statement', None, None, 'liability_disputed', True, False),
)


def upgrade() -> None:
    for name in FLAGS:
        op.add_column('claims', sa.Column(name, sa.Boolean(), nullable=True))
    for name in COUNTS:
        op.add_column('claims', sa.Column(name, sa.Integer(), nullable=False, server_default='0'))
    _tables_of_the_matrix()
    _tables_of_a_claim()
    _fill()


def _tables_of_the_matrix() -> None:
    op.create_table(
        'document_types',
        sa.Column('group', sa.String(), nullable=False),
        sa.Column('suppliers', JSON, nullable=False),
        sa.Column('many', sa.Boolean(), nullable=False),
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_document_types')),
    )
    op.create_table(
        'document_requirements',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('type', sa.String(), nullable=False),
        sa.Column('track', sa.String(), nullable=True),
        sa.Column('insurer_id', sa.Integer(), nullable=True),
        sa.Column('flag', sa.String(), nullable=True),
        sa.Column('flag_value', sa.Boolean(), nullable=False),
        sa.Column('required', sa.Boolean(), nullable=False),
        sa.Column('blocking', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['type'], ['document_types.id'], name=op.f('fk_document_requirements_type')),
        sa.ForeignKeyConstraint(['insurer_id'], ['insurers.id'], name=op.f('fk_document_requirements_insurer_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_document_requirements')),
    )


def _part_of_a_claim(name: str) -> list[sa.Constraint]:
    """The second wall: a part cannot sit in one office and its claim in another."""
    return [
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f(f'fk_{name}_office_id')),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f(f'fk_{name}_claim_id_office_id')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{name}')),
    ]


def _tables_of_a_claim() -> None:
    op.create_table(
        'document_needs',
        sa.Column('id', BIG, nullable=False),
        sa.Column('type', sa.String(), nullable=False),
        sa.Column('waived', sa.Boolean(), nullable=False),
        sa.Column('blocking', sa.Boolean(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('withdrawn_at', MOMENT, nullable=True),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['type'], ['document_types.id'], name=op.f('fk_document_needs_type')),
        *_part_of_a_claim('document_needs'),
    )
    op.create_index('ix_document_needs_claim', 'document_needs', ['claim_id'], unique=False)
    op.create_table(
        'documents',
        sa.Column('id', BIG, nullable=False),
        sa.Column('uuid', sa.String(), nullable=False),
        sa.Column('type', sa.String(), nullable=False),
        sa.Column('need_id', BIG, nullable=True),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('reject_reason', sa.String(), nullable=False),
        sa.Column('decided_by', sa.String(), nullable=False),
        sa.Column('decided_at', MOMENT, nullable=True),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('replaces', BIG, nullable=True),
        sa.Column('title', sa.String(), nullable=False),
        sa.Column('original_name', sa.String(), nullable=False),
        sa.Column('media_type', sa.String(), nullable=False),
        sa.Column('size', BIG, nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('served_size', BIG, nullable=False),
        sa.Column('served_sha256', sa.String(), nullable=False),
        sa.Column('pages', sa.Integer(), nullable=True),
        sa.Column('preview_state', sa.String(), nullable=False),
        sa.Column('scanned', sa.Boolean(), nullable=False),
        sa.Column('uploaded_by', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('deleted_at', MOMENT, nullable=True),
        sa.Column('deleted_by', sa.String(), nullable=False),
        sa.Column('message_id', BIG, nullable=True),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['type'], ['document_types.id'], name=op.f('fk_documents_type')),
        sa.ForeignKeyConstraint(['need_id'], ['document_needs.id'], name=op.f('fk_documents_need_id')),
        sa.ForeignKeyConstraint(['replaces'], ['documents.id'], name=op.f('fk_documents_replaces')),
        sa.UniqueConstraint('uuid', name=op.f('uq_documents_uuid')),
        *_part_of_a_claim('documents'),
    )
    op.create_index('ix_documents_claim', 'documents', ['claim_id', 'id'], unique=False)
    op.create_index('ix_documents_sha256', 'documents', ['sha256'], unique=False)
    op.create_index('ix_documents_served_sha256', 'documents', ['served_sha256'], unique=False)
    op.create_index('ix_documents_preview', 'documents', ['preview_state', 'id'], unique=False)
    op.create_table(
        'document_views',
        sa.Column('id', BIG, nullable=False),
        sa.Column('document_id', BIG, nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('how', sa.String(), nullable=False),
        sa.Column('internal', sa.Boolean(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_document_views_document_id')),
        *_part_of_a_claim('document_views'),
    )
    op.create_index('ix_document_views_document', 'document_views', ['document_id', 'id'], unique=False)


def _fill() -> None:
    bind = op.get_bind()
    tables = sa.MetaData()
    tables.reflect(bind, only=['document_requirements', 'insurers'])
    insurers = {row.code: row.id for row in bind.execute(sa.select(tables.tables['insurers']))}
    types = sa.table(
        'document_types',
        *(sa.column(name) for name in ('id', 'label', 'label_en', 'group', 'many', 'position', 'active')),
        sa.column('suppliers', sa.JSON()),
    )
    names = ('id', 'label', 'label_en', 'group', 'suppliers', 'many')
    op.bulk_insert(
        types,
        [
            {**dict(zip(names, row, strict=True)), 'position': place, 'active': True}
            for place, row in enumerate(DOCUMENT_TYPES)
        ],
    )
    lines = ('type', 'track', 'insurer_id', 'flag', 'flag_value', 'blocking')
    op.bulk_insert(
        tables.tables['document_requirements'],
        [
            {**dict(zip(lines, row, strict=True)), 'insurer_id': insurers.get(row[2]), 'required': True}
            for row in REQUIREMENTS
        ],
    )


def downgrade() -> None:
    for name in ('document_views', 'documents', 'document_needs', 'document_requirements', 'document_types'):
        op.drop_table(name)
    for name in (*COUNTS, *FLAGS):
        op.drop_column('claims', name)
