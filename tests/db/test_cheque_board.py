"""The cheques page as a question: what stands behind each view, who sees it, what it adds up to, and the way back from a slip."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import cheque_board
from db.bureau import bureau_settings
from db.changes import history_of
from db.cheque_board import (
    SIDES,
    VIEWS,
    BoardState,
    Sums,
    counts_of_board,
    due_soon,
    month_of_board,
    page_of_board,
    take_back_cheque,
    time_to_take_back,
)
from db.cheques import Cheque, Slip, advance_cheque, enter_cheque, replace_cheque
from db.claims import Claim
from db.scope import Actor, Role
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.conftest import People, made_once
from tests.factories import make_claim, make_office, make_user

TODAY = date(2026, 11, 23)
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SLIP = Slip('insurer_to_insured', 1_000_00, TODAY)
OUT = replace(SLIP, direction='insured_to_garage', amount=300_00)


def enter(actor: Actor, claim: Claim, days: int, slip: Slip = SLIP, *states: str) -> Cheque:
    with open_session(actor) as session:
        cheque = enter_cheque(
            session, claim.id, replace(slip, due_date=TODAY + timedelta(days=days)), 'received', AT - timedelta(hours=9)
        )
    for state in states:
        with open_session(actor) as session:
            cheque = advance_cheque(session, cheque.id, state, AT, reason='no_cover' if state == 'bounced' else '')
    return cheque


def seen(actor: Actor, state: BoardState | None = None) -> tuple[list[int], Sums | None]:
    with open_session(actor, reading=True) as session:
        board = page_of_board(session, state or BoardState(), TODAY)
        assert all(cheque.claim_id == claim.id for cheque, claim in board.rows)
        return [cheque.id for cheque, _ in board.rows], board.sums


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id)


def test_each_view_holds_its_cheques_and_adds_them_up(people, claim):
    soon, today = enter(people.staff, claim, 14), enter(people.staff, claim, 0, OUT)
    later, late = enter(people.staff, claim, 15), enter(people.staff, claim, -1)
    done = enter(people.staff, claim, 2, SLIP, 'handed_over', 'cleared')
    assert seen(people.dana) == ([today.id, soon.id], Sums(2, 1_000_00, 300_00))
    assert seen(people.dana, BoardState('overdue')) == ([late.id], Sums(1, 1_000_00, 0))
    assert seen(people.dana, BoardState('open'))[0] == [late.id, today.id, soon.id, later.id]
    assert seen(people.dana, BoardState('done'))[0] == [done.id]
    assert seen(people.dana, BoardState('calendar', day=TODAY + timedelta(days=2)))[0] == [done.id]
    assert seen(people.dana, BoardState('calendar'))[0] == [late.id, today.id, done.id]
    assert seen(people.dana, BoardState('calendar', month='2026-12'))[0] == [soon.id, later.id]
    with open_session(people.dana, reading=True) as session:
        assert counts_of_board(session, BoardState(), TODAY) == {'due': 2, 'overdue': 1, 'open': 4, 'done': 1}
        assert counts_of_board(session, BoardState(direction='out'), TODAY)['due'] == 1
        assert due_soon(session, TODAY, most=1).count == 2
    assert seen(people.dana, BoardState(direction='in'))[0] == [soon.id]
    assert seen(people.dana, BoardState(direction='out'))[0] == [today.id]


def test_an_office_sees_its_own_and_the_bureau_narrows_to_one(people, claim):
    rival = make_claim(people.cohen, people.staff)
    ours, theirs = enter(people.staff, claim, 3), enter(people.staff, rival, 4)
    assert seen(people.dana)[0] == [ours.id]
    assert seen(people.rival) == ([theirs.id], Sums(1, 1_000_00, 0))
    assert seen(people.staff)[0] == [ours.id, theirs.id]
    assert seen(people.staff, BoardState(office=str(people.cohen)))[0] == [theirs.id]
    # asked for another's office, nothing is given out
    assert seen(people.dana, BoardState(office=str(people.cohen))) == ([], Sums())
    with open_session(people.dana, reading=True) as session:
        days = month_of_board(session, BoardState('calendar'), TODAY)
        assert sum(day.waiting.count for day in days) == 1


def test_agents_who_see_their_own_only_see_and_count_their_own_cheques_only(people):
    office = make_office('סוכנות מור', agents_see_own_only=True)
    gal, tal = make_user('גל', Role.AGENT, office), make_user('טל', Role.AGENT, office)
    cheque = enter(people.staff, make_claim(office, people.staff, agent=gal.user_id), 3)
    assert seen(gal) == ([cheque.id], Sums(1, 1_000_00, 0))
    assert seen(tal) == ([], Sums())
    with open_session(tal, reading=True) as session:
        assert counts_of_board(session, BoardState(), TODAY) == {'due': 0, 'overdue': 0, 'open': 0, 'done': 0}
        assert not any(day.waiting.count for day in month_of_board(session, BoardState('calendar'), TODAY))


def test_pages_follow_each_other_and_one_past_the_end_is_the_last(people, claim):
    known = [enter(people.staff, claim, days).id for days in range(5)]
    pages = [seen(people.dana, BoardState(size=2, page=page))[0] for page in (1, 2, 3, 99)]
    assert pages == [known[:2], known[2:4], known[4:], known[4:]]


def test_more_than_can_be_added_up_has_no_sum(people, claim, monkeypatch):
    monkeypatch.setattr(cheque_board, 'COUNTED_UP_TO', 2)
    for days in range(4):
        enter(people.staff, claim, days)
    rows, sums = seen(people.dana)
    assert (len(rows), sums) == (4, None)


def test_a_month_begins_on_a_sunday_and_names_its_days(people, claim):
    enter(people.staff, claim, 14)
    enter(people.staff, claim, 14, OUT)
    enter(people.staff, claim, 14, SLIP, 'handed_over', 'cleared')
    with open_session(people.dana, reading=True) as session:
        days = month_of_board(session, BoardState('calendar', month='2026-12'), TODAY)
        passover = {day.day: day for day in month_of_board(session, BoardState('calendar', month='2027-04'), TODAY)}
    assert (days[0].day, days[-1].day, len(days)) == (date(2026, 11, 29), date(2027, 1, 2), 35)
    assert [day.in_month for day in days].count(True) == 31
    due = next(day for day in days if day.day == date(2026, 12, 7))
    assert (due.waiting, due.cleared) == (Sums(2, 1_000_00, 300_00), Sums(1, 1_000_00, 0))
    assert (passover[date(2027, 4, 21)].occasion, passover[date(2027, 4, 21)].works) == ('Passover eve', False)
    assert passover[date(2027, 4, 26)].occasion == 'Hol HaMoed Passover'
    assert (passover[date(2027, 4, 12)].occasion, passover[date(2027, 4, 12)].works) == ('', True)


@given(st.dates(date(2001, 1, 1), date(2098, 12, 31)))
def test_every_month_is_whole_weeks(day):
    start, end = cheque_board._weeks_around(day.replace(day=1))
    assert (start.weekday(), end.weekday()) == (6, 5)
    assert start <= day <= end
    assert (end - start).days + 1 in (28, 35, 42)


@given(
    st.dictionaries(
        st.sampled_from(['view', 'direction', 'office', 'month', 'day', 'page', 'size', 'x']),
        st.text(max_size=12)
        | st.sampled_from([*VIEWS, *SIDES, '2026-12', '2026-12-07', '2026-02-30', '7', '50', '-1', '٣', "1' OR 1"]),
    )
)
def test_any_address_is_a_board_and_the_same_one_again(query):
    state = BoardState.read(query)
    assert BoardState.read(dict(parse_qsl(state.address()))) == state
    assert state.view in VIEWS


def test_days_and_months_that_are_none_are_remembered_as_they_were_typed():
    state = BoardState.read({'due_from': '31/11/2026', 'due_to': '30/11/2026', 'day': '2026-02-30', 'month': '2026-13'})
    assert (state.due_from, state.due_to, state.misread) == (None, date(2026, 11, 30), ('31/11/2026',))
    assert state.address() == 'due_to=2026-11-30'
    calendar = BoardState.read({'view': 'calendar', 'day': '2026-02-30', 'month': '2026-13'})
    assert (calendar.address(), calendar.misread) == ('view=calendar', ('2026-02-30', '2026-13'))
    assert BoardState.read({'view': 'calendar', 'day': '7.12.2026', 'month': 'x'}).misread == ()
    strange = BoardState.read({'view': 'x', 'direction': 'in', 'office': 'abc', 'agent': '7', 'due_to': '\x00'})
    assert (strange.unknown, strange.misread) == (('x', 'abc'), ('\ufffd',)), 'no page prints what is no sign'


def test_a_slip_is_taken_back_within_some_minutes_by_whoever_made_it(people, claim):
    cheque = enter(people.staff, claim, 30, SLIP, 'handed_over', 'cleared')
    with open_session(people.staff, reading=True) as session:
        assert time_to_take_back(session, cheque.id, AT) == timedelta(
            minutes=bureau_settings(session).stage_cool_off_minutes
        )
    for actor, moment in (
        *((people.staff2, AT), (people.dana, AT), (people.rival, AT), (people.staff, AT + timedelta(hours=1))),
    ):
        with pytest.raises(ClaimError), open_session(actor) as session:
            take_back_cheque(session, cheque.id, 'cleared', moment)
    with pytest.raises(ClaimError, match='taken back'), open_session(people.staff) as session:
        take_back_cheque(session, cheque.id, 'handed_over', AT)
    with open_session(people.staff) as session:
        cheque = take_back_cheque(session, cheque.id, 'cleared', AT)
    assert (cheque.state, cheque.live) == ('handed_over', True)
    with pytest.raises(ClaimError, match='taken back'), open_session(people.staff) as session:
        take_back_cheque(session, cheque.id, 'handed_over', AT)  # one step, not the whole way
    with open_session(people.dana, reading=True) as session:
        assert fetch(session, history_of(claim.id))[0].fields['state'] == ['cleared', 'handed_over']


def test_what_is_taken_back_stands_as_it_stood(people, claim):
    other = enter(people.staff, claim, 40, SLIP, 'deposited')
    cheque = enter(people.staff, claim, 30, replace(SLIP, waiver=True), 'handed_over', 'bounced')
    with open_session(people.staff) as session:
        advance_cheque(session, cheque.id, 'deposited', AT, waiver_confirmed=True)
    with open_session(people.staff) as session:
        cheque = take_back_cheque(session, cheque.id, 'deposited', AT)
    assert (cheque.state, cheque.reason, cheque.waiver_confirmed_by) == ('bounced', 'no_cover', '')
    with open_session(people.staff) as session:  # the steps of another cheque of the claim are its own
        assert take_back_cheque(session, other.id, 'deposited', AT).state == 'received'


def test_a_replacement_is_not_taken_back(people, claim):
    cheque = enter(people.staff, claim, 30)
    with open_session(people.staff) as session:
        replace_cheque(session, cheque.id, SLIP, 'expected', AT, 'details')
    with pytest.raises(ClaimError, match='taken back'), open_session(people.staff) as session:
        take_back_cheque(session, cheque.id, 'replaced', AT)
