"""The database as a whole: a copy of it while people write, a copy put back, and a look for damage.

SQLite copies itself (`VACUUM INTO`); PostgreSQL is copied by its own pg_dump and put back by pg_restore and psql. A copy is
of one moment, and `Contents` tells what stood in it at that moment, so that whoever puts it back can compare.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, Integer, String, column, func, inspect, select, table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from db import schema
from db.engines import make_engine, sqlite
from db.files import sync

# what a file of a document is called in `documents`: by its content as it came, and as it is served
_FILES = (('sha256', 'size'), ('served_sha256', 'served_size'))
_PACKS = 'submission_packs'
_SESSIONS, _USED = 'web_sessions', 'seen_at'


class CopyError(RuntimeError):
    """A copy could not be made or put back; the message says what to do."""


@dataclass(frozen=True)
class Contents:
    """What stands in a database at one moment: its kind, its schema, the rows of each table, and the files its documents are made of."""

    kind: str
    revision: str | None
    counts: dict[str, int]
    # SHA-256 → bytes
    files: dict[str, int]


@dataclass(frozen=True)
class BackupsKept:
    """How the backups of an installation stand: when the newest whole one was made, how many there are, and how often one is due."""

    newest: datetime | None
    number: int
    # 0: none is made by itself
    hours: int
    # when what has changed since then was saved the last time
    lately: datetime | None = None

    def is_late(self, moment: datetime, since: datetime) -> bool:
        """Whether the newest is too old; where there is none, it was due since the installation began to wait for it."""
        return moment - (self.newest or since) > 1.5 * timedelta(hours=self.hours or 24)


def kind_of(url: str) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(url).get_backend_name()


def contents_of(url: str) -> Contents:
    """What stands in the database now."""
    with _still(url) as connection:
        return _contents(connection)


def in_use(url: str, digests: set[str]) -> set[str]:
    """Those of the files that some document is still made of."""
    return digests & contents_of(url).files.keys()


def has_data(url: str) -> bool:
    """Whether anybody has ever worked with this database: it has people, or claims."""
    if kind_of(url) == 'sqlite' and not path_of(url).exists():
        return False
    counts = contents_of(url).counts
    return bool(counts.get('users', 0) or counts.get('claims', 0))


@contextmanager
def _still(url: str) -> Iterator[Connection]:
    """A connection that sees one moment, for as long as it takes."""
    engine = make_engine(url, reading=True)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == 'postgresql':
                connection.exec_driver_sql('SET LOCAL statement_timeout = 0')
                connection.exec_driver_sql('SET LOCAL idle_in_transaction_session_timeout = 0')
            yield connection
    except DBAPIError as error:
        raise CopyError(f'the database does not answer: {error.orig}') from error
    finally:
        engine.dispose()


def _tables(connection: Connection) -> list[str]:
    # an index's own tables and the counter of SQLite are no rows of ours
    names = sorted(inspect(connection).get_table_names())
    return [name for name in names if not name.startswith(('sqlite_', 'claim_fts'))]


def _contents(connection: Connection) -> Contents:
    inspector, names = inspect(connection), _tables(connection)
    counts = {name: int(connection.scalar(select(func.count()).select_from(table(name))) or 0) for name in names}
    known = {told['name'] for told in inspector.get_columns('documents')} if 'documents' in names else set()
    files: dict[str, int] = {}
    for digest, size in _FILES:
        if {digest, size, 'purged_at'} <= known:
            asked = select(column(digest, String), column(size, Integer)).select_from(
                table('documents', column('purged_at'))
            )
            files.update((row[0], row[1]) for row in connection.execute(asked.where(column('purged_at').is_(None))))
    if _PACKS in names:
        packs = select(column('sha256', String), column('size', Integer)).select_from(table(_PACKS))
        files.update((row[0], row[1]) for row in connection.execute(packs))
    revision = MigrationContext.configure(connection).get_current_revision()
    return Contents(connection.dialect.name, revision, counts, files)


def marks_of(url: str) -> dict[str, str]:
    """What differs as soon as anybody has done anything: the newest row of each table that counts its rows, and the last use of a session.

    Each click is written down as a use after it was carried out. What the product notes of itself (whose turn it is, which job ran) is
    kept by name, and counts for nothing.
    """
    with _still(url) as connection:
        inspector = inspect(connection)
        asked = [(_SESSIONS, _USED)] if inspector.has_table(_SESSIONS) else []
        for name in _tables(connection):
            kinds = {told['name']: told['type'] for told in inspector.get_columns(name)}
            keys = inspector.get_pk_constraint(name)['constrained_columns']
            asked += [(name, key) for key in keys if len(keys) == 1 and isinstance(kinds[key], Integer)]
        newest = {
            name: connection.scalar(select(func.max(column(key))).select_from(table(name))) for name, key in asked
        }
    return {name: str(value) for name, value in newest.items()}


# ---- a copy -----------------------------------------------------------------------------------------------------------------


def copy_database(url: str, path: Path) -> Contents:
    """Copy the database as it stands at one moment into a file, while people go on writing; returns what stands in the copy."""
    path.touch(0o600)
    return _vacuum_into(url, path) if kind_of(url) == 'sqlite' else _dump(url, path)


def _vacuum_into(url: str, path: Path) -> Contents:
    engine = make_engine(url)
    try:
        connection = engine.raw_connection()  # VACUUM runs in no transaction
        try:
            connection.cursor().execute('VACUUM INTO ?', (str(path),))
        except sqlite.Error as error:
            raise CopyError(f'the database could not be copied: {error}') from error
        finally:
            connection.close()
    finally:
        engine.dispose()
    contents = contents_of(f'sqlite:///{path}')
    if damage := damage_in(f'sqlite:///{path}'):
        raise CopyError(f'the database is damaged: {damage[0]}')
    sync(path)
    return contents


def _dump(url: str, path: Path) -> Contents:
    with _still(url) as connection:
        _check_version('pg_dump', connection)
        contents = _contents(connection)
        snapshot = connection.exec_driver_sql('SELECT pg_export_snapshot()').scalar_one()
        options = ('--format=custom', '--no-owner', '--no-privileges', f'--snapshot={snapshot}', f'--file={path}')
        _run('pg_dump', make_url(url), *options)
    sync(path)
    return contents


def _check_version(program: str, connection: Connection) -> None:
    """pg_dump reads servers of its own version and older ones only."""
    told = _run(program, None, '--version')
    found = re.search(r'\) (\d+)', told)
    server = int(connection.exec_driver_sql('SHOW server_version_num').scalar_one()) // 10_000
    if found and int(found[1]) < server:
        raise CopyError(
            f'{program} is of PostgreSQL {found[1]}, the server of {server}: install postgresql-client-{server}'
        )


def _run(program: str, url: URL | None, *arguments: str) -> str:
    """Run a program of PostgreSQL on a database. The password travels in the environment, where nobody else reads it."""
    found = shutil.which(program)
    if found is None:
        raise CopyError(f'{program} is missing: install the postgresql-client package of your server’s version')
    environment, where = dict(os.environ), list[str]()
    if url is not None:
        address = url.set(drivername='postgresql', password=None).render_as_string(hide_password=False)
        environment |= {'PGPASSWORD': str(url.password)} if url.password else {}
        where = [f'--dbname={address}']
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL, with what the settings say
        [found, *where, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CopyError(f'{program}: {done.stderr.strip() or done.stdout.strip()}')
    return done.stdout


# ---- a copy put back --------------------------------------------------------------------------------------------------------


def check_free(url: str) -> None:
    """Refuse while another program has the database open: what it knows would no longer be so."""
    taken = _is_open(path_of(url)) if kind_of(url) == 'sqlite' else _has_company(url)
    if taken:
        raise CopyError('another program has the database open: stop Maakav first')


def _is_open(path: Path) -> bool:
    """Whether somebody else has this SQLite database open. Nobody has: what stood in its write-ahead log is in the file now."""
    if not path.exists():
        return False
    engine = make_engine(f'sqlite:///{path}')
    try:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute('PRAGMA busy_timeout=0')
            row = connection.cursor().execute('PRAGMA journal_mode=DELETE').fetchone()
        finally:
            connection.close()
    except sqlite.Error as error:
        if 'locked' in str(error):
            return True
        raise CopyError(f'{path} cannot be opened: {error}; move it away to restore') from error
    finally:
        engine.dispose()
    return bool(row and row[0] == 'wal')


def _has_company(url: str) -> bool:
    with _still(url) as connection:
        others = 'SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
        return bool(connection.exec_driver_sql(others).scalar_one())


def put_back(copy: Path, url: str, moment: datetime) -> Path | None:
    """Make a copy the database, all of it or nothing. A SQLite database that stood there is set aside; returns where."""
    if kind_of(url) == 'sqlite':
        return _swap(copy, path_of(url), moment)
    _load(copy, make_url(url))
    return None


def _swap(copy: Path, path: Path, moment: datetime) -> Path | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for linked in path.parent.glob(f'{path.name}.before-*'):
        if path.exists() and linked.samefile(path):
            linked.unlink()  # whoever was killed at the last step had set the database aside, and it stands here still
    arriving, aside = path.with_name(f'{path.name}.arriving'), None
    shutil.copyfile(copy, arriving)
    sync(arriving)
    if path.exists():
        aside = path.with_name(f'{path.name}.before-{moment:%Y%m%dT%H%M%S.%fZ}')
        aside.hardlink_to(path)
    arriving.replace(path)
    sync(path.parent)
    return aside


# Rows are followed by the numbers of their transactions, and each server counts its own. Where the copy's are ahead of this
# server's, everything written from now on would stand before what was read already, and nobody would be alerted of it.
_COUNTED_ANEW = """DO $$
DECLARE
    of_rows record;
    newest bigint;
    ahead bigint := 0;
BEGIN
    FOR of_rows IN SELECT table_name AS name FROM information_schema.columns
            WHERE table_schema = 'public' AND column_name = 'xid' LOOP
        EXECUTE format('SELECT max(xid) FROM public.%I', of_rows.name) INTO newest;
        ahead := greatest(ahead, newest - pg_current_xact_id()::text::bigint + 1);
    END LOOP;
    IF ahead > 0 THEN
        FOR of_rows IN SELECT table_name AS name FROM information_schema.columns
                WHERE table_schema = 'public' AND column_name = 'xid' LOOP
            EXECUTE format('UPDATE public.%I SET xid = greatest(xid - $1, 0)', of_rows.name) USING ahead;
        END LOOP;
    END IF;
END $$"""


def _load(copy: Path, url: URL) -> None:
    script = copy.with_suffix('.sql')
    script.touch(0o600)
    try:
        _run('pg_restore', None, '--no-owner', '--no-privileges', f'--file={script}', str(copy))
        emptied = 'DROP SCHEMA public CASCADE; CREATE SCHEMA public'
        options = ('--single-transaction', '--quiet', '--no-psqlrc', '--set=ON_ERROR_STOP=1')
        _run('psql', url, *options, f'--command={emptied}', f'--file={script}', f'--command={_COUNTED_ANEW}')
    finally:
        script.unlink()


# ---- damage -----------------------------------------------------------------------------------------------------------------


def damage_in(url: str) -> list[str]:
    """What is wrong inside the database, as it says itself; reads all of it."""
    with _still(url) as connection:
        if connection.dialect.name == 'postgresql':
            _contents(connection)  # every table answers; its foreign keys hold by themselves
            return []
        found = [str(row[0]) for row in connection.exec_driver_sql('PRAGMA integrity_check')]
        broken: list[Any] = list(connection.exec_driver_sql('PRAGMA foreign_key_check'))
        told = [f'{row[0]}, row {row[1]}: points at a row of {row[2]} that is not there' for row in broken]
        return [line for line in found if line != 'ok'] + told


def knows(revision: str | None) -> bool:
    """Whether this version of the product can bring a database of that schema to its own."""
    return revision is not None and revision in schema.revisions()


def path_of(url: str) -> Path:
    """Where a SQLite database lies."""
    return Path(make_url(url).database or '')
