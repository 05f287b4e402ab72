"""Regulatory clocks (שעונים): by when somebody has to do something on a claim, since when, and which days did not count.

The rules stand in a table that an admin edits. A clock is computed from what happened to the claim, never stored; a day that the
claim does not tell, or tells wrong, is set by staff with a reason.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import takewhile
from types import MappingProxyType
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Select, UniqueConstraint, bindparam, case, null, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base, BigKey, take_turns
from db.calendar import WEEKEND, Calendar, Deadline, calendar_of
from db.changes import Change
from db.claims import SENT_BACK, Claim, ClaimConflict, Part, lock_claim
from db.measuring import israel_day
from db.money import Offer
from db.reference import Labelled
from db.requirements import checklist
from db.scope import Actor, Can, ClaimPart, Event, Recorded, claim_key, shared_by_all
from db.texts import N_, ClaimError

BUSINESS, CALENDAR, YEARS = 'business', 'calendar', 'years'
UNITS = MappingProxyType({BUSINESS: N_('Business days'), CALENDAR: N_('Days'), YEARS: N_('Years')})
NOT_STARTED, RUNNING, MET, LATE, PASSED, STOPPED = 'not_started', 'running', 'met', 'late', 'passed', 'stopped'
STATES = MappingProxyType(
    {
        NOT_STARTED: N_('The clock has not started'),
        RUNNING: N_('Running'),
        MET: N_('Met in time'),
        LATE: N_('Done too late'),
        PASSED: N_('The time has passed'),
        STOPPED: N_('Stopped: the claim was closed'),
    }
)
FILE_COMPLETE = 'file_complete'
# what starts and stops a clock
EVENTS = MappingProxyType(
    {
        'event_date': N_('The day of the event'),
        'submitted': N_('The demand was handed to the insurer'),
        FILE_COMPLETE: N_('The insurer has the demand and all documents'),
        'more_documents': N_('The insurer asked for more documents'),
        'notice': N_("The insurer's last notice"),
        'decision': N_("The insurer's answer to the demand"),
        'notified': N_('The insurer told its own client of the demand'),
        'request': N_('The request was sent'),
        'answered': N_('The request was answered'),
        'settled': N_('The claim was paid, cancelled or brought to court'),
    }
)
# these are fields of the claim, and are changed there
OF_THE_CLAIM = frozenset({'event_date', 'submitted'})
# only people know these
BY_HAND = frozenset({'notified', 'request', 'answered'})
_ASKED = frozenset({'insurer_requested_info'})
_DECIDED = frozenset(
    {'offer_received', 'approved_for_payment', 'awaiting_payment', 'partially_paid', 'paid', 'rejected'}
)
_SETTLED = frozenset({'paid', 'closed', 'in_legal'})
# the reasons of closing by which nothing is claimed any more, whatever sums were written down
_OVER = frozenset({'paid_in_full', 'paid_in_part', 'closed_cancelled'})
# so many days before the last one of a limitation: a month, half a year and a year
LIMITATION_STEPS = (30, 182, 365)
_MOST, _REASON_LIMIT = 3650, 300
GONE = N_('This clock was not found.')


@shared_by_all
class ClockRule(Labelled, Base):
    """A rule: so many days after one thing happened, another has to have happened; where it is written, and for which claims it holds."""

    __tablename__ = 'clock_rules'

    rule: Mapped[str]
    rule_en: Mapped[str]
    source: Mapped[str] = mapped_column(default='')
    starts_with: Mapped[str]
    ends_with: Mapped[str | None]
    amount: Mapped[int]
    unit: Mapped[str]
    # only for claims of which this is so; of all without one
    flag: Mapped[str | None]
    # whether people are alerted when its last day comes near and when it has passed
    alerts: Mapped[bool] = mapped_column(default=False)

    def rule_in(self, language: str) -> str:
        """What the rule says, in a reader's language."""
        return self.rule if language == 'he' else self.rule_en

    @validates('amount')
    def _amount(self, _: str, amount: int) -> int:
        if not 0 < amount <= _MOST:
            raise ClaimError(N_('Please enter a number between 1 and {most}.'), most=_MOST)
        return amount


class ClockDay(ClaimPart, Recorded, Base):
    """The day on which something happened to a claim, as staff set it, and why; without a day the claim tells it again."""

    __tablename__ = 'clock_days'
    __table_args__ = (claim_key(), UniqueConstraint('claim_id', 'event'))
    writable_with: ClassVar[Can] = Can.EDIT_CLAIM

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    # NOTE: `event` is what the record asks, so the column has another name here
    about: Mapped[str] = mapped_column('event')
    day: Mapped[date | None]
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]

    @validates('reason')
    def _reason(self, _: str, reason: str) -> str:
        return values.text(reason, limit=_REASON_LIMIT)

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """The history keeps it; it is news to nobody."""
        if not new and 'day' not in edited:
            return None
        day = edited.get('day', [None, self.day.isoformat() if self.day else None])
        return Event('clock', {'clock': [None, self.about], 'day': day, 'reason': [None, self.reason]}, quiet=True)


@dataclass(frozen=True)
class Clock:
    """One rule on one claim, and everything it takes to explain it.

    Of a closed claim it is how it stood on the day it was `closed_on`: nothing counts on.
    """

    rule: ClockRule
    state: str
    start: date | None
    deadline: Deadline | None
    end: date | None
    # what a clock that has not started waits for: documents by name, or nothing more than its event
    missing: tuple[str, ...] = ()
    days_left: int = 0
    # days that staff set by hand, by event, with the reason
    by_hand: Mapping[str, str] = field(default_factory=dict)
    closed_on: date | None = None

    @property
    def reasons(self) -> list[str]:
        """Why days did not count, each reason once and in order; that weekends do not is known to everybody."""
        skipped = self.deadline.skipped if self.deadline else ()
        return list(dict.fromkeys(one.reason for one in skipped if one.reason not in WEEKEND.values()))

    @property
    def weekend_days(self) -> int:
        """How many days did not count for being a Friday or Saturday and nothing else."""
        skipped = self.deadline.skipped if self.deadline else ()
        return sum(one.reason in WEEKEND.values() for one in skipped)


# ---- questions --------------------------------------------------------------------------------------------------------------


def clocks_of(session: Session, claim: Claim, today: date) -> list[Clock]:
    """The clocks of a claim, in the admin's order."""
    rules = session.scalars(active_rules()).all()
    days = _days_of(session, [claim])[claim.id]
    return _clocks_by(rules, claim, days, calendar_of(session), today, missing=_missing(session, claim, days.told))


def clocks_of_all(
    session: Session, claims: Sequence[Claim], rules: Sequence[ClockRule], today: date
) -> Iterator[tuple[Claim, list[Clock]]]:
    """The clocks of several claims by some rules; what keeps one from starting is not asked."""
    calendar, days = calendar_of(session), _days_of(session, claims)
    for claim in claims:
        yield claim, _clocks_by(rules, claim, days[claim.id], calendar, today)


def active_rules() -> Select[ClockRule]:
    """The rules that hold, in the admin's order."""
    return select(ClockRule).where(ClockRule.active).order_by(ClockRule.position)


def _clocks_by(
    rules: Iterable[ClockRule],
    claim: Claim,
    days: '_Days',
    calendar: Calendar,
    today: date,
    missing: Sequence[str] = (),
) -> list[Clock]:
    holding = (rule for rule in rules if rule.flag is None or getattr(claim, rule.flag) is True)
    found = []
    for rule in holding:
        closed_on = _closed_for(rule, claim)
        clock = clock_of(rule, days.told, calendar, closed_on or today, missing=missing, by_hand=days.reasons)
        found.append(_stopped(clock, closed_on) if closed_on else clock)
    return found


def _closed_for(rule: ClockRule, claim: Claim) -> date | None:
    """The day from which a rule counts no more, because the claim was closed. The time in which one may sue runs on over an unpaid one."""
    if claim.closed_at is None or (rule.ends_with == 'settled' and not is_over(claim)):
        return None
    return values.israel(claim.closed_at).date()


def _stopped(clock: Clock, closed_on: date) -> Clock:
    return replace(clock, state=STOPPED if clock.state == RUNNING else clock.state, closed_on=closed_on)


def one_clock(session: Session, claim_no: str, rule_id: str, today: date) -> tuple[Claim, Clock]:
    """One clock of a claim the asker may see."""
    claim = session.scalars(select(Claim).where(Claim.claim_no == claim_no)).one_or_none()
    found = clocks_of(session, claim, today) if claim is not None else []
    clock = next((clock for clock in found if clock.rule.id == rule_id), None)
    if claim is None or clock is None:
        raise ClaimError(GONE)
    return claim, clock


def clock_of(
    rule: ClockRule,
    days: Mapping[str, date],
    calendar: Calendar,
    today: date,
    *,
    missing: Sequence[str] = (),
    by_hand: Mapping[str, str] = MappingProxyType({}),
) -> Clock:
    """A rule applied to the days on which things happened."""
    start, end = days.get(rule.starts_with), days.get(rule.ends_with or '')
    touching = {about: why for about, why in by_hand.items() if about in (rule.starts_with, rule.ends_with)}
    if start is None:
        return Clock(rule, NOT_STARTED, None, None, None, tuple(missing), by_hand=touching)
    deadline = _count(calendar, start, rule)
    if end is not None and end < start:
        end = None  # what stops a clock comes after what starts it
    before, after = (MET, LATE) if end is not None else (RUNNING, PASSED)
    state = before if (end or today) <= deadline.day else after
    return Clock(rule, state, start, deadline, end, (), (deadline.day - today).days, touching)


def _count(calendar: Calendar, start: date, rule: ClockRule) -> Deadline:
    count = {BUSINESS: calendar.business_days_after, CALENDAR: calendar.days_after, YEARS: calendar.years_after}
    return count[rule.unit](start, rule.amount)


def file_complete(session: Session, claim: Claim) -> date | None:
    """Since when the insurer has the demand and every document, as staff set it or as the claim tells it; None: not yet."""
    by_hand = clock_days(claim.id).where(ClockDay.about == FILE_COMPLETE, ClockDay.day.is_not(None))
    said = session.scalars(by_hand).one_or_none()
    return said.day if said is not None else _told_complete(claim)


def file_complete_day(session: Session, today: date) -> ColumnElement[date | None]:
    """The same in a question about claims: a test holds the two together."""
    by_hand = select(ClockDay.day).where(ClockDay.claim_id == Claim.id, ClockDay.about == FILE_COMPLETE)
    said, submitted = by_hand.scalar_subquery(), Claim.submitted_at
    came = israel_day(session, Claim.documents_complete_at, today)
    return case(
        (said.is_not(None), said),
        (or_(submitted.is_(None), Claim.documents != 'complete', Claim.status == SENT_BACK), null()),
        (came > submitted, came),
        else_=submitted,
    )


def clock_days(claim_id: int) -> Select[ClockDay]:
    """What staff set by hand on a claim."""
    return select(ClockDay).where(ClockDay.claim_id == claim_id)


def _missing(session: Session, claim: Claim, days: Mapping[str, date]) -> tuple[str, ...]:
    """The documents by name that keep the file from being complete, once it was submitted."""
    if FILE_COMPLETE in days or 'submitted' not in days:
        return ()
    language = session.info['actor'].language
    return tuple(item.label_in(language) for item in checklist(session, claim) if item.missing)


@dataclass(frozen=True)
class _Days:
    """On which days things happened to a claim, and why staff say so of those they set by hand."""

    told: Mapping[str, date]
    reasons: Mapping[str, str]


def _days_of(session: Session, claims: Sequence[Claim]) -> Mapping[int, _Days]:
    """The days of several claims: as the claim, its offers and its record tell them, or as staff set them."""
    ids = {'ids': [claim.id for claim in claims]}
    records: defaultdict[int, list[tuple[datetime, Mapping[str, Any]]]] = defaultdict(list)
    offers: defaultdict[int, list[date]] = defaultdict(list)
    set_by_hand: defaultdict[int, list[ClockDay]] = defaultdict(list)
    for claim_id, at, fields in session.execute(_RECORDS, ids):
        records[claim_id].append((at, fields))
    for claim_id, offered_on in session.execute(_OFFERED, ids):
        offers[claim_id].append(offered_on)
    for row in session.scalars(_SET_BY_HAND, ids):
        set_by_hand[row.claim_id].append(row)
    return {
        claim.id: _Days(
            _days_told(claim, records[claim.id], offers[claim.id])
            | {row.about: row.day for row in set_by_hand[claim.id] if row.day is not None},
            {row.about: row.reason for row in set_by_hand[claim.id] if row.day is not None},
        )
        for claim in claims
    }


_ids: Any = bindparam('ids', expanding=True)
_RECORDS = (
    select(Change.claim_id, Change.at, Change.fields)
    .where(Change.claim_id.in_(_ids), Change.kind.in_(('opened', 'updated')))
    .order_by(Change.id)
)
_OFFERED = select(Offer.claim_id, Offer.offered_on).where(Offer.claim_id.in_(_ids))
_SET_BY_HAND = select(ClockDay).where(ClockDay.claim_id.in_(_ids))


def _days_told(
    claim: Claim, record: Sequence[tuple[datetime, Mapping[str, Any]]], offers: Iterable[date]
) -> dict[str, date]:
    submitted = claim.submitted_at
    changed = [(values.israel(at).date(), str(fields['status'][1])) for at, fields in record if 'status' in fields]
    told: dict[str, list[date]] = {'event_date': [claim.event_date], 'settled': _settled_since(claim, changed)}
    if submitted is not None:
        since = [(day, status) for day, status in changed if day >= submitted]
        offered = [day for day in offers if day >= submitted]
        asked = _when(since, _ASKED)
        told |= {
            'submitted': [submitted],
            'more_documents': asked[:1],
            'decision': sorted([*_when(since, _DECIDED), *offered])[:1],
            'notice': sorted([*asked, *offered])[-1:],
        }
    if complete := _told_complete(claim):
        told[FILE_COMPLETE] = [complete]
    return {about: found[0] for about, found in told.items() if found}


def _told_complete(claim: Claim) -> date | None:
    """Since when the insurer has the demand and every document, as the claim tells it."""
    if claim.submitted_at is None or claim.documents != 'complete' or claim.status == SENT_BACK:
        return None
    came = claim.documents_complete_at
    return max(claim.submitted_at, values.israel(came).date()) if came else claim.submitted_at


def _settled_since(claim: Claim, changed: Sequence[tuple[date, str]]) -> list[date]:
    """Since when it is settled without a break: of a claim that was opened again, or closed without a payment, the time runs on."""
    unbroken = takewhile(lambda entered: entered[1] in _SETTLED, reversed(changed))
    settles = _SETTLED if is_over(claim) else _SETTLED - {'closed'}
    days = [day for day, status in unbroken if status in settles]
    return days[-1:]


def is_over(claim: Claim) -> bool:
    """Whether nothing is claimed any more once it is closed: it was paid, if only in part, or it never was one."""
    return bool(claim.received_amount) or claim.status_reason in _OVER


def _when(changed: Sequence[tuple[date, str]], statuses: frozenset[str]) -> list[date]:
    return [day for day, status in changed if status in statuses]


# ---- orders -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SaidDay:
    """What somebody says of a day: of which event, what stood there when he looked, which day it was, and how one knows."""

    about: str
    seen: date | None
    day: date | None
    reason: str


def set_clock_day(session: Session, claim_id: int, said: SaidDay, now: datetime) -> ClockDay:
    """Say on which day something happened, and why one says so; no day lets the claim tell it again."""
    actor: Actor = session.info['actor']
    actor.need(Can.EDIT_CLAIM)
    claim = lock_claim(session, claim_id)
    if said.about not in EVENTS or said.about in OF_THE_CLAIM:
        raise ClaimError(N_('This day is a field of the claim. Please change it there.'))
    if said.day is not None and not claim.event_date <= said.day <= values.israel(now).date():
        raise ClaimError(N_('The day lies between the event and today.'))
    if not said.reason.strip():
        raise ClaimError(N_('Please write where the day is known from.'))
    take_turns(session, f'clock {claim_id}')
    kept = session.scalars(clock_days(claim_id).where(ClockDay.about == said.about)).one_or_none()
    if (kept.day if kept else None) not in (said.seen, said.day):
        raise ClaimConflict('', kept.day if kept else None, claim.id, Part('clock', 'clock', said.about))
    if kept is None:
        kept = ClockDay(claim_id=claim.id, office_id=claim.office_id, about=said.about)
        session.add(kept)
    kept.day, kept.reason, kept.by, kept.at = said.day, said.reason, actor.name, now
    return kept
