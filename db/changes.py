"""The record of what changed: written by the session itself, read as history, as what is new, and as the source of alerts."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, singledispatch
from itertools import islice
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    FetchedValue,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    event,
    func,
    inspect,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from db.base import Base, BigKey, has_changed, histories, now, take_turns
from db.claims import FIELDS, Claim
from db.documents import Document
from db.identity import Credential, WebSession
from db.import_runs import ImportRun
from db.messages import Message, ThreadMark
from db.offices import User
from db.prepared import one_answer
from db.scope import Actor, Books, Can, ClaimPart, Event, Internal, PersonOwned, Recorded, claim_key

log = logging.getLogger(__name__)
Place = tuple[int, int]
LogT = TypeVar('LogT', 'Change', 'Ring')


class Change(ClaimPart, Internal, Base):
    """Who changed what on a claim, field by field, before and after. Append-only; a claim's `seq` is the id of its last news.

    `quiet` changes stand in the history but are no news: they move no row and ring nothing.
    """

    __tablename__ = 'changes'
    __table_args__ = (claim_key(), Index('ix_changes_claim', 'claim_id', 'id'), Index('ix_changes_xid', 'xid', 'id'))
    # whoever writes one does not ask for its `xid`
    __mapper_args__ = {'eager_defaults': False}  # noqa: RUF012 - SQLAlchemy reads it while it builds the class
    writable_with: ClassVar[Can] = Can.FOLLOW

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    # PostgreSQL only: the transaction that wrote it, so that nobody reads past one still under way
    xid: Mapped[int | None] = mapped_column(BigKey, server_default=FetchedValue())
    at: Mapped[datetime]
    user_id: Mapped[int | None]
    by: Mapped[str]
    kind: Mapped[str]
    quiet: Mapped[bool] = mapped_column(default=False)
    fields: Mapped[dict[str, Any]]

    @property
    def notices(self) -> 'list[Notice]':
        """What it rings for: the claim, and whoever wrote the news and has seen them thereby."""
        told = [Notice('claim', self.office_id, self.claim_id, change_id=self.id)]
        if self.user_id is not None and not self.quiet and not self.internal:
            told.append(Notice('seen', self.office_id, self.claim_id, user_id=self.user_id))
        return told


class SeenMark(ClaimPart, PersonOwned, Base):
    """Up to which news a person has seen a claim, when he last looked, and when he last opened it himself."""

    __tablename__ = 'seen_marks'
    rings: ClassVar[str] = 'seen'
    __table_args__ = (claim_key(), Index('ix_seen_marks_opened', 'user_id', 'opened_at'))
    writable_with: ClassVar[Can] = Can.FOLLOW

    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'), primary_key=True)
    claim_id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    seq: Mapped[int] = mapped_column(BigKey)
    at: Mapped[datetime]
    opened_at: Mapped[datetime | None]


class Ring(Books, Base):
    """A notice that stands in no change, for the other processes: they read it at once, and soon nobody needs it."""

    __tablename__ = 'rings'
    __table_args__ = (Index('ix_rings_xid', 'xid', 'id'),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    # as with changes
    xid: Mapped[int | None] = mapped_column(BigKey, server_default=FetchedValue())
    at: Mapped[datetime]
    process: Mapped[str]
    kind: Mapped[str]
    office_id: Mapped[int | None]
    claim_id: Mapped[int | None] = mapped_column(BigKey)
    user_id: Mapped[int | None]

    @property
    def notices(self) -> 'list[Notice]':
        """What it rings for."""
        return [Notice(self.kind, self.office_id, self.claim_id, user_id=self.user_id)]


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


# ---- questions --------------------------------------------------------------------------------------------------------------


def history_of(claim_id: int) -> Select[Change]:
    """Everything that happened to a claim, newest first, as far as the asker may see it."""
    return select(Change).where(Change.claim_id == claim_id).order_by(Change.id.desc())


def news_since(
    claim_id: int | BindParameter[int], seq: int | ColumnElement[int], user_id: int | BindParameter[int] | None
) -> Select[Change]:
    """What others changed on a claim after `seq`, oldest first."""
    return (
        select(Change)
        .where(Change.claim_id == claim_id, Change.id > seq, Change.quiet.is_(False), Change.internal.is_(False))
        .where(Change.user_id.is_distinct_from(user_id))
        .order_by(Change.id)
    )


def news_among(history: Iterable[Change], seq: int, user_id: int | None) -> list[Change]:
    """As `news_since`, out of a claim's record that was read already, newest first."""
    told = (change for change in history if not (change.quiet or change.internal or change.user_id == user_id))
    return [change for change in reversed([*told]) if change.id > seq]


def seen_seq(session: Session, claim_id: int) -> tuple[int, datetime | None]:
    """Up to which news the acting person has seen the claim, and when; his baseline when he never opened it."""
    found = one_answer(session, _SEEN, me=session.info['actor'].user_id, claim=claim_id)
    return (found[0], found[1]) if found else (0, None)


_SEEN = (
    select(func.coalesce(SeenMark.seq, User.baseline_seq), SeenMark.at)
    .select_from(User)
    .outerjoin(SeenMark, and_(SeenMark.user_id == User.id, SeenMark.claim_id == bindparam('claim')))
    .where(User.id == bindparam('me', type_=Integer))
)


def _seen_by(session: Session, mark: SeenMark | None) -> tuple[int, datetime | None]:
    if mark is not None:
        return mark.seq, mark.at
    user = session.get(User, session.info['actor'].user_id)
    return (user.baseline_seq if user else 0), None


def changes_after(session: Session, xid: int, change_id: int, limit: int = 500) -> list[Change]:
    """The next changes in an order that skips none: by (transaction, id), leaving out transactions still under way.

    On SQLite writers take turns, so ids alone are in order. The ids of one claim's changes are always in the order in which
    they happened; here a transaction that waited for another one's claim may come before it, so go by the ids.
    """
    asked = {'xid': xid, 'row': change_id, 'limit': limit}
    return list(session.scalars(_following(Change, session.get_bind().dialect.name), asked))


def rings_of_others_after(session: Session, xid: int, ring_id: int, limit: int = 500) -> tuple[list[Ring], Place]:
    """The next rings of other processes, and where to read on: a process has rung for its own, and most are its own."""
    asked = {'xid': xid, 'row': ring_id, 'limit': limit}
    rings = list(session.scalars(_of_others(session.get_bind().dialect.name), asked))
    return rings, place_of(rings[-1]) if len(rings) == limit else newest_place(session, Ring)


def waiting_after(session: Session, place: Place, model: type[Change] | type[Ring] = Change) -> bool:
    """Whether something stands behind this place; what `changes_after` did not give is held back by a transaction under way."""
    asked = {'xid': place[0], 'row': place[1]}
    return session.scalar(_behind(model, session.get_bind().dialect.name), asked) is not None


# made once: every commit makes somebody ask them
@cache
def _following(model: type[LogT], dialect: str) -> Select[LogT]:
    following = select(model).where(_is_behind(model, dialect)).limit(bindparam('limit'))
    if dialect != 'postgresql':
        return following.order_by(model.id)
    return following.where(model.xid < _oldest_running()).order_by(model.xid, model.id)


@cache
def _of_others(dialect: str) -> Select[Ring]:
    return _following(Ring, dialect).where(Ring.process != PROCESS)


@cache
def _behind(model: type[Change] | type[Ring], dialect: str) -> Select[int]:
    return select(model.id).where(_is_behind(model, dialect)).limit(1)


def _is_behind(model: type[Change] | type[Ring], dialect: str) -> ColumnElement[bool]:
    if dialect != 'postgresql':
        return model.id > bindparam('row')
    return tuple_(model.xid, model.id) > tuple_(bindparam('xid', type_=BigInteger), bindparam('row', type_=BigInteger))


def _oldest_running() -> ColumnElement[int]:
    return cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), String), BigInteger)


def place_of(row: Change | Ring) -> Place:
    """Where a reader stands who has read this row."""
    return row.xid or 0, row.id


def newest_place(session: Session, model: type[Change] | type[Ring] = Change) -> Place:
    """A place to read on from: behind everything committed, before everything still under way."""
    if session.get_bind().dialect.name != 'postgresql':
        return 0, session.scalar(select(func.max(model.id))) or 0
    return int(session.connection().scalar(select(_oldest_running())) or 1) - 1, 2**62


def newest_change(session: Session, claim_id: int) -> int:
    """The id of the newest change of a claim that the asker may see; it tells whether a page shows the claim as it is."""
    return session.scalar(select(func.max(Change.id)).where(Change.claim_id == claim_id)) or 0


def latest_seq(session: Session) -> int:
    """The id of the newest change: the baseline of somebody who joins now."""
    return session.scalar(select(func.max(Change.id))) or 0


# ---- orders -----------------------------------------------------------------------------------------------------------------


def mark_seen(session: Session, claim_id: int, now: datetime, *, visit: bool = True, up_to: int | None = None) -> int:
    """The acting person has seen the claim as it is now, or its news `up_to` one of them; what is newer stays unseen.

    Returns up to which news he had seen it before.
    """
    actor: Actor = session.info['actor']
    claim = session.get(Claim, claim_id)
    if claim is None or actor.user_id is None:
        return 0
    mark = _own_mark(session, claim_id)
    before, _ = _seen_by(session, mark)
    mark = mark or _begin_mark(session, claim, now)
    mark.seq = claim.seq if up_to is None else max(before, min(claim.seq, up_to))
    if visit:
        mark.at = mark.opened_at = now
    return before


def mark_unseen(session: Session, claim_id: int, now: datetime) -> None:
    """Make a claim bold again for the acting person: he was interrupted and wants it back."""
    actor: Actor = session.info['actor']
    claim = session.get(Claim, claim_id)
    if claim is None or actor.user_id is None:
        return
    mark = _own_mark(session, claim_id) or _begin_mark(session, claim, now)
    mark.seq = claim.seq - 1


def _own_mark(session: Session, claim_id: int) -> SeenMark | None:
    """What the acting person has seen of a claim, also when it is about to be written for the first time."""
    its = session.info['actor'].user_id, claim_id
    begun = (row for row in session.new if isinstance(row, SeenMark) and (row.user_id, row.claim_id) == its)
    return session.get(SeenMark, its) or next(begun, None)


def _begin_mark(session: Session, claim: Claim, at: datetime) -> SeenMark:
    """The acting person's first mark on a claim; he may be there in two windows at once, so they take turns to make it."""
    take_turns(session, f'seen {session.info["actor"].user_id} {claim.id}')
    mark = _own_mark(session, claim.id)
    if mark is None:
        mark = _mark(session, claim, at, claim.seq)
        session.add(mark)
    return mark


def _mark(session: Session, claim: Claim, at: datetime, seq: int) -> SeenMark:
    user_id = session.info['actor'].user_id
    return SeenMark(user_id=user_id, claim_id=claim.id, office_id=claim.office_id, at=at, seq=seq)


def record_quietly(session: Session, *, internal: bool = False) -> None:
    """From here on what this session changes stands in the history (or in the bureau's own) and is no news: a rule changed, not a claim."""
    session.flush()
    session.info['quietly'] = True
    session.info['internally'] = internal


def forget_rings(session: Session, before: datetime, limit: int = 1000) -> int:
    """Clear away rings that every process has heard long ago; returns how many."""
    old = list(session.scalars(select(Ring).where(Ring.at < before).order_by(Ring.id).limit(limit)))
    for ring in old:
        session.delete(ring)
    return len(old)


def date_record(session: Session, at: datetime, *, old_news: bool = False) -> None:
    """From here on the session's record is dated `at`. A claim opened as `old_news` is news to nobody (imports of past years).

    Their `seq` stands below zero, under every mark and baseline, the next one under the last: open the newest first.
    """
    session.flush()
    session.info['moment'] = at
    session.info['old_news'] = old_news


# ---- the session's part -----------------------------------------------------------------------------------------------------


@dataclass
class _Planned:
    """A change: of a claim that is new it waits for the claim's row to be flushed."""

    claim: Claim
    id: int
    told: Event
    part: Recorded | None


def record(session: Session) -> None:
    """Before a flush: note what is about to change on every claim, and give a claim with news its new `seq`."""
    session.info.setdefault('moment', session.info.get('at') or now())
    for claim in [row for row in session.new if isinstance(row, Claim)]:
        _plan(session, claim, Event('opened', _initial(claim), quiet=session.info.get('old_news', False)))
    for claim in [row for row in session.dirty if isinstance(row, Claim)]:
        fields = edited(claim, Claim.unrecorded)
        if fields:
            _plan(session, claim, _edit(session, fields))
        elif 'checked_at' in edited(claim, frozenset()):
            _plan(session, claim, Event('checked', {}, quiet=True))
    for part in [row for row in [*session.new, *session.dirty] if isinstance(row, Recorded)]:
        _record_part(session, part)


def _edit(session: Session, fields: dict[str, Any]) -> Event:
    told = session.info
    return Event('updated', fields, internal=told.get('internally', False), quiet=told.get('quietly', False))


def _record_part(session: Session, part: Recorded) -> None:
    told = part.event(new=part in session.new, edited=edited(part, frozenset()))
    if told is not None and part.claim_id is not None:
        _plan(session, session.get_one(Claim, part.claim_id), told, part)


def _plan(session: Session, claim: Claim, told: Event, part: Recorded | None = None) -> None:
    written: dict[Any, Change] = session.info.setdefault('recorded', {})
    earlier = written.get((claim, part, _same_change(told.kind)))
    if earlier is not None:  # a second flush of the same transaction goes on with the same change
        earlier.fields = {
            **earlier.fields,
            **{name: [earlier.fields.get(name, pair)[0], pair[1]] for name, pair in told.fields.items()},
        }
        return
    is_news = not told.quiet and not told.internal
    change_id = _next_for_author(session, claim) if is_news else _next_id(session)
    planned = _Planned(claim, change_id, told, part)
    if claim in session.new:
        session.info.setdefault('planned', []).append(planned)
    else:
        _write(session, planned)
    if is_news:
        claim.seq = change_id
        claim.updated_at = session.info['moment']
    elif told.kind == 'opened':
        claim.seq = _next_below_zero(session)
        claim.updated_at = session.info['moment']


def write_planned(session: Session, _: UOWTransaction) -> None:
    """After a flush, when new claims have their ids: add the changes that waited for them; the next flush writes them."""
    user_id = session.info['actor'].user_id
    for planned in session.info.pop('planned', []):
        _write(session, planned)
        if user_id is not None and planned.told.kind == 'opened':
            session.add(_mark(session, planned.claim, session.info['moment'], planned.id))


def _write(session: Session, planned: _Planned) -> None:
    actor: Actor = session.info['actor']
    claim, told = planned.claim, planned.told
    change = Change(
        id=planned.id,
        claim_id=claim.id,
        office_id=claim.office_id,
        at=session.info['moment'],
        user_id=actor.user_id,
        by=actor.name,
        kind=told.kind,
        fields=dict(told.fields),
        internal=told.internal,
        quiet=told.quiet,
    )
    session.add(change)
    session.info.setdefault('recorded', {})[claim, planned.part, _same_change(told.kind)] = change
    session.info.setdefault('told_by_changes', set()).update(change.notices)


def _same_change(kind: str) -> str:
    return 'updated' if kind == 'opened' else kind


# made once, since every save asks them; with the number of a change, on PostgreSQL, the others are called
_CALL = func.pg_notify(CHANNEL, PROCESS)
_DRAWN = func.nextval('changes_id_seq').table_valued('id').render_derived()
_LAST = select(func.max(Change.id))
_MARKS = Base.metadata.tables[SeenMark.__tablename__]
_ITS_MARK = and_(_MARKS.c.user_id == bindparam('me'), _MARKS.c.claim_id == bindparam('claim'))
_HAS_MARK = select(_MARKS.c.seq).where(_ITS_MARK).exists()
_UNSEEN = news_since(bindparam('claim', type_=BigInteger), _MARKS.c.seq, bindparam('me', type_=Integer)).exists()
_OWN_IS_SEEN = _MARKS.update().where(_ITS_MARK, or_(_MARKS.c.seq >= bindparam('newest'), ~_UNSEEN))
_WRITTEN_IS_SEEN = _OWN_IS_SEEN.values(seq=bindparam('change'))


def _drawn_and_seen() -> Select[int, bool]:
    drawn = select(_DRAWN.c.id, _CALL.label('called')).select_from(_DRAWN).cte('drawn')
    seen = _OWN_IS_SEEN.values(seq=select(drawn.c.id).scalar_subquery()).returning(_MARKS.c.seq).cte('seen')
    return select(drawn.c.id, _HAS_MARK).add_cte(seen).execution_options(by_key=True)


_DRAWN_AND_SEEN = _drawn_and_seen()


def _next_for_author(session: Session, claim: Claim) -> int:
    """The number of a change that is news. One's own is not news to oneself, unless somebody else's was waiting unseen before it.

    NOTE: past the guard, since it is the author's own mark on a claim that he is just writing; on PostgreSQL all of it is one question.
    """
    user_id = session.info['actor'].user_id
    if user_id is None or claim.id is None:
        return _next_id(session)
    if inspect(SeenMark).identity_key_from_primary_key((user_id, claim.id)) in session.identity_map:
        change_id, has_mark = _next_id(session), False  # what the session knows of the mark, it writes itself
    else:
        change_id, has_mark = _next_and_seen(session, {'me': user_id, 'claim': claim.id, 'newest': claim.seq})
    if not has_mark:
        _keep_author_up_to_date(session, claim, change_id)
    return change_id


def _next_and_seen(session: Session, asked: dict[str, Any]) -> tuple[int, bool]:
    """The number of a change, and whether its author has a mark on the claim; it is moved on."""
    connection = session.connection()
    if connection.dialect.name == 'postgresql':
        session.info['called'] = True
        change_id, has_mark = connection.execute(_DRAWN_AND_SEEN, asked).one()
        return change_id, has_mark
    change_id = _next_id(session)
    moved = connection.execute(_WRITTEN_IS_SEEN, {**asked, 'change': change_id}).rowcount
    return change_id, bool(moved or connection.scalar(select(_HAS_MARK), asked))


def _keep_author_up_to_date(session: Session, claim: Claim, change_id: int) -> None:
    mark = _own_mark(session, claim.id)
    seen, _ = _seen_by(session, mark)
    if claim.seq <= seen or session.scalar(news_since(claim.id, seen, session.info['actor'].user_id).limit(1)) is None:
        mark = mark or _begin_mark(session, claim, session.info['moment'])
        mark.seq = change_id


def _next_id(session: Session) -> int:
    if session.get_bind().dialect.name == 'postgresql':
        session.info['called'] = True
        return int(session.connection().scalar(select(_DRAWN.c.id, _CALL)) or 0)
    last = session.info.get('last_change_id') or session.connection().scalar(_LAST) or 0
    session.info['last_change_id'] = last + 1
    return int(last) + 1


def _next_below_zero(session: Session) -> int:
    lowest = session.info.get('lowest_seq') or session.scalar(select(func.min(Claim.seq))) or 0
    session.info['lowest_seq'] = min(lowest, 0) - 1
    return int(session.info['lowest_seq'])


def _initial(claim: Claim) -> dict[str, Any]:
    return {name: [None, plain(getattr(claim, name))] for name in FIELDS if getattr(claim, name) not in (None, '')}


def edited(row: object, leave_out: frozenset[str]) -> dict[str, Any]:
    """What changed in a row and is not flushed yet: column → [before, after]."""
    found = {}
    for name, history in histories(row):
        before = history.deleted[0] if history.deleted else None
        after = history.added[0] if history.added else None
        if before != after and name not in leave_out:
            found[name] = [plain(before), plain(after)]
    return found


def plain(value: Any) -> Any:
    """A stored value as JSON keeps it."""
    return value.isoformat() if isinstance(value, date) else value


def collect_notices(session: Session, _: UOWTransaction) -> None:
    """After a flush: remember whom to ring once the commit has happened."""
    ring_for(session, {notice for row in [*session.new, *session.dirty] for notice in _notices_of(row)})
    # a session of the web that is over cuts its pages off
    ring_for(session, {Notice('access', user_id=row.user_id) for row in session.deleted if isinstance(row, WebSession)})


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
        session.connection().execute(select(_CALL))


def _changes_in(notices: Iterable[Notice]) -> list[int]:
    return [notice.change_id for notice in notices if notice.change_id is not None]


@singledispatch
def _notices_of(row: object) -> list[Notice]:
    """What a new or changed row rings for."""
    if isinstance(row, PersonOwned) and isinstance(row, ClaimPart):
        return [Notice(row.rings, row.office_id, row.claim_id, user_id=row.user_id)]
    return []


@_notices_of.register
def _(row: Change) -> list[Notice]:
    return row.notices


@_notices_of.register
def _(row: User) -> list[Notice]:
    told = [Notice('access', row.office_id, user_id=row.id)]
    if has_changed(
        row, 'baseline_seq', 'list_columns', 'list_density'
    ):  # he has read everything, or likes his list otherwise
        told.append(Notice('person', row.office_id, user_id=row.id))
    return told


@_notices_of.register
def _(row: Credential) -> list[Notice]:
    return [Notice('access', user_id=row.user_id)]


@_notices_of.register
def _(row: ImportRun) -> list[Notice]:
    return [Notice('import')]


@_notices_of.register
def _(row: Message) -> list[Notice]:
    return [Notice('message', row.office_id, row.claim_id)]


@_notices_of.register
def _(row: Document) -> list[Notice]:
    """A file that came with a message stands in the thread too: which one, only the message knows."""
    return [Notice('message', row.office_id)] if row.message_id is not None else []


@_notices_of.register
def _(row: ThreadMark) -> list[Notice]:
    return [Notice('receipt', row.office_id, row.claim_id, user_id=row.user_id)]


@_notices_of.register
def _(claim: Claim) -> list[Notice]:
    """A claim that changes hands changes what both agents may see, alerts too."""
    history = inspect(claim).attrs.agent.history
    people = {*history.deleted, *history.added} if history.has_changes() else set()
    return [Notice('person', claim.office_id, claim.id, user_id=user_id) for user_id in people if user_id is not None]


def announce(notice: Notice) -> None:
    """Ring for something committed: here after a commit of our own, or heard from another process."""
    for listener in tuple(_listeners):
        try:
            listener(notice)
        except Exception:  # what was committed stays committed, and the others are still to be told
            log.exception('a listener failed on %s', notice)


def ring(session: Session) -> None:
    """After the commit: ring everybody's bell. A listener that fails is its own bug and stops nobody else."""
    for notice in session.info.pop('notices', ()):
        announce(notice)
    forget(session)


def start_anew() -> None:
    """Another database counts its changes anew: forget which ones of the last were rung for."""
    _rung_here.clear()


def rung_here(change_id: int) -> bool:
    """Whether this process rang for a change itself, when it committed it."""
    return change_id in _rung_here


def take_back(session: Session, *_: Any) -> None:
    """After a rollback: nothing was written, and on SQLite the next one to write may be given the same ids."""
    for change_id in _changes_in(session.info.pop('notices', ())):
        _rung_here.pop(change_id, None)
    forget(session)


def forget(session: Session, *_: Any) -> None:
    """After the transaction: the next one of this session starts with clean notes."""
    for key in (
        'planned',
        'recorded',
        'notices',
        'called',
        'told_by_changes',
        'moment',
        'old_news',
        'quietly',
        'internally',
        'last_change_id',
        'lowest_seq',
    ):
        session.info.pop(key, None)


def listen_to(session_class: type[Session]) -> None:
    """Attach the record to a session class; called once, by db/session.py."""
    event.listen(session_class, 'before_flush', lambda session, context, rows: record(session))
    event.listen(session_class, 'after_flush', write_planned)
    event.listen(session_class, 'after_flush', collect_notices)
    event.listen(session_class, 'after_commit', ring)
    event.listen(session_class, 'after_soft_rollback', take_back)
