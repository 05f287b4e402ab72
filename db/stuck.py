"""When a claim stands too long where it is: the desk's list and the claims list ask the same."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import Session

from db import values
from db.bureau import bureau_settings
from db.calendar import Calendar, calendar_of
from db.claims import Claim
from db.tasks import TaskRule


def is_stuck(session: Session, now: datetime) -> ColumnElement[bool]:
    """Whether a claim stands in its status for longer than the rule of that status gives it, or, without one, the bureau's own measure."""
    calendar, today = calendar_of(session), values.israel(now).date()
    allowed: dict[str, int] = {}
    for rule in session.scalars(select(TaskRule).where(TaskRule.active, TaskRule.status.is_not(None))):
        if rule.stage is None and rule.waiting_on is None and rule.status:
            allowed[rule.status] = max(rule.days, allowed.get(rule.status, 0))
    usual = bureau_settings(session).stuck_days
    late = [
        and_(Claim.status == status, Claim.status_since < _business_days_before(calendar, today, max(days, usual)))
        for status, days in allowed.items()
    ]
    others = and_(
        not_(Claim.status.in_(list(allowed))), Claim.status_since < _business_days_before(calendar, today, usual)
    )
    return or_(*late, others)


def _business_days_before(calendar: Calendar, day: date, n: int) -> datetime:
    """The midnight before which something happened more than n business days ago."""
    while n > 0:
        day -= timedelta(days=1)
        n -= calendar.is_business_day(day)
    return midnight(day)


def midnight(day: date) -> datetime:
    """The beginning of a day in Israel."""
    return datetime.combine(day, time(), tzinfo=values.ISRAEL)
