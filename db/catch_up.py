"""What other processes wrote since one looked last: changes and rings in an order that skips none."""

from functools import cache
from typing import NamedTuple, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, String, bindparam, cast, func, select, tuple_
from sqlalchemy.orm import Session

from db.admin_changes import AdminChange
from db.changes import Change
from db.claims import Claim
from db.doorbell import PROCESS, Ring

Place = tuple[int, int]
LogT = TypeVar('LogT', Change, Ring, AdminChange)
Log = type[Change] | type[Ring] | type[AdminChange]


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


def edits_after(session: Session, xid: int, edit_id: int, limit: int) -> list[AdminChange]:
    """The next edits of Administration, in the order in which they were committed."""
    asked = {'xid': xid, 'row': edit_id, 'limit': limit}
    return list(session.scalars(_following(AdminChange, session.get_bind().dialect.name), asked))


def waiting_after(session: Session, place: Place, model: Log = Change) -> bool:
    """Whether something stands behind this place; what `changes_after` did not give is held back by a transaction under way."""
    asked = {'xid': place[0], 'row': place[1]}
    return session.scalar(_behind(model, session.get_bind().dialect.name), asked) is not None


def place_of(row: Change | Ring | AdminChange) -> Place:
    """Where a reader stands who has read this row."""
    return row.xid or 0, row.id


def newest_place(session: Session, model: type[Change] | type[Ring] = Change) -> Place:
    """A place to read on from: behind everything committed, before everything still under way."""
    if session.get_bind().dialect.name != 'postgresql':
        return 0, session.scalar(select(func.max(model.id))) or 0
    return int(session.connection().scalar(select(_oldest_running())) or 1) - 1, 2**62


# ---- for programs that ask again and again ----------------------------------------------------------------------------------

# so many changes of the whole installation are looked through; who asks for older ones reads the claims themselves anew
GOES_BACK = 100_000


class Stretch(NamedTuple):
    """The changes behind one place up to another, which is that of the change `latest`: none is still to come in between."""

    since: Place
    upto: Place
    latest: int


def stretch_since(session: Session, change_id: int | None) -> Stretch | None:
    """From behind this change (None: the newest) up to the newest; None when it is too long ago, or there is no such change. The product's own question."""
    newest = session.scalars(_newest(session.get_bind().dialect.name)).first()
    upto, latest = (place_of(newest), newest.id) if newest is not None else ((0, 0), 0)
    if change_id is None or change_id == latest:
        return Stretch(upto, upto, latest)
    if latest - change_id > GOES_BACK:
        return None
    read = session.get(Change, change_id) if change_id else None
    if read is None and change_id:
        return None
    since = place_of(read) if read is not None else (0, 0)
    return Stretch(since, upto, latest) if since < upto else Stretch(since, since, change_id)


def news_in(session: Session, stretch: Stretch, limit: int) -> list[tuple[Change, str]]:
    """The first news of a stretch that the asker may see, each with the number of its claim, in the order of `changes_after`."""
    (xid, row), (last_xid, last_row) = stretch.since, stretch.upto
    asked = {'xid': xid, 'row': row, 'last_xid': last_xid, 'last_row': last_row, 'limit': limit}
    return [(change, claim_no) for change, claim_no in session.execute(_news(session.get_bind().dialect.name), asked)]


@cache
def _newest(dialect: str) -> Select[Change]:
    if dialect != 'postgresql':
        return select(Change).order_by(Change.id.desc()).limit(1)
    newest = select(Change).where(Change.xid < _oldest_running())
    return newest.order_by(Change.xid.desc(), Change.id.desc()).limit(1)


@cache
def _news(dialect: str) -> Select[Change, str]:
    upto: ColumnElement[bool] = Change.id <= bindparam('last_row')
    if dialect == 'postgresql':
        last = tuple_(bindparam('last_xid', type_=BigInteger), bindparam('last_row', type_=BigInteger))
        upto = tuple_(Change.xid, Change.id) <= last
    news = _following(Change, dialect).where(upto, Change.quiet.is_(False), Change.internal.is_(False))
    return news.join(Claim, Claim.id == Change.claim_id).add_columns(Claim.claim_no)


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
def _behind(model: Log, dialect: str) -> Select[int]:
    return select(model.id).where(_is_behind(model, dialect)).limit(1)


def _is_behind(model: Log, dialect: str) -> ColumnElement[bool]:
    if dialect != 'postgresql':
        return model.id > bindparam('row')
    return tuple_(model.xid, model.id) > tuple_(bindparam('xid', type_=BigInteger), bindparam('row', type_=BigInteger))


def _oldest_running() -> ColumnElement[int]:
    return cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), String), BigInteger)
