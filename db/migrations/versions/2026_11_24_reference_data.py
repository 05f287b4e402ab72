"""The reference data every installation starts with; an admin edits it afterwards, so it is only ever inserted here."""

import sqlalchemy as sa
from alembic import op

revision = 'reference_data'
down_revision = 'first_schema'
branch_labels = None
depends_on = None

# id, label, English label
WAITING_PARTIES = (
    ('insured', 'הלקוח', 'The client'),
    ('agent', 'משרד הסוכן', "The agent's office"),
    ('garage', 'המוסך', 'The garage'),
    ('appraiser', 'השמאי', 'The appraiser'),
    ('tp_insurer', "חברת הביטוח של צד ג'", "The third party's insurer"),
    ('own_insurer', 'חברת הביטוח של המבוטח', "The client's own insurer"),
    ('bureau', 'הטיפול אצלנו', 'With us'),
    ('attorney', 'עורך הדין', 'The attorney'),
    ('court', 'בית המשפט', 'The court'),
    ('none', '—', '—'),
)
# id, label, English label, category, default waiting on, takes a reason, explanation, English explanation
CLAIM_STATUSES = (
    (
        'new',
        'חדשה',
        'New',
        'open',
        'bureau',
        False,
        'התיק נפתח ונמצא בבדיקה ראשונית',
        'The file was opened and is in its first check',
    ),
    (
        'awaiting_details',
        'ממתינה להשלמת פרטים',
        'Awaiting details',
        'waiting',
        'agent',
        False,
        'חסרים פרטים לפתיחת הטיפול',
        'Details are missing before work can start',
    ),
    (
        'awaiting_appraiser',
        'ממתינה לשמאי',
        'Awaiting appraiser',
        'waiting',
        'appraiser',
        False,
        'השמאי טרם בדק או טרם מסר דוח',
        'The appraiser has not inspected or reported yet',
    ),
    (
        'in_repair',
        'הרכב בתיקון',
        'In repair',
        'open',
        'garage',
        False,
        'הרכב במוסך; ראו את שלבי התיקון',
        'The car is at the garage; see the repair stages',
    ),
    (
        'awaiting_documents',
        'ממתינה למסמכים',
        'Awaiting documents',
        'waiting',
        'agent',
        False,
        'חסרים מסמכים להגשה; ראו רשימה',
        'Documents are missing for the submission; see the list',
    ),
    (
        'ready_to_submit',
        'מוכנה להגשה',
        'Ready to submit',
        'open',
        'bureau',
        False,
        'כל המסמכים התקבלו; מכתב הדרישה בהכנה',
        'All documents are in; the demand letter is being prepared',
    ),
    (
        'submitted',
        'הוגשה לחברת הביטוח',
        'Submitted to the insurer',
        'waiting',
        'tp_insurer',
        False,
        "הדרישה נמסרה לחברת הביטוח של צד ג'",
        "The demand was handed to the third party's insurer",
    ),
    (
        'under_insurer_review',
        'בבדיקת חברת הביטוח',
        'Under insurer review',
        'waiting',
        'tp_insurer',
        False,
        'חברת הביטוח בודקת את הדרישה',
        'The insurer is examining the demand',
    ),
    (
        'insurer_requested_info',
        'נדרשת השלמה',
        'More information required',
        'waiting',
        'bureau',
        True,
        'חברת הביטוח ביקשה מסמך או הבהרה',
        'The insurer asked for a document or a clarification',
    ),
    (
        'offer_received',
        'התקבלה הצעת פשרה',
        'Settlement offer received',
        'open',
        'insured',
        False,
        'התקבלה הצעה; נדרשת החלטת הלקוח',
        "An offer came in; the client's decision is needed",
    ),
    (
        'in_negotiation',
        'במשא ומתן',
        'In negotiation',
        'open',
        'tp_insurer',
        False,
        'מתנהל משא ומתן על הסכום',
        'The sum is being negotiated',
    ),
    (
        'approved_for_payment',
        'אושרה לתשלום',
        'Approved for payment',
        'money',
        'tp_insurer',
        False,
        'חברת הביטוח אישרה; ממתינים להפקת תשלום',
        'The insurer approved; we wait for the payment to be issued',
    ),
    (
        'awaiting_payment',
        'ממתינה לתשלום',
        'Awaiting payment',
        'money',
        'tp_insurer',
        False,
        'התשלום בדרך',
        'The payment is on its way',
    ),
    (
        'partially_paid',
        'תשלום חלקי',
        'Partially paid',
        'money',
        'tp_insurer',
        True,
        'התקבל חלק מהסכום; היתרה בטיפול',
        'Part of the sum came in; the balance is being handled',
    ),
    ('paid', 'שולמה', 'Paid', 'money', 'bureau', False, 'התקבל מלוא הסכום', 'The full sum came in'),
    (
        'rejected',
        'נדחתה',
        'Rejected',
        'open',
        'bureau',
        True,
        'חברת הביטוח דחתה את הדרישה',
        'The insurer rejected the demand',
    ),
    (
        'moved_to_legal',
        'הועברה לטיפול משפטי',
        'Moved to legal',
        'legal',
        'attorney',
        True,
        'התיק הועבר לעורך דין',
        'The file went to an attorney',
    ),
    (
        'in_legal',
        'בטיפול משפטי',
        'In legal proceedings',
        'legal',
        'court',
        False,
        'מתנהל הליך משפטי',
        'Legal proceedings are under way',
    ),
    ('closed', 'הסתיימה', 'Closed', 'closed', 'none', True, 'הטיפול הסתיים', 'The work is finished'),
)
# status, id, label, English label
STATUS_REASONS = (
    ('closed', 'paid_in_full', 'שולם מלא', 'Paid in full'),
    ('closed', 'paid_in_part', 'שולם חלקי', 'Paid in part'),
    ('closed', 'closed_rejected', 'נדחתה', 'Rejected'),
    ('closed', 'closed_to_legal', 'הועבר לטיפול משפטי', 'Moved to legal'),
    ('closed', 'closed_no_recovery', 'נסגר ללא גבייה', 'Closed without recovery'),
    ('closed', 'closed_cancelled', 'טעות – ביטול', 'Mistake, cancelled'),
    ('closed', 'other', 'אחר', 'Other'),
    ('moved_to_legal', 'legal_rejection', 'דחיית תביעה', 'Claim rejected'),
    ('moved_to_legal', 'legal_partial_payment', 'תשלום חלקי', 'Partial payment'),
    ('moved_to_legal', 'legal_no_response', 'אי תגובה', 'No response'),
    ('moved_to_legal', 'legal_amount_dispute', 'מחלוקת כספית', 'Dispute over the sum'),
    ('moved_to_legal', 'legal_liability_dispute', 'מחלוקת אחריות', 'Dispute over liability'),
    ('moved_to_legal', 'legal_exceptional_delay', 'עיכוב חריג', 'Exceptional delay'),
    ('moved_to_legal', 'other', 'אחר', 'Other'),
)
# id, label, English label, on the stage bar
REPAIR_STAGES = (
    ('not_arrived', 'טרם נכנס למוסך', 'Not at the garage yet', True),
    ('towing', 'גרירה / שינוע', 'Towing', False),
    ('vehicle_received', 'קבלת הרכב', 'Vehicle received', True),
    ('appraiser_inspection', 'בדיקת שמאי', 'Appraiser inspection', True),
    ('awaiting_repair_approval', 'המתנה לאישור', 'Awaiting approval', True),
    ('parts_ordered', 'הזמנת חלקים', 'Parts ordered', True),
    ('awaiting_parts', 'המתנה לחלקים', 'Awaiting parts', True),
    ('disassembly', 'פירוק', 'Disassembly', False),
    ('bodywork', 'פחחות', 'Bodywork', True),
    ('mechanical', 'מכונאות / חשמל', 'Mechanical and electrical', False),
    ('paint', 'צבע', 'Paint', True),
    ('reassembly', 'הרכבה', 'Reassembly', True),
    ('wheel_alignment', 'כיוון פרונט', 'Wheel alignment', False),
    ('quality_control', 'בקרת איכות', 'Quality control', True),
    ('appraiser_recheck', 'בדיקה חוזרת של השמאי', 'Appraiser recheck', False),
    ('ready_for_pickup', 'מוכן למסירה', 'Ready for pick-up', True),
    ('delivered', 'נמסר', 'Delivered', True),
)
# code, name, legal name, aliases, names that never mean it, kind, active
INSURERS = (
    ('harel', 'הראל', 'הראל חברה לביטוח בע"מ', ['הראל ביטוח', 'שירביט מבית הראל'], [], 'insurer', True),
    ('phoenix', 'הפניקס', 'הפניקס חברה לביטוח בע"מ', ['פניקס', 'הפניקס הישראלית'], [], 'insurer', True),
    ('migdal', 'מגדל', 'מגדל חברה לביטוח בע"מ', [], [], 'insurer', True),
    ('clal', 'כלל', 'כלל חברה לביטוח בע"מ', ['כלל ביטוח'], [], 'insurer', True),
    ('menora', 'מנורה מבטחים', 'מנורה מבטחים ביטוח בע"מ', ['מנורה'], ['סוכנות מנורה'], 'insurer', True),
    ('ayalon', 'איילון', 'איילון חברה לביטוח בע"מ', ['אילון'], [], 'insurer', True),
    ('hachshara', 'הכשרה', 'הכשרה חברה לביטוח בע"מ', ['הכשרת הישוב', 'הכשרת היישוב'], [], 'insurer', True),
    ('shlomo', 'שלמה', 'ש. שלמה חברה לביטוח בע"מ', ['שלמה ביטוח', 'ש.שלמה'], [], 'insurer', True),
    ('shomera', 'שומרה', 'שומרה חברה לביטוח בע"מ', [], [], 'insurer', True),
    (
        'idi',
        'ביטוח ישיר',
        'איי.די.איי. חברה לביטוח בע"מ',
        ['איי.די.איי', 'IDI', 'ביטוח 9', '9 מיליון'],
        [],
        'insurer',
        True,
    ),
    ('aig', 'AIG', 'איי.אי.ג\'י ישראל חברה לביטוח בע"מ', ["איי אי ג'י", "איי.איי.ג'י"], [], 'insurer', True),
    ('libra', 'ליברה', 'ליברה חברה לביטוח בע"מ', ['ליברא'], [], 'insurer', True),
    ('wesure', 'ווישור', 'ווישור חברה לביטוח בע"מ', ['WeSure', 'ווי שור'], [], 'insurer', True),
    ('haklai', 'ביטוח חקלאי', 'ביטוח חקלאי אגודה שיתופית מרכזית בע"מ', ['בט"ח'], [], 'insurer', True),
    ('shirbit', 'שירביט', 'שירביט חברה לביטוח בע"מ', [], [], 'insurer', False),
    ('eliahu', 'אליהו', 'אליהו חברה לביטוח בע"מ', [], [], 'insurer', False),
    ('wecar', 'וויקאר', '', [], [], 'insurer', True),
    ('self_insured', 'ביטוח עצמי (ליסינג / צי רכב)', '', ['ליסינג', 'השכרה'], [], 'self_insured', True),
    ('unknown', 'לא ידוע', '', [], [], 'unknown', True),
)


def upgrade() -> None:
    tables = sa.MetaData()
    tables.reflect(op.get_bind(), only=['waiting_parties', 'claim_statuses', 'status_reasons', 'repair_stages'])
    labelled = ('id', 'label', 'label_en')
    status_names = (*labelled, 'category', 'default_waiting_on', 'reason_required', 'explanation', 'explanation_en')
    for name, columns, rows in (
        ('waiting_parties', labelled, WAITING_PARTIES),
        ('claim_statuses', status_names, CLAIM_STATUSES),
        ('status_reasons', ('status_id', *labelled), STATUS_REASONS),
        ('repair_stages', (*labelled, 'shown'), REPAIR_STAGES),
    ):
        numbered = [
            {**dict(zip(columns, row, strict=True)), 'position': place, 'active': True}
            for place, row in enumerate(rows)
        ]
        op.bulk_insert(tables.tables[name], numbered)
    insurers = sa.table(
        'insurers',
        *(sa.column(name) for name in ('code', 'name', 'legal_name', 'kind', 'active')),
        *(sa.column(name, sa.JSON()) for name in ('aliases', 'never')),
    )
    names = ('code', 'name', 'legal_name', 'aliases', 'never', 'kind', 'active')
    op.bulk_insert(insurers, [dict(zip(names, row, strict=True)) for row in INSURERS])


def downgrade() -> None:
    for name in ('insurers', 'repair_stages', 'status_reasons', 'claim_statuses', 'waiting_parties'):
        op.execute(f'DELETE FROM {name}')
