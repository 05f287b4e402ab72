"""The schema's door: bring a database to the newest revision, say where it stands; `python -m db.schema` upgrades.

`python -m jobs.upgrade` does so too, after a copy of the database.
"""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from db.engines import make_engine
from db.settings import load

MIGRATIONS = Path(__file__).parent / 'migrations'


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option('script_location', str(MIGRATIONS))
    config.attributes['connection'] = connection
    return config


def upgrade(url: str, revision: str = 'head') -> None:
    """Bring the database to a revision. A failure on the way leaves it exactly as it was."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == 'postgresql':
                connection.exec_driver_sql('SET LOCAL statement_timeout = 0')
            before = _revision_in(connection)
            command.upgrade(_config(connection), revision)
            if connection.dialect.name == 'sqlite' and _revision_in(connection) != before:
                _weigh_indexes_anew(connection)
    finally:
        engine.dispose()


def _weigh_indexes_anew(connection: Connection) -> None:
    """With an index SQLite drops what it knew of it, and takes those it still knows of: where it knew any it looks at all again."""
    if inspect(connection).has_table('sqlite_stat1'):
        connection.exec_driver_sql('ANALYZE')


def _revision_in(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def revision_of(url: str) -> str | None:
    """The revision a database is at; None when it is empty. Who writes is not waited for."""
    engine = make_engine(url, reading=True)
    try:
        with engine.connect() as connection:
            return _revision_in(connection)
    finally:
        engine.dispose()


def refuse_newer(revision: str | None) -> None:
    """End with a clear line when a newer version has worked with the database."""
    if revision is not None and revision not in revisions():
        raise SystemExit(
            f'the database is at schema {revision}, which this version does not know: it is of a newer one. Run that one, '
            'or go back with the copy made before its upgrade: `make restore FILE=…-before-upgrade.tar REPLACE=yes`'
        )


def refuse_unless_newest(url: str) -> None:
    """End with a clear line unless the database is at this version's schema."""
    present = revision_of(url)
    refuse_newer(present)
    if present != newest_revision():
        raise SystemExit(
            f'the database is at schema {present}, this version needs {newest_revision()}: run `make migrate`'
        )


def can_work(url: str) -> bool:
    """Whether the database answers and has this version's schema."""
    try:
        return revision_of(url) == newest_revision()
    except SQLAlchemyError:
        return False


def newest_revision() -> str | None:
    """The revision this version of the product needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def revisions() -> list[str]:
    """Every revision there has been, oldest first."""
    return [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


if __name__ == '__main__':
    settings = load()
    settings.make_data_dir()
    upgrade(settings.database_url)
    sys.stdout.write(f'schema: {revision_of(settings.database_url)}\n')
