"""How the database is reached: SQLite and PostgreSQL with our settings, for those who write and those who read."""

import logging
from functools import partial
from select import POLLIN, poll
from typing import Any

from sqlalchemy import Connection, Engine, ExecutionContext, Insert, Update, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from db import meters

try:
    # newer than the system's: SQLite before 3.51.3 can damage a WAL database that two connections write at once
    from pysqlite3 import dbapi2 as sqlite
except ImportError:
    import sqlite3 as sqlite

__all__ = ['UNREACHABLE', 'hiding_numbers', 'make_engine', 'sqlite', 'warn_of_old_sqlite']

log = logging.getLogger(__name__)

# what a question ends with when the database is away, has no connection left or takes too long
UNREACHABLE: tuple[type[Exception], ...] = (OperationalError, InterfaceError, DisconnectionError, NoConnection)

_SQLITE_SETTINGS = (
    *('journal_mode=WAL', 'synchronous=FULL', 'busy_timeout=15000', 'foreign_keys=ON', 'temp_store=MEMORY'),
    *('journal_size_limit=67108864', 'trusted_schema=OFF', 'cache_size=-32000'),
)
_POSTGRES_SETTINGS = (
    "statement_timeout = '{0}s'",
    "idle_in_transaction_session_timeout = '{1}s'",
    "timezone = 'utc'",
    # a page of an index costs hardly more than one in a row: everything asked for often is in memory, and nobody has turning disks.
    # With what PostgreSQL believes unless told, a word is looked for in everybody's texts instead of the newest of one's own: ten times as long
    'random_page_cost = 1.1',
)
_POSTGRES_READS = ('default_transaction_read_only = on', "default_transaction_isolation = 'repeatable read'")
# a connection to PostgreSQL that died without a word is noticed within half a minute
_ALIVE = {'connect_timeout': 10, 'keepalives_idle': 15, 'keepalives_interval': 5, 'keepalives_count': 3}

_SQLITE_PATIENT = ('temp_store=FILE', 'cache_size=-8000')


def make_engine(url: str, *, reading: bool = False, patient: bool = False) -> Engine:
    """An engine with our settings; migrations and bulk loads use it directly, everything else goes through sessions."""
    if make_url(url).get_backend_name() == 'postgresql':
        engine = create_engine(
            url,
            pool_size=8,
            max_overflow=8,
            hide_parameters=True,  # what people wrote is no error text
            connect_args=dict(_ALIVE),
        )
        event.listen(engine, 'connect', partial(_settle_postgres, reading, patient))
        event.listen(engine, 'checkout', _refuse_dead)
        _speak(engine, reading)
        return engine
    engine = create_engine(
        url,
        module=sqlite,
        pool_size=8,
        max_overflow=8,
        hide_parameters=True,
        connect_args={'check_same_thread': False, 'timeout': 15},
    )
    event.listen(engine, 'connect', partial(_settle_sqlite, reading, patient))
    _speak(engine, reading)
    return engine


def hiding_numbers(engine: Engine, *, reading: bool = False) -> Engine:
    """Another way over the connections of an engine, on which identity numbers are read through a mask (`db.masks`)."""
    module = {'module': sqlite} if engine.dialect.name == 'sqlite' else {}
    other = create_engine(engine.url, pool=engine.pool, hide_parameters=True, **module)
    dialect: Any = other.dialect
    dialect.hides_numbers = True
    _speak(other, reading)
    return other


def _speak(engine: Engine, reading: bool) -> None:
    """What an engine does by itself, whosever connections it takes."""
    if engine.dialect.name == 'postgresql':
        event.listen(engine, 'do_execute', _execute_on_postgres)
    else:
        event.listen(engine, 'begin', partial(_begin, reading))


def _begin(reading: bool, connection: Connection) -> None:
    with meters.database_wait_seconds.labels('read' if reading else 'write').time():
        connection.exec_driver_sql('BEGIN' if reading else 'BEGIN IMMEDIATE')


def _settle_postgres(reading: bool, patient: bool, connection: Any, _: Any) -> None:
    """Once it stands: with the connecting a pooler in between would not take it."""
    seconds = (600, 120) if patient else (15, 10)
    connection.autocommit = True
    for setting in (*_POSTGRES_SETTINGS, *(_POSTGRES_READS if reading else ())):
        connection.execute(f'SET {setting.format(*seconds)}')
    connection.autocommit = False


def _execute_on_postgres(cursor: Any, statement: str, parameters: Any, context: ExecutionContext) -> bool:
    """What writes rows, or finds them by their keys, keeps its plan once a connection has asked it a few times: planning is half of a save's work there.

    A plan made for any search word is slow for most: every other question is planned for its own.
    """
    if hasattr(cursor, 'name'):  # it hands out its rows bit by bit, and keeps no plan
        return False
    asked = context.compiled.statement if context.compiled is not None else None
    writes = isinstance(asked, Update) or (isinstance(asked, Insert) and asked.select is None)
    keeps_plan = writes or context.execution_options.get('by_key', False)
    cursor.execute(statement, parameters, prepare=None if keeps_plan else False)
    return True


def _refuse_dead(connection: Any, *_: Any) -> None:
    """Whose server went away is not used: it has said so, or hung up, though nobody asked anything. Asking it would be a way there and back; one that vanished without a word, only `_ALIVE` finds."""
    waiting = poll()
    if not connection.closed:
        waiting.register(connection.fileno(), POLLIN)
    if connection.closed or waiting.poll(0):
        raise DisconnectionError('the server has closed the connection')


def _settle_sqlite(reading: bool, patient: bool, connection: Any, _: Any) -> None:
    connection.isolation_level = (
        None  # the driver emits no BEGIN of its own: with it, 82 % of concurrent updates were lost
    )
    more = (*(('query_only=ON',) if reading else ()), *(_SQLITE_PATIENT if patient else ()))
    for setting in (*_SQLITE_SETTINGS, *more):
        connection.execute(f'PRAGMA {setting}')


def warn_of_old_sqlite() -> None:
    """Say so when this SQLite is one that can damage a busy database."""
    if sqlite.sqlite_version_info < (3, 51, 3):
        log.warning(
            'SQLite %s can damage a database under concurrent writes; install pysqlite3 or use PostgreSQL',
            sqlite.sqlite_version,
        )
