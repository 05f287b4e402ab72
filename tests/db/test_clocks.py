"""Regulatory clocks: when they start, what they wait for, which days do not count, and what staff say of a day."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from db import values
from db.base import now
from db.calendar import DAY, Calendar, set_calendar_day
from db.changes import Change
from db.claims import Claim, change_status, save_fields
from db.clocks import (
    BUSINESS,
    CALENDAR,
    LATE,
    MET,
    NOT_STARTED,
    PASSED,
    RUNNING,
    STOPPED,
    YEARS,
    Clock,
    ClockRule,
    SaidDay,
    clock_of,
    clocks_of,
    file_complete,
    file_complete_day,
    one_clock,
    set_clock_day,
)
from db.money import OfferNote, log_offer
from db.requirements import checklist
from db.scope import Actor
from db.session import open_session
from db.texts import ClaimError
from tests.conftest import People, made_once
from tests.factories import make_claim

# start, how many, unit, days between a feast count, the day it ends; the trade's own vectors
ENDS = [
    ('2026-09-01', 14, BUSINESS, False, '2026-09-24'),
    ('2026-09-01', 7, BUSINESS, False, '2026-09-10'),
    ('2026-09-10', 14, BUSINESS, False, '2026-10-12'),
    ('2026-09-10', 14, BUSINESS, True, '2026-10-05'),
    ('2026-03-25', 14, BUSINESS, False, '2026-04-23'),
    ('2026-03-25', 14, BUSINESS, True, '2026-04-20'),
    ('2026-11-23', 14, BUSINESS, False, '2026-12-13'),
    ('2026-11-23', 7, BUSINESS, False, '2026-12-02'),
    ('2026-09-01', 30, CALENDAR, False, '2026-10-01'),
    ('2026-10-28', 90, CALENDAR, False, '2027-01-26'),
    ('2026-10-28', 7, YEARS, False, '2033-10-28'),
    ('2024-02-29', 7, YEARS, False, '2031-02-28'),
    ('2024-02-29', 3, YEARS, False, '2027-02-28'),
]


def day(text: str) -> date:
    return date.fromisoformat(text)


def rule(amount: int = 14, unit: str = BUSINESS) -> ClockRule:
    return ClockRule(id='x', amount=amount, unit=unit, starts_with='submitted', ends_with='decision')


@pytest.mark.parametrize(('start', 'amount', 'unit', 'between', 'end'), ENDS)
def test_clocks_end_where_the_trade_says(start: str, amount: int, unit: str, between: bool, end: str) -> None:
    calendar = Calendar(hol_hamoed_works=between)
    clock = clock_of(rule(amount, unit), {'submitted': day(start)}, calendar, day(start))
    assert clock.deadline is not None
    assert (clock.deadline.day, clock.state) == (day(end), RUNNING)


def test_a_clock_says_which_days_did_not_count_and_why() -> None:
    clock = clock_of(rule(), {'submitted': day('2026-09-10')}, Calendar(), day('2026-09-10'))
    assert clock.reasons[:4] == ['Rosh Hashanah eve', 'Rosh Hashanah', 'Yom Kippur eve', 'Yom Kippur']
    assert {'Sukkot', 'Hol HaMoed Sukkot'} <= set(clock.reasons)
    assert clock.weekend_days == 4
    assert clock.deadline is not None
    # every day between is either counted or skipped for a reason
    assert 14 + len(clock.deadline.skipped) == (clock.deadline.day - clock.deadline.start).days


def test_a_day_on_which_nobody_works_is_told_beside_the_next_one() -> None:
    clock = clock_of(rule(30, CALENDAR), {'submitted': day('2026-09-01')}, Calendar(), day('2026-09-01'))
    assert clock.deadline is not None
    assert (clock.deadline.note, clock.deadline.working_day) == ('Hol HaMoed Sukkot', day('2026-10-04'))


@pytest.mark.parametrize(
    ('end', 'today', 'state', 'left'),
    [
        (None, '2026-12-13', RUNNING, 0),
        (None, '2026-12-14', PASSED, -1),
        ('2026-12-13', '2027-03-01', MET, -78),
        ('2026-12-14', '2027-03-01', LATE, -78),
        ('2026-11-01', '2026-12-01', RUNNING, 12),  # before it started: that answers something else
    ],
)
def test_a_clock_runs_is_met_or_passes(end: str | None, today: str, state: str, left: int) -> None:
    days = {'submitted': day('2026-11-23'), **({'decision': day(end)} if end else {})}
    clock = clock_of(rule(), days, Calendar(), day(today))
    assert (clock.state, clock.days_left) == (state, left)


# ---- on a claim -------------------------------------------------------------------------------------------------------------


def clocks(who: Actor, claim: Claim, today: str = '2026-12-01') -> dict[str, Clock]:
    with open_session(who, reading=True) as session:
        return {clock.rule.id: clock for clock in clocks_of(session, session.get_one(Claim, claim.id), day(today))}


def at(text: str) -> datetime:
    return datetime.combine(day(text), datetime.min.time().replace(hour=12), tzinfo=values.ISRAEL)


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, event_date=day('2026-10-01'))


def submit(people: People, claim: Claim, on: str) -> None:
    with open_session(people.staff, at=at(on)) as session:
        save_fields(session, claim.id, {'submitted_at': (None, day(on))}, now())
        change_status(session, claim.id, 'submitted', '', 'new', at(on))


def test_of_a_closed_claim_nothing_counts_on(people: People, claim: Claim) -> None:
    submit(people, claim, '2026-11-02')
    last = clocks(people.dana, claim)['insurer_more_docs'].deadline
    assert last is not None

    def stood(closed_on: date, today: str) -> tuple[str, int]:
        with open_session(people.staff) as session:
            kept = session.get_one(Claim, claim.id)
            if not kept.is_open:
                change_status(session, claim.id, 'submitted', 'נפתחה שוב', kept.status, now())
        assert clocks(people.dana, claim, today)['insurer_more_docs'].state in (RUNNING, PASSED)
        with open_session(people.staff) as session:
            change_status(session, claim.id, 'closed', 'no_cover', 'submitted', at(closed_on.isoformat()))
        clock = clocks(people.dana, claim, today)['insurer_more_docs']
        assert clock.closed_on == closed_on
        return clock.state, clock.days_left

    for today in (last.day.isoformat(), '2027-06-01'):
        assert stood(last.day - DAY, today) == (STOPPED, 1)
        assert stood(last.day + DAY, today) == (PASSED, -1), 'it was too late before it was closed'
    limitation = clocks(people.dana, claim)['limitation_tort']
    assert (limitation.state, limitation.closed_on) == (RUNNING, None), 'closed unpaid: one may still sue'


def test_a_clock_that_has_not_started_says_what_is_missing(people: People, claim: Claim) -> None:
    found = clocks(people.dana, claim)
    assert (found['insurer_decision'].state, found['insurer_decision'].missing) == (NOT_STARTED, ())
    assert (found['limitation_tort'].state, 'limitation_policy' in found) == (RUNNING, False)
    submit(people, claim, '2026-11-02')
    with open_session(people.dana, reading=True) as session:
        wanted = [item.label_in('he') for item in checklist(session, session.get_one(Claim, claim.id)) if item.missing]
    waiting = clocks(people.dana, claim)['insurer_decision']
    assert wanted
    assert (waiting.state, list(waiting.missing)) == (NOT_STARTED, wanted)
    assert clocks(people.dana, claim)['insurer_more_docs'].start == day('2026-11-02')


def test_the_decision_counts_from_the_last_document_and_stops_with_the_answer(people: People, claim: Claim) -> None:
    submit(people, claim, '2026-11-02')
    with open_session(people.staff, at=at('2026-11-05')) as session:
        was = session.get_one(Claim, claim.id).documents
        save_fields(session, claim.id, {'documents': (was, 'complete')}, now())
    running = clocks(people.dana, claim)['insurer_decision']
    assert (running.state, running.start) == (RUNNING, day('2026-11-05'))
    assert running.deadline is not None
    assert running.deadline.day == day('2026-12-05')
    with open_session(people.staff) as session:
        log_offer(session, claim.id, OfferNote('full', 100, day('2026-11-20')), now())
    met = clocks(people.dana, claim)
    assert (met['insurer_decision'].state, met['insurer_decision'].end) == (MET, day('2026-11-20'))
    assert met['insurer_continued'].start == day('2026-11-20')


SUBMITTED, ASKED_FOR_MORE = '2026-11-02', 'insurer_requested_info'


@pytest.mark.parametrize(
    ('submitted', 'completed', 'status', 'said', 'since'),
    [
        (None, '2026-11-05T12:00', 'new', None, None),
        (SUBMITTED, None, 'submitted', None, None),
        (SUBMITTED, '2026-10-20T12:00', 'submitted', None, SUBMITTED),
        (SUBMITTED, '2026-11-05T12:00', 'submitted', None, '2026-11-05'),
        (SUBMITTED, '2026-11-05T21:59', 'submitted', None, '2026-11-05'),
        (SUBMITTED, '2026-11-05T22:00', 'submitted', None, '2026-11-06'),  # midnight in Israel
        ('2026-09-01', '2026-09-05T20:59', 'submitted', None, '2026-09-05'),
        ('2026-09-01', '2026-09-05T21:00', 'submitted', None, '2026-09-06'),  # in summer
        (SUBMITTED, '2026-11-05T12:00', ASKED_FOR_MORE, None, None),
        (SUBMITTED, '2026-11-05T12:00', ASKED_FOR_MORE, '2026-11-04', '2026-11-04'),
        (SUBMITTED, None, 'submitted', '2026-11-04', '2026-11-04'),
        (None, None, 'new', '2026-11-04', '2026-11-04'),
    ],
)
def test_since_when_the_file_is_complete_is_told_of_one_claim_and_of_many_alike(
    people: People, submitted: str | None, completed: str | None, status: str, said: str | None, since: str | None
) -> None:
    found = make_claim(people.levi, people.staff, event_date=day('2026-08-01'))
    if completed:
        moment = datetime.fromisoformat(completed).replace(tzinfo=UTC)
        with open_session(people.staff, at=moment) as session:
            save_fields(session, found.id, {'documents': (found.documents, 'complete')}, moment)
    with open_session(people.staff) as session:
        save_fields(session, found.id, {'submitted_at': (None, day(submitted) if submitted else None)}, now())
        if status != 'new':
            change_status(session, found.id, status, 'צילומים', 'new', now())
        if said:
            set_clock_day(session, found.id, SaidDay('file_complete', None, day(said), 'אישור מסירה'), now())
    expected = day(since) if since else None
    with open_session(people.dana, reading=True) as session:
        kept = session.get_one(Claim, found.id)
        asked = select(file_complete_day(session, day('2026-12-01'))).select_from(Claim).where(Claim.id == found.id)
        assert (file_complete(session, kept), session.scalar(asked)) == (expected, expected)
    assert clocks(people.dana, found)['insurer_decision'].start == expected


def test_what_the_insurer_asks_stops_one_clock_and_starts_another(people: People, claim: Claim) -> None:
    submit(people, claim, '2026-11-02')
    with open_session(people.staff, at=at('2026-11-30')) as session:
        change_status(session, claim.id, 'insurer_requested_info', 'קבלה', 'submitted', at('2026-11-30'))
    found = clocks(people.dana, claim)
    assert (found['insurer_more_docs'].state, found['insurer_more_docs'].end) == (LATE, day('2026-11-30'))
    assert found['insurer_continued'].start == day('2026-11-30')


def test_a_closed_claim_is_barred_no_more_and_a_condition_counts(people: People, claim: Claim) -> None:
    with open_session(people.staff, at=at('2026-11-10')) as session:
        save_fields(session, claim.id, {'own_policy_used': (None, True)}, now())
        change_status(session, claim.id, 'closed', 'paid_in_full', 'new', at('2026-11-10'))
    found = clocks(people.staff, claim)
    assert (found['limitation_tort'].state, found['limitation_policy'].state) == (MET, MET)
    assert found['limitation_policy'].deadline is not None
    assert found['limitation_policy'].deadline.day == day('2029-10-01')


def test_of_a_claim_that_was_closed_unpaid_the_limitation_runs_on(people: People, claim: Claim) -> None:
    def go(status: str, reason: str, on: str) -> Clock:
        with open_session(people.staff, at=at(on)) as session:
            change_status(session, claim.id, status, reason, session.get_one(Claim, claim.id).status, at(on))
        return clocks(people.dana, claim)['limitation_tort']

    assert go('closed', 'closed_no_recovery', '2026-11-10').state == RUNNING
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'received_amount': (None, 100_00)}, now())
    told = clocks(people.dana, claim)['limitation_tort']
    assert (told.state, told.end) == (MET, day('2026-11-10')), 'some of it was paid'
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'received_amount': (100_00, None)}, now())
    # brought to court in time: that it was closed afterwards takes nothing away
    go('in_legal', 'נפתחה מחדש', '2026-11-12')
    told = go('closed', 'closed_no_recovery', '2026-11-14')
    assert (told.state, told.end) == (MET, day('2026-11-12'))


def test_the_time_of_a_claim_that_was_opened_again_runs_on(people: People, claim: Claim) -> None:
    def go(status: str, reason: str, before: str, on: str) -> None:
        with open_session(people.staff, at=at(on)) as session:
            change_status(session, claim.id, status, reason, before, at(on))

    go('closed', 'paid_in_full', 'new', '2026-11-10')
    go('in_repair', 'נסגר בטעות', 'closed', '2026-11-12')
    reopened = clocks(people.staff, claim)['limitation_tort']
    assert (reopened.state, reopened.end) == (RUNNING, None)
    go('paid', '', 'in_repair', '2026-11-20')
    go('closed', 'paid_in_full', 'paid', '2026-11-25')
    assert clocks(people.staff, claim)['limitation_tort'].end == day('2026-11-20')


def test_the_bureaus_own_days_count(people: People, claim: Claim) -> None:
    submit(people, claim, '2026-11-23')
    with open_session(people.admin) as session:
        set_calendar_day(session, day('2026-11-24'), False, 'יום גיבוש')
    deadline = clocks(people.dana, claim)['insurer_more_docs'].deadline
    assert deadline is not None
    assert (deadline.day, deadline.skipped[0].reason) == (day('2026-12-14'), 'יום גיבוש')


def test_staff_set_a_day_with_a_reason_and_the_history_keeps_it(people: People, claim: Claim) -> None:
    assert clocks(people.dana, claim)['policy_info'].state == NOT_STARTED
    said = SaidDay('request', None, day('2026-11-10'), 'מכתב רשום')
    with open_session(people.staff) as session:
        before = session.get_one(Claim, claim.id).seq
        set_clock_day(session, claim.id, said, at('2026-11-12'))
    found = clocks(people.dana, claim)['policy_info']
    assert (found.start, dict(found.by_hand)) == (day('2026-11-10'), {'request': 'מכתב רשום'})
    with open_session(people.dana, reading=True) as session:
        change = session.scalars(select(Change).where(Change.kind == 'clock')).one()
        assert (change.fields['day'], change.quiet) == ([None, '2026-11-10'], True)
        assert session.get_one(Claim, claim.id).seq == before, 'news to nobody'
    with open_session(people.staff) as session:
        set_clock_day(session, claim.id, SaidDay('request', day('2026-11-10'), None, 'טעות'), at('2026-11-13'))
    assert clocks(people.dana, claim)['policy_info'].state == NOT_STARTED


@pytest.mark.parametrize(
    ('said', 'why'),
    [
        (SaidDay('submitted', None, day('2026-11-10'), 'x'), 'field of the claim'),
        (SaidDay('no_such', None, day('2026-11-10'), 'x'), 'field of the claim'),
        (SaidDay('request', None, day('2026-11-13'), 'x'), 'between the event and today'),
        (SaidDay('request', None, day('2026-09-30'), 'x'), 'between the event and today'),
        (SaidDay('request', None, day('2026-11-10'), '  '), 'known from'),
        (SaidDay('request', day('2026-11-01'), day('2026-11-10'), 'x'), 'meanwhile'),
    ],
)
def test_a_day_that_cannot_be_is_refused(people: People, claim: Claim, said: SaidDay, why: str) -> None:
    with pytest.raises(ClaimError, match=why), open_session(people.staff) as session:
        set_clock_day(session, claim.id, said, at('2026-11-12'))


def test_another_office_has_no_clock_of_it(people: People, claim: Claim) -> None:
    for who, rule_id in ((people.rival, 'limitation_tort'), (people.dana, 'no_such')):
        with pytest.raises(ClaimError, match='not found'), open_session(who, reading=True) as session:
            one_clock(session, claim.claim_no, rule_id, day('2026-12-01'))


def test_a_rule_counts_something(people: People) -> None:
    for amount in (0, -1, 5000):
        with pytest.raises(ClaimError, match='between 1'), open_session(people.admin) as session:
            session.get_one(ClockRule, 'policy_info').amount = amount
