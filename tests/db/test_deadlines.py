"""Deadlines: who follows a claim hears of a clock's last day before it and after it, once each, and no more of one that was met."""

from datetime import date, datetime

import pytest

from db import values
from db.alert_choices import choose
from db.alert_kinds import APP, KINDS
from db.alerts import AlertGroup, alert_groups, mark_read, unread_groups
from db.calendar import Calendar
from db.claims import Claim, change_status, save_fields
from db.clocks import BUSINESS, CALENDAR, YEARS, ClockRule, SaidDay, clock_of, set_clock_day
from db.deadlines import (
    LIMITATION,
    MISSED,
    NEAR,
    alert_of_deadlines,
    claims_with_deadlines,
    closed_near_limitation,
    step_of,
)
from db.scope import Actor
from db.session import open_session
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    return datetime.combine(day(text), datetime.min.time().replace(hour=12), tzinfo=values.ISRAEL)


@made_once
def claim(people: People) -> Claim:
    """All its papers are with the insurer since 1 November: he has to answer until 1 December."""
    claim = make_claim(
        people.levi,
        people.staff,
        agent=people.dana.user_id,
        handler=people.staff.user_id,
        event_date=day('2026-10-01'),
    )
    with open_session(people.staff, at=at('2026-11-01')) as session:
        save_fields(session, claim.id, {'submitted_at': (None, day('2026-11-01'))}, at('2026-11-01'))
        change_status(session, claim.id, 'submitted', '', 'new', at('2026-11-01'))
        was = session.get_one(Claim, claim.id).documents
        save_fields(session, claim.id, {'documents': (was, 'complete')}, at('2026-11-01'))
    return claim


def look(claim: Claim, on: str) -> int:
    with open_session(SYSTEM, at=at(on)) as session:
        return alert_of_deadlines(session, [claim.id], at(on))


def heard(who: Actor) -> list[tuple[str, str]]:
    """The unread alerts of deadlines, as a person reads them in Hebrew."""
    return [KINDS[group.kind].told(group.values, 'he') for group in groups(who) if group.kind in KINDS]


def groups(who: Actor) -> list[AlertGroup]:
    with open_session(who, reading=True) as session:
        return [group for group in alert_groups(session) if group.unread]


@pytest.mark.parametrize(
    ('amount', 'unit', 'today', 'step'),
    [
        (30, CALENDAR, '2026-11-25', None),
        (30, CALENDAR, '2026-11-26', (NEAR, 3)),  # three days before is a Saturday: the Thursday before that
        (30, CALENDAR, '2026-12-01', (NEAR, 3)),
        (30, CALENDAR, '2026-12-02', (MISSED, -1)),
        (30, CALENDAR, '2026-12-15', (MISSED, -1)),
        (30, CALENDAR, '2027-12-16', (MISSED, -1)),
        (14, BUSINESS, '2026-11-15', None),
        (14, BUSINESS, '2026-11-16', (NEAR, 3)),
        (7, YEARS, '2032-10-31', None),
        (7, YEARS, '2032-11-01', (LIMITATION, 365)),
        (7, YEARS, '2033-05-03', (LIMITATION, 182)),
        (7, YEARS, '2033-10-31', (LIMITATION, 30)),
        (7, YEARS, '2033-11-02', (MISSED, -1)),
    ],
)
def test_a_clock_is_told_of_before_and_after_its_last_day(
    amount: int, unit: str, today: str, step: tuple[str, int] | None
) -> None:
    rule = ClockRule(id='x', amount=amount, unit=unit, starts_with='submitted', ends_with='decision', alerts=True)
    calendar = Calendar()
    clock = clock_of(rule, {'submitted': day('2026-11-01')}, calendar, day(today))
    assert step_of(clock, calendar, day(today)) == step
    rule.alerts = False
    assert step_of(clock, calendar, day(today)) is None


def test_the_bureau_presses_before_the_day_and_everybody_hears_after_it(people: People, claim: Claim) -> None:
    assert look(claim, '2026-11-25') == 0
    assert look(claim, '2026-11-26') == 1
    assert heard(people.staff) == [('מועד מתקרב: הודעת המבטח על תוצאות הבירור', 'ב-01/12/2026')]
    assert heard(people.dana) == heard(people.manager) == []
    assert look(claim, '2026-12-01') == 0, 'once'
    assert look(claim, '2026-12-02') == 4
    passed = ('המועד עבר: הודעת המבטח על תוצאות הבירור', 'היה ב-01/12/2026')
    assert heard(people.staff) == heard(people.dana) == heard(people.manager) == [passed]
    assert heard(people.rival) == []
    assert look(claim, '2026-12-10') == 0


def test_what_was_answered_is_taken_back_unless_it_was_read(people: People, claim: Claim) -> None:
    look(claim, '2026-12-02')
    with open_session(people.manager) as session:
        mark_read(session, at('2026-12-02'))
    with open_session(people.staff, at=at('2026-12-03')) as session:
        change_status(session, claim.id, 'rejected', 'אין כיסוי', 'submitted', at('2026-12-03'))
    look(claim, '2026-12-03')
    assert heard(people.staff) == heard(people.dana) == []
    with open_session(people.manager, reading=True) as session:
        kept = [group.kind for group in alert_groups(session)]
        assert (kept, unread_groups(session)) == ([MISSED], 0)


def test_a_day_that_was_missed_is_no_news_after_two_weeks_but_whoever_was_told_still_reads_it(
    people: People, claim: Claim
) -> None:
    assert look(claim, '2026-12-15') == 4
    with open_session(people.manager) as session:
        mark_read(session, at('2026-12-15'))
    assert look(claim, '2026-12-16') == 0
    assert len(heard(people.staff)) == len(heard(people.dana)) == 1
    other = make_claim(people.levi, people.staff, event_date=day('2026-10-01'))
    with open_session(people.staff, at=at('2026-11-01')) as session:
        save_fields(session, other.id, {'submitted_at': (None, day('2026-11-01'))}, at('2026-11-01'))
        was = session.get_one(Claim, other.id).documents
        save_fields(session, other.id, {'documents': (was, 'complete')}, at('2026-11-01'))
    with open_session(SYSTEM, reading=True) as session:
        assert claims_with_deadlines(session, [other.id], day('2026-12-16')) == []
    assert (look(other, '2026-12-16'), look(other, '2026-12-15')) == (0, 3)


def test_a_closed_claim_has_no_deadlines(people: People, claim: Claim) -> None:
    look(claim, '2026-11-29')
    with open_session(people.staff, at=at('2026-11-30')) as session:
        change_status(session, claim.id, 'closed', 'paid_in_full', 'submitted', at('2026-11-30'))
    assert look(claim, '2026-11-30') == 0
    assert heard(people.staff) == []


def test_another_last_day_is_told_anew(people: People, claim: Claim) -> None:
    look(claim, '2026-11-29')
    with open_session(people.staff) as session:
        said = SaidDay('file_complete', None, day('2026-11-05'), 'אישור מסירה')
        set_clock_day(session, claim.id, said, at('2026-11-29'))
    assert look(claim, '2026-11-29') == 0, 'it is no longer near'
    assert heard(people.staff) == []
    assert look(claim, '2026-12-02') == 1
    assert heard(people.staff) == [('מועד מתקרב: הודעת המבטח על תוצאות הבירור', 'ב-05/12/2026')]


def test_who_takes_the_claim_over_hears_of_it_too(people: People, claim: Claim) -> None:
    look(claim, '2026-11-29')
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'handler': (people.staff.user_id, people.admin.user_id)}, at('2026-11-29'))
    assert look(claim, '2026-11-29') == 1
    assert len(heard(people.admin)) == 1


def test_a_limitation_is_told_of_a_year_half_a_year_and_a_month_before_to_everybody(
    people: People, claim: Claim
) -> None:
    with open_session(SYSTEM) as session:
        session.get_one(ClockRule, 'insurer_decision').alerts = False
    assert [look(claim, on) for on in ('2032-09-29', '2032-10-03', '2033-01-02', '2033-04-03', '2033-09-01')] == [
        *(0, 4, 0, 4, 4)
    ]
    assert heard(people.dana) == [('מועד מתקרב: התיישנות תביעת צד ג׳', 'ב-01/10/2033')], 'the newest stands for all'


def test_who_does_not_want_to_hear_does_not(people: People, claim: Claim) -> None:
    with open_session(people.dana) as session:
        choose(session, 'deadlines', APP, False)
    assert look(claim, '2026-12-02') == 3
    assert heard(people.dana) == []


def test_one_only_waits_where_there_is_something_to_tell(people: People, claim: Claim) -> None:
    quiet = make_claim(people.cohen, people.staff, event_date=day('2026-10-01'))

    def found(on: str) -> list[int]:
        with open_session(SYSTEM, reading=True) as session:
            return claims_with_deadlines(session, [claim.id, quiet.id], day(on))

    assert (found('2026-11-20'), found('2026-11-29')) == ([], [claim.id])
    look(claim, '2026-11-29')
    with open_session(people.staff, at=at('2026-11-30')) as session:
        change_status(session, claim.id, 'rejected', 'אין כיסוי', 'submitted', at('2026-11-30'))
    assert found('2026-11-30') == [claim.id], 'there is something to take back'
    look(claim, '2026-11-30')
    assert found('2026-11-30') == []


def close(people: People, claim: Claim, reason: str, on: str = '2026-11-30') -> None:
    with open_session(people.staff, at=at(on)) as session:
        change_status(session, claim.id, 'closed', reason, session.get_one(Claim, claim.id).status, at(on))


@pytest.mark.parametrize(
    ('reason', 'told'),
    [('closed_no_recovery', 4), ('closed_rejected', 4), ('paid_in_full', 0), ('closed_cancelled', 0)],
)
def test_of_a_claim_that_was_closed_unpaid_a_limitation_is_told_as_each_step_begins(
    people: People, claim: Claim, reason: str, told: int
) -> None:
    close(people, claim, reason)
    assert look(claim, '2026-12-02') == 0, 'what the insurer had to answer is no deadline any more'
    assert look(claim, '2032-09-29') == 0
    for on in ('2032-10-03', '2033-04-03', '2033-09-01'):
        assert look(claim, on) == told
    assert look(claim, '2033-10-02') == 0, 'nothing can be done any more'


def test_old_claims_that_were_closed_unpaid_alert_nobody_of_a_step_that_began_before(people: People) -> None:
    old = make_claim(people.levi, people.staff, event_date=day('2020-03-01'), agent=people.dana.user_id)
    close(people, old, 'closed_no_recovery', '2026-11-01')
    with open_session(SYSTEM, reading=True) as session:
        assert claims_with_deadlines(session, [old.id], day('2026-12-01')) == []
    assert (look(old, '2026-12-01'), look(old, '2027-01-31')) == (0, 3)


def test_the_sweep_finds_what_was_closed_unpaid_in_the_days_of_a_step(people: People) -> None:
    """Whatever day the event was on: wherever there is something to tell, the claim is among those found."""
    found = make_claim(people.levi, people.staff, event_date=day('2024-02-29'), agent=people.dana.user_id)
    close(people, found, 'closed_no_recovery')
    paid = make_claim(people.levi, people.staff, event_date=day('2024-02-29'), received_amount=100)
    close(people, paid, 'closed_no_recovery')
    for text in ('2030-02-20', '2030-02-28', '2030-03-14', '2030-08-29', '2030-09-12', '2031-01-29', '2031-02-12'):
        with open_session(SYSTEM, reading=True) as session:
            near = closed_near_limitation(session, 0, 10, day(text))
            news = claims_with_deadlines(session, [found.id], day(text))
        assert set(news) <= set(near), text
        assert paid.id not in near
    with open_session(SYSTEM, reading=True) as session:
        assert closed_near_limitation(session, 0, 10, day('2030-02-28')) == [found.id]
        assert claims_with_deadlines(session, [found.id], day('2030-02-28')) == [found.id]
        assert closed_near_limitation(session, found.id, 10, day('2030-02-28')) == []
        assert closed_near_limitation(session, 0, 10, day('2030-05-28')) == []
