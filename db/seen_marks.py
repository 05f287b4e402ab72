"""What each person has seen of a claim, and what is bold for him therefore."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, Integer, and_, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, BigKey, take_turns
from db.claims import Claim
from db.offices import User
from db.prepared import one_answer
from db.scope import Actor, Can, ClaimPart, PersonOwned, claim_key


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


_SEEN = (
    select(func.coalesce(SeenMark.seq, User.baseline_seq), SeenMark.at)
    .select_from(User)
    .outerjoin(SeenMark, and_(SeenMark.user_id == User.id, SeenMark.claim_id == bindparam('claim')))
    .where(User.id == bindparam('me', type_=Integer))
)


def seen_seq(session: Session, claim_id: int) -> tuple[int, datetime | None]:
    """Up to which news the acting person has seen the claim, and when; his baseline when he never opened it."""
    found = one_answer(session, _SEEN, me=session.info['actor'].user_id, claim=claim_id)
    return (found[0], found[1]) if found else (0, None)


def seen_by(session: Session, mark: SeenMark | None) -> tuple[int, datetime | None]:
    """The same of a mark that was read; without one his baseline."""
    if mark is not None:
        return mark.seq, mark.at
    user = session.get(User, session.info['actor'].user_id)
    return (user.baseline_seq if user else 0), None


# ---- orders -----------------------------------------------------------------------------------------------------------------


def mark_seen(session: Session, claim_id: int, now: datetime, *, visit: bool = True, up_to: int | None = None) -> int:
    """The acting person has seen the claim as it is now, or its news `up_to` one of them; what is newer stays unseen.

    Returns up to which news he had seen it before.
    """
    actor: Actor = session.info['actor']
    claim = session.get(Claim, claim_id)
    if claim is None or actor.user_id is None:
        return 0
    mark = own_mark(session, claim_id)
    before, _ = seen_by(session, mark)
    mark = mark or begin_mark(session, claim, now)
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
    mark = own_mark(session, claim_id) or begin_mark(session, claim, now)
    mark.seq = claim.seq - 1


# ---- the session's part -----------------------------------------------------------------------------------------------------


def own_mark(session: Session, claim_id: int) -> SeenMark | None:
    """What the acting person has seen of a claim, also when it is about to be written for the first time."""
    its = session.info['actor'].user_id, claim_id
    begun = (row for row in session.new if isinstance(row, SeenMark) and (row.user_id, row.claim_id) == its)
    return session.get(SeenMark, its) or next(begun, None)


def begin_mark(session: Session, claim: Claim, at: datetime) -> SeenMark:
    """The acting person's first mark on a claim; he may be there in two windows at once, so they take turns to make it."""
    take_turns(session, f'seen {session.info["actor"].user_id} {claim.id}')
    mark = own_mark(session, claim.id)
    if mark is None:
        mark = mark_of(session, claim, at, claim.seq)
        session.add(mark)
    return mark


def mark_of(session: Session, claim: Claim, at: datetime, seq: int) -> SeenMark:
    """A new mark of the acting person, not added yet."""
    user_id = session.info['actor'].user_id
    return SeenMark(user_id=user_id, claim_id=claim.id, office_id=claim.office_id, at=at, seq=seq)
