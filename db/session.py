"""The only door to the database: a session that knows who acts, scope on every read, a guard on every write, one commit at the end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Engine, Select
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from db import (
    admin_changes,
    changes,
    cheque_alerts,
    doorbell,
    guard_reads,
    guard_writes,
    money,
    repairs,
    requirements,
    search,
    tasks,
)
from db.access_seals import AccessSeal  # noqa: F401 - every model must be known before the first session
from db.api_keys import ApiKey  # noqa: F401 - likewise
from db.base import Base, learn_columns
from db.bulk_orders import BulkOrder  # noqa: F401 - likewise
from db.bureau import BureauSettings  # noqa: F401 - likewise
from db.calendar import CalendarDay  # noqa: F401 - likewise
from db.calls import Call  # noqa: F401 - likewise
from db.cheques import Cheque  # noqa: F401 - likewise
from db.clocks import ClockDay  # noqa: F401 - likewise
from db.engines import hiding_numbers, make_engine
from db.exports import Export  # noqa: F401 - likewise
from db.identity import WebSession  # noqa: F401 - likewise
from db.import_mappings import ImportMapping  # noqa: F401 - likewise
from db.import_words import ImportWord  # noqa: F401 - likewise
from db.links import SignedLink  # noqa: F401 - likewise
from db.mail import Mail  # noqa: F401 - likewise
from db.messages import Message  # noqa: F401 - likewise
from db.packs import SubmissionPack  # noqa: F401 - likewise
from db.prepared import Answer
from db.record_seals import ChangeSeal  # noqa: F401 - likewise
from db.sanity import DoubtAnswer  # noqa: F401 - likewise
from db.scope import Actor, Can, Unscoped
from db.sendings import PackSending  # noqa: F401 - likewise
from db.silence import Silence  # noqa: F401 - likewise
from db.tasks import Task  # noqa: F401 - likewise
from db.timetable import Lease  # noqa: F401 - likewise
from db.two_factor import TwoFactor  # noqa: F401 - likewise
from db.views import SavedView  # noqa: F401 - likewise

T = TypeVar('T')


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
        """Ask a question that was made once (`db.prepared`), narrowed as every other."""
        if self.autoflush and not self._flushing:
            self.flush()
        return guard_reads.ask_made_once(self, question, asked)


@dataclass(frozen=True)
class Database:
    """The two ways in: writers take turns (on SQLite from the first statement on), readers see one moment undisturbed."""

    url: str = field(repr=False)  # holds a password
    writer: Engine
    reader: Engine
    writing: sessionmaker[ScopedSession]
    reading: sessionmaker[ScopedSession]
    # the same connections, for those who see masks instead of identity numbers
    writing_masked: sessionmaker[ScopedSession]
    reading_masked: sessionmaker[ScopedSession]

    def session_for(self, actor: Actor, *, reading: bool) -> sessionmaker[ScopedSession]:
        """The way in for somebody."""
        if actor.may(Can.SEE_ID_NUMBERS):
            return self.reading if reading else self.writing
        return self.reading_masked if reading else self.writing_masked

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
    doorbell.start_anew()
    for table in Base.metadata.tables.values():
        learn_columns(table)
    writer = make_engine(url)
    reader = make_engine(url, reading=True, patient=patient)
    make = partial(sessionmaker, class_=ScopedSession, expire_on_commit=False)
    masked = hiding_numbers(writer), hiding_numbers(reader, reading=True)
    _database = Database(
        *(url, writer, reader, make(writer), make(reader, autoflush=False)),
        *(make(masked[0]), make(masked[1], autoflush=False)),
    )
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


@contextmanager
def open_session(actor: Actor, *, reading: bool = False, at: datetime | None = None) -> Iterator[Session]:
    """A session in which `actor` acts: everything he reads is scoped, everything he writes is checked and recorded.

    Commits at the end, or leaves nothing behind when something is raised; who only looks as `actor` writes nothing at all. `at` dates the record (demo data, imports); now otherwise.
    """
    if _database is None:
        raise Unscoped('connect() first')
    if not isinstance(actor, Actor):
        raise Unscoped('a session needs an actor')
    if not reading:
        actor.refuse_looking()
    session = _database.session_for(actor, reading=reading)(info={'actor': actor, 'reading': reading, 'at': at})
    try:
        yield session
        if reading:
            guard_writes.refuse_writes(session)
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


guard_reads.listen_to(ScopedSession)
guard_writes.listen_to(ScopedSession)
repairs.listen_to(ScopedSession)
requirements.listen_to(ScopedSession)  # before the record: what these two count belongs to the same change
money.listen_to(ScopedSession)
tasks.listen_to(ScopedSession)
changes.listen_to(ScopedSession)
guard_writes.listen_to_record(ScopedSession)
admin_changes.listen_to(ScopedSession)
search.listen_to(ScopedSession)
cheque_alerts.listen_to(ScopedSession)
