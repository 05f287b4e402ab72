"""The business calendar of Israel: which days count, why the others do not, and when mail may go out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from typing import ClassVar

import hdate
import holidays
from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base
from db.bureau import CITIES, bureau_settings
from db.scope import Can, shared_by_all
from db.texts import N_

DAY = timedelta(days=1)
FRIDAY, SATURDAY = 4, 5
MEMORIAL_DAY = N_('Memorial Day')

# the names the library gives, and ours
_HOLIDAYS = MappingProxyType(
    {
        'Seventh day of Pesach': N_('Seventh day of Passover'),  # before Passover, whose name it holds
        'Pesach': N_('Passover'),
        'Independence Day': N_('Independence Day'),
        'Shavuot': N_('Shavuot'),
        'Rosh Hashanah': N_('Rosh Hashanah'),
        'Yom Kippur': N_('Yom Kippur'),
        'Sukkot': N_('Sukkot'),
        'Simchat Torah': N_('Simchat Torah'),
    }
)
_EVES = MappingProxyType(
    {
        'Passover': N_('Passover eve'),
        'Seventh day of Passover': N_('Eve of the seventh day of Passover'),
        'Shavuot': N_('Shavuot eve'),
        'Rosh Hashanah': N_('Rosh Hashanah eve'),
        'Yom Kippur': N_('Yom Kippur eve'),
        'Sukkot': N_('Sukkot eve'),
        'Simchat Torah': N_('Simchat Torah eve'),
    }
)
_HALF_DAYS = MappingProxyType(
    {
        'Pesach holiday': N_('Hol HaMoed Passover'),
        'Sukkot holiday': N_('Hol HaMoed Sukkot'),
        'Remembrance Day': MEMORIAL_DAY,
    }
)
WEEKEND = MappingProxyType({FRIDAY: N_('Friday'), SATURDAY: N_('Saturday')})


@shared_by_all
class CalendarDay(Base):
    """A day the bureau works, or not, against the rule; the note says why."""

    __tablename__ = 'calendar_days'
    writable_with: ClassVar[Can] = Can.ADMINISTER

    day: Mapped[date] = mapped_column(primary_key=True)
    works: Mapped[bool]
    note: Mapped[str]

    @validates('note')
    def _note(self, _: str, note: str) -> str:
        return values.text(note, limit=80)


@dataclass(frozen=True)
class Skipped:
    """A day that did not count, and why (a text, or the bureau's own note)."""

    day: date
    reason: str


@dataclass(frozen=True)
class Deadline:
    """A computed day that can explain itself: where the count began and which days were skipped.

    `note` says why the day itself is not a business day, and `working_day` which the next one is; else '' and the day itself.
    """

    day: date
    start: date
    skipped: tuple[Skipped, ...] = ()
    note: str = ''
    working_day: date | None = None


@dataclass(frozen=True)
class Calendar:
    """The bureau's calendar as a value: the same questions give the same answers."""

    hol_hamoed_works: bool = False
    memorial_day_works: bool = True
    city: str = 'tel_aviv'
    morning: time = time(7, 30)
    evening: time = time(21)
    own_days: Mapping[date, tuple[bool, str]] = field(default_factory=dict)

    def why_closed(self, day: date) -> str | None:
        """Why a day is no business day, as a text; None when it is one."""
        if day in self.own_days:
            works, note = self.own_days[day]
            return None if works else note
        reason = _festive_days(day.year).get(day) or WEEKEND.get(day.weekday())
        if day.weekday() not in WEEKEND and self._counts_anyway(reason):
            return None
        return reason

    def occasion(self, day: date) -> str:
        """What a day is, whether or not it counts, as a text: the bureau's own note, a holiday, an eve, a day between; '' on other days."""
        return self.own_days[day][1] if day in self.own_days else _festive_days(day.year).get(day, '')

    def is_business_day(self, day: date) -> bool:
        """Sunday to Thursday, no holiday, no eve of one, and what the bureau has decided about the days between."""
        return self.why_closed(day) is None

    def business_days_after(self, start: date, n: int) -> Deadline:
        """The n-th business day after `start`; the start itself does not count."""
        day, skipped, counted = start, [], 0
        while counted < n:
            day += DAY
            reason = self.why_closed(day)
            counted += reason is None
            if reason is not None:
                skipped.append(Skipped(day, reason))
        return self._deadline(day, start, skipped)

    def days_after(self, start: date, n: int) -> Deadline:
        """The n-th day after `start` on the wall calendar; its note tells when nobody works on it."""
        return self._deadline(start + n * DAY, start)

    def years_after(self, start: date, n: int) -> Deadline:
        """The same day n years later; 29 February becomes 28 February where there is none."""
        try:
            day = start.replace(year=start.year + n)
        except ValueError:
            day = start.replace(year=start.year + n, day=28)
        return self._deadline(day, start)

    def last_business_day(self, day: date) -> Deadline:
        """The latest business day on or before `day`: never too late."""
        return self._walk(day, -DAY)

    def next_business_day(self, day: date) -> Deadline:
        """The first business day on or after `day`."""
        return self._walk(day, DAY)

    def business_days_between(self, start: date, end: date) -> int:
        """How many business days lie after `start`, up to and with `end`; none when the end comes first."""
        return sum(self.is_business_day(start + n * DAY) for n in range(1, (end - start).days + 1))

    def outward_from(self, moment: datetime) -> datetime:
        """When something may leave the house by mail: now, or, once the candles are lit, the next working morning."""
        local = values.israel(moment)
        for day in (local.date() - n * DAY for n in range(16)):
            rest = _rest_begins(day, self.city)
            if rest is not None and rest <= local:
                return max(moment, self._working_morning(rest.date()))
        return moment

    def mails_on(self, day: date) -> bool:
        """Whether the day's summary goes out: on business days, and never on Shabbat or a feast, whatever the bureau does."""
        return self.is_business_day(day) and not _festive(day)

    def leaves_at(self, moment: datetime) -> datetime:
        """When mail that is ready goes out: at once, or when the night is over, and the rest that began with the candles."""
        local = values.israel(moment)
        if local.time() >= self.evening:
            moment = datetime.combine(local.date() + DAY, self.morning, tzinfo=values.ISRAEL)
        elif local.time() < self.morning:
            moment = datetime.combine(local.date(), self.morning, tzinfo=values.ISRAEL)
        return self.outward_from(moment)

    def _working_morning(self, after: date) -> datetime:
        day = after + DAY
        while not self.mails_on(day):
            day += DAY
        return datetime.combine(day, self.morning, tzinfo=values.ISRAEL)

    def _counts_anyway(self, reason: str | None) -> bool:
        if reason == MEMORIAL_DAY:
            return self.memorial_day_works
        return self.hol_hamoed_works and reason in _HALF_DAYS.values()

    def _walk(self, start: date, step: timedelta) -> Deadline:
        skipped, day = [], start
        while (reason := self.why_closed(day)) is not None:
            skipped.append(Skipped(day, reason))
            day += step
        return self._deadline(day, start, skipped)

    def _deadline(self, day: date, start: date, skipped: list[Skipped] | None = None) -> Deadline:
        working = day
        while not self.is_business_day(working):
            working += DAY
        return Deadline(day, start, tuple(skipped or ()), self.why_closed(day) or '', working)


def sunday_of(day: date) -> date:
    """The day on which its week began."""
    return day - (day.weekday() + 1) % 7 * DAY


# ---- questions --------------------------------------------------------------------------------------------------------------


# made once: asked along with almost everything
_DAYS = select(CalendarDay)


def calendar_of(session: Session) -> Calendar:
    """The bureau's calendar as it stands now."""
    settings = bureau_settings(session)
    return Calendar(
        hol_hamoed_works=settings.hol_hamoed_works,
        memorial_day_works=settings.memorial_day_works,
        city=settings.city,
        morning=settings.morning,
        evening=settings.evening,
        own_days={row.day: (row.works, row.note) for row in session.scalars(_DAYS)},
    )


def own_days() -> Select[CalendarDay]:
    """The days the bureau decided about itself, the next ones first."""
    return select(CalendarDay).order_by(CalendarDay.day.desc())


# ---- orders -----------------------------------------------------------------------------------------------------------------


def set_calendar_day(session: Session, day: date, works: bool, note: str) -> None:
    """Work on a day, or not, against the rule."""
    kept = session.get(CalendarDay, day)
    if kept is None:
        session.add(CalendarDay(day=day, works=works, note=note))
        return
    kept.works, kept.note = works, note


def clear_calendar_day(session: Session, day: date) -> None:
    """Let the rule decide about a day again."""
    kept = session.get(CalendarDay, day)
    if kept is not None:
        session.delete(kept)


# ---- the days of a year -----------------------------------------------------------------------------------------------------


@cache
def _festive_days(year: int) -> Mapping[date, str]:
    """Every day of a year that is not like others, and what it is: holidays, their eves, the days between, Memorial Day."""
    public = dict(_public_days(year))
    eves = {day - DAY: _EVES[name] for day, name in public.items() if name in _EVES}
    return MappingProxyType({**dict(_half_days(year)), **eves, **public})


def _public_days(year: int) -> Iterator[tuple[date, str]]:
    for day, names in holidays.country_holidays('IL', years=year, language='en_US').items():
        yield day, next((text for called, text in _HOLIDAYS.items() if called in names), names)


def _half_days(year: int) -> Iterator[tuple[date, str]]:
    for day, names in holidays.country_holidays('IL', years=year, language='en_US', categories=('optional',)).items():
        yield from ((day, text) for called, text in _HALF_DAYS.items() if called in names)


def _festive(day: date) -> bool:
    """Whether nobody writes to anybody on a day: Shabbat or a holiday of rest."""
    return day.weekday() == SATURDAY or _festive_days(day.year).get(day) in _HOLIDAYS.values()


@cache
def _rest_begins(day: date, city: str) -> datetime | None:
    """When a rest begins on a day: with the candles on the eve, at midnight on Independence Day; None: it does not."""
    place = CITIES[city]
    location = hdate.Location(
        name=city, latitude=place.latitude, longitude=place.longitude, timezone=values.ISRAEL, altitude=0
    )
    candles = hdate.Zmanim(date=day, location=location, candle_lighting_offset=place.candles).candle_lighting
    if candles is not None:
        return candles
    return datetime.combine(day, time(), tzinfo=values.ISRAEL) if _festive(day) else None
