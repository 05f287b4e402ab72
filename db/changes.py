"""The record of what changed: written by the session itself, read as history, as what is new, and as the source of alerts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    FetchedValue,
    Index,
    Integer,
    Select,
    and_,
    bindparam,
    event,
    func,
    inspect,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from db.base import Base, BigKey, histories, now
from db.claims import FIELDS, Claim
from db.doorbell import CALL, Notice, collect_notices, notices_of, ring, take_back
from db.masks import FieldsTold
from db.scope import Actor, Can, ClaimPart, Event, Internal, Recorded, claim_key
from db.seen_marks import SeenMark, begin_mark, mark_of, own_mark, seen_by


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
    fields: Mapped[dict[str, Any]] = mapped_column(FieldsTold())

    @property
    def notices(self) -> list[Notice]:
        """What it rings for: the claim, and whoever wrote the news and has seen them thereby."""
        told = [Notice('claim', self.office_id, self.claim_id, change_id=self.id)]
        if self.user_id is not None and not self.quiet and not self.internal:
            told.append(Notice('seen', self.office_id, self.claim_id, user_id=self.user_id))
        return told


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


def newest_change(session: Session, claim_id: int) -> int:
    """The id of the newest change of a claim that the asker may see; it tells whether a page shows the claim as it is."""
    return session.scalar(select(func.max(Change.id)).where(Change.claim_id == claim_id)) or 0


def latest_seq(session: Session) -> int:
    """The id of the newest change: the baseline of somebody who joins now."""
    return session.scalar(select(func.max(Change.id))) or 0


# ---- orders -----------------------------------------------------------------------------------------------------------------


def record_quietly(session: Session, *, internal: bool = False) -> None:
    """From here on what this session changes stands in the history (or in the bureau's own) and is no news: a rule changed, not a claim."""
    session.flush()
    session.info['quietly'] = True
    session.info['internally'] = internal


def date_record(session: Session, at: datetime, *, old_news: bool = False) -> None:
    """From here on the session's record is dated `at`. What is opened or entered as `old_news` is news to nobody (imports of past years).

    The `seq` of such claims stands below zero, under every mark and baseline, the next one under the last: open the newest first.
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
        fields = _initial(claim)
        _note_completion(session, claim, fields)
        _plan(session, claim, Event('opened', fields, quiet=session.info.get('old_news', False)))
    for claim in [row for row in session.dirty if isinstance(row, Claim)]:
        fields = edited(claim, Claim.unrecorded)
        if fields:
            _note_completion(session, claim, fields)
            _plan(session, claim, _edit(session, fields))
        elif 'checked_at' in edited(claim, frozenset()):
            _plan(session, claim, Event('checked', {}, quiet=True))
    for part in [row for row in [*session.new, *session.dirty] if isinstance(row, Recorded)]:
        _record_part(session, part)


def _note_completion(session: Session, claim: Claim, fields: Mapping[str, Any]) -> None:
    """The day from which an insurer has all documents is asked of many claims at once: it is kept beside them."""
    if fields.get('documents', ('', ''))[1] == 'complete':
        claim.documents_complete_at = session.info['moment']


def _edit(session: Session, fields: dict[str, Any]) -> Event:
    told = session.info
    return Event('updated', fields, internal=told.get('internally', False), quiet=told.get('quietly', False))


def _record_part(session: Session, part: Recorded) -> None:
    new = part in session.new
    told = part.event(new=new, edited=edited(part, frozenset()))
    if told is not None and part.claim_id is not None:
        if new and session.info.get('old_news'):
            told = replace(told, quiet=True)
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
            session.add(mark_of(session, planned.claim, session.info['moment'], planned.id))


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


_DRAWN = func.nextval('changes_id_seq').table_valued('id').render_derived()
_LAST = select(func.max(Change.id))
_MARKS = Base.metadata.tables[SeenMark.__tablename__]
_ITS_MARK = and_(_MARKS.c.user_id == bindparam('me'), _MARKS.c.claim_id == bindparam('claim'))
_HAS_MARK = select(_MARKS.c.seq).where(_ITS_MARK).exists()
_UNSEEN = news_since(bindparam('claim', type_=BigInteger), _MARKS.c.seq, bindparam('me', type_=Integer)).exists()
_OWN_IS_SEEN = _MARKS.update().where(_ITS_MARK, or_(_MARKS.c.seq >= bindparam('newest'), ~_UNSEEN))
_WRITTEN_IS_SEEN = _OWN_IS_SEEN.values(seq=bindparam('change'))


def _drawn_and_seen() -> Select[int, bool]:
    drawn = select(_DRAWN.c.id, CALL.label('called')).select_from(_DRAWN).cte('drawn')
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
    mark = own_mark(session, claim.id)
    seen, _ = seen_by(session, mark)
    if claim.seq <= seen or session.scalar(news_since(claim.id, seen, session.info['actor'].user_id).limit(1)) is None:
        mark = mark or begin_mark(session, claim, session.info['moment'])
        mark.seq = change_id


def _next_id(session: Session) -> int:
    if session.get_bind().dialect.name == 'postgresql':
        session.info['called'] = True
        return int(session.connection().scalar(select(_DRAWN.c.id, CALL)) or 0)
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


@notices_of.register
def _(row: Change) -> list[Notice]:
    return row.notices


def forget(session: Session, *_: Any) -> None:
    """After the transaction: the next one of this session starts with clean notes."""
    for key in (
        'planned',
        'recorded',
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
    event.listen(session_class, 'after_commit', forget)
    event.listen(session_class, 'after_soft_rollback', take_back)
    event.listen(session_class, 'after_soft_rollback', forget)
