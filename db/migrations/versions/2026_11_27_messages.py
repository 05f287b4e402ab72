"""Messages: threads, what was written, how far it reached, drafts and templates; the bureau's notes join them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from db.values import search_key

revision = 'messages'
down_revision = 'calls'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
# id, for whom, label, English label, text
TEMPLATES = (
    (
        'request_documents',
        'agent',
        'בקשת מסמכים',
        'Request documents',
        'שלום {agent},\n'
        'כדי להגיש את הדרישה בתיק {claim_no} ({insured_name}, רכב {plate}) חסרים לנו עדיין:\n'
        '• \n'
        'אפשר להעלות את המסמכים ישירות בתיק, בלשונית המסמכים. תודה.',
    ),
    (
        'general_update',
        'agent',
        'עדכון כללי',
        'General update',
        'שלום {agent},\n'
        'עדכון בתיק {claim_no}, {insured_name} ({plate}): סטטוס התביעה {status}.\n'
        'נעדכן כאן בכל התפתחות.',
    ),
    (
        'thanks',
        'agent',
        'תודה, התקבל',
        'Thanks, received',
        'תודה, התקבל. ממשיכים בטיפול בתיק {claim_no} ונעדכן כאן.',
    ),
    (
        'legal_transfer',
        'agent',
        'העברה לטיפול משפטי',
        'Transfer to legal',
        'שלום {agent},\n'
        'לאחר שהמו״מ מול {insurer} לא הבשיל, תיק {claim_no} ({insured_name}) עובר לטיפול משפטי.\n'
        'עורך הדין ייצור קשר עם הלקוח בימים הקרובים. אין צורך בפעולה מצד המשרד בשלב זה.',
    ),
    (
        'client_reminder',
        'insured',
        'תזכורת ללקוח',
        'Client reminder',
        'שלום {insured_name},\n'
        'בהמשך לתאונה מיום {event_date}, כדי להתקדם בתביעה עבור רכב {plate} עדיין חסרים לנו פרטים או מסמכים.\n'
        'נודה להעברתם בהקדם דרך {office}. מספר התיק אצלנו: {claim_no}.',
    ),
    (
        'status_request',
        'tp_insurer',
        'בקשת סטטוס מהמבטחת',
        'Status request to the insurer',
        'לכבוד {insurer}, מחלקת תביעות רכוש\n'
        'הנדון: תביעתכם {insurer_claim_no}, רכב {plate}, אירוע מיום {event_date}, תיקנו {claim_no}\n'
        'נודה לעדכון מצב הטיפול בדרישה שהוגשה ולמועד צפוי להחלטה.',
    ),
    (
        'payment_demand',
        'tp_insurer',
        'דרישת תשלום',
        'Payment demand',
        'לכבוד {insurer}, מחלקת תביעות רכוש\n'
        'הנדון: תביעתכם {insurer_claim_no}, רכב {plate}, אירוע מיום {event_date}, תיקנו {claim_no}\n'
        'טרם התקבל התשלום בגין הדרישה על סך {demand_amount}. נודה להעברתו בתוך 7 ימים ולאישור מועד הזיכוי.',
    ),
)


def upgrade() -> None:
    op.create_table(
        'threads',
        sa.Column('id', BIG, nullable=False),
        sa.Column('last_id', BIG, nullable=False),
        sa.Column('last_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('last_of_office', BIG, nullable=False),
        sa.Column('last_of_bureau', BIG, nullable=False),
        sa.Column('waits_for_bureau', sa.Boolean(), nullable=False),
        *_of_claim_or_office('threads'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_threads')),
        sa.UniqueConstraint('claim_id', name=op.f('uq_threads_claim_id')),
        sa.UniqueConstraint('id', 'office_id', name=op.f('uq_threads_id_office_id')),
    )
    op.create_index(op.f('ix_threads_office'), 'threads', ['office_id', 'last_id'])
    op.create_index(op.f('ix_threads_last'), 'threads', ['last_id'])
    op.create_index(op.f('ix_threads_waiting'), 'threads', ['waits_for_bureau', 'last_id'])
    op.create_table(
        'messages',
        sa.Column('id', BIG, nullable=False),
        sa.Column('thread_id', BIG, nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('from_bureau', sa.Boolean(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('body', sa.String(), nullable=False),
        sa.Column('search_key', sa.String(), nullable=False),
        sa.Column('mentions', JSON, nullable=False),
        sa.Column('key', sa.String(), nullable=True),
        sa.Column('internal', sa.Boolean(), nullable=False),
        *_of_claim_or_office('messages'),
        _of_thread('messages'),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_messages_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_messages')),
        sa.UniqueConstraint('user_id', 'key', name=op.f('uq_messages_user_id_key')),
    )
    op.create_index(op.f('ix_messages_thread'), 'messages', ['thread_id', 'id'])
    op.create_index(op.f('ix_messages_office'), 'messages', ['office_id', 'id'])
    op.create_index(op.f('ix_messages_claim'), 'messages', ['claim_id', 'internal'])
    op.create_table(
        'thread_marks',
        sa.Column('thread_id', BIG, nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('of_bureau', sa.Boolean(), nullable=False),
        sa.Column('delivered_id', BIG, nullable=False),
        sa.Column('read_id', BIG, nullable=False),
        *_of_claim_or_office('thread_marks'),
        _of_thread('thread_marks'),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_thread_marks_user_id')),
        sa.PrimaryKeyConstraint('thread_id', 'user_id', name=op.f('pk_thread_marks')),
    )
    op.create_index(op.f('ix_thread_marks_person'), 'thread_marks', ['user_id', 'thread_id'])
    op.create_table(
        'drafts',
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('thread_id', BIG, nullable=False),
        sa.Column('body', sa.String(), nullable=False),
        sa.Column('internal', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['thread_id'], ['threads.id'], name=op.f('fk_drafts_thread_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_drafts_user_id')),
        sa.PrimaryKeyConstraint('user_id', 'thread_id', name=op.f('pk_drafts')),
    )
    _make_templates()
    _move_notes()
    op.drop_table('internal_notes')


def _of_claim_or_office(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column('claim_id', BIG, nullable=True),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f(f'fk_{table}_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f(f'fk_{table}_office_id')),
    )


def _of_thread(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ['thread_id', 'office_id'], ['threads.id', 'threads.office_id'], name=op.f(f'fk_{table}_thread_id_office_id')
    )


def _make_templates() -> None:
    templates = op.create_table(
        'message_templates',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.Column('audience', sa.String(), nullable=False),
        sa.Column('body', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_message_templates')),
    )
    names = ('id', 'audience', 'label', 'label_en', 'body')
    op.bulk_insert(
        templates,
        [
            {**dict(zip(names, row, strict=True)), 'position': place, 'active': True}
            for place, row in enumerate(TEMPLATES)
        ],
    )


def _tables() -> tuple[sa.Table, sa.Table, sa.Table]:
    """The notes as they were, threads and messages."""
    bind, known = op.get_bind(), sa.MetaData()
    return (
        sa.Table('internal_notes', known, autoload_with=bind, resolve_fks=False),
        sa.Table('threads', known, autoload_with=bind, resolve_fks=False),
        sa.Table('messages', known, autoload_with=bind, resolve_fks=False),
    )


def _move_notes() -> None:
    """The bureau's notes on a claim become internal messages of the claim's thread, in the order they were written."""
    bind = op.get_bind()
    notes, threads, messages = _tables()
    claims = bind.execute(sa.select(notes.c.claim_id, notes.c.office_id).distinct()).all()
    nothing = {'last_id': 0, 'last_of_office': 0, 'last_of_bureau': 0, 'waits_for_bureau': False}
    begun = [{'claim_id': claim_id, 'office_id': office_id, **nothing} for claim_id, office_id in claims]
    if not begun:
        return
    bind.execute(sa.insert(threads), begun)
    thread_of = dict(bind.execute(sa.select(threads.c.claim_id, threads.c.id)).all())
    moved = [
        {
            **{name: note[name] for name in ('claim_id', 'office_id', 'body', 'at', 'by')},
            'thread_id': thread_of[note['claim_id']],
            'search_key': f' {search_key(note["body"])}',
            'from_bureau': True,
            'internal': True,
            'mentions': [],
        }
        for note in bind.execute(sa.select(notes).order_by(notes.c.id)).mappings()
    ]
    bind.execute(sa.insert(messages).values(mentions=sa.bindparam('mentions', type_=JSON)), moved)


def downgrade() -> None:
    op.create_table(
        'internal_notes',
        sa.Column('id', BIG, nullable=False),
        sa.Column('body', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.Column('internal', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'],
            ['claims.id', 'claims.office_id'],
            name=op.f('fk_internal_notes_claim_id_office_id'),
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_internal_notes_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_internal_notes')),
    )
    notes, _, messages = _tables()
    names = ('body', 'at', 'by', 'claim_id', 'office_id', 'internal')
    kept = sa.select(*(messages.c[name] for name in names)).where(messages.c.internal, messages.c.claim_id.is_not(None))
    op.get_bind().execute(sa.insert(notes).from_select(names, kept.order_by(messages.c.id)))
    for name in ('message_templates', 'drafts', 'thread_marks', 'messages', 'threads'):
        op.drop_table(name)
