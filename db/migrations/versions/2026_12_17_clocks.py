"""Regulatory clocks: their rules, and the days staff set by hand."""

import sqlalchemy as sa
from alembic import op

revision = 'clocks'
down_revision = 'mail'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
CIRCULAR = 'חוזר המפקח על הביטוח 2016-9-9, בירור ויישוב תביעות'
# id, label, English label, rule, English rule, source, starts with, ends with, how many, unit, condition
RULES = (
    (
        *('insurer_more_docs', 'דרישת מידע ומסמכים נוספים', 'Request for further documents'),
        'המבטח ידרוש מידע ומסמכים נוספים בתוך 14 ימי עסקים מיום שהדרישה נמסרה לו.',
        'The insurer asks for further information and documents within 14 business days of receiving the demand.',
        *(CIRCULAR, 'submitted', 'more_documents', 14, 'business', None),
    ),
    (
        *('insurer_decision', 'הודעת המבטח על תוצאות הבירור', "The insurer's answer"),
        'המבטח ימסור הודעה על תוצאות הבירור בתוך 30 ימים מיום שהיו בידיו כל המידע והמסמכים.',
        'The insurer tells the outcome within 30 days of having all information and documents.',
        *(CIRCULAR, 'file_complete', 'decision', 30, 'calendar', None),
    ),
    (
        *('insurer_continued', 'הודעת המשך בירור', 'Notice that the inquiry goes on'),
        'כל עוד הבירור לא הסתיים, המבטח ימסור הודעת המשך בירור לפחות אחת ל-90 ימים מהודעתו האחרונה.',
        'While the inquiry goes on, the insurer says so at least once in 90 days after its last notice.',
        *(CIRCULAR, 'notice', 'decision', 90, 'calendar', None),
    ),
    (
        *('insurer_notify_insured', "הודעה למבוטח על דרישת צד ג'", "Telling the insurer's client of the demand"),
        "המבטח יודיע למבוטח שלו על דרישת צד ג' בתוך 7 ימי עסקים.",
        "The insurer tells its own client of the third party's demand within 7 business days.",
        *(CIRCULAR, 'submitted', 'notified', 7, 'business', None),
    ),
    (
        *('policy_info', 'מסירת מידע על קיום פוליסה', 'Information whether there is a policy'),
        'המבטח ימסור מידע על קיומה של פוליסה בתוך 14 ימי עסקים מיום הבקשה.',
        'The insurer says whether there is a policy within 14 business days of the request.',
        *(CIRCULAR, 'request', 'answered', 14, 'business', None),
    ),
    (
        *('public_enquiry', 'מענה לפניית ציבור', 'Answer to an enquiry of the public'),
        'המבטח ישיב לפנייה בכתב בתוך 30 ימים מיום שהתקבלה.',
        'The insurer answers a written enquiry within 30 days of receiving it.',
        *(CIRCULAR, 'request', 'answered', 30, 'calendar', None),
    ),
    (
        *('limitation_tort', "התיישנות תביעת צד ג'", 'Limitation of the third-party claim'),
        'תביעה בנזיקין מתיישנת בתוך 7 שנים מיום האירוע. פנייה לחברת הביטוח אינה עוצרת את המניין.',
        'A claim in tort is barred 7 years after the event. Turning to the insurer does not stop the count.',
        *('חוק ההתיישנות, תשי״ח-1958', 'event_date', 'settled', 7, 'years', None),
    ),
    (
        *('limitation_policy', 'התיישנות תגמולי ביטוח (פוליסה עצמית)', 'Limitation of the own policy'),
        'תביעה לתגמולי ביטוח מתיישנת בתוך 3 שנים מיום קרות מקרה הביטוח.',
        'A claim for insurance benefits is barred 3 years after the insured event.',
        *('חוק חוזה הביטוח, תשמ״א-1981, סעיף 31', 'event_date', 'settled', 3, 'years', 'own_policy_used'),
    ),
)
NAMES = (
    *('id', 'label', 'label_en', 'rule', 'rule_en', 'source', 'starts_with', 'ends_with', 'amount', 'unit', 'flag'),
)


def upgrade() -> None:
    rules = op.create_table(
        'clock_rules',
        sa.Column('rule', sa.String(), nullable=False),
        sa.Column('rule_en', sa.String(), nullable=False),
        sa.Column('source', sa.String(), nullable=False),
        sa.Column('starts_with', sa.String(), nullable=False),
        sa.Column('ends_with', sa.String(), nullable=True),
        sa.Column('amount', sa.Integer(), nullable=False),
        sa.Column('unit', sa.String(), nullable=False),
        sa.Column('flag', sa.String(), nullable=True),
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_rules')),
    )
    op.bulk_insert(
        rules,
        [
            {**dict(zip(NAMES, row, strict=True)), 'position': place, 'active': True}
            for place, row in enumerate(RULES, start=1)
        ],
    )
    op.create_table(
        'clock_days',
        sa.Column('id', BIG, nullable=False),
        sa.Column('event', sa.String(), nullable=False),
        sa.Column('day', sa.Date(), nullable=True),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f('fk_clock_days_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_clock_days_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_days')),
        sa.UniqueConstraint('claim_id', 'event', name=op.f('uq_clock_days_claim_id_event')),
    )


def downgrade() -> None:
    op.drop_table('clock_days')
    op.drop_table('clock_rules')
