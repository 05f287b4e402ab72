"""Tasks, the rules that make them, and the indexes of the bureau's desk."""

import sqlalchemy as sa
from alembic import op

revision = 'tasks'
down_revision = 'timetable'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
# id, status, stage, awaits, business days, repeats, label, English label
RULES = (
    ('first_check', 'new', None, None, 1, False, 'בדיקה ראשונית של התיק', 'First check of the file'),
    (
        *('details', 'awaiting_details', None, None, 5, True),
        *("השלמת הפרטים והמסמכים של צד ג'", "Complete the third party's details and documents"),
    ),
    (
        *('appraiser', 'awaiting_appraiser', None, 'appraisal', 3, True),
        *('בירור עם השמאי: בדיקה ודוח', 'Ask the appraiser for the inspection and the report'),
    ),
    (
        *('garage', 'in_repair', None, 'repair_step', 3, True),
        *('בירור עם המוסך: התקדמות התיקון', 'Ask the garage how the repair goes on'),
    ),
    (
        *('approval', None, 'awaiting_repair_approval', None, 5, True),
        *('בירור אישור התיקון', 'Ask for the approval of the repair'),
    ),
    (
        *('documents', 'awaiting_documents', None, 'documents', 3, True),
        *('השלמת המסמכים החסרים', 'Get the missing documents'),
    ),
    (
        *('submit', 'ready_to_submit', None, 'submission', 2, False),
        *('הגשת הדרישה לחברת הביטוח', 'Submit the demand to the insurer'),
    ),
    (
        *('insurer', 'submitted', None, None, 14, True),
        *('מעקב אצל חברת הביטוח: קליטת הדרישה', 'Follow up with the insurer: the demand was taken in'),
    ),
    (
        *('insurer_review', 'under_insurer_review', None, None, 14, True),
        *('מעקב אצל חברת הביטוח: החלטה', 'Follow up with the insurer: the decision'),
    ),
    (
        *('insurer_asked', 'insurer_requested_info', None, None, 2, True),
        *('מענה לבקשת ההשלמה של חברת הביטוח', "Answer the insurer's request"),
    ),
    (
        'offer',
        'offer_received',
        None,
        None,
        3,
        True,
        'קבלת החלטת הלקוח על ההצעה',
        "Get the client's decision on the offer",
    ),
    ('negotiation', 'in_negotiation', None, None, 5, True, 'המשך המשא ומתן עם חברת הביטוח', 'Go on negotiating'),
    (
        'payment_issued',
        'approved_for_payment',
        None,
        None,
        7,
        True,
        'בירור הפקת התשלום',
        'Ask for the payment to be issued',
    ),
    ('payment', 'awaiting_payment', None, None, 7, True, 'בירור קבלת התשלום', 'Ask whether the payment came in'),
    ('balance', 'partially_paid', None, None, 5, True, 'דרישת יתרת התשלום', 'Demand the balance'),
    (
        'close',
        'paid',
        None,
        None,
        2,
        False,
        'סגירה מול המוסך והשמאי וסיום הטיפול',
        'Settle with garage and appraiser, and close',
    ),
    (
        'rejection',
        'rejected',
        None,
        None,
        2,
        False,
        'החלטה על המשך הטיפול לאחר הדחייה',
        'Decide how to go on after the rejection',
    ),
    ('attorney', 'moved_to_legal', None, None, 10, True, 'בירור עם עורך הדין', 'Ask the attorney'),
    ('court', 'in_legal', None, None, 20, True, 'מעקב אחר ההליך המשפטי', 'Follow the proceedings'),
)


def upgrade() -> None:
    rules = op.create_table(
        'task_rules',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.Column('status_id', sa.String(), nullable=True),
        sa.Column('stage_id', sa.String(), nullable=True),
        sa.Column('waiting_on_id', sa.String(), nullable=True),
        sa.Column('awaits', sa.String(), nullable=True),
        sa.Column('days', sa.Integer(), nullable=False),
        sa.Column('repeats', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['status_id'], ['claim_statuses.id'], name=op.f('fk_task_rules_status_id')),
        sa.ForeignKeyConstraint(['stage_id'], ['repair_stages.id'], name=op.f('fk_task_rules_stage_id')),
        sa.ForeignKeyConstraint(['waiting_on_id'], ['waiting_parties.id'], name=op.f('fk_task_rules_waiting_on_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_task_rules')),
    )
    names = ('id', 'status_id', 'stage_id', 'awaits', 'days', 'repeats', 'label', 'label_en')
    op.bulk_insert(
        rules,
        [
            {**dict(zip(names, rule, strict=True)), 'waiting_on_id': None, 'position': place, 'active': True}
            for place, rule in enumerate(RULES, 1)
        ],
    )
    op.create_table(
        'tasks',
        sa.Column('id', BIG, nullable=False),
        sa.Column('title', sa.String(), nullable=False),
        sa.Column('due', sa.Date(), nullable=False),
        sa.Column('counted_from', sa.Date(), nullable=True),
        sa.Column('days', sa.Integer(), nullable=True),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('rule_id', sa.String(), nullable=True),
        sa.Column('key', sa.String(), nullable=True),
        sa.Column('shown', sa.Boolean(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('is_open', sa.Boolean(), nullable=False),
        sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('done_by', sa.String(), nullable=False),
        sa.Column('outcome', sa.String(), nullable=False),
        sa.Column('told_of', sa.Date(), nullable=True),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f('fk_tasks_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_tasks_office_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_tasks_user_id')),
        sa.ForeignKeyConstraint(['rule_id'], ['task_rules.id'], name=op.f('fk_tasks_rule_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_tasks')),
        sa.UniqueConstraint('claim_id', 'key', name=op.f('uq_tasks_claim_id_key')),
    )
    op.create_index('ix_tasks_claim', 'tasks', ['claim_id', 'due'])
    op.create_index('ix_tasks_whose', 'tasks', ['is_open', 'user_id', 'due', 'id'])
    op.create_index('ix_tasks_due', 'tasks', ['is_open', 'due', 'id'])
    op.create_index('ix_claims_next_action', 'claims', ['is_open', 'next_action_due', 'handler_id'])
    op.create_index('ix_claims_handler', 'claims', ['handler_id', 'is_open', 'waiting_on', 'seq'])
    op.create_index('ix_claims_status_since', 'claims', ['is_open', 'status', 'status_since', 'handler_id'])


def downgrade() -> None:
    for name in ('ix_claims_status_since', 'ix_claims_handler', 'ix_claims_next_action'):
        op.drop_index(name, 'claims')
    op.drop_table('tasks')
    op.drop_table('task_rules')
