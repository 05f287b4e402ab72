"""Deadlines: who follows a claim is alerted when one of its clocks nears its last day, and when that day has passed.

Nothing of it is stored but the alerts: at which step a clock stands is worked out from the claim whenever something happens to it,
and twice a day for every open one. A key names the clock, its last day and the step, so each is told once, however often one looks;
what a clock says no longer is taken back, unless it was read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from db import values
from db.alert_news import raise_alert
from db.alerts import Alert
from db.base import take_turns
from db.calendar import Calendar, calendar_of
from db.claims import Claim
from db.clocks import LIMITATION_STEPS, PASSED, RUNNING, YEARS, Clock, ClockRule, active_rules, clocks_of_all
from db.doorbell import Notice, ring_for
from db.scope import Can

# kinds of the catalogue: what somebody has still to do hears the bureau, which presses for it; a limitation concerns everybody
NEAR, LIMITATION, MISSED = 'deadline.near', 'deadline.limitation', 'deadline.passed'
KINDS = frozenset({NEAR, LIMITATION, MISSED})
# so many days before the last one; of a limitation, `LIMITATION_STEPS`
_BEFORE = 3
# what passed longer ago is no news any more: a claim that was imported or put right later alerts nobody of it; what was told stays
MISSED_DAYS = 14
# a limitation runs on over a claim that was closed unpaid: of it one hears as a step begins, and of no step that began longer ago
_CLOSED_DAYS = 14
# what happens to a claim by these fields moves its clocks
DEADLINES_GO_BY = frozenset({'status', 'documents', 'event_date', 'submitted_at', 'handler', 'own_policy_used'})


@dataclass(frozen=True)
class Due:
    """A step that a clock of a claim stands at: what it is told as, under which key, in which words, and whether anew."""

    kind: str
    key: str
    told: Mapping[str, Any]
    is_news: bool


# ---- questions --------------------------------------------------------------------------------------------------------------


def step_of(clock: Clock, calendar: Calendar, today: date) -> tuple[str, int] | None:
    """At which step a clock stands: its kind and how many days before the last one it begins (-1 after it); None: at none.

    A step that would begin when nobody works begins on the last business day before.
    """
    if clock.deadline is None or not clock.rule.alerts:
        return None
    if clock.state == PASSED:
        return MISSED, -1
    if clock.state != RUNNING:
        return None
    in_years = clock.rule.unit == YEARS
    for days in LIMITATION_STEPS if in_years else (_BEFORE,):
        if _begins(calendar, clock.deadline.day, days) <= today:
            return LIMITATION if in_years else NEAR, days
    return None


def _begins(calendar: Calendar, last: date, days: int) -> date:
    return calendar.last_business_day(last - timedelta(days=days)).day


def dues_of(session: Session, claim_ids: Iterable[int], today: date) -> dict[Claim, Sequence[Due]]:
    """The steps at which the clocks of these claims stand; of a closed one only that of a limitation which still runs."""
    claims = session.scalars(_CLAIMS, {'ids': list(claim_ids)}).all()
    rules: list[ClockRule] = [rule for rule in session.scalars(active_rules()) if rule.alerts]
    calendar = calendar_of(session)
    dues: dict[Claim, Sequence[Due]] = dict.fromkeys(claims, ())
    for claim, clocks in clocks_of_all(session, claims, rules, today) if rules else ():
        dues[claim] = [*_dues(claim, clocks, calendar, today)]
    return dues


def _dues(claim: Claim, clocks: Iterable[Clock], calendar: Calendar, today: date) -> Iterator[Due]:
    for clock in clocks:
        step = step_of(clock, calendar, today)
        if step is not None and clock.deadline is not None and (claim.is_open or step[0] == LIMITATION):
            kind, days = step
            last = clock.deadline.day.isoformat()
            named = {'he': clock.rule.label_in('he'), 'en': clock.rule.label_in('en')}
            key = f'deadline:{claim.id}:{clock.rule.id}:{last}:{days}'
            passed = -clock.days_left if claim.is_open else (today - _begins(calendar, clock.deadline.day, days)).days
            at_most = MISSED_DAYS if claim.is_open else _CLOSED_DAYS
            yield Due(kind, key, {'label': named, 'day': last}, is_news=passed <= at_most)


def closed_near_limitation(session: Session, after: int, limit: int, today: date) -> list[int]:
    """The next claims, by id, that were closed unpaid and of which a step of a limitation may have begun these days: the way of a sweep."""
    amounts = {rule.amount for rule in session.scalars(active_rules()) if rule.alerts and rule.unit == YEARS}
    if not amounts:
        return []
    # wide enough: leap years, and a step that begins some days earlier because nobody works
    first, last = today - timedelta(days=_CLOSED_DAYS + 3), today + timedelta(days=_CLOSED_DAYS)
    begin = [
        Claim.event_date.between(first + back, last + back)
        for back in (
            timedelta(days=step - amount * 365.2425) for amount in sorted(amounts) for step in LIMITATION_STEPS
        )
    ]
    unpaid = func.coalesce(Claim.received_amount, 0) == 0
    found = select(Claim.id).where(Claim.is_open.is_(False), unpaid, or_(*begin), Claim.id > after)
    return list(session.scalars(found.order_by(Claim.id).limit(limit)))


def claims_with_deadlines(session: Session, claim_ids: Collection[int], today: date) -> list[int]:
    """Those of these claims of which there is something to tell, or to take back; nobody need wait for the others."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    dues = dues_of(session, claim_ids, today)
    at_a_step = {claim.id for claim, steps in dues.items() if any(step.is_news for step in steps)}
    told = {alert.claim_id for alert in session.scalars(_UNREAD, {'ids': list(claim_ids)})}
    return sorted(at_a_step | told)


_ids: Any = bindparam('ids', expanding=True)
_CLAIMS = select(Claim).where(Claim.id.in_(_ids)).order_by(Claim.id)
# NOTE: no change tells of these, which is what their index holds
_UNREAD = select(Alert).where(
    Alert.claim_id.in_(_ids), Alert.change_id.is_(None), Alert.read_at.is_(None), Alert.kind.in_(sorted(KINDS))
)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def alert_of_deadlines(session: Session, claim_ids: Collection[int], now: datetime) -> int:
    """Alert of every step at which clocks of these claims stand, and take back what they say no longer; returns how many alerts are new.

    May run at any time and any number of times.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, 'alerts')  # before anything is read: what others alerted meanwhile is there to be seen
    dues, told = dues_of(session, claim_ids, values.israel(now).date()), defaultdict[int, list[Alert]](list)
    for alert in session.scalars(_UNREAD.with_for_update(), {'ids': list(claim_ids)}):
        told[alert.claim_id].append(alert)
    new = 0
    for claim, steps in dues.items():
        stale = [alert for alert in told[claim.id] if alert.key not in {step.key for step in steps}]
        for alert in stale:
            session.delete(alert)
        ring_for(session, {Notice('person', claim.office_id, claim.id, user_id=alert.user_id) for alert in stale})
        news = (step for step in steps if step.is_news)
        new += sum(raise_alert(session, claim, step.kind, step.key, step.told, now) for step in news)
    return new
