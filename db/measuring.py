"""How a time is measured: days on an Israeli calendar in the words of either database, and a median of many, or none of too few."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, case, cast, func, literal
from sqlalchemy.orm import Session

from db import values
from db.base import Moment
from db.habits import ENOUGH

# when clocks were changed, as far back and forth as anything is measured; the fewer, the faster each row is looked at
_FROM, _TO = 2018, 2034


@dataclass(frozen=True)
class Measured:
    """A number made of so many cases: a median of days, or a percentage. With fewer than `ENOUGH` it says nothing."""

    cases: int = 0
    number: float = 0.0

    @property
    def known(self) -> bool:
        """Whether there is enough to say it: one odd case of three would be a verdict on a garage, of ten it is noise."""
        return self.cases >= ENOUGH


def measured(days: Mapping[int, int]) -> Measured:
    """The median of (days → how many cases took so many)."""
    cases = sum(days.values())
    return Measured(cases, (_at(days, (cases - 1) // 2) + _at(days, cases // 2)) / 2) if cases else Measured()


def _at(days: Mapping[int, int], place: int) -> int:
    """What stands in a place of all the cases in order."""
    for number in sorted(days):
        place -= days[number]
        if place < 0:
            return number
    raise IndexError(place)


def days_apart(session: Session, first: Any, last: Any) -> ColumnElement[int]:
    """How many days lie between two dates."""
    if session.get_bind().dialect.name == 'postgresql':
        return cast(last - first, Integer)
    return cast(func.julianday(last) - func.julianday(first), Integer)


def israel_day(session: Session, moment: Any, last: date) -> ColumnElement[date]:
    """The day of a moment, on `last` or before, on an Israeli calendar."""
    if session.get_bind().dialect.name == 'postgresql':
        return cast(func.timezone('Asia/Jerusalem', moment), Date)
    # SQLite knows no zones: by how much Israel was ahead since when, the latest first
    known = [(start, f'+{hours} hours') for start, hours in reversed(_shifts()) if start.date() <= last]
    since = [(moment >= literal(start, Moment()), hours) for start, hours in known]
    ahead = case(*since, else_='+2 hours') if since else '+2 hours'
    return func.date(moment, ahead, type_=Date())


@cache
def _shifts() -> list[tuple[datetime, int]]:
    """When clocks in Israel were changed, and how many hours they were ahead of UTC from then on."""
    days = [datetime(_FROM, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(366 * (_TO - _FROM))]
    shifts = []
    for before, after in pairwise(days):
        if _ahead(before) != _ahead(after):
            moment = next(hour for n in range(25) if _ahead(hour := before + timedelta(hours=n)) == _ahead(after))
            shifts.append((moment, _ahead(after)))
    return shifts


def _ahead(moment: datetime) -> int:
    offset = values.israel(moment).utcoffset() or timedelta()
    return offset // timedelta(hours=1)
