"""A clock in words: when its colour warns, by what it counts."""

from datetime import date, timedelta

import pytest

from components.clock_words import standing
from db.calendar import Calendar
from db.clocks import BUSINESS, CALENDAR, YEARS, ClockRule, clock_of


@pytest.mark.parametrize(
    ('amount', 'unit', 'left', 'hue'),
    [
        (30, CALENDAR, 8, 'blue'),
        (30, CALENDAR, 7, 'amber'),
        (30, CALENDAR, 0, 'amber'),
        (30, CALENDAR, -1, 'red'),
        (14, BUSINESS, 7, 'amber'),
        (7, YEARS, 366, 'blue'),
        (7, YEARS, 365, 'amber'),
        (7, YEARS, 183, 'amber'),
        (7, YEARS, 182, 'red'),
        (3, YEARS, 0, 'red'),
        (7, YEARS, -1, 'red'),
    ],
)
def test_a_limitation_warns_a_year_before_and_the_others_a_week(amount: int, unit: str, left: int, hue: str) -> None:
    rule = ClockRule(id='x', amount=amount, unit=unit, starts_with='event_date', ends_with='settled')
    started = {'event_date': date(2026, 11, 23)}
    last = clock_of(rule, started, Calendar(), date(2026, 11, 23)).deadline
    assert last is not None
    clock = clock_of(rule, started, Calendar(), last.day - timedelta(days=left))
    assert standing(clock, 'he')[0] == hue
