"""Where people who handle claims sign in in two steps, those of the bureau's teams do too."""

import sqlalchemy as sa
from alembic import op

revision = 'teams'
down_revision = 'submission_packs'
branch_labels = None
depends_on = None

TEAMS = ('repair_team', 'submission_team')
SETTINGS = sa.table('bureau_settings', sa.column('id', sa.Integer()), sa.column('two_factor_roles', sa.JSON()))


def upgrade() -> None:
    connection = op.get_bind()
    for key, roles in connection.execute(sa.select(SETTINGS.c.id, SETTINGS.c.two_factor_roles)).all():
        if 'handler' in roles:
            added = [*roles, *(team for team in TEAMS if team not in roles)]
            connection.execute(SETTINGS.update().where(SETTINGS.c.id == key).values(two_factor_roles=added))


def downgrade() -> None:
    connection = op.get_bind()
    for key, roles in connection.execute(sa.select(SETTINGS.c.id, SETTINGS.c.two_factor_roles)).all():
        kept = [role for role in roles if role not in TEAMS]
        connection.execute(SETTINGS.update().where(SETTINGS.c.id == key).values(two_factor_roles=kept))
