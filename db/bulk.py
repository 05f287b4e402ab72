"""Loading rows fast and all at once, past the sessions: for the demo only, which writes the record of its claims itself."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Boolean, Connection, Date, inspect

from db.base import Base, Moment
from db.engines import make_engine
from db.masks import Masked

SQLITE, POSTGRES = 'sqlite', 'postgresql'


class InUse(SystemExit):
    """Ends the command: somebody else has the database open."""


@dataclass(frozen=True)
class Batch:
    """Rows of one table in the form its database takes fastest; made in any process, poured in one."""

    model: type[Base]
    names: tuple[str, ...]
    rows: Any


def packed(backend: str, model: type[Base], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Batch:
    """Rows as tuples of the named attributes, made ready for a database of this kind."""
    encoders = _encoders(backend, model, tuple(names))
    if backend == SQLITE:
        places = [(place, encode) for place, encode in enumerate(encoders) if encode]
        return Batch(model, tuple(names), [_encoded(row, places) for row in rows])
    escapes = [encode or str for encode in encoders]
    lines = (
        '\t'.join(['\\N' if value is None else encode(value) for encode, value in zip(escapes, row, strict=True)])
        for row in rows
    )
    return Batch(model, tuple(names), ''.join(line + '\n' for line in lines))


@dataclass
class Load:
    """One load: everything put into it is there in the end, or nothing is."""

    connection: Connection

    @property
    def backend(self) -> str:
        """The kind of database."""
        return self.connection.dialect.name

    def put(self, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows, given by attribute names; all rows have the same ones, what is left out has its default."""
        rows = list(rows)
        if rows:
            defaults = {name: value for name, value in blank(model).items() if value is not None}
            names = [*rows[0], *(name for name in defaults if name not in rows[0])]
            self.pour(
                packed(self.backend, model, names, ([{**defaults, **row}[name] for name in names] for row in rows))
            )

    def pour(self, batch: Batch) -> None:
        """Add the rows of a batch."""
        columns = inspect(batch.model).columns
        table, quoted = batch.model.__tablename__, ', '.join(f'"{columns[name].name}"' for name in batch.names)
        cursor: Any = self.connection.connection.cursor()
        if self.backend == POSTGRES:
            with cursor.copy(f'COPY {table} ({quoted}) FROM STDIN') as copy:
                copy.write(batch.rows)
        else:
            places = ', '.join('?' * len(batch.names))
            cursor.executemany(f'INSERT INTO {table} ({quoted}) VALUES ({places})', batch.rows)
        cursor.close()

    def count_on(self, *models: type[Base]) -> None:
        """Have new rows numbered after the loaded ones."""
        if self.backend == POSTGRES:
            for table in (model.__tablename__ for model in models):
                self.connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), GREATEST((SELECT max(id) FROM {table}), 1))"
                )


@contextmanager
def loading(url: str, *, many: Sequence[type[Base]] = ()) -> Iterator[Load]:
    """Load into the database at `url`: all of it, or nothing when something is raised.

    The tables of `many` get so many rows that their indexes are better built afterwards.
    """
    engine = make_engine(url)
    tables = [model.__tablename__ for model in many]
    try:
        with engine.connect() as connection:
            settle, build = _WAYS[connection.dialect.name]
            with settle(connection, bool(tables)), connection.begin(), build(connection, tables):
                yield Load(connection)
    finally:
        engine.dispose()


# ---- SQLite -----------------------------------------------------------------------------------------------------------------


@contextmanager
def _sqlite_settled(connection: Connection, is_large: bool) -> Iterator[None]:
    """A large load is faster without a log and without waiting for the disk; it then must have the database to itself."""
    driver: Any = connection.connection.driver_connection
    if not is_large:
        yield
        return
    try:  # in this mode a load that fails is simply cut off again: new pages need no copy of what was there before
        driver.execute('PRAGMA journal_mode=DELETE')
    except connection.dialect.loaded_dbapi.OperationalError as error:
        raise InUse(f'Stop whatever uses this database first ({error}).') from None
    for setting in ('synchronous=OFF', 'foreign_keys=OFF', 'cache_size=-524288', 'locking_mode=EXCLUSIVE'):
        driver.execute(f'PRAGMA {setting}')
    yield
    driver.execute('ANALYZE')
    for setting in ('locking_mode=NORMAL', 'journal_mode=WAL', 'synchronous=FULL', 'wal_checkpoint(TRUNCATE)'):
        driver.execute(f'PRAGMA {setting}').fetchall()
    with Path(connection.engine.url.database or '').open('rb+') as file:
        os.fsync(file.fileno())


@contextmanager
def _sqlite_built(connection: Connection, tables: Sequence[str]) -> Iterator[None]:
    ask = connection.exec_driver_sql
    places = ', '.join('?' * len(tables))
    made = ask(
        f"SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql > '' AND tbl_name IN ({places})",
        tuple(tables),
    ).all()
    for kind, name, _ in made:
        ask(f'DROP {kind} {name}')
    yield
    for _, _, statement in made:
        ask(statement)
    if any(kind == 'trigger' for kind, _, _ in made):
        ask("INSERT INTO claim_fts(claim_fts) VALUES ('rebuild')")
    if tables and (lost := ask('PRAGMA foreign_key_check').first()):
        raise ValueError(f'a row without its parent: {tuple(lost)}')


# ---- PostgreSQL -------------------------------------------------------------------------------------------------------------


@contextmanager
def _postgres_settled(connection: Connection, is_large: bool) -> Iterator[None]:
    yield
    if is_large:
        connection.execution_options(isolation_level='AUTOCOMMIT')
        connection.exec_driver_sql('SET statement_timeout = 0')
        connection.exec_driver_sql('VACUUM (ANALYZE)')


@contextmanager
def _postgres_built(connection: Connection, tables: Sequence[str]) -> Iterator[None]:
    ask = connection.exec_driver_sql
    for setting in (
        'statement_timeout = 0',
        'idle_in_transaction_session_timeout = 0',
        "maintenance_work_mem = '512MB'",
    ):
        ask(f'SET LOCAL {setting}')
    indexes = ask(
        'SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i '
        'LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid '
        'WHERE c.oid IS NULL AND i.indrelid::regclass::text = ANY(%s)',
        (list(tables),),
    ).all()
    parents = ask(
        'SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint '
        "WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
        (list(tables),),
    ).all()
    for name, _ in indexes:
        ask(f'DROP INDEX {name}')
    for table, name, _ in parents:
        ask(f'ALTER TABLE {table} DROP CONSTRAINT {name}')
    yield
    for _, statement in indexes:
        ask(statement)
    for table, name, rule in parents:
        ask(f'ALTER TABLE {table} ADD CONSTRAINT {name} {rule}')


_WAYS: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    SQLITE: (_sqlite_settled, _sqlite_built),
    POSTGRES: (_postgres_settled, _postgres_built),
}


# ---- one value --------------------------------------------------------------------------------------------------------------


def blank(model: type[Base]) -> dict[str, Any]:
    """A row of which nothing is known yet: every attribute with its default."""
    given = {name: getattr(column.default, 'arg', None) for name, column in inspect(model).columns.items()}
    return {name: value(None) if callable(value) else value for name, value in given.items()}


@cache
def _encoders(backend: str, model: type[Base], names: tuple[str, ...]) -> list[Callable[[Any], Any] | None]:
    return [_encoder(backend, inspect(model).columns[name].type) for name in names]


def _encoder(backend: str, kind: Any) -> Callable[[Any], Any] | None:
    """How a column's values are written; None for those that go as they are (numbers, and texts on SQLite)."""
    kind = kind.impl_instance if isinstance(kind, Masked) else kind
    if isinstance(kind, JSON):
        return _json if backend == SQLITE else lambda value: _text(_json(value))
    if isinstance(kind, Moment):
        return _moment
    if isinstance(kind, Date):
        return date.isoformat
    if isinstance(kind, Boolean):
        return int if backend == SQLITE else lambda value: 't' if value else 'f'
    return _text if backend == POSTGRES and kind.python_type is str else None


def _encoded(row: Sequence[Any], encoders: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    encoded = list(row)
    for place, encode in encoders:
        if encoded[place] is not None:
            encoded[place] = encode(encoded[place])
    return encoded


_json = json.JSONEncoder(ensure_ascii=False).encode


@lru_cache(maxsize=16)  # one moment stands in many columns of a row
def _moment(at: datetime) -> str:
    """As SQLAlchemy writes it on SQLite; PostgreSQL reads it as UTC, which our connections speak."""
    if at.tzinfo is None:
        raise ValueError(f'naive time {at!r}')
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'microseconds')


def _text(value: str) -> str:
    # most need no escape, and looking is ten times faster than translating
    return value.translate(_ESCAPES) if '\\' in value or not value.isprintable() else value


_ESCAPES = str.maketrans({'\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r'})
