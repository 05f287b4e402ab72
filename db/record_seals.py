"""The record of claims, chained by hash: each change is sealed with the seal before it of the same claim, and each night with a head over all.

Whoever changes, takes away or puts in a line afterwards breaks the chain of its claim; whoever mends the chain breaks the heads, which lie elsewhere too.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from secrets import token_hex
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, UniqueConstraint, func, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.alerts import Cursor
from db.base import Base, BigKey, take_turns
from db.calendar import DAY
from db.catch_up import changes_after, place_of, waiting_after
from db.changes import Change, plain
from db.claims import NOT_FOUND, Claim, claim_by_no
from db.scope import Books, Can, ClaimPart, Evidence, claim_key, open_books
from db.texts import N_, ClaimError, t

CURSOR = 'record'
# no transaction is under way for so long: what comes into the record later than that after a later one was put in
SETTLED = timedelta(hours=1)
# what of a change is sealed, whatever columns come after these
_SEALED = ('id', 'claim_id', 'office_id', 'at', 'user_id', 'by', 'kind', 'internal', 'quiet', 'fields')

CHANGED, GONE, ADDED, LATE, UNSEALED, TORN = 'changed', 'gone', 'added', 'late', 'unsealed', 'torn'
FAULTS: Mapping[str, str] = MappingProxyType(
    {
        CHANGED: N_(
            'Line {number} (entry {entry}) does not match its seal: its words, its date or its author were changed.'
        ),
        GONE: N_('Line {number} (entry {entry}) is missing: it was sealed, and is not in the log any more.'),
        ADDED: N_('Entry {entry} has no seal, though later ones have: it was put in afterwards.'),
        LATE: N_('Line {number} (entry {entry}) was put in afterwards, before entries that had been sealed long ago.'),
        UNSEALED: N_('The seal of line {number} is missing.'),
        TORN: N_('The seals of lines {number} to {entry} are missing.'),
    }
)


class ChangeSeal(Books, ClaimPart, Evidence, Base):
    """The seal of a change; `number` counts the lines of its claim, in the order in which they were sealed.

    It holds on to no change: of one that is gone it tells.
    """

    __tablename__ = 'change_seals'
    __table_args__ = (claim_key(), UniqueConstraint('change_id'), UniqueConstraint('claim_id', 'number'))

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    change_id: Mapped[int] = mapped_column(BigKey)
    number: Mapped[int]
    sealed_at: Mapped[datetime]
    # chance that is shown to nobody: or the hash of a line that one may not read would tell whether a guess at its words is right
    salt: Mapped[str]
    hash: Mapped[str]


class SealHead(Books, Evidence, Base):
    """What seals a day: the newest seal of each claim that was sealed since the head before, and that head. `up_to`: the last seal of it."""

    __tablename__ = 'seal_heads'

    day: Mapped[date] = mapped_column(primary_key=True)
    up_to: Mapped[int] = mapped_column(BigKey)
    claims: Mapped[int]
    hash: Mapped[str]

    @property
    def line(self) -> str:
        """As it is printed, kept elsewhere and compared."""
        return f'{self.day.isoformat()} {self.up_to} {self.claims} {self.hash}'


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was sealed: the line of the claim, and the id of its change (of TORN: the first and the last line, and of UNSEALED the one)."""

    kind: str
    entry: int
    number: int = 0

    def told(self, language: str) -> str:
        """In words; never what the line says, which not everybody may read."""
        return t(FAULTS[self.kind], language, number=self.number, entry=self.entry)


@dataclass(frozen=True)
class Chain:
    """The seals of a claim, what is wrong with them, and how many of its changes wait for theirs."""

    seals: Sequence[ChangeSeal] = ()
    faults: Sequence[Fault] = ()
    waiting: int = 0


@dataclass(frozen=True)
class Standing:
    """How far the whole record is sealed: when the last sealed change happened, whether more wait, and the newest heads."""

    up_to: datetime | None
    waits: bool
    heads: Sequence[SealHead]


# ---- questions --------------------------------------------------------------------------------------------------------------


def claim_to_verify(session: Session, claim_no: str) -> Claim:
    """The claim whose record the asker wants verified, if he may."""
    session.info['actor'].need(Can.VERIFY_RECORD)
    claim = session.scalars(claim_by_no(claim_no)).one_or_none()
    if claim is None:
        raise ClaimError(NOT_FOUND)
    return claim


def chains(session: Session, claim_ids: Collection[int], now: datetime) -> dict[int, Chain]:
    """The record of these claims, compared with its seals line by line. The product's own question: also what is internal is counted."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    changes: dict[int, dict[int, Change]] = {claim_id: {} for claim_id in claim_ids}
    for change in session.scalars(select(Change).where(Change.claim_id.in_(claim_ids))):
        changes[change.claim_id][change.id] = change
    seals: dict[int, list[ChangeSeal]] = {claim_id: [] for claim_id in claim_ids}
    ordered = select(ChangeSeal).where(ChangeSeal.claim_id.in_(claim_ids)).order_by(ChangeSeal.number)
    for seal in session.scalars(ordered):
        seals[seal.claim_id].append(seal)
    added = _added(session, claim_ids, now)
    return {claim_id: _compared(seals[claim_id], changes[claim_id], added[claim_id]) for claim_id in claim_ids}


def claims_after(claim_id: int, limit: int) -> Select[int]:
    """The next claims to verify."""
    return select(Claim.id).where(Claim.id > claim_id).order_by(Claim.id).limit(limit)


def heads(session: Session, limit: int | None = None) -> list[SealHead]:
    """The heads of the days, newest first; for admins."""
    session.info['actor'].need(Can.ADMINISTER)
    with open_books(session):
        return list(session.scalars(select(SealHead).order_by(SealHead.day.desc()).limit(limit)))


def standing_of_seals(session: Session, shown: int = 7) -> Standing:
    """How far the record is sealed; for admins."""
    newest = heads(session, shown)
    with open_books(session):
        sealed = select(Change.at).join(ChangeSeal, ChangeSeal.change_id == Change.id)
        up_to = session.scalars(sealed.order_by(ChangeSeal.id.desc()).limit(1)).first()
        cursor = session.get(Cursor, CURSOR)
    waits = waiting_after(session, (cursor.xid, cursor.change_id) if cursor else (0, 0))
    return Standing(up_to, waits, newest)


def wrong_heads(session: Session) -> list[SealHead]:
    """The heads that do not match the seals they are of. The product's own question."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    wrong, before = [], None
    for head in session.scalars(select(SealHead).order_by(SealHead.day)):
        if _head_over(session, head.day, before, head.up_to).line != head.line:
            wrong.append(head)
        before = head
    return wrong


def due_head(session: Session, today: date) -> SealHead | None:
    """The head of yesterday, where it is not written yet and something was sealed since the one before. The product's own question."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    before = session.scalars(select(SealHead).order_by(SealHead.day.desc()).limit(1)).first()
    midnight = datetime.combine(today, time(), tzinfo=values.ISRAEL)
    since = ChangeSeal.id > (before.up_to if before else 0)
    first = session.scalars(select(ChangeSeal).where(since).order_by(ChangeSeal.id).limit(1)).first()
    if first is None or first.sealed_at >= midnight or (before and before.day >= today - DAY):
        return None
    up_to = session.scalar(select(func.max(ChangeSeal.id)).where(since, ChangeSeal.sealed_at < midnight))
    return _head_over(session, today - DAY, before, up_to or 0)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def seal_next(session: Session, now: datetime, limit: int) -> int:
    """In one transaction: seal the next changes, and note that they are; returns how many it read.

    The place is kept as all who follow the changes keep it, so what commits late is not passed over. What is sealed already stays so.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, CURSOR)
    cursor = session.get(Cursor, CURSOR)
    if cursor is None:
        cursor = Cursor(name=CURSOR, xid=0, change_id=0)
        session.add(cursor)
    changes = changes_after(session, cursor.xid, cursor.change_id, limit)
    if not changes:
        return 0
    is_read = ChangeSeal.change_id.in_([change.id for change in changes])
    sealed = set(session.scalars(select(ChangeSeal.change_id).where(is_read)))
    of_these = ChangeSeal.claim_id.in_({change.claim_id for change in changes})
    last = {seal.claim_id: seal for seal in session.scalars(_newest(of_these))}
    for change in changes:
        if change.id not in sealed:
            last[change.claim_id] = _sealed(change, last.get(change.claim_id), now)
            session.add(last[change.claim_id])
    cursor.xid, cursor.change_id = place_of(changes[-1])
    return len(changes)


def write_head(session: Session, head: SealHead) -> None:
    """Write a day's head down, unless another process was faster."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, CURSOR)
    if session.get(SealHead, head.day) is None:
        session.add(head)


# ---- hashes -----------------------------------------------------------------------------------------------------------------


def _sealed(change: Change, before: ChangeSeal | None, now: datetime) -> ChangeSeal:
    seal = ChangeSeal(claim_id=change.claim_id, office_id=change.office_id, change_id=change.id, sealed_at=now)
    seal.salt = token_hex(16)
    seal.number = before.number + 1 if before else 1
    seal.hash = _hash_of(seal, before, change)
    return seal


def _hash_of(seal: ChangeSeal, before: ChangeSeal | None, change: Change) -> str:
    """NOTE: written down in docs/running.md, and never to be changed: it is what auditors compute too."""
    told = {name: _canonical(getattr(change, name)) for name in _SEALED}
    line = [before.hash if before else '', seal.number, _canonical(seal.sealed_at), seal.salt, told]
    return sha256(json.dumps(line, sort_keys=True, separators=(',', ':')).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    return plain(value.astimezone(UTC) if isinstance(value, datetime) else value)


def _head_over(session: Session, day: date, before: SealHead | None, up_to: int) -> SealHead:
    """NOTE: likewise."""
    told = sha256(f'{before.hash if before else ""} {day.isoformat()}\n'.encode())
    since = before.up_to if before else 0
    claims = 0
    ends = _newest(ChangeSeal.id > since, ChangeSeal.id <= up_to).order_by(ChangeSeal.claim_id)
    columns = ends.with_only_columns(ChangeSeal.claim_id, ChangeSeal.number, ChangeSeal.hash)
    for claim_id, number, newest in session.execute(columns):
        told.update(f'{claim_id} {number} {newest}\n'.encode())
        claims += 1
    return SealHead(day=day, up_to=up_to, claims=claims, hash=told.hexdigest())


def _newest(*which: ColumnElement[bool]) -> Select[ChangeSeal]:
    """The newest seal of each claim among these."""
    ends = select(ChangeSeal.claim_id, func.max(ChangeSeal.number)).where(*which).group_by(ChangeSeal.claim_id)
    return select(ChangeSeal).where(tuple_(ChangeSeal.claim_id, ChangeSeal.number).in_(ends))


# ---- comparing --------------------------------------------------------------------------------------------------------------


def _added(session: Session, claim_ids: Collection[int], now: datetime) -> dict[int, set[int]]:
    """The changes of these claims that have no seal though some later change had one long ago."""
    own = select(ChangeSeal.id).where(ChangeSeal.change_id == Change.id).exists()
    later = ChangeSeal.change_id > Change.id, ChangeSeal.sealed_at < now - SETTLED
    passed_over = select(ChangeSeal.id).where(*later).exists()
    found = defaultdict[int, set[int]](set)
    loose = select(Change.claim_id, Change.id).where(Change.claim_id.in_(claim_ids), ~own, passed_over)
    for claim_id, change_id in session.execute(loose):
        found[claim_id].add(change_id)
    return found


def _compared(seals: Sequence[ChangeSeal], changes: Mapping[int, Change], added: set[int]) -> Chain:
    found = [*_broken(seals, changes), *_put_between(seals), *(Fault(ADDED, entry) for entry in sorted(added))]
    loose = changes.keys() - {seal.change_id for seal in seals} - added
    return Chain(seals, found, len(loose))


def _broken(seals: Iterable[ChangeSeal], changes: Mapping[int, Change]) -> Iterator[Fault]:
    """What differs or is missing. A seal is compared by the one that stands before it, so that one wrong line is told of once."""
    before: ChangeSeal | None = None
    for seal in seals:
        expected = before.number + 1 if before else 1
        change = changes.get(seal.change_id)
        if change is None:
            yield Fault(GONE, seal.change_id, seal.number)
        if seal.number != expected:  # without the seal before it nothing can be said of its line
            yield Fault(UNSEALED if seal.number == expected + 1 else TORN, seal.number - 1, expected)
        elif change is not None and _hash_of(seal, before, change) != seal.hash:
            yield Fault(CHANGED, seal.change_id, seal.number)
        before = seal


def _put_between(seals: Sequence[ChangeSeal]) -> Iterator[Fault]:
    """What was sealed long after a later change of the claim."""
    settled, place = 0, 0
    for seal in seals:
        while seals[place].sealed_at < seal.sealed_at - SETTLED:
            settled, place = max(settled, seals[place].change_id), place + 1
        if seal.change_id < settled:
            yield Fault(LATE, seal.change_id, seal.number)
