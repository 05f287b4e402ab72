"""What reports are asked for: a stretch of days, an office, an insurer, an agent, from an address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from urllib.parse import urlencode

from db.calendar import DAY, sunday_of
from db.list_state import ListState
from db.texts import N_
from db.values import LAST_DAY, Malformed, as_given, day_in, misread_choices, misread_days

PERIODS = ('month', '3m', '12m', 'year', 'days')
USUAL = '3m'
LONGEST = 36  # months
_EARLIEST = date(2000, 1, 1)
_MONTH = re.compile(r'20[0-9]{2}-[0-9]{2}')


@dataclass(frozen=True)
class Span:
    """A stretch of days, both ends in it."""

    first: date
    last: date

    @property
    def days(self) -> tuple[date, date]:
        """Both ends."""
        return self.first, self.last

    @property
    def before(self) -> 'Span':
        """As many days right before it."""
        return Span(self.first - (self.last - self.first) - DAY, self.first - DAY)

    @property
    def months(self) -> list['Span']:
        """Its months; the first and the last may be cut."""
        found, start = [], self.first
        while start <= self.last:
            end = min(month_after(start) - DAY, self.last)
            found.append(Span(start, end))
            start = end + DAY
        return found

    def parts(self, many: int) -> list['Span']:
        """So many parts of it, as long as each other but for a day; none where there are fewer days."""
        days = (self.last - self.first).days + 1
        if days < many:
            return []
        starts = [self.first + n * days // many * DAY for n in range(many + 1)]
        return [Span(start, after - DAY) for start, after in pairwise(starts)]


def month_after(day: date, months: int = 1) -> date:
    """The first of the month so many months after the month of a day."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class ReportState:
    """Everything that decides what the reports show; it stands in the address."""

    period: str = USUAL
    first: date | None = None
    last: date | None = None
    office: str = ''
    insurer: str = ''
    agent: str = ''
    weeks: date | None = None  # a day of the first week of the calendar of cheques; none: of this one
    # days of the address that are none: of the figures, and of the calendar of cheques
    misread: tuple[str, ...] = field(default=(), compare=False)
    unknown: tuple[str, ...] = field(default=(), compare=False)  # what else of it was not understood
    misread_weeks: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def read(cls, query: Mapping[str, str]) -> 'ReportState':
        """From an address. Anything hostile or outdated falls back to the default; it never raises."""
        period = query.get('period', '')
        asked = ListState.read({name: query.get(name, '') for name in _FILTERS})
        first, last = (day_in(query.get(name)) for name in _ENDS)
        state = cls(
            period=period if period in PERIODS else USUAL,
            office=next(iter(asked.office), ''),
            insurer=next(iter(asked.insurer), ''),
            agent=next(iter(asked.agent), ''),
            weeks=day_in(query.get('weeks')),
            misread_weeks=misread_days(query, ('weeks',)),
        )
        kept = {name: (getattr(state, name),) for name in _FILTERS}
        state = replace(state, unknown=misread_choices(query, {'period': PERIODS, **kept}))
        if state.period != 'days':
            return state
        return replace(state, first=first, last=last, misread=misread_days(query, _ENDS))

    @classmethod
    def of_month(cls, month: str, office: str, today: date) -> 'ReportState':
        """Of one month, written as 2026-11; without one, of the last that is over."""
        first = month_after(today, -1)
        if month:
            typed = day_in(f'{month}-01') if _MONTH.fullmatch(month) else None
            if typed is None or not _EARLIEST <= typed <= today:
                raise Malformed(
                    N_('There is no report of such a month: {month}. Please choose one on the dashboard.'),
                    month=as_given(month),
                )
            first = typed
        return cls('days', first, month_after(first) - DAY, cls.read({'office': office}).office)

    def address(self) -> str:
        """The query string of this state, without what is at its default or was misread."""
        shown = {'period': self.period if self.period != USUAL else ''}
        shown |= {
            name: day.isoformat() if day else '' for name, day in zip(_ENDS, (self.first, self.last), strict=True)
        }
        shown |= {'office': self.office, 'insurer': self.insurer, 'agent': self.agent}
        shown |= {'weeks': self.weeks.isoformat() if self.weeks else ''}
        return urlencode({name: value for name, value in shown.items() if value})

    @property
    def turned_round(self) -> tuple[date, date] | None:
        """Its days, when they end before they begin."""
        return (self.first, self.last) if self.first and self.last and self.first > self.last else None

    def cut(self, span: Span) -> tuple[date, ...]:
        """Its days, when they are more than its figures, which are of `span`, are about."""
        ends = sorted(day for day in (self.first, self.last) if day)
        beyond = [day for day in ends if not span.first <= day <= span.last]
        return tuple(ends) if beyond else ()

    @property
    def narrowed(self) -> ListState:
        """The filters beside the days, as a list of claims has them."""
        return ListState.read({name: getattr(self, name) for name in _FILTERS})

    def turned(self, today: date, *, back: bool) -> 'ReportState':
        """The same with the four weeks before or after those shown."""
        shown = self.four_weeks(today)
        return replace(self, weeks=shown.first - 28 * DAY if back else shown.last + DAY, misread_weeks=())

    def four_weeks(self, today: date) -> Span:
        """The days the calendar of cheques shows, from a Sunday on; no more than three years away."""
        day = min(max(self.weeks or today, month_after(today, -LONGEST)), month_after(today, LONGEST))
        first = sunday_of(day)
        return Span(first, first + 27 * DAY)

    def span(self, today: date) -> Span:
        """The days it means: whole months up to today; for `days` those that were asked for, whichever came first, no more than three years of them.

        Without a last day they go to today; those that begin after today, as far as they may. Of more years those up to today are meant.
        """
        if self.period == 'days':
            first, last = self.turned_round[::-1] if self.turned_round else (self.first, self.last)
            first = first or (last or today).replace(day=1)
            furthest = max(today, min(month_after(first, LONGEST) - DAY, LAST_DAY))
            last = min(last or (furthest if first > today else today), furthest)
            return Span(max(first, month_after(last, 1 - LONGEST)), last)
        back = {'month': 0, '3m': 2, '12m': 11, 'year': today.month - 1}[self.period]
        return Span(month_after(today, -back), today)


_ENDS = ('from', 'to')
_FILTERS = ('office', 'insurer', 'agent')
