"""The doorbell: whom a commit rings for, here and in the other processes. Ids only, never a value."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch
from itertools import islice
from uuid import uuid4

from sqlalchemy import FetchedValue, Index, func, inspect, select
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from db.base import Base, BigKey, has_changed, now
from db.claims import Claim
from db.documents import Document
from db.identity import Credential, WebSession
from db.import_runs import ImportRun
from db.messages import Message, ThreadMark
from db.offices import User
from db.scope import Books, ClaimPart, PersonOwned

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """The doorbell after a commit: ids only.

    `kind` is claim, message (in a claim's thread, or an office's), receipt (somebody got or read messages there),
    person (his own marks and what he may see), seen (what he has seen and nothing else), alert (his alerts and nothing else),
    import (how far one has come),
    bulk (how far an order of his for many claims has come), export (how far a workbook of his has come), access (his account; an office's,
    without a person) or words (people, offices or reference data are called something else).
    """

    kind: str
    office_id: int | None = None
    claim_id: int | None = None
    user_id: int | None = None
    change_id: int | None = None


class Ring(Books, Base):
    """A notice that stands in no change, for the other processes: they read it at once, and soon nobody needs it."""

    __tablename__ = 'rings'
    __table_args__ = (Index('ix_rings_xid', 'xid', 'id'),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    # as of a change
    xid: Mapped[int | None] = mapped_column(BigKey, server_default=FetchedValue())
    at: Mapped[datetime]
    process: Mapped[str]
    kind: Mapped[str]
    office_id: Mapped[int | None]
    claim_id: Mapped[int | None] = mapped_column(BigKey)
    user_id: Mapped[int | None]

    @property
    def notices(self) -> list[Notice]:
        """What it rings for."""
        return [Notice(self.kind, self.office_id, self.claim_id, user_id=self.user_id)]


PROCESS = uuid4().hex
CHANNEL = 'maakav_changes'
_listeners: list[Callable[[Notice], None]] = []
# the newest changes this process wrote itself; far more than can be committed between two looks at the others'
_rung_here: dict[int, None] = {}
_MOST_RUNG = 5000


def on_notice(listener: Callable[[Notice], None]) -> Callable[[], None]:
    """Have `listener` called after every commit that changed something, in the thread that committed; returns the way out."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def announce(notice: Notice) -> None:
    """Ring for something committed: here after a commit of our own, or heard from another process."""
    for listener in tuple(_listeners):
        try:
            listener(notice)
        except Exception:  # what was committed stays committed, and the others are still to be told
            log.exception('a listener failed on %s', notice)


def rung_here(change_id: int) -> bool:
    """Whether this process rang for a change itself, when it committed it."""
    return change_id in _rung_here


def start_anew() -> None:
    """Another database counts its changes anew: forget which ones of the last were rung for."""
    _rung_here.clear()


# ---- orders -----------------------------------------------------------------------------------------------------------------


def forget_rings(session: Session, before: datetime, limit: int = 1000) -> int:
    """Clear away rings that every process has heard long ago; returns how many."""
    old = list(session.scalars(select(Ring).where(Ring.at < before).order_by(Ring.id).limit(limit)))
    for ring in old:
        session.delete(ring)
    return len(old)


# ---- the session's part -----------------------------------------------------------------------------------------------------


def collect_notices(session: Session, _: UOWTransaction) -> None:
    """After a flush: remember whom to ring once the commit has happened."""
    ring_for(session, {notice for row in [*session.new, *session.dirty] for notice in notices_of(row)})
    # a session of the web that is over cuts its pages off
    ring_for(session, {Notice('access', user_id=row.user_id) for row in session.deleted if isinstance(row, WebSession)})


# made once, since every save asks them; with the number of a change, on PostgreSQL, the others are called
CALL = func.pg_notify(CHANNEL, PROCESS)
_TOLD = ('kind', 'office_id', 'claim_id', 'user_id')
_RUNG = Base.metadata.tables[Ring.__tablename__].insert().inline()


def ring_for(session: Session, notices: set[Notice]) -> None:
    """Ring for these once this transaction is committed, here and in the other processes.

    A change tells them by itself what it rings for; everything else leaves a ring, in the same transaction, so that it rings there
    exactly when it does here. NOTE: past the guard, which lets nobody write books.
    """
    waiting: set[Notice] = session.info.setdefault('notices', set())
    if notices:
        _call_the_others(session)
    told = notices - waiting - session.info.get('told_by_changes', set())
    _rung_here.update(dict.fromkeys(_changes_in(notices - waiting)))
    for change_id in [*islice(_rung_here, max(len(_rung_here) - _MOST_RUNG, 0))]:
        _rung_here.pop(change_id, None)  # another thread may have been quicker
    waiting |= notices
    if told:
        same = {'at': now(), 'process': PROCESS}
        rows = [{**same, **{name: getattr(notice, name) for name in _TOLD}} for notice in told]
        session.connection().execute(_RUNG, rows)


def _call_the_others(session: Session) -> None:
    """With the commit, and only then, PostgreSQL wakes whoever listens; they read what is new. It says no more than who calls."""
    if session.get_bind().dialect.name == 'postgresql' and not session.info.get('called'):
        session.info['called'] = True
        session.connection().execute(select(CALL))


def _changes_in(notices: Iterable[Notice]) -> list[int]:
    return [notice.change_id for notice in notices if notice.change_id is not None]


@singledispatch
def notices_of(row: object) -> list[Notice]:
    """What a new or changed row rings for."""
    if isinstance(row, PersonOwned) and isinstance(row, ClaimPart):
        return [Notice(row.rings, row.office_id, row.claim_id, user_id=row.user_id)]
    return []


@notices_of.register
def _(row: User) -> list[Notice]:
    told = [Notice('access', row.office_id, user_id=row.id)]
    # he has read everything, or likes his list otherwise
    if has_changed(row, 'baseline_seq', 'list_columns', 'list_density', 'pinned_views'):
        told.append(Notice('person', row.office_id, user_id=row.id))
    return told


@notices_of.register
def _(row: Credential) -> list[Notice]:
    return [Notice('access', user_id=row.user_id)]


@notices_of.register
def _(row: WebSession) -> list[Notice]:
    """Whoever begins to look as another, or stops, sees other pages from now on."""
    return [Notice('access', user_id=row.user_id)] if has_changed(row, 'looks_as') else []


@notices_of.register
def _(row: ImportRun) -> list[Notice]:
    return [Notice('import')]


@notices_of.register
def _(row: Message) -> list[Notice]:
    return [Notice('message', row.office_id, row.claim_id)]


@notices_of.register
def _(row: Document) -> list[Notice]:
    """A file that came with a message stands in the thread too: which one, only the message knows."""
    return [Notice('message', row.office_id)] if row.message_id is not None else []


@notices_of.register
def _(row: ThreadMark) -> list[Notice]:
    return [Notice('receipt', row.office_id, row.claim_id, user_id=row.user_id)]


@notices_of.register
def _(claim: Claim) -> list[Notice]:
    """A claim that changes hands changes what both agents may see, alerts too."""
    history = inspect(claim).attrs.agent.history
    people = {*history.deleted, *history.added} if history.has_changes() else set()
    return [Notice('person', claim.office_id, claim.id, user_id=user_id) for user_id in people if user_id is not None]


def ring(session: Session) -> None:
    """After the commit: ring everybody's bell. A listener that fails is its own bug and stops nobody else."""
    for notice in session.info.pop('notices', ()):
        announce(notice)


def take_back(session: Session, *_: object) -> None:
    """After a rollback: nothing was written, and on SQLite the next one to write may be given the same ids."""
    for change_id in _changes_in(session.info.pop('notices', ())):
        _rung_here.pop(change_id, None)
