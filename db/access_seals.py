"""The log of access chained by hash: every minute a seal over the lines since the seal before, and that seal.

Whoever changes, takes away or puts in a line afterwards breaks its seal; whoever mends the seals breaks the hash that lies elsewhere.
Lines that were kept for as long as they must be are cleared away, a whole seal at a time; their seals stay.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, String, cast, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.access_log import KEPT, Access
from db.alerts import Cursor
from db.base import Base, BigKey, take_turns
from db.changes import plain
from db.scope import Books, Can, Evidence, open_books

CURSOR = 'accesses'
# lines that wait longer, while none was sealed, have nobody who seals them
STOPPED = timedelta(hours=1)
# what of a line is sealed, whatever columns come after these
_SEALED = (
    *('id', 'at', 'user_id', 'by', 'as_user_id', 'as_name'),
    *('address', 'what', 'claim_no', 'told', 'granted'),
)
# how a sealed stretch of the log differs from what it was
CHANGED, MISSING, ADDED, UNSEALED = 'changed', 'missing', 'added', 'unsealed'


class AccessSeal(Books, Evidence, Base):
    """The seal over the lines `first_id` to `last_id`, whether or not each of these numbers was given out; `lines` says how many there are."""

    __tablename__ = 'access_seals'

    number: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(BigKey)
    last_id: Mapped[int] = mapped_column(BigKey, unique=True)
    lines: Mapped[int]
    # when the newest of them happened: until then all of them are kept
    newest_at: Mapped[datetime]
    sealed_at: Mapped[datetime]
    hash: Mapped[str]

    @property
    def line(self) -> str:
        """As it is kept elsewhere and compared."""
        return f'access {self.number} {self.hash}'


@dataclass(frozen=True)
class Tampered:
    """A sealed stretch that is not as it was sealed: how, and how many lines it had and has; of UNSEALED the seals `number` on are gone."""

    kind: str
    seal: AccessSeal
    number: int
    present: int = 0


@dataclass(frozen=True)
class AccessStanding:
    """How far the log is sealed: the newest seal, since when lines wait for theirs, and whether nobody seals them."""

    newest: AccessSeal | None
    waits_since: datetime | None
    stopped: bool


# ---- questions --------------------------------------------------------------------------------------------------------------


def access_standing(session: Session, now: datetime) -> AccessStanding:
    """How far the log is sealed; for admins."""
    session.info['actor'].need(Can.ADMINISTER)
    with open_books(session):
        newest = _newest(session)
        waiting = select(Access.at).where(Access.id > (newest.last_id if newest else 0)).order_by(Access.id).limit(1)
        since = session.scalar(waiting)
    # before the first seal of all nobody can tell: the job itself is late then
    late = since is not None and newest is not None and max(since, newest.sealed_at) < now - STOPPED
    return AccessStanding(newest, since, late)


def access_heads(session: Session) -> list[AccessSeal]:
    """The last seal of each day, the newest first: what is kept elsewhere; for admins."""
    session.info['actor'].need(Can.ADMINISTER)
    last = select(func.max(AccessSeal.number)).group_by(func.date(AccessSeal.sealed_at))
    with open_books(session):
        of_days = select(AccessSeal).where(AccessSeal.number.in_(last))
        return list(session.scalars(of_days.order_by(AccessSeal.number.desc())))


def stood_here(session: Session, line: str) -> bool:
    """Whether a seal that was kept elsewhere is one of these; for admins."""
    session.info['actor'].need(Can.ADMINISTER)
    kind, _, told = line.partition(' ')
    number = told.partition(' ')[0]
    if kind != 'access' or not (number.isascii() and number.isdecimal() and len(number) < 16):
        return False
    with open_books(session):
        seal = session.get(AccessSeal, int(number))
    return seal is not None and seal.line == line


def seals_after(number: int, limit: int) -> Select[AccessSeal]:
    """The next seals to compare."""
    return select(AccessSeal).where(AccessSeal.number > number).order_by(AccessSeal.number).limit(limit)


def compare(
    session: Session, seals: Sequence[AccessSeal], before: AccessSeal | None, now: datetime
) -> Iterator[Tampered]:
    """Compare these seals, one after the other, with the lines of the log; `before` is the one in front of them. The product's own question."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    for seal in seals:
        expected = before.number + 1 if before else 1
        if seal.number != expected:
            yield Tampered(UNSEALED, seal, expected)
        elif found := _difference(session, seal, before, now):
            yield found
        before = seal


def _difference(session: Session, seal: AccessSeal, before: AccessSeal | None, now: datetime) -> Tampered | None:
    lines = list(session.scalars(_lines(seal.first_id, seal.last_id)))
    if _hash_of(seal, before, lines) == seal.hash or (not lines and seal.newest_at < now - KEPT):
        return None
    kind = MISSING if len(lines) < seal.lines else ADDED if len(lines) > seal.lines else CHANGED
    return Tampered(kind, seal, seal.number, len(lines))


def _newest(session: Session) -> AccessSeal | None:
    return session.scalars(select(AccessSeal).order_by(AccessSeal.number.desc()).limit(1)).first()


def _lines(first: int, last: int) -> Select[Access]:
    return select(Access).where(Access.id.between(first, last)).order_by(Access.id)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def seal_accesses(session: Session, now: datetime, limit: int) -> AccessSeal | None:
    """In one transaction: seal the next lines, those that nobody can write before any more; None when there are none.

    On PostgreSQL a line's number may be given out before an earlier one is committed: what was the newest number is sealed when
    every transaction that was under way then has ended.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, CURSOR)
    cursor = session.get(Cursor, CURSOR)
    if cursor is None:
        cursor = Cursor(name=CURSOR, xid=0, change_id=0)
        session.add(cursor)
    before, settled = _newest(session), _settled(session, cursor)
    first = before.last_id + 1 if before else 1
    lines = list(session.scalars(_lines(first, settled or 0).limit(limit)))
    if settled is not None and len(lines) < limit:
        _note_newest(session, cursor)
    if not lines:
        return None
    seal = AccessSeal(number=before.number + 1 if before else 1, first_id=first, last_id=lines[-1].id)
    seal.lines, seal.newest_at, seal.sealed_at = len(lines), max(line.at for line in lines), now
    seal.hash = _hash_of(seal, before, lines)
    session.add(seal)
    return seal


def _settled(session: Session, cursor: Cursor) -> int | None:
    """Up to which number no line is still to come; None: not known before a transaction has ended."""
    if session.get_bind().dialect.name != 'postgresql':
        return session.scalar(select(func.max(Access.id))) or 0  # writers take turns
    over = session.connection().scalar(select(_snapshot(func.pg_snapshot_xmin) >= cursor.xid))
    return cursor.change_id if over else None


def _note_newest(session: Session, cursor: Cursor) -> None:
    cursor.change_id = session.scalar(select(func.max(Access.id))) or 0
    if session.get_bind().dialect.name == 'postgresql':
        cursor.xid = session.connection().scalar(select(_snapshot(func.pg_snapshot_xmax))) or 0


def _snapshot(end: Any) -> ColumnElement[int]:
    return cast(cast(end(func.pg_current_snapshot()), String), BigInteger)


def forget_accesses(session: Session, now: datetime, limit: int = 20) -> int:
    """Clear away what nobody has to keep any more, the lines of so many seals at most; returns of how many.

    Nothing is cleared before its time, and nothing that is not sealed: what is missing otherwise was taken away by somebody.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    table = Base.metadata.tables[Access.__tablename__]
    oldest = session.scalar(select(func.min(Access.id)))
    if oldest is None:
        return 0
    old = select(AccessSeal).where(AccessSeal.last_id >= oldest).order_by(AccessSeal.number).limit(limit)
    seals = [seal for seal in session.scalars(old) if seal.newest_at < now - KEPT]
    for seal in seals:
        # NOTE: past the session's unit of work, which takes nothing of it away
        session.connection().execute(table.delete().where(table.c.id.between(seal.first_id, seal.last_id)))
    return len(seals)


# ---- hashes -----------------------------------------------------------------------------------------------------------------


def _hash_of(seal: AccessSeal, before: AccessSeal | None, lines: Sequence[Access]) -> str:
    """NOTE: written down in docs/running.md, and never to be changed: it is what auditors compute too."""
    head = [before.hash if before else '', seal.number, seal.first_id, seal.last_id, _canonical(seal.sealed_at)]
    told = sha256(_json(head))
    for line in lines:
        told.update(_json({name: _canonical(getattr(line, name)) for name in _SEALED}))
    return told.hexdigest()


def _json(value: Any) -> bytes:
    return f'{json.dumps(value, sort_keys=True, separators=(",", ":"))}\n'.encode()


def _canonical(value: Any) -> Any:
    return plain(value.astimezone(UTC) if isinstance(value, datetime) else value)
