"""What the bureau's own closed claims say: how long an insurer takes to pay, what he takes off which head of damage, and how long money takes.

All are reckoned over all offices, past the scope of whoever asks: a number made of ten claims and more names nobody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from statistics import median
from typing import Any

from sqlalchemy import Subquery, case, func, select
from sqlalchemy.orm import Session

from db import values
from db.base import Base
from db.cheques import Cheque
from db.claims import Claim
from db.money import HeadAmount, MoneyMove

# «from all the documents»: so many days an insurer has to decide; what one reckons with while nothing better is known
DECISION_DAYS = 30
# fewer closed claims of an insurer say nothing of the next one
ENOUGH = 10
# the newest closed claims of an insurer that are looked at
_LOOKED_AT = 500
BY_CLIENT = ('insured_to_garage', 'insured_to_appraiser')

_claims, _cheques, _heads, _moves = (
    Base.metadata.tables[model.__tablename__] for model in (Claim, Cheque, HeadAmount, MoneyMove)
)


@dataclass(frozen=True)
class Pace:
    """How long an insurer takes from the submission to the money: the median of so many closed claims, or the rule."""

    days: int
    claims: int

    @property
    def known(self) -> bool:
        """Whether it is his own pace; else there is not enough to say so."""
        return self.claims >= ENOUGH


RULE = Pace(DECISION_DAYS, 0)


@dataclass(frozen=True)
class Cuts:
    """How often an insurer took something off a head of damage, of so many closed claims with it, and how much on the average."""

    claims: int
    cut: int
    average: int

    @property
    def percent(self) -> int:
        """Of a hundred claims, so many were cut."""
        return round(100 * self.cut / self.claims)


def pace_of(session: Session, insurer: int | None) -> Pace:
    """The pace of an insurer: the median of the days from the submission to the day of the first cheque that was cleared."""
    newest = _newest_closed(insurer)
    paid = (
        select(newest.c.submitted_at, func.min(_cheques.c.due_date))
        .join(_cheques, _cheques.c.claim_id == newest.c.id)
        .where(_cheques.c.state == 'cleared', _cheques.c.direction.not_in(BY_CLIENT))
        .group_by(newest.c.id, newest.c.submitted_at)
    )
    taken = [max((paid_on - submitted).days, 0) for submitted, paid_on in session.connection().execute(paid)]
    return Pace(round(median(taken)), len(taken)) if len(taken) >= ENOUGH else Pace(DECISION_DAYS, len(taken))


def cuts_of(session: Session, insurer: int | None) -> Mapping[str, Cuts]:
    """What an insurer takes off, by head of damage; heads with too few closed claims are left out."""
    newest, demanded, approved = _newest_closed(insurer), _heads.c.demanded, _heads.c.approved
    cut = case((approved < demanded, demanded - approved))
    said: Any = (
        select(_heads.c.head, func.count(), func.count(cut), func.avg(cut))
        .join(newest, newest.c.id == _heads.c.claim_id)
        .where(demanded > 0, approved.is_not(None))
        .group_by(_heads.c.head)
        .having(func.count() >= ENOUGH)
    )
    return {
        head: Cuts(claims, taken, round(average or 0))
        for head, claims, taken, average in session.connection().execute(said)
    }


def days_to_money(session: Session) -> list[int]:
    """Of the newest closed claims of all offices that got any: the days from the opening to the money, where it is known when that came."""
    closed = select(_claims.c.id, _claims.c.opened_at, _claims.c.created_at)
    closed = closed.where(_claims.c.is_open.is_(False), _claims.c.received_amount > 0)
    newest = closed.order_by(_claims.c.seq.desc()).limit(_LOOKED_AT).subquery()
    received: Any = (
        select(newest.c.id, newest.c.opened_at, newest.c.created_at, _moves.c.at, _moves.c.amount)
        .join(_moves, _moves.c.claim_id == newest.c.id)
        .where(_moves.c.total == 'received')
        .order_by(newest.c.id, _moves.c.id)
    )
    rows = session.connection().execute(received)
    days = []
    for (_, opened, entered), moves in groupby(rows, key=lambda row: tuple(row[:3])):
        came = day_of_money(entered, (tuple(move[3:]) for move in moves))
        if came is not None:
            days.append(max((came - opened).days, 0))
    return days


def day_of_money(entered: datetime, moves: Iterable[tuple[datetime, int]]) -> date | None:
    """On which day a claim got the first money that stayed, by the moves of what it received; None: it has none, or nobody knows.

    What was noted on the day on which the claim itself was entered, or dated before it, came who knows when: nobody is paid on the day he claims.
    """
    total, came = 0, None
    for at, amount in moves:
        if total <= 0 < total + amount:
            came = values.israel(at).date()
        total += amount
    return came if total > 0 and came is not None and came > values.israel(entered).date() else None


def _newest_closed(insurer: int | None) -> Subquery:
    closed = select(_claims.c.id, _claims.c.submitted_at).where(
        _claims.c.tp_insurer_id == insurer, _claims.c.is_open.is_(False), _claims.c.submitted_at.is_not(None)
    )
    return closed.order_by(_claims.c.seq.desc()).limit(_LOOKED_AT).subquery()
