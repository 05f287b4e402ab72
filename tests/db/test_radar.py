"""The radar: whose money comes first, by the insurer's own pace or the thirty days, told the same of one claim and of all."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from db import values
from db.base import now
from db.cheques import Cheque, Slip, advance_cheque, cheques_of, enter_cheque
from db.claims import Claim, change_status, save_fields
from db.clocks import SaidDay, clocks_of, file_complete, set_clock_day
from db.habits import DECISION_DAYS, ENOUGH, Cuts, Pace, cuts_of, pace_of
from db.money import save_amounts
from db.radar import Radar, radar_now, radar_of, red_cheques, red_claims
from db.reference import Insurer
from db.scope import Actor
from db.session import fetch, open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim

TODAY = date(2026, 11, 23)
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
RULE = Pace(DECISION_DAYS, 0)
GARAGE = Slip('insured_to_garage', 9_000_00, date(2027, 1, 10), payee='מוסך גלבוע')
INSURER = Slip('insurer_to_insured', 18_500_00, date(2026, 12, 31), drawer='הפניקס')


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id)


def edit(actor: Actor, claim: Claim, **fields: object) -> None:
    with open_session(actor) as session:
        kept = session.get_one(Claim, claim.id)
        save_fields(session, claim.id, {name: (getattr(kept, name), value) for name, value in fields.items()}, now())


def hand_over(actor: Actor, claim: Claim, day: date, complete: date | None = None) -> None:
    """The demand goes to the insurer on a day, with all its papers (or these come later)."""
    for on, name, value in ((day, 'submitted_at', day), (complete or day, 'documents', 'complete')):
        with open_session(actor, at=datetime.combine(on, time(12), values.ISRAEL)) as session:
            seen_now = getattr(session.get_one(Claim, claim.id), name)
            save_fields(session, claim.id, {name: (seen_now, value)}, now())


def enter(actor: Actor, claim: Claim, slip: Slip, state: str = 'received') -> Cheque:
    with open_session(actor) as session:
        return enter_cheque(session, claim.id, slip, state, AT)


def seen(actor: Actor, claim: Claim, today: date = TODAY) -> Radar | None:
    with open_session(actor, reading=True) as session:
        kept = session.get_one(Claim, claim.id)
        return radar_now(session, kept, fetch(session, cheques_of(claim.id)), today)


def red(actor: Actor, today: date = TODAY) -> list[int]:
    with open_session(actor, reading=True) as session:
        return [cheque.id for cheque in fetch(session, red_cheques(session, today))]


def insurer() -> int:
    with open_session(SYSTEM, reading=True) as session:
        return session.scalars(select(Insurer.id).where(Insurer.code == 'phoenix')).one()


def closed_after(people: People, days: int, tp_insurer: int) -> None:
    """A closed claim whose insurer took so many days."""
    submitted = date(2026, 6, 1)
    claim = make_claim(people.cohen, people.staff, submitted_at=submitted, tp_insurer=tp_insurer)
    cheque = enter(people.staff, claim, replace(INSURER, due_date=submitted + timedelta(days=days)))
    with open_session(people.staff) as session:
        for state in ('deposited', 'cleared'):
            advance_cheque(session, cheque.id, state, AT)
        change_status(session, claim.id, 'closed', 'paid_in_full', claim.status, AT)


def test_a_cheque_before_the_thirty_days_is_red_and_one_after_them_is_not(people, claim):
    hand_over(people.staff, claim, date(2026, 11, 10))
    early = enter(people.staff, claim, replace(GARAGE, due_date=date(2026, 12, 9)))
    enter(people.staff, claim, replace(GARAGE, due_date=date(2026, 12, 10), direction='insured_to_appraiser'))
    line = seen(people.dana, claim)
    assert line is not None
    assert (line.decision, line.payment, line.promised, line.late) == (
        date(2026, 12, 10),
        date(2026, 12, 10),
        False,
        False,
    )
    assert [cheque.id for cheque in line.red] == red(people.dana) == [early.id]
    assert not line.pace.known
    # on the expected day itself it is still believed
    assert red(people.dana, date(2026, 12, 10)) == [early.id]


def test_before_the_submission_the_days_have_not_begun(people, claim):
    enter(people.staff, claim, replace(GARAGE, due_date=TODAY + timedelta(days=29)))
    assert seen(people.dana, claim).payment == TODAY + timedelta(days=30)  # type: ignore[union-attr]
    assert len(red(people.dana)) == 1
    assert len(red(people.dana, TODAY - timedelta(days=2))) == 0
    # the insurer asks for more papers: they begin again
    hand_over(people.staff, claim, date(2026, 10, 1))
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'insurer_requested_info', 'צילומים', 'new', AT)
    assert seen(people.dana, claim).payment == TODAY + timedelta(days=30)  # type: ignore[union-attr]
    assert len(red(people.dana)) == 1


def test_a_cheque_of_the_insurer_is_better_than_any_estimate(people, claim):
    hand_over(people.staff, claim, date(2026, 11, 10))
    ours = enter(people.staff, claim, replace(GARAGE, due_date=date(2026, 12, 20)))
    theirs = enter(people.staff, claim, INSURER, state='expected')
    line = seen(people.dana, claim)
    assert line is not None
    assert (line.payment, line.promised, line.decision) == (INSURER.due_date, True, None)
    assert red(people.dana) == [ours.id]
    with open_session(people.staff) as session:
        advance_cheque(session, theirs.id, 'cancelled', AT, reason='mistake')
    assert red(people.dana) == []


def test_a_day_that_passed_without_the_money_is_not_believed(people, claim):
    hand_over(people.staff, claim, date(2026, 9, 1))
    soon = enter(people.staff, claim, replace(GARAGE, due_date=TODAY + timedelta(days=13)))
    enter(people.staff, claim, replace(GARAGE, due_date=TODAY + timedelta(days=14)))
    line = seen(people.dana, claim)
    assert line is not None
    assert line.late
    assert [cheque.id for cheque in line.red] == red(people.dana) == [soon.id]
    # once the insurer's cheque lies in the bank, its day may have passed
    theirs = enter(people.staff, claim, replace(INSURER, due_date=TODAY - timedelta(days=1)))
    assert red(people.dana) == [soon.id]
    with open_session(people.staff) as session:
        advance_cheque(session, theirs.id, 'deposited', AT)
    assert red(people.dana) == []


def test_nothing_is_red_when_the_money_is_here_or_the_claim_is_closed(people, claim):
    enter(people.staff, claim, replace(GARAGE, due_date=TODAY + timedelta(days=3)))
    assert len(red(people.dana)) == 1
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 9_000_00), 'received': (None, 8_999_00)}, AT)
    assert len(red(people.dana)) == 1
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, 'repair_cost', {'received': (8_999_00, 9_000_00)}, AT)
    assert (red(people.dana), seen(people.dana, claim)) == ([], None)
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, 'repair_cost', {'received': (9_000_00, None)}, AT)
        change_status(session, claim.id, 'closed', 'closed_no_recovery', 'new', AT)
    assert (red(people.dana), seen(people.dana, claim)) == ([], None)


def test_a_claim_without_a_cheque_of_the_client_has_no_radar(people, claim):
    enter(people.staff, claim, INSURER)
    assert seen(people.dana, claim) is None


def test_ten_closed_claims_make_an_insurers_pace(people, claim):
    phoenix = insurer()
    edit(people.staff, claim, tp_insurer=phoenix)
    hand_over(people.staff, claim, TODAY)
    cheque = enter(people.staff, claim, replace(GARAGE, due_date=TODAY + timedelta(days=44)))
    for days in range(41, 50):
        closed_after(people, days, phoenix)
    assert seen(people.dana, claim).pace == Pace(DECISION_DAYS, 9)  # type: ignore[union-attr]
    assert red(people.dana) == []
    closed_after(people, 45, phoenix)
    # the claims are another office's: a median of ten names nobody
    line = seen(people.dana, claim)
    assert line is not None
    assert (line.pace, line.payment) == (Pace(45, ENOUGH), TODAY + timedelta(days=45))
    assert line.decision == TODAY + timedelta(days=DECISION_DAYS)
    assert red(people.dana) == [cheque.id]


def test_everybody_finds_the_red_claims_of_his_own(people, claim):
    enter(people.staff, claim, replace(GARAGE, due_date=TODAY + timedelta(days=3)))
    for actor, found in ((people.dana, [claim.id]), (people.staff, [claim.id]), (people.rival, [])):
        with open_session(actor, reading=True) as session:
            assert [row.id for row in fetch(session, select(Claim).where(red_claims(session, TODAY)))] == found


def clock_ends(actor: Actor, claim: Claim, today: date = TODAY) -> date | None:
    """By when the insurer has to answer, as the clock beside the radar says it."""
    with open_session(actor, reading=True) as session:
        clocks = clocks_of(session, session.get_one(Claim, claim.id), today)
    deadline = next(clock for clock in clocks if clock.rule.id == 'insurer_decision').deadline
    return deadline.day if deadline else None


def test_the_days_are_counted_from_the_complete_file_as_on_the_clock(people, claim):
    """The demand came on 1 November, its last paper on the 20th: money before 20 December is not to be expected."""
    cheque = enter(people.staff, claim, replace(GARAGE, due_date=date(2026, 12, 10)))
    edit(people.staff, claim, submitted_at=date(2026, 11, 1))
    line = seen(people.dana, claim)
    assert line is not None
    assert (line.counts, line.payment, clock_ends(people.dana, claim)) == (False, TODAY + timedelta(days=30), None)
    hand_over(people.staff, claim, date(2026, 11, 1), complete=date(2026, 11, 20))
    line = seen(people.dana, claim)
    assert line is not None
    assert line.counts
    assert line.payment == line.decision == clock_ends(people.dana, claim) == date(2026, 12, 20)
    assert [one.id for one in line.red] == red(people.dana) == [cheque.id]
    # staff know better since when he has everything
    with open_session(people.staff) as session:
        said = SaidDay('file_complete', None, date(2026, 11, 5), 'אישור מסירה')
        set_clock_day(session, claim.id, said, AT)
    line = seen(people.dana, claim)
    assert line is not None
    assert line.payment == clock_ends(people.dana, claim) == date(2026, 12, 5)
    assert line.red == ()
    assert red(people.dana) == []


def test_of_who_approved_what_he_lacks_holds_up_nothing(people, claim):
    edit(people.staff, claim, submitted_at=date(2026, 11, 10))
    assert seen(people.dana, claim) is None
    enter(people.staff, claim, GARAGE)
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 9_000_00), 'approved': (None, 8_000_00)}, AT)
    line = seen(people.dana, claim)
    assert line is not None
    assert (line.start, line.payment, line.counts) == (date(2026, 11, 10), date(2026, 12, 10), True)


# the days at which one rule gives way to another
DAYS = st.sampled_from((-40, -1, 0, 1, 13, 14, 15, 29, 30, 31, 60))
STATES = st.sampled_from(('expected', 'received', 'handed_over'))


# the days on which a paper came: of the summer and the winter clock, and around midnight in Israel
MOMENTS = st.sampled_from(
    [
        datetime.combine(TODAY + timedelta(days=days), time(hour), UTC)
        for days in (-90, -31, -30, -29, -16, -1, 0)
        for hour in (12, 20, 21, 22, 23)
    ]
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    submitted=st.none() | st.sampled_from((-90, -31, -30, -29, -16, -1, 0)),
    file=st.tuples(st.none() | MOMENTS, st.none() | st.sampled_from((-60, -31, -30, -29, -1, 0)), st.booleans()),
    ours=st.lists(st.tuples(DAYS, STATES), min_size=1, max_size=3),
    theirs=st.lists(st.tuples(DAYS, STATES, st.booleans()), max_size=2),
    sums=st.sampled_from(({}, {'received_amount': 0}, {'received_amount': 50_00}, {'approved_amount': 90_00})),
)
def test_the_line_and_the_question_say_the_same(people, submitted, file, ours, theirs, sums):
    day = None if submitted is None else TODAY + timedelta(days=submitted)
    given = {'demand_amount': 100_00, 'event_date': date(2026, 1, 1), **sums}
    claim = make_claim(people.levi, people.staff, submitted_at=day, agent=people.dana.user_id, **given)
    _complete(people, claim, *file)
    _give(people, claim, ours, theirs)
    with open_session(people.dana, reading=True) as session:
        kept, cheques = session.get_one(Claim, claim.id), fetch(session, cheques_of(claim.id))
        line = radar_of(kept, cheques, pace_of(session, None), file_complete(session, kept), TODAY)
        asked = fetch(session, red_cheques(session, TODAY).where(Cheque.claim_id == claim.id))
        told = next(clock for clock in clocks_of(session, kept, TODAY) if clock.rule.id == 'insurer_decision')
        assert told.start == file_complete(session, kept)
    assert {cheque.id for cheque in asked} == {cheque.id for cheque in (line.red if line else ())}


def _give(people: People, claim: Claim, ours: list[Any], theirs: list[Any]) -> None:
    for days, state in ours:
        enter(people.staff, claim, replace(GARAGE, due_date=TODAY + timedelta(days=days)), state)
    for days, state, deposited in theirs:
        cheque = enter(people.staff, claim, replace(INSURER, due_date=TODAY + timedelta(days=days)), state)
        if deposited and state != 'expected':
            with open_session(people.staff) as session:
                advance_cheque(session, cheque.id, 'deposited', AT)


def _complete(people: People, claim: Claim, completed: datetime | None, said: int | None, sent_back: bool) -> None:
    if completed is not None:
        with open_session(people.staff, at=completed) as session:
            save_fields(session, claim.id, {'documents': ('missing_blocking', 'complete')}, completed)
    if said is not None:
        with open_session(people.staff) as session:
            set_clock_day(
                session, claim.id, SaidDay('file_complete', None, TODAY + timedelta(days=said), 'אישור מסירה'), AT
            )
    if sent_back:
        with open_session(people.staff) as session:
            change_status(session, claim.id, 'insurer_requested_info', 'צילומים', 'new', AT)


def test_what_an_insurer_takes_off_is_said_of_ten_closed_claims_and_more(people, claim):
    phoenix = insurer()
    for number in range(ENOUGH):
        other = make_claim(people.cohen, people.staff, submitted_at=date(2026, 6, 1), tp_insurer=phoenix)
        sums = {'demanded': (None, 1_000_00), 'approved': (None, 1_000_00 - number % 5 * 100_00)}
        with open_session(people.staff) as session:
            save_amounts(session, other.id, 'appraiser_fee', sums, AT)
            save_amounts(session, other.id, 'towing_cost', {'demanded': (None, 500_00)}, AT)
        with open_session(people.dana, reading=True) as session:
            assert cuts_of(session, phoenix) == {}
        with open_session(people.staff) as session:
            change_status(session, other.id, 'closed', 'paid_in_full', other.status, AT)
    with open_session(people.dana, reading=True) as session:
        assert cuts_of(session, phoenix) == {'appraiser_fee': Cuts(ENOUGH, 8, 250_00)}
        assert cuts_of(session, phoenix)['appraiser_fee'].percent == 80
