"""What one chooses of a claim's history: by kind and by who wrote it, in the question itself."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from db import cheques, clocks, values
from db.base import now
from db.calls import CallNote, log_call
from db.changes import record_quietly
from db.claims import Claim, ClaimConflict, change_status, mark_checked, save_fields
from db.clocks import SaidDay
from db.history import KINDS, WRITERS, HistoryChoice, chosen_history, find_who_was_first
from db.messages import Letter, ThreadKey, note_internally, write_message
from db.money import save_amounts, take_head_off
from db.repairs import advance_repair
from db.requirements import require
from db.scope import Actor, Role
from db.session import fetch, open_session
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim, make_user


@made_once
def claim(people: People) -> Claim:
    """A claim to which something of every kind has happened."""
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id, insured_id_no='123456782')
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'approved_for_payment', '', 'new', now())
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'policy_no': ('', '77-1')}, now())
    with open_session(people.staff) as session:
        advance_repair(session, claim.id, 'vehicle_received', None, now())
    with open_session(people.staff) as session:
        note_internally(session, claim.id, 'לבדוק מול השמאי', now())
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'demand_amount': (None, 1_250_000)}, now())
    with open_session(people.staff) as session:
        require(session, claim.id, 'police_report', now())
    with open_session(people.staff) as session:
        mark_checked(session, claim.id, now())
    with open_session(people.dana) as session:
        log_call(session, claim.id, CallNote('insured', 'outbound', 'spoke', summary='עודכן'), now())
    with open_session(people.dana) as session:
        write_message(session, ThreadKey(people.levi, claim.id), Letter('מה חדש?'), now())
    with open_session(SYSTEM) as session:
        save_fields(session, claim.id, {'tp_phone': ('', '0521111111')}, now())
    return claim


def told(actor: Actor, claim: Claim, kind: str = '', by: str = '') -> list[str]:
    with open_session(actor, reading=True) as session:
        lines = fetch(session, chosen_history(claim.id, HistoryChoice(kind, by)))
    named = [next(iter(line.fields), '') if line.kind == 'updated' else line.kind for line in lines]
    return [*reversed(named)]


def test_each_line_stands_under_its_kind(people: People, claim: Claim) -> None:
    assert told(people.staff, claim, 'status') == ['opened', 'status']
    assert told(people.staff, claim, 'repair') == ['repair_stage']
    assert told(people.staff, claim, 'documents') == ['document.requested']
    assert told(people.staff, claim, 'talk') == ['noted', 'call', 'message']
    assert told(people.staff, claim, 'money') == ['demand_amount']
    assert told(people.staff, claim, 'other') == ['policy_no', 'checked', 'tp_phone']


def test_every_line_stands_under_one_kind_at_least(people: People, claim: Claim) -> None:
    with open_session(people.staff, reading=True) as session:
        of_kinds = {line.id for kind in KINDS for line in fetch(session, chosen_history(claim.id, HistoryChoice(kind)))}
        by_writers = [
            line.id for by in WRITERS for line in fetch(session, chosen_history(claim.id, HistoryChoice('', by)))
        ]
        everything = [line.id for line in fetch(session, chosen_history(claim.id, HistoryChoice()))]
    assert of_kinds == set(everything)
    assert sorted(by_writers) == sorted(everything), 'and was written by one of the three'


def test_the_bureau_the_office_and_neither(people: People, claim: Claim) -> None:
    assert told(people.staff, claim, by='office') == ['call', 'message']
    assert told(people.dana, claim, by='office') == ['call', 'message']
    assert told(people.dana, claim, by='outside') == ['tp_phone']
    assert 'status' in told(people.dana, claim, by='bureau')
    assert told(people.staff, claim, 'talk', 'bureau') == ['noted'], 'both together'


def test_a_choice_opens_nothing_that_was_closed(people: People, claim: Claim) -> None:
    assert told(people.dana, claim, 'talk', 'bureau') == [], 'the note is the bureau’s own'
    assert told(people.rival, claim, 'status') == []


@pytest.mark.parametrize('role', [Role.READ_ONLY, Role.REPAIR_TEAM])
def test_who_sees_masks_chooses_as_everybody_does(people: People, claim: Claim, role: Role) -> None:
    masked = make_user('נועה', role, None if role is Role.REPAIR_TEAM else people.levi)
    for kind in KINDS:
        assert told(masked, claim, kind) == [
            name for name in told(people.staff, claim, kind) if name != 'noted' or role is Role.REPAIR_TEAM
        ]


def test_a_choice_that_is_none_chooses_nothing() -> None:
    assert HistoryChoice.read({'kind': 'status', 'by': 'office'}) == HistoryChoice('status', 'office')
    for given in ({}, {'kind': 'x', 'by': "' or 1=1"}, {'kind': ['status'], 'by': {}}, {'kind': None}):
        assert HistoryChoice.read(given) == HistoryChoice()
        assert not HistoryChoice.read(given).narrows


# ---- who was first ----------------------------------------------------------------------------------------------------------


def first(actor: Actor, conflict: ClaimConflict) -> str:
    with open_session(actor, reading=True) as session:
        find_who_was_first(session, conflict, now())
    return conflict.told()


def test_a_clash_says_who_changed_the_field_last(people: People, claim: Claim) -> None:
    with pytest.raises(ClaimConflict) as clash, open_session(people.staff2) as session:
        save_fields(session, claim.id, {'policy_no': ('', '88')}, now())
    told = first(people.staff2, clash.value)
    assert people.staff.name in told
    assert 'בשעה' in told
    with pytest.raises(ClaimConflict) as clash, open_session(people.staff2) as session:
        change_status(session, claim.id, 'closed', 'x', 'new', now())
    assert people.staff.name in first(people.staff2, clash.value)
    with pytest.raises(ClaimConflict) as clash, open_session(people.staff2) as session:
        save_fields(session, claim.id, {'tp_phone': ('', '0522222222')}, now())
    assert SYSTEM.name in first(people.staff2, clash.value)


def test_of_another_day_the_day_is_told(people: People, claim: Claim) -> None:
    conflict = ClaimConflict('policy_no', '77-1', claim.id)
    with open_session(people.staff2, reading=True) as session:
        find_who_was_first(session, conflict, now() + timedelta(days=3))
    assert re.search(r'ב-\d\d/\d\d/\d{4} \d\d:\d\d', conflict.told())


def test_of_sums_days_and_cheques_too(people: People, claim: Claim) -> None:
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 500)}, now())
        save_amounts(session, claim.id, 'towing_cost', {'demanded': (None, 300)}, now())
        clocks.set_clock_day(session, claim.id, SaidDay('request', None, values.israel(now()).date(), 'בטלפון'), now())
        slip = cheques.Slip(next(iter(cheques.DIRECTIONS)), 1000, values.israel(now()).date() + timedelta(days=40))
        cheque = cheques.enter_cheque(session, claim.id, slip, cheques.FIRST_STATES[0], now())
    with open_session(people.staff) as session:
        cheques.change_cheque(session, cheque.id, replace(slip, amount=2000), cheque.version, now())
    late: list[Callable[[Session], object]] = [
        lambda session: save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 600)}, now()),
        lambda session: take_head_off(session, claim.id, 'towing_cost', {}, now()),
        lambda session: clocks.set_clock_day(session, claim.id, SaidDay('request', date(2026, 1, 1), None, 'x'), now()),
        lambda session: cheques.change_cheque(session, cheque.id, slip, cheque.version, now()),
    ]
    for order in late:
        with pytest.raises(ClaimConflict) as clash, open_session(people.staff2) as session:
            order(session)
        assert people.staff.name in first(people.staff2, clash.value)


def test_a_clash_tells_nobody_what_is_not_his_to_see(people: People, claim: Claim) -> None:
    with open_session(SYSTEM) as session:
        record_quietly(session, internal=True)
        save_fields(session, claim.id, {'policy_no': ('77-1', '99')}, now())
    conflict = ClaimConflict('policy_no', '99', claim.id)
    assert people.staff.name in first(people.dana, conflict), 'the bureau’s own line is not hers'
    assert SYSTEM.name in first(people.staff2, conflict)
    untold = ClaimConflict('policy_no', '99', claim.id)
    assert first(people.rival, untold) == 'השדה עודכן בינתיים על ידי מישהו אחר.'
