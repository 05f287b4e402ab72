"""The mail that waits: who is told of what and when, each thing once, and nothing that was read, at rest or taken back."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from db import mail, values
from db.alert_choices import choose
from db.alert_kinds import MAIL
from db.alerts import Alert, mark_read, show_waiting, snooze
from db.bureau import bureau_settings
from db.calendar import Calendar, calendar_of, set_calendar_day
from db.cheques import Slip, enter_cheque
from db.claims import Claim
from db.mail import (
    ALERTS,
    DIGEST,
    DROPPED,
    FAILED,
    SENT,
    WAITING,
    Mail,
    MailedAlert,
    News,
    alerts_of,
    drop_mail,
    forget_mails,
    hold_mail,
    last_morning,
    lease_mails,
    mail_failed,
    mail_health,
    mail_sent,
    prefer_mail,
    queue_alerts,
    queue_digests,
    tidings_of,
    tidings_of_morning,
    try_failed_again,
)
from db.offices import User
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.conftest import People, made_once
from tests.factories import SYSTEM, alert_of_date, make_claim

MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=values.ISRAEL)


MONDAY = at('2026-11-23 12:00')


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def queue(moment: datetime) -> int:
    with open_session(SYSTEM) as session:
        return queue_alerts(session, moment)


def mails(state: str | None = None) -> list[Mail]:
    with open_session(SYSTEM, reading=True) as session:
        return [row for row in fetch(session, select(Mail).order_by(Mail.id)) if state in (None, row.state)]


def lease(moment: datetime, kind: str = ALERTS) -> list[Mail]:
    with open_session(SYSTEM) as session:
        return lease_mails(session, kind, moment, 20)


def told(person: Actor, row: Mail) -> mail.Tidings:
    with open_session(SYSTEM, reading=True) as session:
        ids = alerts_of(session, row.id)
    with open_session(person, reading=True) as session:
        return tidings_of(session, ids)


# ---- the queue --------------------------------------------------------------------------------------------------------------


def test_an_alert_waits_some_minutes_and_what_comes_meanwhile_joins_it(people, claim):
    alert_of_date(claim, MONDAY, people.dana, people.yossi)
    assert (queue(MONDAY), queue(MONDAY)) == (2, 0)
    alert_of_date(claim, MONDAY + MINUTE, people.dana)
    assert (queue(MONDAY + MINUTE), queue(MONDAY + 2 * MINUTE)) == (1, 0)
    first, second = mails()
    assert [row.user_id for row in (first, second)] == [people.dana.user_id, people.yossi.user_id]
    assert first.due_at == MONDAY + 5 * MINUTE
    assert len(told(people.dana, first).alerts) == 2
    assert told(people.dana, first).due == (News(claim.claim_no, ('cheques',)),)
    assert lease(MONDAY + 4 * MINUTE) == []
    assert [row.id for row in lease(MONDAY + 5 * MINUTE)] == [first.id, second.id]


def test_another_claim_is_another_mail(people, claim):
    other = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    for one in (claim, other):
        alert_of_date(one, MONDAY, people.dana, key=str(one.id))
    queue(MONDAY)
    assert [row.claim_id for row in mails()] == [claim.id, other.id]


def test_what_people_did_not_choose_is_not_mailed(people, claim):
    alert_of_date(claim, MONDAY, people.dana, kind='deadline.near')
    assert queue(MONDAY) == 0
    with open_session(people.dana) as session:
        choose(session, 'deadlines', MAIL, True)
    assert queue(MONDAY + MINUTE) == 1


def test_who_has_no_address_or_is_gone_gets_none(people, claim):
    with open_session(SYSTEM) as session:
        session.get_one(User, people.dana.user_id).email = None
        session.get_one(User, people.yossi.user_id).active = False
    alert_of_date(claim, MONDAY, people.dana, people.yossi, people.manager)
    queue(MONDAY)
    assert [row.user_id for row in mails()] == [people.manager.user_id]


def test_what_happened_long_ago_is_no_news(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    assert queue(MONDAY + timedelta(days=1)) == 0


def test_what_was_read_on_the_screen_is_told_no_more(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    queue(MONDAY)
    with open_session(people.dana) as session:
        mark_read(session, MONDAY, claim.id)
    assert not told(people.dana, mails()[0])


def test_what_is_put_aside_is_told_when_it_comes_back(people, claim):
    alert_of_date(claim, MONDAY, people.dana, kind='task.due')
    with open_session(people.dana) as session:
        choose(session, 'tasks', MAIL, True)
    queue(MONDAY)
    with open_session(people.dana) as session:
        snooze(session, claim.id, 'day', MONDAY)
    (row,) = lease(MONDAY + 5 * MINUTE)
    assert not told(people.dana, row)
    with open_session(SYSTEM) as session:
        drop_mail(session, row.id, MONDAY + 5 * MINUTE)
        assert fetch(session, select(MailedAlert)) == []
    with open_session(SYSTEM) as session:
        alert = session.scalars(select(Alert)).one()
        alert.hidden, alert.due_at, alert.at = False, None, MONDAY + timedelta(days=1)
    assert queue(MONDAY + timedelta(days=1)) == 1


def test_what_is_put_aside_is_told_later_although_its_mail_went_out_for_something_else(people, claim):
    alert_of_date(claim, MONDAY, people.dana, kind='task.due')
    with open_session(people.dana) as session:
        choose(session, 'tasks', MAIL, True)
    queue(MONDAY)
    with open_session(people.dana) as session:
        snooze(session, claim.id, 'day', MONDAY)
    alert_of_date(claim, MONDAY + MINUTE, people.dana)  # a cheque comes at once all the same, and joins the mail
    queue(MONDAY + MINUTE)
    (row,) = lease(MONDAY + 6 * MINUTE)
    (cheque,) = told(people.dana, row).alerts
    with open_session(SYSTEM) as session:
        mail_sent(session, row.id, MONDAY + 6 * MINUTE, [cheque])
    with open_session(SYSTEM) as session:
        assert show_waiting(session, MONDAY + timedelta(days=1)) == 1
    assert queue(MONDAY + timedelta(days=1)) == 1


def test_an_alert_that_is_taken_back_takes_its_place_in_the_mail_along(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    queue(MONDAY)
    with open_session(SYSTEM) as session:
        session.delete(session.scalars(select(Alert)).one())
    assert not told(people.dana, mails()[0])


def test_nobody_is_told_of_a_claim_he_may_not_see_any_more(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    queue(MONDAY)
    assert told(people.dana, mails()[0])
    assert not told(people.rival, mails()[0])
    assert not told(people.yossi, mails()[0])


# ---- on the way -------------------------------------------------------------------------------------------------------------


def test_a_mail_that_is_taken_is_nobody_elses_for_some_minutes(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    queue(MONDAY)
    due = MONDAY + 5 * MINUTE
    assert [len(lease(due)), len(lease(due)), len(lease(due + 4 * MINUTE))] == [1, 0, 0]
    assert len(lease(due + 5 * MINUTE)) == 1, 'who took it is dead'
    assert len(lease(due - 30 * MINUTE)) == 0, 'it is not due there'


def test_a_clock_far_ahead_keeps_no_mail_for_itself(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    queue(MONDAY)
    assert len(lease(MONDAY + timedelta(days=900))) == 1
    assert len(lease(MONDAY + 5 * MINUTE)) == 1


def test_a_mail_is_tried_again_with_longer_pauses_and_given_up_loudly(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    queue(MONDAY)
    moment, waits = MONDAY + 5 * MINUTE, []
    while lease(moment):
        with open_session(SYSTEM) as session:
            mail_failed(session, 1, moment, 'server 451')
        (row,) = mails()
        waits.append(row.due_at - moment)
        moment = max(row.due_at, moment)
        if row.state == FAILED:
            break
    assert tuple(waits[:-1]) == mail.PAUSES
    assert (row.state, row.error, row.tries) == (FAILED, 'server 451', 9)
    with open_session(people.admin, reading=True) as session:
        health = mail_health(session, moment)
    assert [(failed.name, failed.error) for failed in health.failed] == [('דנה ארז', 'server 451')]
    with open_session(people.admin) as session:
        assert try_failed_again(session, moment) == 1
    assert [(row.state, row.tries) for row in mails()] == [(WAITING, 0)]


def test_what_another_try_cannot_help_is_given_up_at_once(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    queue(MONDAY)
    (row,) = lease(MONDAY + 5 * MINUTE)
    with open_session(SYSTEM) as session:
        mail_failed(session, row.id, MONDAY, 'refused 550', for_good=True)
    assert mails()[0].state == FAILED


def test_holding_a_mail_is_no_try(people, claim):
    alert_of_date(claim, MONDAY, people.dana)
    queue(MONDAY)
    (row,) = lease(MONDAY + 5 * MINUTE)
    with open_session(SYSTEM) as session:
        hold_mail(session, row.id, MONDAY + timedelta(hours=9))
    assert [(row.tries, row.due_at, row.leased_until) for row in mails()] == [(0, MONDAY + timedelta(hours=9), None)]


def test_the_health_of_the_mail_is_for_admins(people, claim):
    alert_of_date(claim, MONDAY, people.dana, people.yossi)
    queue(MONDAY)
    row, _ = lease(MONDAY + 5 * MINUTE)
    with open_session(SYSTEM) as session:
        mail_sent(session, row.id, MONDAY + 5 * MINUTE)
    with open_session(people.admin, reading=True) as session:
        fine, late = (mail_health(session, MONDAY + n * MINUTE) for n in (10, 30))
        assert fetch(session, select(Mail)) == []
    assert (fine.waiting, fine.sent, fine.overdue_since, fine.failed) == (1, 1, None, ())
    assert late.overdue_since == MONDAY + 5 * MINUTE
    for actor in (people.staff, people.manager):
        with open_session(actor) as session:
            with pytest.raises(ClaimError):
                mail_health(session, MONDAY)
            with pytest.raises(ClaimError):
                try_failed_again(session, MONDAY)
            with pytest.raises(ClaimError):
                queue_alerts(session, MONDAY)


def test_old_records_are_forgotten_and_failures_kept(people, claim):
    alert_of_date(claim, MONDAY, people.dana, people.yossi)
    queue(MONDAY)
    sent, failed = lease(MONDAY + 5 * MINUTE)
    with open_session(SYSTEM) as session:
        mail_sent(session, sent.id, MONDAY)
        mail_failed(session, failed.id, MONDAY, 'refused 550', for_good=True)
    with open_session(SYSTEM) as session:
        assert forget_mails(session, MONDAY, 20) == 0
        assert forget_mails(session, MONDAY + MINUTE, 20) == 1
    assert [row.id for row in mails()] == [failed.id]


# ---- quiet ------------------------------------------------------------------------------------------------------------------

SUNDAY, MORNING = at('2026-11-29 07:30'), at('2026-11-24 07:30')


@pytest.mark.parametrize(
    ('ready', 'leaves'),
    [
        ('2026-11-23 20:59', at('2026-11-23 20:59')),
        ('2026-11-23 21:00', MORNING),
        ('2026-11-24 00:30', MORNING),
        ('2026-11-24 07:29', MORNING),
        ('2026-11-24 07:30', MORNING),
        ('2026-11-27 16:18', at('2026-11-27 16:18')),
        ('2026-11-27 16:19', SUNDAY),  # candles in Tel Aviv
        ('2026-11-28 19:00', SUNDAY),
        ('2026-11-28 23:00', SUNDAY),
        ('2026-11-26 22:00', at('2026-11-27 07:30')),  # a Friday morning is no rest yet
        ('2026-09-11 12:00', at('2026-09-11 12:00')),
        ('2026-09-11 18:40', at('2026-09-14 07:30')),  # Rosh Hashanah, with a Shabbat in it
        ('2026-10-24 23:30', at('2026-10-25 07:30')),  # the night in which an hour comes twice
        ('2026-03-26 23:30', at('2026-03-27 07:30')),  # and the one in which one is missing
    ],
)
def test_mail_rests_at_night_and_from_the_candles_to_the_next_working_morning(ready, leaves):
    assert Calendar().leaves_at(at(ready)) == leaves


def test_who_wants_everything_gets_it_at_any_hour(people, claim):
    with open_session(people.dana) as session:
        prefer_mail(session, digest=False, any_time=True)
    shabbat = at('2026-11-28 11:00')
    alert_of_date(claim, shabbat, people.dana, people.yossi)
    queue(shabbat)
    assert [row.due_at for row in mails()] == [shabbat + 5 * MINUTE, SUNDAY]


def test_the_bureau_says_when_its_evening_begins(people, claim):
    with open_session(people.admin) as session:
        bureau_settings(session).quiet_from = '18:00'
    alert_of_date(claim, at('2026-11-23 18:00'), people.dana)
    queue(at('2026-11-23 18:00'))
    assert mails()[0].due_at == MORNING
    with open_session(people.admin) as session, pytest.raises(ClaimError):
        bureau_settings(session).quiet_from = 'never'


# ---- the morning ------------------------------------------------------------------------------------------------------------


def digests(moment: datetime) -> int:
    with open_session(SYSTEM) as session:
        return queue_digests(session, moment)


def test_the_summary_goes_out_once_each_working_morning(people):
    everybody = 7
    assert digests(at('2026-11-23 07:29')) == 0
    assert digests(at('2026-11-23 07:30')) == everybody
    assert digests(at('2026-11-23 07:31')) == 0
    assert digests(at('2026-11-24 11:00')) == everybody, 'nothing ran at half past seven'
    assert digests(at('2026-11-25 11:30')) == 0, 'that morning is over'
    assert [digests(at(f'2026-11-{day} 08:00')) for day in (26, 27, 28, 29)] == [everybody, 0, 0, everybody]


@pytest.mark.parametrize('day', ['2026-09-13', '2026-09-20', '2026-09-29', '2026-04-22'])
def test_on_feasts_and_their_eves_there_is_none(people, day):
    assert digests(at(f'{day} 08:00')) == 0


def test_the_bureaus_own_days_count(people):
    with open_session(people.admin) as session:
        set_calendar_day(session, date(2026, 11, 23), False, 'יום עיון')
        set_calendar_day(session, date(2026, 11, 27), True, 'יום שישי של עבודה')
        set_calendar_day(session, date(2026, 11, 28), True, 'שבת')
        assert [calendar_of(session).mails_on(date(2026, 11, day)) for day in (23, 27, 28)] == [False, True, False]


def test_who_wants_no_summary_gets_none(people):
    with open_session(people.dana) as session:
        prefer_mail(session, digest=False, any_time=False)
    assert digests(at('2026-11-23 08:00')) == 6


def test_the_summary_tells_what_is_new_since_the_last_one_and_what_is_due(people, claim):
    digests(at('2026-11-22 07:30'))
    alert_of_date(claim, at('2026-11-22 06:00'), people.dana, kind='deadline.near', key='before')
    alert_of_date(claim, at('2026-11-22 12:00'), people.dana, kind='task.due', key='due')
    alert_of_date(claim, at('2026-11-22 13:00'), people.dana, kind='cheque.due14', key='cheque')
    other = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    with open_session(people.staff) as session:
        slip = Slip('insurer_to_insured', 100, date(2026, 11, 25))
        enter_cheque(session, other.id, slip, 'received', at('2026-11-01 12:00'))
    digests(at('2026-11-23 07:30'))
    last = max(row.id for row in mails() if row.user_id == people.dana.user_id)
    with open_session(SYSTEM, reading=True) as session:
        since = last_morning(session, session.get_one(Mail, last))
    assert since == at('2026-11-22 07:30')
    with open_session(people.dana, reading=True) as session:
        morning = tidings_of_morning(session, since, date(2026, 11, 23))
    assert morning.due[0] == News(claim.claim_no, ('tasks', 'cheques'))
    assert [news.claim_no for news in morning.due] == [claim.claim_no, other.claim_no]
    for person in (people.rival, people.staff2, people.admin):
        with open_session(person, reading=True) as session:
            assert not tidings_of_morning(session, since, date(2026, 11, 23))


def test_what_the_summary_told_needs_no_mail_of_its_own_unless_it_is_urgent(people, claim):
    night = at('2026-11-22 22:00')
    other = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    with open_session(people.dana) as session:
        choose(session, 'tasks', MAIL, True)
    alert_of_date(claim, night, people.dana, kind='task.due', key='task')
    alert_of_date(other, night, people.dana, kind='cheque.due14', key='cheque')
    queue(night)
    digests(at('2026-11-23 07:30'))
    summary = next(row for row in lease(at('2026-11-23 07:30'), DIGEST) if row.user_id == people.dana.user_id)
    with open_session(SYSTEM, reading=True) as session:
        everything = fetch(session, select(Alert.id))
    with open_session(SYSTEM) as session:
        mail_sent(session, summary.id, at('2026-11-23 07:30'), everything)
    states = {row.claim_id: row.state for row in mails() if row.user_id == people.dana.user_id}
    assert states == {claim.id: DROPPED, other.id: WAITING, None: SENT}
