"""The only door to the database: engines, scope on every read, a guard on every write, one commit at the end."""

import logging
from collections.abc import Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from select import POLLIN, poll
from typing import Any, NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import (
    AliasedReturnsRows,
    ColumnClause,
    CompoundSelect,
    Connection,
    Engine,
    Executable,
    ExecutionContext,
    Insert,
    Select,
    SelectBase,
    TableClause,
    TextClause,
    Update,
    bindparam,
    create_engine,
    event,
    false,
    or_,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import (
    ORMExecuteState,
    Session,
    SessionTransaction,
    UOWTransaction,
    attributes,
    defer,
    sessionmaker,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors

from db import admin_changes, changes, cheque_alerts, documents, meters, money, repairs, search, tasks
from db.admin_changes import AdminChange
from db.alerts import Alert
from db.base import Base, differs, histories, learn_columns
from db.bulk_orders import BulkOrder  # noqa: F401 - every model must be known before the first session
from db.bureau import BureauSettings  # noqa: F401 - likewise
from db.calendar import CalendarDay  # noqa: F401 - likewise
from db.calls import Call  # noqa: F401 - likewise
from db.changes import Change
from db.cheques import Cheque  # noqa: F401 - likewise
from db.claims import Claim
from db.clocks import ClockDay  # noqa: F401 - likewise
from db.documents import Document, DocumentNeed
from db.exports import Export  # noqa: F401 - likewise
from db.identity import WebSession  # noqa: F401 - likewise
from db.import_mappings import ImportMapping  # noqa: F401 - likewise
from db.import_words import ImportWord  # noqa: F401 - likewise
from db.links import SignedLink  # noqa: F401 - likewise
from db.mail import Mail  # noqa: F401 - likewise
from db.messages import Message  # noqa: F401 - likewise
from db.offices import OWN_CHOICES, AgentOffice, User
from db.prepared import Answer, Ready, in_steps, is_list
from db.repairs import RepairEvent
from db.sanity import DoubtAnswer  # noqa: F401 - likewise
from db.scope import (
    Actor,
    Books,
    Can,
    ClaimPart,
    Evidence,
    ForAdmins,
    ForBureau,
    Internal,
    OfficeOwned,
    OfficePart,
    PersonOwned,
    PersonSigned,
    Role,
)
from db.silence import Silence  # noqa: F401 - likewise
from db.tasks import Task  # noqa: F401 - likewise
from db.texts import N_, ClaimError
from db.timetable import Lease  # noqa: F401 - likewise
from db.two_factor import TwoFactor  # noqa: F401 - likewise
from db.views import SavedView  # noqa: F401 - likewise
from db.watching import columns_of

try:
    # newer than the system's: SQLite before 3.51.3 can damage a WAL database that two connections write at once
    from pysqlite3 import dbapi2 as sqlite
except ImportError:
    import sqlite3 as sqlite

log = logging.getLogger(__name__)
T = TypeVar('T')

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


class Unscoped(RuntimeError):  # noqa: N818 - said like a verdict
    """A bug: the database was asked outside the door, or something was written that is not the actor's."""


class ScopedSession(Session):
    """A session that knows who acts. Made by `open_session` only."""

    def begin(self, nested: bool = False) -> SessionTransaction:
        """One click is one transaction."""
        if nested:
            raise Unscoped('no savepoints')
        return super().begin()

    def commit(self) -> None:
        """The door commits, once, at the end."""
        if not self.info.get('done'):
            raise Unscoped('open_session commits')
        super().commit()

    def _refuse_bulk(self, *_: Any, **__: Any) -> None:
        raise Unscoped('set attributes: bulk statements write no record')

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse_bulk

    def ask_made_once(self, question: Select[Any], asked: Mapping[str, Any]) -> list[Answer]:
        """Ask a question that was made once (`db.prepared`), narrowed as every other: for each who sees as much it is the same."""
        actor, bind = _actor_of(self), self.get_bind()
        if self.autoflush and not self._flushing:
            self.flush()
        if actor.claim_id is not None:
            raise Unscoped('whoever comes by a link asks anew each time')
        asked = {**in_steps(asked), **_who(actor)}
        lengths = tuple(len(value) for value in asked.values() if is_list(value))
        sight = _Sight.of(actor, books_open=_books_open(self))
        kept, key = _ready.setdefault(question, {}), (bind.dialect.name, sight, *asked, lengths)
        if key not in kept:
            if question._propagate_attrs.get('compile_state_plugin') != 'orm':
                raise Unscoped('select a model: tables and text are not scoped')
            _refuse_tables(question)
            kept[key] = Ready(_narrowed(question, sight), bind.dialect, asked)
        return kept[key].ask(self.connection(), asked)


@dataclass(frozen=True)
class Database:
    """The two ways in: writers take turns (on SQLite from the first statement on), readers see one moment undisturbed."""

    url: str = field(repr=False)  # holds a password
    writer: Engine
    reader: Engine
    writing: sessionmaker[ScopedSession]
    reading: sessionmaker[ScopedSession]

    def close(self) -> None:
        """Give all connections back."""
        self.writer.dispose()
        self.reader.dispose()


_database: Database | None = None


def connect(url: str, *, patient: bool = False) -> Database:
    """Open the database at `url` for this process; `open_session` uses it from now on.

    `patient`: for a process that asks long questions and nobody waits for: they may take minutes, and sort on the disk.
    """
    global _database  # noqa: PLW0603 - the one connection of the process, made by app, jobs and tests
    if _database is not None:
        _database.close()
    changes.start_anew()
    for table in Base.metadata.tables.values():
        learn_columns(table)
    writer = make_engine(url)
    reader = make_engine(url, reading=True, patient=patient)
    make = partial(sessionmaker, class_=ScopedSession, expire_on_commit=False)
    _database = Database(url, writer, reader, make(writer), make(reader, autoflush=False))
    return _database


def database_url() -> str:
    """The address of this process's database, for a process it starts."""
    if _database is None:
        raise Unscoped('connect() first')
    return _database.url


def own_connection() -> tuple[str, Any]:
    """The kind of database, and a connection of its driver outside the pools: for whoever listens as long as the process lives."""
    if _database is None:
        raise Unscoped('connect() first')
    fresh = _database.reader.raw_connection()
    connection = fresh.driver_connection
    fresh.detach()
    return _database.reader.dialect.name, connection


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
        event.listen(engine, 'do_execute', _execute_on_postgres)
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
    event.listen(engine, 'begin', partial(_begin, reading))
    return engine


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


@contextmanager
def open_session(actor: Actor, *, reading: bool = False, at: datetime | None = None) -> Iterator[Session]:
    """A session in which `actor` acts: everything he reads is scoped, everything he writes is checked and recorded.

    Commits at the end, or leaves nothing behind when something is raised. `at` dates the record (demo data, imports); now otherwise.
    """
    if _database is None:
        raise Unscoped('connect() first')
    if not isinstance(actor, Actor):
        raise Unscoped('a session needs an actor')
    session = (_database.reading if reading else _database.writing)(info={'actor': actor, 'reading': reading, 'at': at})
    try:
        yield session
        if reading:
            _refuse_writes(session)
        else:
            session.info['done'] = True
            session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


def fetch(session: Session, question: Select[T]) -> list[T]:
    """Run a question that selects whole rows or one column."""
    return list(session.scalars(question))


def fetch_one(session: Session, question: Select[T]) -> T | None:
    """Run a question that has at most one answer."""
    return session.scalars(question).one_or_none()


# ---- reading ----------------------------------------------------------------------------------------------------------------


def _actor_of(session: Session) -> Actor:
    actor = session.info.get('actor')
    if not isinstance(actor, Actor):
        raise Unscoped('a session needs an actor')
    return actor


@event.listens_for(ScopedSession, 'do_orm_execute')
def _scope_reads(state: ORMExecuteState) -> None:
    actor = _actor_of(state.session)
    if not state.is_orm_statement:
        raise Unscoped('select a model: tables and text are not scoped')
    if not state.is_select:
        raise Unscoped('set attributes: bulk statements write no record')
    if state.is_column_load or state.is_relationship_load:
        raise Unscoped('load the whole row: nothing loads itself later')
    _refuse_tables(state.statement)
    if actor.claim_id is not None:
        _close_all_but_one_claim(state, actor)
        return
    state.statement = _narrowed(cast(Any, state.statement), _Sight.of(actor, books_open=_books_open(state.session)))
    state.parameters = {**cast(Any, state.parameters or {}), **_who(actor)}


# ---- reading by a signed link -----------------------------------------------------------------------------------------------

# what the page of a link shows of its claim, or needs to know to write it; a column that is not named here stays closed
_LINK_COLUMNS = frozenset(
    {
        *('id', 'office_id', 'seq', 'version', 'updated_at', 'claim_no', 'plate', 'make_model', 'garage', 'is_open'),
        *('repair_stage', 'stage_since', 'eta', 'hold_reason', 'hold_since', 'agent'),
        *('documents', 'required_documents', 'missing_documents', 'track', 'tp_insurer', *documents.FLAGS),
    }
)
_COLUMNS_OF: Mapping[Role, frozenset[str]] = {
    Role.GARAGE: _LINK_COLUMNS,
    Role.INSURED: _LINK_COLUMNS | {'insured_name'},
}
_LINK_PARTS = (RepairEvent, Document, DocumentNeed)


def _close_all_but_one_claim(state: ORMExecuteState, actor: Actor) -> None:
    """Of everything that is somebody's a link's holder reads its one claim, the claim's repair and its papers; shared rows as all do."""
    open_columns, statement = _COLUMNS_OF[actor.role], cast(Any, state.statement)
    if isinstance(statement, CompoundSelect):
        raise Unscoped('whoever comes by a link asks one question at a time')
    for part in visitors.iterate(statement):
        if isinstance(part, Select) and (_brings_table(part) or (part is not statement and _whole_claims(part))):
            raise Unscoped('a whole claim within a question brings along what is closed to whoever comes by a link')
        if shut := _closed_in(part, open_columns):
            raise Unscoped(f'claims.{shut[0]}: closed to whoever comes by a link')
    statement = statement.options(*_link_criteria(actor))
    for entity in _whole_claims(statement):
        closed = [getattr(entity, name) for name in columns_of(Claim) if name not in open_columns]
        statement = statement.options(*(defer(column, raiseload=True) for column in closed))
    state.statement = statement


def _closed_in(part: Any, open_columns: Collection[str]) -> list[str]:
    """The closed columns that a part of a question reads, however it came by them; a column of no table may be any."""
    entity, name = part._annotations.get('parententity'), part._annotations.get('proxy_key')
    named = [name] if name is not None and entity is not None and entity.mapper.class_ is Claim else []
    bases = part.base_columns if isinstance(part, ColumnClause) else ()
    named += [one.key for one in bases if one.table is Claim.__table__ or (one.table is None and one.name != '*')]
    return [name for name in named if name not in open_columns]


def _brings_table(statement: Select[Any]) -> bool:
    """Whether a question selects the table of the claims as it stands."""
    return any(chosen is Claim.__table__ for chosen in statement._raw_columns)


def _whole_claims(statement: Any) -> list[Any]:
    """The claims, or aliases of them, that a question selects with all their columns."""
    chosen = statement.column_descriptions
    return [told['entity'] for told in chosen if told['type'] is Claim and told['expr'] is told['entity']]


def _link_criteria(actor: Actor) -> list[Any]:
    claim_id, office = actor.claim_id, actor.office_id
    rules: list[Any] = [
        with_loader_criteria(Claim, lambda row: row.id == claim_id, include_aliases=True),
        with_loader_criteria(AgentOffice, lambda row: row.id == office, include_aliases=True),
    ]
    opened = (Claim, AgentOffice, *_LINK_PARTS)
    models = [mapper.class_ for mapper in Base.registry.mappers]
    closed = [model for model in models if model not in opened and not hasattr(model, '__shared_by_all__')]
    rules += [
        with_loader_criteria(model, lambda row: row.claim_id == claim_id, include_aliases=True) for model in _LINK_PARTS
    ]
    return rules + [with_loader_criteria(model, lambda row: false(), include_aliases=True) for model in closed]


# ---- reading, refused -------------------------------------------------------------------------------------------------------


# what was looked at already: statements made once are asked often, and never change
_found_clean: WeakSet[Executable] = WeakSet()


def _refuse_tables(statement: Executable) -> None:
    """The filters know models only: a bare table or a piece of SQL beside one would bring along everybody's rows."""
    if statement in _found_clean:
        return
    seen: dict[int, Any] = {}  # keeps what it has seen alive: otherwise an id could be given to something new
    levels: list[Any] = [statement]
    while levels:
        level = levels.pop()
        if id(level) not in seen:
            seen[id(level)] = level
            levels += _check_level(level)
    _found_clean.add(statement)


def _check_level(level: Any) -> list[Any]:
    """Look at one SELECT; returns those inside it. A model's own table is the model's, as in the key of session.get."""
    models, bare, inner = {hash(search.INDEX)}, [], []
    waiting = list(level.get_children())
    while waiting:
        part = waiting.pop()
        if isinstance(part, TextClause) or (isinstance(part, ColumnClause) and part.is_literal and part.name != '*'):
            raise Unscoped('say it with models: a piece of SQL is not scoped')
        entity = part._annotations.get('parententity')
        if entity is not None:
            models.add(hash(entity.selectable))
            inner += _queries_in(entity.selectable)
        elif isinstance(part, SelectBase):
            inner.append(part)
        elif _is_table(part):
            bare.append(part)
        else:
            waiting += part.get_children()
            waiting += [part.table] if isinstance(part, ColumnClause) and part.table is not None else []
    if len(models) > 1 and isinstance(level, Select) and level._propagate_attrs.get('compile_state_plugin') != 'orm':
        raise Unscoped('exists().where(…) is not scoped: say select(…).where(…).exists()')
    if strangers := [part.name for part in bare if hash(part) not in models]:
        raise Unscoped(f'select the model: the table {strangers[0]} is not scoped')
    return inner


def _is_table(part: Any) -> bool:
    return isinstance(part.element if isinstance(part, AliasedReturnsRows) else part, TableClause)


def _queries_in(selectable: Any) -> list[Any]:
    """What an alias of a model stands for, when that is a query of its own."""
    return [] if _is_table(selectable) else [selectable]


def _books_open(session: Session) -> bool:
    return session.info.get('books_open') is True


class _Sight(NamedTuple):
    """How much somebody sees, whoever he is and of whichever office: those of the same sight ask the same questions."""

    is_product: bool
    books_open: bool
    is_bureau: bool
    sees_own_only: bool
    can: frozenset[Can]

    @classmethod
    def of(cls, actor: Actor, *, books_open: bool) -> '_Sight':
        """An actor's."""
        return cls(actor.role == Role.SYSTEM, books_open, actor.is_bureau, actor.sees_own_only, actor.can)


# what was asked, narrowed for each sight, for as long as it is kept by whoever asks it: SQLAlchemy remembers with it what it has made of it
_by_sight: WeakKeyDictionary[Any, dict[_Sight, Any]] = WeakKeyDictionary()
# questions that were made once, in the words of the database, for each sight
_ready: WeakKeyDictionary[Select[Any], dict[Hashable, Ready]] = WeakKeyDictionary()
# no id: what nobody is named for finds nothing that is somebody's
_NOBODY = -1


def _who(actor: Actor) -> dict[str, Any]:
    """Who asks, by the names that the session alone gives: a question is narrowed for a sight, and asked for whoever asks it."""
    return {'scope_me': actor.user_id, 'scope_office': actor.office_id}


def _narrowed(statement: Any, sight: _Sight) -> Any:
    """A statement narrowed for all of a sight. Until it is asked for somebody it finds nothing of any office, nor, for the bureau, of any person."""
    if sight.is_product:
        return statement
    kept = _by_sight.setdefault(statement, {})
    if sight not in kept:
        kept[sight] = statement.options(*_criteria(sight))
    return kept[sight]


@cache
def _criteria(sight: _Sight) -> tuple[Any, ...]:
    """What narrows everything somebody of a sight reads; made once, since every question takes it along."""
    me: Any = bindparam('scope_me', _NOBODY)
    office: Any = bindparam('scope_office', _NOBODY)
    rules: list[Any] = [with_loader_criteria(PersonOwned, lambda row: row.user_id == me, include_aliases=True)]
    if not sight.books_open:
        rules.append(with_loader_criteria(Books, lambda row: false(), include_aliases=True))
    if Can.ADMINISTER not in sight.can:
        rules.append(with_loader_criteria(ForAdmins, lambda row: false(), include_aliases=True))
    if not sight.is_bureau:
        rules.append(with_loader_criteria(ForBureau, lambda row: false(), include_aliases=True))
    if Can.SEE_INTERNAL not in sight.can:
        rules.append(with_loader_criteria(Internal, lambda row: row.internal.is_(False), include_aliases=True))
    if sight.is_bureau:
        return tuple(rules)
    rules += [
        with_loader_criteria(OfficeOwned, lambda row: row.office_id == office, include_aliases=True),
        with_loader_criteria(
            User, lambda row: or_(row.office_id == office, row.office_id.is_(None)), include_aliases=True
        ),
        with_loader_criteria(AgentOffice, lambda row: row.id == office, include_aliases=True),
    ]
    if sight.sees_own_only:
        mine = select(Claim.__table__.c.id).where(Claim.__table__.c.agent_id == me)
        rules.append(with_loader_criteria(Claim, lambda row: row.agent == me, include_aliases=True))
        rules.append(with_loader_criteria(ClaimPart, lambda row: row.claim_id.in_(mine), include_aliases=True))
        shared = with_loader_criteria(
            OfficePart, lambda row: or_(row.claim_id.is_(None), row.claim_id.in_(mine)), include_aliases=True
        )
        rules.append(shared)
    return tuple(rules)


# ---- writing ----------------------------------------------------------------------------------------------------------------


@event.listens_for(ScopedSession, 'before_flush')
def _guard_writes(session: Session, _: UOWTransaction, __: Any) -> None:
    actor = _actor_of(session)
    if session.info['reading']:
        _refuse_writes(session)
    for row in [*session.new, *session.deleted, *(row for row in session.dirty if differs(row))]:
        _guard_row(session, actor, row)


def _guard_record(session: Session, _: UOWTransaction, __: Any) -> None:
    """What the record has added since is looked at too."""
    for row in [row for row in session.new if isinstance(row, Change)]:
        _guard_row(session, _actor_of(session), row)


def _guard_row(session: Session, actor: Actor, row: Any) -> None:
    if not (isinstance(row, Books) and _books_open(session)):
        changed = None if row in session.new or row in session.deleted else {name for name, _ in histories(row)}
        _check_right(actor, row, changed)
        _check_link(session, actor, row, changed)
    _check_owner(actor, row)
    _check_claim(session, actor, row)
    if isinstance(row, Evidence) and row not in session.new:
        raise Unscoped(f'{type(row).__name__}: nothing of it is changed or taken away, only added')
    if isinstance(row, Change | AdminChange) and (row in session.deleted or row not in _written_now(session)):
        raise Unscoped('the record of changes is only ever added to, and only by the session')


def _refuse_writes(session: Session) -> None:
    if session.new or session.deleted or any(differs(row) for row in session.dirty):
        raise Unscoped('this session only reads')


def _written_now(session: Session) -> list[Change | AdminChange]:
    return [*session.info.get('recorded', {}).values(), *admin_changes.written_now(session)]


# what holders of a garage's link may change of their claim
_REPAIR = frozenset({'repair_stage', 'stage_since', 'eta', 'hold_reason', 'hold_since'})


def _check_right(actor: Actor, row: Any, changed: set[str] | None) -> None:
    """`changed` names the columns of a changed row; None for one that comes or goes."""
    own_choice = isinstance(row, User) and row.id == actor.user_id and changed is not None and changed <= OWN_CHOICES
    of_repair = isinstance(row, Claim) and changed is not None and changed <= _REPAIR and actor.may(Can.UPDATE_REPAIR)
    if not own_choice and not of_repair and not actor.may(row.writable_with):
        raise ClaimError(N_('You are not allowed to do this. Ask the bureau if you need it.'))


def _check_link(session: Session, actor: Actor, row: Any, changed: set[str] | None) -> None:
    """Whoever comes by a link moves the repair of his one claim on, and adds to what is told and shown of it; nothing else."""
    if actor.claim_id is None:
        return
    if isinstance(row, Claim):
        is_his = row.id == actor.claim_id and changed is not None and changed <= _REPAIR
    else:
        adds = isinstance(row, RepairEvent | Change) or (isinstance(row, Document) and row.repair_stage is not None)
        is_his = row in session.new and adds and row.claim_id == actor.claim_id
    if not is_his:
        raise Unscoped(f'{type(row).__name__}: a link does not open this')


def _check_owner(actor: Actor, row: Any) -> None:
    if isinstance(row, OfficeOwned) and not actor.is_bureau and row.office_id != actor.office_id:
        raise Unscoped(f'{type(row).__name__} of another office')
    if isinstance(row, OfficeOwned) and attributes.get_history(row, 'office_id').deleted:
        raise Unscoped('a row never moves to another office')
    if isinstance(row, PersonSigned) and attributes.get_history(row, 'user_id').deleted:
        raise Unscoped('a row never passes to another person')
    if isinstance(row, PersonSigned) and actor.role != 'system' and row.user_id != actor.user_id:
        raise Unscoped(f'{type(row).__name__} of another person')


def _check_claim(session: Session, actor: Actor, row: Any) -> None:
    """Of an office in which agents see their own claims only, they also write about their own only."""
    if not actor.sees_own_only or not isinstance(row, ClaimPart | OfficePart) or row.claim_id is None:
        return
    if session.scalars(select(Claim.id).where(Claim.id == row.claim_id)).first() is None:
        raise Unscoped(f'{type(row).__name__} of a claim that is not his')


repairs.listen_to(ScopedSession)
documents.listen_to(ScopedSession)  # before the record: what these two count belongs to the same change
money.listen_to(ScopedSession)
tasks.listen_to(ScopedSession)
changes.listen_to(ScopedSession)
event.listen(ScopedSession, 'before_flush', _guard_record)
admin_changes.listen_to(ScopedSession)
search.listen_to(ScopedSession)
cheque_alerts.listen_to(ScopedSession)

__all__ = [
    'Alert',
    'Database',
    'Unscoped',
    'connect',
    'database_url',
    'fetch',
    'fetch_one',
    'make_engine',
    'open_session',
    'sqlite',
    'warn_of_old_sqlite',
]
