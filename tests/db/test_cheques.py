"""Cheques: they go only where a cheque can go, and are warned of 14 days before, or on the last business day before that."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import cheques
from db.base import now
from db.calendar import Calendar
from db.changes import history_of
from db.cheques import (
    DIRECTIONS,
    ENDED,
    FIRST_STATES,
    LIVE,
    STATES,
    TRANSITIONS,
    USUAL,
    Cheque,
    Slip,
    advance_cheque,
    change_cheque,
    cheques_due,
    cheques_of,
    cheques_overdue,
    enter_cheque,
    note_step,
    replace_cheque,
    steps_of,
    warning_day,
)
from db.claims import Claim
from db.money import OfferNote, log_offer
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import ClaimError, Told
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim

SLIP = Slip(
    'insurer_to_insured', 18_500_00, date(2027, 3, 1), drawer='הפניקס', payee="רונית ברקוביץ'", cheque_no='0041882'
)
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

# due date, day of the warning: C8 of the domain's page
VECTORS = {
    date(2026, 12, 7): date(2026, 11, 23),
    date(2026, 10, 5): date(2026, 9, 17),
    date(2026, 4, 15): date(2026, 3, 31),
    date(2026, 5, 6): date(2026, 4, 21),
    date(2027, 4, 26): date(2027, 4, 12),
}


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id)


def enter(actor: Actor, claim: Claim, slip: Slip = SLIP, state: str = 'received') -> Cheque:
    with open_session(actor) as session:
        return enter_cheque(session, claim.id, slip, state, AT)


def go(actor: Actor, cheque: Cheque, state: str, **more: str | bool) -> Cheque:
    with open_session(actor) as session:
        return advance_cheque(session, cheque.id, state, AT, **more)  # type: ignore[arg-type]


def test_the_days_of_the_warning():
    assert {due: warning_day(Calendar(), due) for due in VECTORS} == VECTORS


@given(st.dates(date(2024, 1, 1), date(2040, 12, 31)), st.booleans(), st.booleans())
def test_the_warning_is_never_late_and_on_a_business_day(due, hol_hamoed, memorial):
    calendar = Calendar(hol_hamoed_works=hol_hamoed, memorial_day_works=memorial)
    warned = warning_day(calendar, due)
    assert calendar.is_business_day(warned)
    assert (due - warned).days >= 14
    between = [warned + timedelta(days=n) for n in range(1, (due - warned).days - 13)]
    assert not [day for day in between if calendar.is_business_day(day)]


@given(st.dates(date(2024, 1, 1), date(2040, 12, 31)), st.integers(0, 40), st.booleans())
def test_what_is_due_later_is_never_warned_of_earlier(due, days, hol_hamoed):
    calendar = Calendar(hol_hamoed_works=hol_hamoed)
    assert warning_day(calendar, due) <= warning_day(calendar, due + timedelta(days=days))


def test_every_state_has_a_name_and_its_ways_lead_to_states():
    assert set(TRANSITIONS) == set(STATES)
    assert {after for ways in TRANSITIONS.values() for after in ways} <= set(STATES)
    assert set(USUAL) | set(FIRST_STATES) <= set(STATES)
    assert {'cleared', 'cancelled', 'replaced'} == ENDED
    assert ENDED | set(LIVE) == set(STATES)


@given(st.lists(st.sampled_from(sorted(STATES)), max_size=8))
def test_whatever_is_tried_a_cheque_goes_only_its_ways(wishes):
    cheque = Cheque(**vars(SLIP), state='expected', waiver_confirmed_by='')
    for wish in wishes:
        before = cheque.state
        if wish in cheques.next_states(cheque):
            cheques._go(cheque, wish, '', AT)
            assert wish in TRANSITIONS[before]
        assert cheque.live == (cheque.state not in ENDED)
        assert (not cheques.next_states(cheque)) == (not cheque.live) or cheque.live


def test_a_cheque_goes_from_expected_to_cleared_and_the_record_tells(people, claim):
    cheque = enter(people.staff, claim, state='expected')
    for state in ('received', 'handed_over', 'deposited', 'cleared'):
        cheque = go(people.staff, cheque, state)
    assert not cheque.live
    with open_session(people.dana, reading=True) as session:
        record = fetch(session, history_of(claim.id))
    assert [change.kind for change in record][:5] == ['cheque.state'] * 4 + ['cheque']
    assert record[0].fields['state'] == ['deposited', 'cleared']
    assert record[4].fields['due_date'] == [None, '2027-03-01']
    assert not any(change.quiet or change.internal for change in record)


def test_what_a_cheque_cannot_do_is_refused(people, claim):
    cheque = enter(people.staff, claim)
    for state in ('cleared', 'expected', 'received', 'replaced', 'x'):
        with pytest.raises(ClaimError, match='does not go there'):
            go(people.staff, cheque, state)
    with pytest.raises(ClaimError, match='how far'):
        enter(people.staff, claim, state='cleared')


def test_a_bounce_says_why_and_the_cheque_may_be_deposited_again(people, claim):
    cheque = go(people.staff, enter(people.staff, claim), 'deposited')
    with pytest.raises(ClaimError, match='why'):
        go(people.staff, cheque, 'bounced')
    assert go(people.staff, cheque, 'bounced', reason='no_cover').reason == 'no_cover'
    assert go(people.staff, cheque, 'deposited').reason == ''


def test_a_cheque_with_a_waiver_is_deposited_by_somebody_who_says_so(people, claim):
    cheque = enter(people.staff, claim, replace(SLIP, waiver=True))
    with pytest.raises(ClaimError, match='waiver'):
        go(people.staff, cheque, 'deposited')
    assert go(people.staff, cheque, 'deposited', waiver_confirmed=True).waiver_confirmed_by == people.staff.name


def test_nobody_gets_around_the_waiver_by_clearing_at_once(people, claim):
    cheque = enter(people.staff, claim, replace(SLIP, waiver=True), state='handed_over')
    with pytest.raises(ClaimError, match='waiver'):
        go(people.staff, cheque, 'cleared')
    assert go(people.staff, cheque, 'cleared', waiver_confirmed=True).waiver_confirmed_by == people.staff.name


def test_a_cheque_is_cancelled_or_replaced_for_a_reason_only(people, claim):
    cheque = enter(people.staff, claim)
    for reason in ('', 'no_cover', 'x'):
        with pytest.raises(ClaimError, match='why the cheque was cancelled'):
            go(people.staff, cheque, 'cancelled', reason=reason)
    with pytest.raises(ClaimError, match='why the cheque was replaced'), open_session(people.staff) as session:
        replace_cheque(session, cheque.id, SLIP, 'expected', AT, 'no_cover')
    with pytest.raises(ClaimError, match='from the list'):
        go(people.staff, cheque, 'handed_over', reason='mistake')
    assert go(people.staff, cheque, 'cancelled', reason='lost').reason == 'lost'


def test_another_cheque_stands_in_for_one_that_bounced(people, claim):
    cheque = go(people.staff, enter(people.staff, claim, state='handed_over'), 'bounced', reason='stopped')
    with open_session(people.staff) as session:
        new = replace_cheque(session, cheque.id, replace(SLIP, cheque_no='77'), 'expected', AT, 'postponed')
    with open_session(people.dana, reading=True) as session:
        known = {each.id: each for each in fetch(session, cheques_of(claim.id))}
    assert (known[cheque.id].state, known[new.id].replaces) == ('replaced', cheque.id)
    with pytest.raises(ClaimError, match='can be replaced'), open_session(people.staff) as session:
        replace_cheque(session, cheque.id, SLIP, 'expected', AT, 'postponed')
    with pytest.raises(ClaimError, match='can be replaced'), open_session(people.staff) as session:
        replace_cheque(session, new.id, SLIP, 'expected', AT, 'postponed')


def test_a_new_date_counts_anew(people, claim):
    cheque = enter(people.staff, claim)
    with open_session(people.staff) as session:
        moved = change_cheque(session, cheque.id, replace(SLIP, due_date=date(2026, 12, 7)), cheque.version, AT)
    assert (moved.warn_on, moved.late) == (date(2026, 11, 23), False)
    with pytest.raises(ClaimError, match='meanwhile'), open_session(people.staff2) as session:
        change_cheque(session, cheque.id, SLIP, cheque.version, AT)
    go(people.staff, cheque, 'cancelled', reason='mistake')
    with pytest.raises(ClaimError, match='end'), open_session(people.staff) as session:
        change_cheque(session, cheque.id, SLIP, moved.version + 1, AT)


def test_a_cheque_written_down_late_says_so_and_a_closed_day_too(people, claim):
    assert enter(people.staff, claim, replace(SLIP, due_date=date(2026, 12, 6))).late
    assert enter(people.staff, claim, replace(SLIP, due_date=date(2027, 4, 26))).closed_note
    assert not enter(people.staff, claim).closed_note


@pytest.mark.parametrize(
    'over',
    [
        *({'bank': '123'}, {'branch': 'א'}, {'account': '1' * 10}, {'amount': 0}, {'amount': -5}, {'direction': 'x'}),
        *({'due_date': date(2062, 1, 1)}, {'head': 'x'}, {'offer_id': 99}, {'image_id': 99}, {'drawer': 'א' * 200}),
    ],
)
def test_a_slip_that_cannot_be_is_refused(people, claim, over):
    with pytest.raises(Told):
        enter(people.staff, claim, replace(SLIP, **over))


def test_bank_details_are_kept_as_digits(people, claim):
    cheque = enter(people.staff, claim, replace(SLIP, bank='9', branch='12', account='12-345/6', cheque_no='00 41'))
    assert (cheque.bank, cheque.branch, cheque.account, cheque.cheque_no) == ('09', '012', '123456', '0041')


def test_a_cheque_belongs_to_an_offer_of_its_own_claim(people, claim):
    other = make_claim(people.levi, people.staff, insured_name='אחר')
    with open_session(people.staff) as session:
        offers = [
            log_offer(session, each.id, OfferNote('full', 1, date(2026, 11, 2)), now()) for each in (claim, other)
        ]
    assert enter(people.staff, claim, replace(SLIP, offer_id=offers[0].id)).offer_id == offers[0].id
    with pytest.raises(ClaimError, match='list'):
        enter(people.staff, claim, replace(SLIP, offer_id=offers[1].id))


def test_who_sees_what_is_due(people, claim):
    rival = make_claim(people.cohen, people.staff)
    soon = enter(people.staff, claim, replace(SLIP, due_date=date(2026, 11, 30)))
    enter(people.staff, rival, replace(SLIP, due_date=date(2026, 11, 30)))
    gone = enter(people.staff, claim, replace(SLIP, due_date=date(2026, 11, 1)))
    go(
        people.staff,
        enter(people.staff, claim, replace(SLIP, due_date=date(2026, 11, 29))),
        'cancelled',
        reason='mistake',
    )
    with open_session(people.dana, reading=True) as session:
        assert [each.id for each in fetch(session, cheques_due(AT.date(), date(2026, 12, 7)))] == [soon.id]
        assert [each.id for each in fetch(session, cheques_overdue(AT.date()))] == [gone.id]
    with open_session(people.staff, reading=True) as session:
        assert len(fetch(session, cheques_due(AT.date(), date(2026, 12, 7)))) == 2


def test_the_office_reads_and_the_bureau_writes(people, claim):
    cheque = enter(people.staff, claim)
    for actor in (people.dana, people.manager, people.rival):
        for order in (
            lambda s: enter_cheque(s, claim.id, SLIP, 'expected', AT),
            lambda s: advance_cheque(s, cheque.id, 'deposited', AT),
            lambda s: change_cheque(s, cheque.id, SLIP, 1, AT),
            lambda s: replace_cheque(s, cheque.id, SLIP, 'expected', AT, 'postponed'),
            lambda s: note_step(s, cheque.id, 'warn', '', AT),
        ):
            with pytest.raises(ClaimError, match='not allowed'), open_session(actor) as session:
                order(session)
    with pytest.raises(ClaimError, match='not found'), open_session(people.staff) as session:
        advance_cheque(session, cheque.id + 1, 'deposited', AT)


def test_a_step_that_was_taken_stands_in_the_record(people, claim):
    cheque = enter(people.staff, claim, replace(SLIP, direction='insured_to_garage'))
    with open_session(people.staff) as session:
        note_step(session, cheque.id, 'postpone', 'נא לדחות', AT)
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        note_step(session, cheque.id, 'x', '', AT)
    with open_session(people.dana, reading=True) as session:
        assert [(step.kind, step.by) for step in fetch(session, steps_of(claim.id))] == [
            ('postpone', people.staff.name)
        ]
        assert fetch(session, history_of(claim.id))[0].fields == {'step': [None, 'postpone']}


def test_the_directions_say_who_pays():
    slips = {
        direction: Cheque(**vars(replace(SLIP, direction=direction)), state='expected') for direction in DIRECTIONS
    }
    assert [direction for direction, cheque in slips.items() if cheque.by_client] == [
        'insured_to_garage',
        'insured_to_appraiser',
    ]


def test_the_product_itself_may_enter_cheques(people, claim):
    with open_session(SYSTEM) as session:
        assert enter_cheque(session, claim.id, SLIP, 'expected', AT).by == 'test'


def test_a_cheque_saved_again_with_its_key_is_one_cheque(people, claim):
    said_more = replace(SLIP, note='נשלחה בדואר')
    with open_session(people.staff) as session:
        first = enter_cheque(session, claim.id, SLIP, 'received', AT, key='k1').id
    with open_session(people.staff2) as session:
        again = enter_cheque(session, claim.id, said_more, 'received', AT, key='k1')
        assert (again.id, again.note) == (first, 'נשלחה בדואר')
        assert enter_cheque(session, claim.id, SLIP, 'received', AT, key='k2').id != first
        assert len(fetch(session, cheques_of(claim.id))) == 2
