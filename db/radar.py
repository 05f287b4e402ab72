"""The radar of cheques (מכ"ם ההמחאות): will the insurer's money be here before the client's cheque is drawn?

One line a claim: today → the day the insurer should decide → the day his money should come; above it the cheques the client gave
away. A cheque that falls first is red. The rule stands here twice, as values (`radar_of`) and as a condition of a question
(`red_cheques`); a test holds them together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select
from sqlalchemy.orm import Session

from db.base import alias_of
from db.cheques import WARN_DAYS, Cheque
from db.claims import SENT_BACK, Claim
from db.clocks import file_complete, file_complete_day
from db.habits import BY_CLIENT, DECISION_DAYS, Pace, pace_of
from db.measuring import days_apart
from db.reference import Insurer

# of such a cheque the money is on its way through the bank: a day that passed is no doubt about it
_IN_THE_BANK = 'deposited'


@dataclass(frozen=True)
class Radar:
    """The line of one claim. `promised`: the day of the money is that of a cheque of the insurer, no estimate.

    `late`: the day passed without the money, so that nobody knows it; one reckons with the two weeks from today.
    The insurer's days are counted since `start`: the day on which he had everything, or that of the submission where he decided
    without; None: they have not begun, and his money comes at the soonest as if they began today.
    """

    today: date
    submitted: date | None
    complete: date | None
    start: date | None
    decision: date | None
    payment: date
    pace: Pace
    promised: bool
    late: bool
    cheques: tuple[Cheque, ...]

    @property
    def counts(self) -> bool:
        """Whether its days are counted from something that happened, and not at the soonest from today."""
        return self.start is not None or self.promised

    @property
    def red(self) -> tuple[Cheque, ...]:
        """The client's cheques that fall before the money."""
        return tuple(cheque for cheque in self.cheques if cheque.due_date < self.payment)


def radar_of(claim: Claim, cheques: Iterable[Cheque], pace: Pace, complete: date | None, today: date) -> Radar | None:
    """The radar of a claim whose file is `complete` with the insurer since a day, or not yet.

    None when it has nothing to say: the money is here, the claim is closed, or no cheque is out.
    """
    live = sorted((cheque for cheque in cheques if cheque.live), key=lambda cheque: (cheque.due_date, cheque.id or 0))
    of_client = tuple(cheque for cheque in live if cheque.by_client)
    if not (claim.is_open and of_client) or claim.money == 'received':
        return None
    coming = [cheque for cheque in live if not cheque.by_client]
    start = _start(claim, complete)
    expected = coming[0].due_date if coming else (start or today) + timedelta(days=pace.days)
    late = expected < today and not any(cheque.state == _IN_THE_BANK for cheque in coming)
    payment = today + timedelta(days=WARN_DAYS) if late else max(expected, today)
    decision = None if claim.approved_amount or coming else (start or today) + timedelta(days=DECISION_DAYS)
    return Radar(today, claim.submitted_at, complete, start, decision, payment, pace, bool(coming), late, of_client)


def radar_now(session: Session, claim: Claim, cheques: Sequence[Cheque], today: date) -> Radar | None:
    """The radar of a claim by the pace of its insurer, which is asked for only when a cheque of the client's is out."""
    if not any(cheque.live and cheque.by_client for cheque in cheques):
        return None
    return radar_of(claim, cheques, pace_of(session, claim.tp_insurer), file_complete(session, claim), today)


def _start(claim: Claim, complete: date | None) -> date | None:
    """Since when the insurer's days are counted: as his clock does; of one who approved, what he lacks holds up nothing any more."""
    if complete is None and claim.approved_amount and claim.status != SENT_BACK:
        return claim.submitted_at
    return complete


# ---- questions --------------------------------------------------------------------------------------------------------------


def red_cheques(session: Session, today: date) -> Select[Cheque]:
    """The client's cheques that fall before the insurer's money, the next one due first, on any claim the asker may see."""
    question = select(Cheque).join(Claim, Claim.id == Cheque.claim_id).where(is_red(session, today))
    return question.order_by(Cheque.due_date, Cheque.id)


def red_claims(session: Session, today: date) -> ColumnElement[bool]:
    """A condition on claims: one of the client's cheques is red. `select(Claim).where(red_claims(session, today))`."""
    red = select(Cheque.claim_id).join(Claim, Claim.id == Cheque.claim_id).where(is_red(session, today))
    return Claim.id.in_(red)


def is_red(session: Session, today: date) -> ColumnElement[bool]:
    """The condition on a cheque joined with its claim. Asks for the paces of the insurers, once."""
    owed = func.coalesce(func.nullif(Claim.approved_amount, 0), func.nullif(Claim.demand_amount, 0))
    received = case((and_(Claim.received_amount > 0, Claim.received_amount >= owed), True), else_=False)
    out = (Cheque.live, Cheque.direction.in_(BY_CLIENT), Claim.is_open, received.is_(False))
    return and_(*out, _falls_first(session, today))


def _falls_first(session: Session, today: date) -> ColumnElement[bool]:
    due, start, soon = Cheque.due_date, _start_day(session, today), today + timedelta(days=WARN_DAYS)
    other = alias_of(Cheque)
    of_insurer = (other.claim_id == Claim.id, other.live, other.direction.not_in(BY_CLIENT))
    promised = select(func.min(other.due_date)).where(*of_insurer).scalar_subquery()
    in_the_bank = select(other.id).where(*of_insurer, other.state == _IN_THE_BANK).exists()
    days, lead = partial(days_apart, session), _lead(session)
    return case(
        (promised >= today, due < promised),
        (and_(promised < today, in_the_bank), due < today),
        (promised < today, due < soon),
        (start.is_(None), days(literal(today), due) < lead),
        (days(start, literal(today)) > lead, due < soon),
        else_=days(start, due) < lead,
    )


def _start_day(session: Session, today: date) -> ColumnElement[date | None]:
    approved = and_(Claim.approved_amount > 0, Claim.status != SENT_BACK)
    return func.coalesce(file_complete_day(session, today), case((approved, Claim.submitted_at)))


def _lead(session: Session) -> ColumnElement[int]:
    """The days of the insurer of a claim."""
    paces = {insurer: pace_of(session, insurer) for insurer in session.scalars(select(Insurer.id))}
    own = [(Claim.tp_insurer == insurer, pace.days) for insurer, pace in paces.items() if pace.days != DECISION_DAYS]
    return case(*own, else_=DECISION_DAYS) if own else literal(DECISION_DAYS)
