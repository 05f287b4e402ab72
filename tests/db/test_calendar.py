"""The business calendar: what it counts, what it skips and why, and when mail may leave the house."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import values
from db.bureau import CITIES, THE_ONE, BureauSettings, bureau_settings
from db.calendar import Calendar, calendar_of, clear_calendar_day, own_days, set_calendar_day
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.factories import SYSTEM

CALENDAR = Calendar()
WORKING_HALF_HOLIDAYS = Calendar(hol_hamoed_works=True)
DAYS = st.dates(date(2020, 1, 1), date(2034, 12, 31))
FRIDAY, SATURDAY = 4, 5

# start, business days, the day they end on
BUSINESS_DAYS = [
    ('2026-09-01', 14, '2026-09-24'),
    ('2026-09-01', 7, '2026-09-10'),
    ('2026-09-10', 14, '2026-10-12'),
    ('2026-03-25', 14, '2026-04-23'),
    ('2026-11-23', 14, '2026-12-13'),
    ('2026-11-23', 7, '2026-12-02'),
]
# a cheque's due date, and the day its alert comes
CHEQUE_ALERTS = [
    ('2026-12-07', '2026-11-23'),
    ('2026-10-05', '2026-09-17'),
    ('2026-04-15', '2026-03-31'),
    ('2026-05-06', '2026-04-21'),
    ('2027-04-26', '2027-04-12'),
]


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=values.ISRAEL)


@pytest.mark.parametrize(('start', 'n', 'end'), BUSINESS_DAYS)
def test_business_days_end_where_the_trade_says(start, n, end):
    assert CALENDAR.business_days_after(day(start), n).day == day(end)


@pytest.mark.parametrize(('due', 'alerted'), CHEQUE_ALERTS)
def test_a_cheques_alert_comes_on_the_last_business_day_before(due, alerted):
    assert CALENDAR.last_business_day(day(due) - timedelta(days=14)).day == day(alerted)


@pytest.mark.parametrize(('start', 'end'), [('2026-09-10', '2026-10-05'), ('2026-03-25', '2026-04-20')])
def test_the_days_between_may_be_counted_as_working(start, end):
    assert WORKING_HALF_HOLIDAYS.business_days_after(day(start), 14).day == day(end)


def test_a_deadline_tells_what_it_skipped_and_why():
    deadline = CALENDAR.business_days_after(day('2026-09-10'), 14)
    told = {skipped.day.isoformat()[5:]: skipped.reason for skipped in deadline.skipped}
    assert told == {
        '09-11': 'Rosh Hashanah eve',
        '09-12': 'Rosh Hashanah',
        '09-13': 'Rosh Hashanah',
        '09-18': 'Friday',
        '09-19': 'Saturday',
        '09-20': 'Yom Kippur eve',
        '09-21': 'Yom Kippur',
        '09-25': 'Sukkot eve',
        '09-26': 'Sukkot',
        **{f'{d}': 'Hol HaMoed Sukkot' for d in ('09-27', '09-28', '09-29', '09-30', '10-01')},
        '10-02': 'Simchat Torah eve',
        '10-03': 'Simchat Torah',
        '10-09': 'Friday',
        '10-10': 'Saturday',
    }
    assert (deadline.start, deadline.note, deadline.working_day) == (day('2026-09-10'), '', deadline.day)


def test_a_date_on_the_wall_calendar_tells_when_nobody_works_on_it():
    deadline = CALENDAR.days_after(day('2026-09-01'), 30)
    assert (deadline.day, deadline.note) == (day('2026-10-01'), 'Hol HaMoed Sukkot')
    assert deadline.working_day == day('2026-10-04')
    assert CALENDAR.why_closed(day('2027-04-26')) == 'Hol HaMoed Passover', 'a cheque may be due on such a day'


def test_years_end_on_the_same_day():
    assert CALENDAR.years_after(day('2026-10-28'), 7).day == day('2033-10-28')
    assert CALENDAR.years_after(day('2024-02-29'), 3).day == day('2027-02-28')


@pytest.mark.parametrize(
    ('closed', 'why'),
    [
        ('2026-04-01', 'Passover eve'),
        ('2026-04-07', 'Eve of the seventh day of Passover'),
        ('2026-04-08', 'Seventh day of Passover'),
        ('2026-04-22', 'Independence Day'),
        ('2026-05-21', 'Shavuot eve'),
        ('2026-05-22', 'Shavuot'),
        ('2026-11-27', 'Friday'),
    ],
)
def test_a_closed_day_says_why(closed, why):
    assert CALENDAR.why_closed(day(closed)) == why


@pytest.mark.parametrize('name', ['2026-03-03', '2026-05-15', '2026-07-23', '2026-11-09', '2026-04-21'])
def test_days_people_work_on_are_business_days(name):
    # Purim, Jerusalem Day (a Friday), Tisha b'Av, Sigd, Memorial Day
    weekend = day(name).weekday() in (FRIDAY, SATURDAY)
    assert CALENDAR.is_business_day(day(name)) is not weekend


def test_memorial_day_is_as_the_bureau_says():
    assert Calendar(memorial_day_works=False).why_closed(day('2026-04-21')) == 'Memorial Day'


def test_the_bureau_may_close_a_day_or_open_one():
    bureau = Calendar(own_days={day('2026-11-24'): (False, 'יום גיבוש'), day('2026-11-27'): (True, 'תורנות')})
    assert bureau.why_closed(day('2026-11-24')) == 'יום גיבוש'
    assert bureau.is_business_day(day('2026-11-27'))
    assert bureau.business_days_after(day('2026-11-23'), 3).day == day('2026-11-27')


# ---- always -----------------------------------------------------------------------------------------------------------------


@given(DAYS)
def test_nobody_works_on_fridays_and_on_shabbat(some_day):
    assert (some_day.weekday() not in (FRIDAY, SATURDAY)) or not CALENDAR.is_business_day(some_day)


@given(DAYS, st.integers(1, 40))
def test_a_count_is_exact_and_tells_every_day_it_skipped(start, n):
    deadline = CALENDAR.business_days_after(start, n)
    passed = [start + timedelta(days=i) for i in range(1, (deadline.day - start).days + 1)]
    assert CALENDAR.is_business_day(deadline.day)
    assert [skipped.day for skipped in deadline.skipped] == [d for d in passed if not CALENDAR.is_business_day(d)]
    assert len(passed) - len(deadline.skipped) == n == CALENDAR.business_days_between(start, deadline.day)


@given(DAYS)
def test_the_last_business_day_is_never_too_late(due):
    last = CALENDAR.last_business_day(due)
    assert last.day <= due
    assert CALENDAR.is_business_day(last.day)
    assert all(not CALENDAR.is_business_day(skipped.day) for skipped in last.skipped)
    assert CALENDAR.next_business_day(due).day >= due


@given(DAYS, st.integers(0, 30))
def test_more_days_never_end_sooner_and_working_more_never_ends_later(start, n):
    assert CALENDAR.business_days_after(start, n).day < CALENDAR.business_days_after(start, n + 1).day
    assert WORKING_HALF_HOLIDAYS.business_days_after(start, n).day <= CALENDAR.business_days_after(start, n).day


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda d: d.replace(tzinfo=values.ISRAEL)),  # noqa: DTZ001
    st.sampled_from(sorted(CITIES)),
)
def test_mail_waits_once_and_never_for_long(moment, city):
    calendar = Calendar(city=city)
    leaves = calendar.outward_from(moment)
    assert moment <= leaves < moment + timedelta(days=12)
    assert calendar.outward_from(leaves) == leaves, 'what may leave in the morning leaves in the morning'


# ---- outward ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('moment', 'leaves'),
    [
        ('2026-11-26 22:00', None),  # a Thursday evening
        ('2026-11-27 16:18', None),  # the last minute before the candles in Tel Aviv
        ('2026-11-27 16:19', '2026-11-29 07:30'),
        ('2026-11-28 17:16', '2026-11-29 07:30'),  # Shabbat is over, the weekend is not
        ('2026-11-29 07:29', '2026-11-29 07:30'),
        ('2026-11-29 07:31', None),
        ('2026-09-12 12:00', '2026-09-14 07:30'),  # Rosh Hashanah, on Shabbat and Sunday
        ('2026-09-20 19:00', '2026-09-22 07:30'),  # Yom Kippur
        ('2026-09-26 12:00', '2026-10-04 07:30'),  # Sukkot, and the days until Simchat Torah is over
        ('2026-04-22 09:00', '2026-04-23 07:30'),  # Independence Day has no candles
    ],
)
def test_mail_rests_from_the_candles_to_the_next_working_morning(moment, leaves):
    assert CALENDAR.outward_from(at(moment)) == at(leaves or moment)


def test_the_candles_are_those_of_the_city():
    moment = at('2026-11-27 16:05')
    assert CALENDAR.outward_from(moment) == moment
    assert Calendar(city='jerusalem').outward_from(moment) == at('2026-11-29 07:30')


# ---- kept -------------------------------------------------------------------------------------------------------------------


def test_the_calendar_is_the_bureaus(people):
    with open_session(people.admin) as session:
        settings = bureau_settings(session)
        settings.hol_hamoed_works, settings.city, settings.digest_at = True, 'haifa', '08:15'
        set_calendar_day(session, day('2026-11-24'), False, 'יום גיבוש')
        set_calendar_day(session, day('2026-11-25'), False, 'טעות')
    with open_session(people.admin) as session:
        set_calendar_day(session, day('2026-11-24'), False, 'כנס')
        clear_calendar_day(session, day('2026-11-25'))
        clear_calendar_day(session, day('2026-11-30'))
    with open_session(people.dana, reading=True) as session:
        calendar = calendar_of(session)
        assert [kept.day for kept in fetch(session, own_days())] == [day('2026-11-24')]
    assert calendar.why_closed(day('2026-11-24')) == 'כנס'
    assert calendar.is_business_day(day('2026-09-28'))
    assert (calendar.city, calendar.morning.isoformat()) == ('haifa', '08:15:00')


@pytest.mark.parametrize(
    ('name', 'wrong'),
    [('city', 'paris'), ('digest_at', '03:30'), ('digest_at', '7:30'), ('stuck_days', 0), ('link_days', '30')],
)
def test_what_the_bureau_may_not_decide_is_refused(people, name, wrong):
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        setattr(bureau_settings(session), name, wrong)


def test_only_an_admin_decides_for_the_bureau(people):
    for actor in (people.dana, people.manager, people.staff):
        with pytest.raises(ClaimError), open_session(actor) as session:
            bureau_settings(session).city = 'haifa'
        with pytest.raises(ClaimError), open_session(actor) as session:
            set_calendar_day(session, day('2026-11-24'), False, 'x')
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_one(BureauSettings, THE_ONE).city == 'tel_aviv'
