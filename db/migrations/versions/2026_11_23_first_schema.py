"""First schema: offices, people, reference tables, claims, their record, alerts and the search index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'first_schema'
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
OWN_XID = sa.text('(pg_current_xact_id()::text)::bigint')

# the trigram index follows the table by itself; its rowid is the claim's seq, so hits come newest first
SQLITE_SEARCH = (
    "CREATE VIRTUAL TABLE claim_fts USING fts5(text, content='claim_search', content_rowid='seq', tokenize='trigram', columnsize=0)",
    'CREATE TRIGGER claim_search_added AFTER INSERT ON claim_search BEGIN '
    'INSERT INTO claim_fts(rowid, text) VALUES (new.seq, new.text); END',
    'CREATE TRIGGER claim_search_removed AFTER DELETE ON claim_search BEGIN '
    "INSERT INTO claim_fts(claim_fts, rowid, text) VALUES ('delete', old.seq, old.text); END",
    'CREATE TRIGGER claim_search_changed AFTER UPDATE ON claim_search BEGIN '
    "INSERT INTO claim_fts(claim_fts, rowid, text) VALUES ('delete', old.seq, old.text); "
    'INSERT INTO claim_fts(rowid, text) VALUES (new.seq, new.text); END',
)
POSTGRES_SEARCH = (
    'CREATE EXTENSION IF NOT EXISTS pg_trgm',
    'CREATE INDEX ix_claim_search_text ON claim_search USING gin (text gin_trgm_ops)',
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == 'postgresql'
    op.create_table(
        'agent_offices',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('agents_see_own_only', sa.Boolean(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_agent_offices')),
        sa.UniqueConstraint('name', name=op.f('uq_agent_offices_name')),
    )
    op.create_table(
        'appraisers',
        sa.Column('licence_no', sa.String(), nullable=False),
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('contact', sa.String(), nullable=False),
        sa.Column('phone', sa.String(), nullable=False),
        sa.Column('email', sa.String(), nullable=False),
        sa.Column('address', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_appraisers')),
        sa.UniqueConstraint('name', name=op.f('uq_appraisers_name')),
    )
    op.create_table(
        'cursors',
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('xid', BIG, nullable=False),
        sa.Column('change_id', BIG, nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_cursors')),
    )
    op.create_table(
        'garages',
        sa.Column('network', sa.Boolean(), nullable=False),
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('contact', sa.String(), nullable=False),
        sa.Column('phone', sa.String(), nullable=False),
        sa.Column('email', sa.String(), nullable=False),
        sa.Column('address', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_garages')),
        sa.UniqueConstraint('name', name=op.f('uq_garages_name')),
    )
    op.create_table(
        'insurers',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('code', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('legal_name', sa.String(), nullable=False),
        sa.Column('aliases', JSON, nullable=False),
        sa.Column('never', JSON, nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_insurers')),
        sa.UniqueConstraint('code', name=op.f('uq_insurers_code')),
        sa.UniqueConstraint('name', name=op.f('uq_insurers_name')),
    )
    op.create_table(
        'repair_stages',
        sa.Column('shown', sa.Boolean(), nullable=False),
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_repair_stages')),
    )
    op.create_table(
        'sign_in_attempts',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_attempts')),
    )
    op.create_index('ix_sign_in_attempts_key', 'sign_in_attempts', ['key', 'at'], unique=False)
    op.create_table(
        'waiting_parties',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_waiting_parties')),
    )
    op.create_table(
        'claim_statuses',
        sa.Column('category', sa.String(), nullable=False),
        sa.Column('default_waiting_on', sa.String(), nullable=False),
        sa.Column('reason_required', sa.Boolean(), nullable=False),
        sa.Column('explanation', sa.String(), nullable=False),
        sa.Column('explanation_en', sa.String(), nullable=False),
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ['default_waiting_on'], ['waiting_parties.id'], name=op.f('fk_claim_statuses_default_waiting_on')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_statuses')),
    )
    op.create_table(
        'users',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=True),
        sa.Column('role', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('email', sa.String(), nullable=True),
        sa.Column('language', sa.String(), nullable=False),
        sa.Column('theme', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.Column('baseline_seq', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_users_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
        sa.UniqueConstraint('email', name=op.f('uq_users_email')),
    )
    op.create_index(op.f('ix_users_office_id'), 'users', ['office_id'], unique=False)
    op.create_table(
        'claims',
        sa.Column('id', BIG, nullable=False),
        sa.Column('seq', BIG, nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('claim_no', sa.String(), nullable=False),
        sa.Column('claim_no_key', sa.String(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('agent_id', sa.Integer(), nullable=True),
        sa.Column('handler_id', sa.Integer(), nullable=True),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('status_reason', sa.String(), nullable=False),
        sa.Column('status_since', sa.DateTime(timezone=True), nullable=False),
        sa.Column('is_open', sa.Boolean(), nullable=False),
        sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('repair_stage', sa.String(), nullable=True),
        sa.Column('stage_since', sa.DateTime(timezone=True), nullable=True),
        sa.Column('documents', sa.String(), nullable=False),
        sa.Column('waiting_on', sa.String(), nullable=False),
        sa.Column('waiting_since', sa.DateTime(timezone=True), nullable=False),
        sa.Column('next_action', sa.String(), nullable=False),
        sa.Column('next_action_due', sa.Date(), nullable=True),
        sa.Column('track', sa.String(), nullable=False),
        sa.Column('opened_at', sa.Date(), nullable=False),
        sa.Column('submitted_at', sa.Date(), nullable=True),
        sa.Column('daily_note', sa.String(), nullable=False),
        sa.Column('daily_note_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('daily_note_by', sa.String(), nullable=False),
        sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('checked_by', sa.String(), nullable=False),
        sa.Column('insured_name', sa.String(), nullable=False),
        sa.Column('insured_key', sa.String(), nullable=False),
        sa.Column('insured_id_no', sa.String(), nullable=False),
        sa.Column('insured_address', sa.String(), nullable=False),
        sa.Column('insured_phone', sa.String(), nullable=False),
        sa.Column('insured_email', sa.String(), nullable=False),
        sa.Column('plate', sa.String(), nullable=False),
        sa.Column('make_model', sa.String(), nullable=False),
        sa.Column('model_year', sa.Integer(), nullable=True),
        sa.Column('policy_no', sa.String(), nullable=False),
        sa.Column('own_insurer_id', sa.Integer(), nullable=True),
        sa.Column('event_date', sa.Date(), nullable=False),
        sa.Column('circumstances', sa.String(), nullable=False),
        sa.Column('driver', sa.String(), nullable=False),
        sa.Column('driver_id_no', sa.String(), nullable=False),
        sa.Column('driver_licence_no', sa.String(), nullable=False),
        sa.Column('driver_phone', sa.String(), nullable=False),
        sa.Column('tp_policy_holder', sa.String(), nullable=False),
        sa.Column('tp_phone', sa.String(), nullable=False),
        sa.Column('tp_plate', sa.String(), nullable=False),
        sa.Column('tp_make_model', sa.String(), nullable=False),
        sa.Column('tp_insurer_id', sa.Integer(), nullable=True),
        sa.Column('tp_policy_no', sa.String(), nullable=False),
        sa.Column('insurer_claim_no', sa.String(), nullable=False),
        sa.Column('claims_adjuster', sa.String(), nullable=False),
        sa.Column('claims_adjuster_phone', sa.String(), nullable=False),
        sa.Column('tp_driver', sa.String(), nullable=False),
        sa.Column('tp_driver_id_no', sa.String(), nullable=False),
        sa.Column('tp_driver_licence_no', sa.String(), nullable=False),
        sa.Column('tp_driver_phone', sa.String(), nullable=False),
        sa.Column('tp_driver_address', sa.String(), nullable=False),
        sa.Column('tp_agent', sa.String(), nullable=False),
        sa.Column('tp_agent_office', sa.String(), nullable=False),
        sa.Column('tp_agent_phone', sa.String(), nullable=False),
        sa.Column('tp_agent_email', sa.String(), nullable=False),
        sa.Column('garage_id', sa.Integer(), nullable=True),
        sa.Column('eta', sa.Date(), nullable=True),
        sa.Column('appraiser_id', sa.Integer(), nullable=True),
        sa.Column('appraised_at', sa.Date(), nullable=True),
        sa.Column('appraisal_amount', BIG, nullable=True),
        sa.Column('demand_amount', BIG, nullable=True),
        sa.Column('offered_amount', BIG, nullable=True),
        sa.Column('approved_amount', BIG, nullable=True),
        sa.Column('received_amount', BIG, nullable=True),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['agent_id'], ['users.id'], name=op.f('fk_claims_agent_id')),
        sa.ForeignKeyConstraint(['appraiser_id'], ['appraisers.id'], name=op.f('fk_claims_appraiser_id')),
        sa.ForeignKeyConstraint(['garage_id'], ['garages.id'], name=op.f('fk_claims_garage_id')),
        sa.ForeignKeyConstraint(['handler_id'], ['users.id'], name=op.f('fk_claims_handler_id')),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_claims_office_id')),
        sa.ForeignKeyConstraint(['own_insurer_id'], ['insurers.id'], name=op.f('fk_claims_own_insurer_id')),
        sa.ForeignKeyConstraint(['repair_stage'], ['repair_stages.id'], name=op.f('fk_claims_repair_stage')),
        sa.ForeignKeyConstraint(['status'], ['claim_statuses.id'], name=op.f('fk_claims_status')),
        sa.ForeignKeyConstraint(['tp_insurer_id'], ['insurers.id'], name=op.f('fk_claims_tp_insurer_id')),
        sa.ForeignKeyConstraint(['waiting_on'], ['waiting_parties.id'], name=op.f('fk_claims_waiting_on')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_claims')),
        sa.UniqueConstraint('claim_no', name=op.f('uq_claims_claim_no')),
        sa.UniqueConstraint('id', 'office_id', name=op.f('uq_claims_id_office_id')),
        sa.UniqueConstraint('seq', name=op.f('uq_claims_seq')),
    )
    op.create_index('ix_claims_agent_seq', 'claims', ['agent_id', 'seq', 'is_open', 'office_id'], unique=False)
    op.create_index('ix_claims_claim_no_key', 'claims', ['claim_no_key'], unique=False)
    op.create_index('ix_claims_event', 'claims', ['event_date', 'seq', 'is_open', 'office_id'], unique=False)
    op.create_index('ix_claims_garage_seq', 'claims', ['garage_id', 'seq', 'is_open', 'office_id'], unique=False)
    op.create_index('ix_claims_by_name', 'claims', ['insured_key', 'seq', 'is_open'], unique=False)
    op.create_index('ix_claims_insured', 'claims', ['office_id', 'insured_key', 'seq', 'is_open'], unique=False)
    op.create_index(
        'ix_claims_insurer_seq', 'claims', ['tp_insurer_id', 'seq', 'is_open', 'garage_id', 'office_id'], unique=False
    )
    op.create_index(
        'ix_claims_office_seq',
        'claims',
        ['office_id', 'seq', 'is_open', 'status', 'tp_insurer_id', 'agent_id', 'garage_id', 'waiting_on', 'event_date'],
        unique=False,
    )
    op.create_index('ix_claims_open_seq', 'claims', ['is_open', 'seq'], unique=False)
    op.create_index('ix_claims_plate', 'claims', ['plate', 'event_date'], unique=False)
    op.create_index(
        'ix_claims_status_seq',
        'claims',
        ['status', 'seq', 'is_open', 'tp_insurer_id', 'garage_id', 'office_id'],
        unique=False,
    )
    op.create_index('ix_claims_waiting_seq', 'claims', ['waiting_on', 'seq', 'is_open', 'office_id'], unique=False)
    op.create_table(
        'credentials',
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('password_hash', sa.String(), nullable=False),
        sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('must_change', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_credentials_user_id')),
        sa.PrimaryKeyConstraint('user_id', name=op.f('pk_credentials')),
    )
    op.create_table(
        'one_time_links',
        sa.Column('token_hash', sa.String(), nullable=False),
        sa.Column('purpose', sa.String(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_one_time_links_user_id')),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_one_time_links')),
    )
    op.create_table(
        'status_reasons',
        sa.Column('status_id', sa.String(), nullable=False),
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('label_en', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['status_id'], ['claim_statuses.id'], name=op.f('fk_status_reasons_status_id')),
        sa.PrimaryKeyConstraint('status_id', 'id', name=op.f('pk_status_reasons')),
    )
    op.create_table(
        'web_sessions',
        sa.Column('token_hash', sa.String(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('remembered', sa.Boolean(), nullable=False),
        sa.Column('address', sa.String(), nullable=False),
        sa.Column('browser', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_web_sessions_user_id')),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_web_sessions')),
    )
    op.create_index('ix_web_sessions_user', 'web_sessions', ['user_id'], unique=False)
    op.create_table(
        'changes',
        sa.Column('id', BIG, nullable=False),
        sa.Column('xid', BIG, nullable=True, server_default=OWN_XID if postgres else None),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('quiet', sa.Boolean(), nullable=False),
        sa.Column('fields', JSON, nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.Column('internal', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f('fk_changes_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_changes_office_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_changes')),
    )
    op.create_index('ix_changes_claim', 'changes', ['claim_id', 'id'], unique=False)
    op.create_index('ix_changes_xid', 'changes', ['xid', 'id'], unique=False)
    op.create_table(
        'claim_search',
        sa.Column('seq', BIG, autoincrement=False, nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('text', sa.String(), nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'],
            ['claims.id', 'claims.office_id'],
            name=op.f('fk_claim_search_claim_id_office_id'),
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_claim_search_office_id')),
        sa.PrimaryKeyConstraint('seq', name=op.f('pk_claim_search')),
        sa.UniqueConstraint('claim_id', name=op.f('uq_claim_search_claim_id')),
    )
    op.create_index('ix_claim_search_office', 'claim_search', ['office_id', 'seq'], unique=False)
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
    op.create_table(
        'seen_marks',
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('seq', BIG, nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f('fk_seen_marks_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_seen_marks_office_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_seen_marks_user_id')),
        sa.PrimaryKeyConstraint('user_id', 'claim_id', name=op.f('pk_seen_marks')),
    )
    op.create_table(
        'alerts',
        sa.Column('id', BIG, nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('change_id', BIG, nullable=True),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('claim_id', BIG, nullable=False),
        sa.Column('office_id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['change_id'], ['changes.id'], name=op.f('fk_alerts_change_id')),
        sa.ForeignKeyConstraint(
            ['claim_id', 'office_id'], ['claims.id', 'claims.office_id'], name=op.f('fk_alerts_claim_id_office_id')
        ),
        sa.ForeignKeyConstraint(['office_id'], ['agent_offices.id'], name=op.f('fk_alerts_office_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_alerts_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_alerts')),
        sa.UniqueConstraint('user_id', 'key', name=op.f('uq_alerts_user_id_key')),
    )
    op.create_index('ix_alerts_person', 'alerts', ['user_id', 'claim_id', 'read_at'], unique=False)
    for statement in POSTGRES_SEARCH if postgres else SQLITE_SEARCH:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        op.execute('DROP TABLE claim_fts')
    for name in (
        'alerts',
        'seen_marks',
        'internal_notes',
        'claim_search',
        'changes',
        'web_sessions',
        'status_reasons',
        'one_time_links',
        'credentials',
        'claims',
        'users',
        'claim_statuses',
        'waiting_parties',
        'sign_in_attempts',
        'repair_stages',
        'insurers',
        'garages',
        'cursors',
        'appraisers',
        'agent_offices',
    ):
        op.drop_table(name)
