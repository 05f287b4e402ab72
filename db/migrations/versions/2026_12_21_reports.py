"""What the reports count from: when a stage was entered that is left, moves of the money, when a demand was sent back."""

import sqlalchemy as sa
from alembic import op

revision = 'reports'
down_revision = 'views'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)
TAKEN_BACK = sa.text('takes_back IS NOT NULL')
INDEXES = {
    'ix_claims_opened': ('claims', ['opened_at', 'is_open', 'office_id', 'tp_insurer_id', 'status', 'agent_id']),
    'ix_claims_open_since': ('claims', ['is_open', 'opened_at', 'office_id', 'tp_insurer_id']),
    'ix_claims_submitted': (
        'claims',
        ['submitted_at', 'office_id', 'tp_insurer_id', 'agent_id', 'demand_amount', 'sent_back_at'],
    ),
    'ix_claims_closed': (
        'claims',
        ['closed_at', 'seq', 'is_open', 'office_id', 'tp_insurer_id', 'agent_id', 'opened_at'],
    ),
    'ix_repair_events_moved': (
        'repair_events',
        ['kind', 'at', 'office_id', 'before', 'after', 'since', 'claim_id', 'takes_back'],
    ),
    'ix_money_moves_at': ('money_moves', ['total', 'at', 'office_id', 'claim_id', 'amount']),
    'ix_money_moves_claim': ('money_moves', ['claim_id']),
}
TOTALS = {'approved': 'approved_amount', 'received': 'received_amount'}
SENT_BACK = 'insurer_requested_info'


def upgrade() -> None:
    op.add_column('claims', sa.Column('sent_back_at', MOMENT, nullable=True))
    op.add_column('repair_events', sa.Column('since', MOMENT, nullable=True))
    op.create_table(
        'money_moves',
        sa.Column('id', BIG, nullable=False),
        sa.Column('total', sa.String(), nullable=False),
        sa.Column('amount', BIG, nullable=False),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f('fk_money_moves_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_money_moves_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_money_moves')),
    )
    _fill()
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
    op.create_index(
        'ix_repair_events_takes_back',
        'repair_events',
        ['takes_back'],
        sqlite_where=TAKEN_BACK,
        postgresql_where=TAKEN_BACK,
    )


def _fill() -> None:
    """From the record of what happened so far, all at once and past the models."""
    entered = """(
        SELECT max(e.at) FROM repair_events e
        WHERE e.claim_id = repair_events.claim_id AND e.kind = 'stage' AND e.id < repair_events.id
        AND e.after = repair_events.before AND e.takes_back IS NULL
        AND e.id NOT IN (SELECT t.takes_back FROM repair_events t WHERE t.takes_back IS NOT NULL AND t.id < repair_events.id)
    )"""
    op.execute(f"UPDATE repair_events SET since = {entered} WHERE kind = 'stage' AND before <> ''")
    entered = """(
        SELECT max(e.at) FROM repair_events e
        WHERE e.claim_id = claims.id AND e.kind = 'stage' AND e.after = claims.repair_stage AND e.takes_back IS NULL
    )"""
    op.execute(f'UPDATE claims SET stage_since = {entered} WHERE stage_since IS NULL AND repair_stage IS NOT NULL')
    for total, field in TOTALS.items():
        before, after = _pair(field)
        op.execute(
            f'INSERT INTO money_moves (total, amount, at, claim_id, office_id) '
            f"SELECT '{total}', {after} - {before}, at, claim_id, office_id FROM changes "
            f"WHERE kind IN ('opened', 'updated') AND {after} <> {before} ORDER BY id"
        )
    op.execute(
        f'UPDATE claims SET sent_back_at = (SELECT min(at) FROM changes WHERE changes.claim_id = claims.id '
        f"AND changes.kind IN ('opened', 'updated') AND {_text('status', 1)} = '{SENT_BACK}')"
    )


def _text(field: str, place: int) -> str:
    """One side of what changed: 0 before, 1 after."""
    if op.get_bind().dialect.name == 'postgresql':
        return f"(fields -> '{field}' ->> {place})"
    return f"json_extract(fields, '$.{field}[{place}]')"


def _pair(field: str) -> tuple[str, str]:
    before, after = (f'coalesce(CAST({_text(field, place)} AS BIGINT), 0)' for place in (0, 1))
    return before, after


def downgrade() -> None:
    op.drop_index('ix_repair_events_takes_back', 'repair_events')
    for name, (table, _) in reversed(INDEXES.items()):
        op.drop_index(name, table)
    op.drop_table('money_moves')
    op.drop_column('repair_events', 'since')
    op.drop_column('claims', 'sent_back_at')
