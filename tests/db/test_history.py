"""What one chooses of a claim's history: by kind and by who wrote it, in the question itself."""

import pytest

from db.base import now
from db.calls import CallNote, log_call
from db.claims import Claim, change_status, mark_checked, save_fields
from db.history import KINDS, WRITERS, HistoryChoice, chosen_history
from db.messages import Letter, ThreadKey, note_internally, write_message
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
