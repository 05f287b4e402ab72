"""Repairs: stages with a colour and alerts, holds with their reasons, the events of every repair, photos by stage, signed links."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = 'repairs'
down_revision = 'calendar_and_alerts'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), 'postgresql')
# id, label, English label
HOLD_REASONS = (
    ('parts', 'ממתין לחלקים', 'Waiting for parts'),
    ('appraiser', 'ממתין לאישור שמאי', "Waiting for the appraiser's approval"),
    ('insurer', 'ממתין לאישור חברת הביטוח', "Waiting for the insurer's approval"),
    ('client', 'ממתין להחלטת הלקוח', "Waiting for the client's decision"),
    ('workload', 'עומס במוסך', 'The garage is overloaded'),
    ('other', 'אחר', 'Other'),
)
HUES = {
    'awaiting_repair_approval': 'amber',
    'awaiting_parts': 'orange',
    'ready_for_pickup': 'teal',
    'delivered': 'green',
}
PHOTOS = ('repair_photos', 'תמונות מהתיקון', 'Photos of the repair', 'photos', ['garage'], True)
AT_ONCE = 2000


def upgrade() -> None:
    _tables()
    _columns()
    _fill()
    _remember()


def _part_of_a_claim(name: str) -> tuple[Any, ...]:
    return (
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f(f'fk_{name}_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f(f'fk_{name}_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{name}')),
    )


def _tables() -> None:
    op.create_table(
        'hold_reasons',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_hold_reasons')),
    )
    op.create_table(
        'repair_events',
        sa.Column('id', BIG, nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('before', sa.String(), nullable=False),
        sa.Column('after', sa.String(), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('note', sa.String(), nullable=False),
        sa.Column('takes_back', BIG, nullable=True),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        *_part_of_a_claim('repair_events'),
    )
    op.create_index('ix_repair_events_claim', 'repair_events', ['claim_id', 'id'])
    op.create_table(
        'signed_links',
        sa.Column('id', BIG, nullable=False),
        sa.Column('token_hash', sa.String(), nullable=False),
        sa.Column('purpose', sa.String(), nullable=False),
        sa.Column('contact_phone', sa.String(), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('expires_at', MOMENT, nullable=False),
        sa.Column('revoked_at', MOMENT, nullable=True),
        sa.Column('revoked_by', sa.String(), nullable=False),
        sa.Column('used_at', MOMENT, nullable=True),
        sa.Column('uses', sa.Integer(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.UniqueConstraint('token_hash', name=op.f('uq_signed_links_token_hash')),
        *_part_of_a_claim('signed_links'),
    )
    op.create_index('ix_signed_links_claim', 'signed_links', ['claim_id', 'id'])


def _columns() -> None:
    op.add_column('claims', sa.Column('hold_reason', sa.String(), nullable=True))
    op.add_column('claims', sa.Column('hold_since', MOMENT, nullable=True))
    op.add_column('documents', sa.Column('repair_stage', sa.String(), nullable=True))
    op.add_column('repair_stages', sa.Column('hue', sa.String(), nullable=False, server_default=''))
    op.add_column('repair_stages', sa.Column('alerts', sa.Boolean(), nullable=False, server_default=sa.true()))


def _fill() -> None:
    stages = sa.table('repair_stages', sa.column('id'), sa.column('hue'))
    for stage, hue in HUES.items():
        op.execute(sa.update(stages).where(stages.c.id == stage).values(hue=hue))
    reasons = sa.table('hold_reasons', *(sa.column(name) for name in ('id', 'label', 'label_en', 'position', 'active')))
    names = ('id', 'label', 'label_en')
    op.bulk_insert(
        reasons,
        [
            {**dict(zip(names, row, strict=True)), 'position': place, 'active': True}
            for place, row in enumerate(HOLD_REASONS)
        ],
    )
    types = sa.table(
        'document_types',
        *(sa.column(name) for name in ('id', 'label', 'label_en', 'group', 'many', 'position', 'active')),
        sa.column('suppliers', sa.JSON()),
    )
    last = op.get_bind().scalar(sa.select(sa.func.max(types.c.position)))
    named = ('id', 'label', 'label_en', 'group', 'suppliers', 'many')
    op.bulk_insert(types, [{**dict(zip(named, PHOTOS, strict=True)), 'position': last + 1, 'active': True}])


def _remember() -> None:
    """What the record of changes tells of stages and days becomes the events of the repairs."""
    bind = op.get_bind()
    names = ('kind', 'before', 'after', 'reason', 'note', 'by', 'user_id', 'claim_id', 'office_id')
    events = sa.table('repair_events', *(sa.column(name) for name in names), sa.column('at', MOMENT))
    kept: list[dict[str, Any]] = []
    for event in _told_before(bind):
        kept.append(event)
        if len(kept) == AT_ONCE:
            bind.execute(sa.insert(events), kept)
            kept = []
    if kept:
        bind.execute(sa.insert(events), kept)


def _told_before(bind: sa.Connection) -> Iterator[dict[str, Any]]:
    told = sa.table(
        'changes',
        *(sa.column(name) for name in ('id', 'user_id', 'by', 'claim_id', 'office_id', 'kind')),
        *(sa.column('at', MOMENT), sa.column('fields', JSON)),
    )
    place = 0
    asked = sa.select(told).where(told.c.kind.in_(['opened', 'updated'])).order_by(told.c.id).limit(AT_ONCE)
    while rows := bind.execute(asked.where(told.c.id > place)).all():
        place = rows[-1].id
        for row in rows:
            for name, kind in (('repair_stage', 'stage'), ('eta', 'eta')):
                if name in row.fields:
                    before, after = row.fields[name]
                    part = {'claim_id': row.claim_id, 'office_id': row.office_id, 'user_id': row.user_id, 'by': row.by}
                    what = {'kind': kind, 'before': before or '', 'after': after or '', 'reason': '', 'note': ''}
                    yield {**part, **what, 'at': row.at}


def downgrade() -> None:
    for table, name in (
        *(('repair_stages', 'alerts'), ('repair_stages', 'hue'), ('documents', 'repair_stage')),
        *(('claims', 'hold_since'), ('claims', 'hold_reason')),
    ):
        op.drop_column(table, name)
    for name in ('signed_links', 'repair_events', 'hold_reasons'):
        op.drop_table(name)
    op.execute("UPDATE documents SET type = 'damage_photos' WHERE type = 'repair_photos'")
    op.execute("DELETE FROM document_types WHERE id = 'repair_photos'")
