"""The claim: opened complete, edited field by field, moved by the rules of the trade, and never bent by what a browser sends."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db import changes, claims
from db.base import now
from db.claims import (
    FIELDS,
    Claim,
    ClaimConflict,
    change_status,
    doubt_of,
    duplicates_of,
    mark_checked,
    open_claim,
    parse_field,
    save_fields,
)
from db.lists import filter_choices
from db.offices import AgentOffice, User, agents_of
from db.reference import Appraiser, ClaimStatus, Garage, Insurer
from db.scope import BUREAU_ROLES, Actor, Role
from db.session import fetch, fetch_one, open_session
from db.texts import ClaimError
from db.values import Malformed, israel
from tests.conftest import People
from tests.factories import SYSTEM, make_claim, make_user

NOON = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def opened(people: People, at: datetime = NOON, **fields: Any) -> Claim:
    given = {'insured_name': 'רונית ברקוביץ', 'event_date': date(2026, 10, 28)} | fields
    with open_session(people.staff) as session:
        return open_claim(session, people.levi, given, at)


def saved(people: People, claim: Claim, at: datetime = NOON, **wanted: Any) -> Claim:
    with open_session(people.staff) as session:
        current = session.get_one(Claim, claim.id)
        seen = {name: (getattr(current, name), value) for name, value in wanted.items()}
        return save_fields(session, claim.id, seen, at)


def moved(people: People, claim: Claim, status: str, reason: str = '', at: datetime = NOON) -> Claim:
    with open_session(people.staff) as session:
        current = session.get_one(Claim, claim.id)
        return change_status(session, claim.id, status, reason, current.status, at)


def record_of(claim: Claim) -> list[changes.Change]:
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, changes.history_of(claim.id))


def first(model: Any, name: str) -> int:
    with open_session(SYSTEM) as session:
        row = fetch_one(session, select(model).where(model.name == name))
        if row is None:
            row = model(name=name)
            session.add(row)
            session.flush()
        return int(row.id)


# ---- opening ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'more', [{'status': 'submitted', 'status_reason': 'x'}, {'received_amount': 100}, {'handler': 1}]
)
def test_an_office_opens_claims_of_its_own_with_no_more_than_it_reports(people: People, more: dict[str, Any]) -> None:
    given = {'insured_name': 'רונית', 'event_date': NOON.date()}
    with open_session(people.dana) as session:
        assert open_claim(session, people.levi, given, NOON).agent == people.dana.user_id
    with pytest.raises(ClaimError, match='cannot be changed here'), open_session(people.dana) as session:
        open_claim(session, people.levi, {**given, **more}, NOON)
    with pytest.raises(ClaimError, match='cannot be changed here'), open_session(people.dana) as session:
        open_claim(session, people.cohen, given, NOON)


def test_a_claim_an_agent_opens_goes_to_who_handles_his_offices_also_when_he_sees_his_own_only(people: People) -> None:
    make_claim(people.levi, people.staff, agent=people.yossi.user_id, handler=people.staff.user_id)
    make_claim(people.cohen, people.staff, handler=people.staff2.user_id)
    with open_session(people.admin) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    dana = replace(people.dana, sees_own_only=True)
    with open_session(dana) as session:
        claim = open_claim(session, people.levi, {'insured_name': 'רונית', 'event_date': NOON.date()}, NOON)
    assert claim.handler == people.staff.user_id


def test_a_new_claim_is_with_us_and_has_a_number(people):
    claim = opened(people)
    assert claim.claim_no == '26-00001'
    assert (claim.status, claim.waiting_on, claim.is_open, claim.money) == ('new', 'bureau', True, 'none')
    assert (claim.opened_at, claim.documents, claim.track) == (date(2026, 11, 23), 'missing_blocking', 'undecided')
    assert claim.status_since == claim.waiting_since == claim.created_at == NOON
    (change,) = record_of(claim)
    assert (change.kind, change.by) == ('opened', people.staff.name)
    assert change.fields['insured_name'] == [None, 'רונית ברקוביץ']


@pytest.mark.parametrize(
    'missing', [{'insured_name': ''}, {'insured_name': '  '}, {'event_date': None}, {'event_date': ''}]
)
def test_a_claim_needs_a_name_and_a_date(people, missing):
    with pytest.raises(ClaimError, match='name of the insured'):
        opened(people, **missing)


def test_an_event_is_never_in_the_future(people):
    late = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # already the 24th in Israel
    assert opened(people, at=late, event_date=date(2026, 11, 24)).event_date == date(2026, 11, 24)
    with pytest.raises(ClaimError, match='future'):
        opened(people, event_date=date(2026, 11, 24))
    claim = opened(people)
    with pytest.raises(ClaimError, match='future'):
        saved(people, claim, event_date=date(2026, 11, 24))


def test_a_claim_is_opened_with_what_is_known(people):
    dana, garage = people.dana.user_id, first(Garage, 'מוסך הצפון')
    claim = opened(people, agent=dana, garage=garage, status='in_repair', waiting_on='insured', plate='217-34-801')
    assert (claim.agent, claim.garage, claim.plate, claim.status, claim.waiting_on) == (
        *(dana, garage, '21734801'),
        *('in_repair', 'insured'),
    )


def test_fields_left_empty_keep_their_defaults(people):
    claim = opened(people, documents='', track='', opened_at=None, waiting_on='', plate='', claim_no='')
    assert (claim.documents, claim.track, claim.opened_at, claim.waiting_on) == (
        *('missing_blocking', 'undecided'),
        *(date(2026, 11, 23), 'bureau'),
    )


@pytest.mark.parametrize(
    'name', ['seq', 'id', 'office_id', 'version', 'updated_at', 'is_open', 'insured_key', 'nonsense']
)
def test_only_fields_are_set_from_outside(people, name):
    with pytest.raises(ClaimError, match='cannot be changed here'):
        opened(people, **dict[str, Any]({name: 1}))
    claim = opened(people)
    with pytest.raises(ClaimError, match='cannot be changed here'), open_session(people.staff) as session:
        save_fields(session, claim.id, {name: (getattr(claim, name, None), 1)}, NOON)


def test_numbers_go_on_from_the_last_of_the_year(people):
    for imported in ('26-00041', '26-AB123', '26-0009X', '25-00099', '26 00050', '2600060', '26-7', '26-000700'):
        opened(people, claim_no=imported)
    assert opened(people).claim_no == '26-00042'
    assert opened(people, at=datetime(2027, 1, 1, tzinfo=UTC)).claim_no == '27-00001'
    assert opened(people, at=datetime(2026, 12, 31, 22, 30, tzinfo=UTC)).claim_no == '27-00002', 'the year is Israeli'


def test_a_year_may_have_more_than_99999_claims(people):
    opened(people, claim_no='26-99998')
    assert [opened(people).claim_no for _ in range(3)] == ['26-99999', '26-100000', '26-100001']


def test_a_number_is_given_once(people):
    opened(people, claim_no='A-77')
    with pytest.raises(ClaimError, match='A-77'):
        opened(people, claim_no='A-77')
    claim = opened(people)
    with pytest.raises(ClaimError, match='A-77'):
        saved(people, claim, claim_no='A-77')
    assert saved(people, claim, claim_no='A-78').claim_no == 'A-78'


def test_the_same_accident_reported_twice_is_noticed(people):
    event = date(2026, 10, 10)
    near = [opened(people, plate='21734801', event_date=event + timedelta(days=days)) for days in (-3, 0, 3)]
    opened(people, plate='21734801', event_date=event + timedelta(days=4))
    opened(people, plate='1234567', event_date=event)
    with open_session(people.staff, reading=True) as session:
        assert fetch(session, duplicates_of('21734801', event)) == [session.get(Claim, claim.id) for claim in near]
    with open_session(people.rival, reading=True) as session:
        assert fetch(session, duplicates_of('21734801', event)) == []


# ---- references -------------------------------------------------------------------------------------------------------------


def test_what_is_chosen_must_stand_in_the_list(people):
    claim = opened(people)
    wrong: dict[str, Any] = {
        'agent': people.rival.user_id,  # of another office
        'handler': people.dana.user_id,  # not of the bureau
        'garage': 999_999,
        'appraiser': 999_999,
        'tp_insurer': 999_999,
        'own_insurer': 999_999,
        'repair_stage': 'flying',
        'waiting_on': 'nobody',
        'track': 'nowhere',
        'documents': 'eaten',
    }
    chosen = {name for name, field in FIELDS.items() if field.kind in {*claims._CHOICES, *claims._LISTS}}
    assert chosen == set(wrong)
    for name, value in wrong.items():
        with pytest.raises(ClaimError, match='from the list'):
            saved(people, claim, **{name: value})
        with pytest.raises(ClaimError, match='from the list'):
            opened(people, **{name: value})
    for person in (people.staff.user_id, 999_999):
        with pytest.raises(ClaimError, match='from the list'):
            saved(people, claim, agent=person)
    assert len(record_of(claim)) == 1


def test_what_stands_in_the_list_is_taken(people):
    claim = opened(people)
    right: dict[str, Any] = {
        'agent': people.yossi.user_id,
        'handler': people.staff2.user_id,
        'garage': first(Garage, 'מוסך הצפון'),
        'appraiser': first(Appraiser, 'משה שמאי'),
        'tp_insurer': first(Insurer, 'הראל'),
        'own_insurer': first(Insurer, 'כלל'),
        'repair_stage': 'paint',
        'waiting_on': 'court',
        'track': 'settlement',
        'documents': 'complete',
    }
    after = saved(people, claim, **right)
    right['documents'] = 'missing_blocking'  # it follows the checklist, whatever anybody says
    assert {name: getattr(after, name) for name in right} == right
    cleared: dict[str, Any] = {name: None for name in right if name not in ('waiting_on', 'track', 'documents')}
    after = saved(people, claim, **cleared)
    assert {name: getattr(after, name) for name in cleared} == cleared


# ---- editing ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'name', ['insured_name', 'event_date', 'claim_no', 'opened_at', 'waiting_on', 'track', 'documents']
)
def test_some_fields_are_never_empty(people, name):
    claim = opened(people)
    for nothing in (None, ''):
        with pytest.raises(ClaimError) as refusal:
            saved(people, claim, **dict[str, Any]({name: nothing}))
        assert not re.search('[A-Za-z]', refusal.value.told('he')), 'the name of a field is a text too'
    assert len(record_of(claim)) == 1


def test_every_other_field_may_be_cleared(people):
    claim = opened(people)
    values: dict[str, Any] = {'phone': '0521234567', 'id_no': '123456782', 'plate': '21734801', 'email': 'a@b.co.il'}
    values |= {'day': date(2026, 11, 1), 'money': 1000, 'year': 2019, 'name': 'דני', 'text': 'משהו'}
    values |= {'long_text': 'הרבה', 'code': 'A1', 'reason': 'סיבה'}
    required = {'insured_name', 'event_date', 'claim_no', 'opened_at'}
    names = [name for name, field in FIELDS.items() if field.kind in values and name not in required]
    filled = saved(people, claim, **{name: values[FIELDS[name].kind] for name in names})
    assert all(getattr(filled, name) == values[FIELDS[name].kind] for name in names)
    cleared = saved(people, claim, **{name: claims.empty(name) for name in names})
    assert all(getattr(cleared, name) == claims.empty(name) for name in names)
    assert set(record_of(claim)[0].fields) == set(names)


def test_saving_what_is_there_already_changes_nothing(people):
    claim = opened(people, insured_phone='0521234567', daily_note='דיברנו')
    after = saved(
        people,
        claim,
        at=NOON + timedelta(days=1),
        insured_phone='052-123-4567',
        waiting_on='bureau',
        daily_note='דיברנו',
    )
    assert (after.seq, after.version, after.updated_at) == (claim.seq, claim.version, claim.updated_at)
    assert after.waiting_since == claim.waiting_since
    assert len(record_of(claim)) == 1


def test_a_stale_save_is_refused_with_what_is_there(people):
    claim = opened(people, insured_phone='0521234567')
    saved(people, claim, insured_phone='0529999999', make_model='מאזדה')
    with pytest.raises(ClaimConflict) as conflict, open_session(people.staff2) as session:
        stale = {'tp_driver': ('', 'עידו'), 'insured_phone': ('0521234567', '0528888888')}
        save_fields(session, claim.id, stale, NOON)
    assert (conflict.value.name, conflict.value.current) == ('insured_phone', '0529999999')
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_one(Claim, claim.id).tp_driver == '', 'all or nothing'


def test_the_daily_note_is_signed_and_dated(people):
    claim, later = opened(people), NOON + timedelta(hours=3)
    after = saved(people, claim, at=later, daily_note='דיברנו עם המוסך')
    assert (after.daily_note_at, after.daily_note_by) == (later, people.staff.name)


def test_names_are_kept_so_that_they_sort_and_match(people):
    claim = opened(people, insured_name='  צ״ג   רוֹנית ', claim_no='AB-12/34')
    assert (claim.insured_name, claim.insured_key, claim.claim_no_key) == ('צ"ג רונית', 'צג רונית', 'ab1234')
    assert saved(people, claim, insured_name='דנה כהן').insured_key == 'דנה כהן'


# ---- status -----------------------------------------------------------------------------------------------------------------


def test_a_status_says_whom_one_waits_for_and_staff_may_say_otherwise(people):
    claim, later = opened(people), NOON + timedelta(days=2)
    submitted = moved(people, claim, 'submitted', at=later)
    assert (submitted.waiting_on, submitted.waiting_since, submitted.status_since) == ('tp_insurer', later, later)
    overridden = saved(people, claim, at=later + timedelta(days=1), waiting_on='agent')
    assert (overridden.waiting_on, overridden.status) == ('agent', 'submitted')
    assert overridden.waiting_since == later + timedelta(days=1)
    reviewed = moved(people, claim, 'under_insurer_review', at=later + timedelta(days=2))
    assert reviewed.waiting_on == 'tp_insurer', 'the next status says it anew'


def test_every_status_can_be_entered_and_left(people):
    with open_session(SYSTEM, reading=True) as session:
        statuses = fetch(session, select(ClaimStatus))
    claim = opened(people)
    for status in statuses:
        after = moved(people, claim, status.id, 'כי כך')
        assert (after.status, after.waiting_on) == (status.id, status.default_waiting_on)
        assert after.is_open == (status.category != 'closed')
        assert (after.closed_at is None) == after.is_open


def test_some_statuses_take_a_reason(people):
    with open_session(SYSTEM, reading=True) as session:
        takes = set(session.scalars(select(ClaimStatus.id).where(ClaimStatus.reason_required)))
    assert takes == {'insurer_requested_info', 'partially_paid', 'rejected', 'moved_to_legal', 'closed'}
    claim = opened(people)
    for status in takes:
        for nothing in ('', '  '):
            with pytest.raises(ClaimError, match='takes a reason'):
                moved(people, claim, status, nothing)
    assert moved(people, claim, 'rejected', ' אין כיסוי ').status_reason == 'אין כיסוי'
    assert moved(people, claim, 'submitted').status_reason == '', 'the reason belongs to the status'


def test_closing_and_reopening(people):
    claim, later = opened(people), NOON + timedelta(days=30)
    closed = moved(people, claim, 'closed', 'שולם מלא', at=later)
    assert (closed.is_open, closed.closed_at, closed.waiting_on) == (False, later, 'none')
    with pytest.raises(ClaimError, match='Reopening'):
        moved(people, claim, 'submitted')
    reopened = moved(people, claim, 'submitted', 'הגיע כסף נוסף')
    assert (reopened.is_open, reopened.closed_at, reopened.status_reason) == (True, None, 'הגיע כסף נוסף')
    assert record_of(claim)[0].fields['status'] == ['closed', 'submitted']


def test_the_reason_of_a_status_may_be_corrected_and_needs_none_again(people):
    claim = opened(people)
    moved(people, claim, 'rejected', 'א')
    assert moved(people, claim, 'rejected', 'ב').status_reason == 'ב'


def test_a_reason_that_is_asked_for_is_never_missing(people):
    with pytest.raises(ClaimError, match='takes a reason'):
        opened(people, status='rejected')
    claim = opened(people, status='rejected', status_reason='אין כיסוי')
    for nothing in ('', None, '  '):
        with pytest.raises(ClaimError, match='takes a reason'):
            saved(people, claim, status_reason=nothing)
    assert moved(people, claim, 'rejected').status_reason == 'אין כיסוי', 'saying it again takes nothing away'
    assert saved(people, claim, status_reason='שיפוי').status_reason == 'שיפוי'
    reopened = moved(people, moved(people, claim, 'closed', 'שולם'), 'submitted', 'הגיע כסף')
    assert saved(people, reopened, status_reason='').status_reason == ''


def test_a_claim_that_came_without_its_reason_can_still_be_edited(people):
    claim = opened(people, status='rejected', status_reason='אין כיסוי')
    with open_session(people.admin) as session:
        session.get_one(Claim, claim.id).status_reason = ''
    assert saved(people, claim, make_model='מאזדה').make_model == 'מאזדה'


@pytest.mark.parametrize('status', ['nonsense', '', 'Closed', "new' OR 1=1"])
def test_there_are_no_other_statuses(people, status):
    claim = opened(people)
    with pytest.raises(ClaimError, match='not in use'):
        moved(people, claim, status, 'x')
    with pytest.raises(ClaimError, match='cannot be changed here'):
        saved(people, claim, status='submitted')


def test_a_status_taken_out_of_use_is_not_entered(people):
    claim = opened(people)
    with open_session(people.admin) as session:
        session.get_one(ClaimStatus, 'in_legal').active = False
    with pytest.raises(ClaimError, match='not in use'):
        moved(people, claim, 'in_legal')


def test_two_who_move_a_claim_to_the_same_status_agree(people):
    claim = opened(people)
    moved(people, claim, 'submitted')
    with open_session(people.staff2) as session:
        change_status(session, claim.id, 'submitted', '', 'new', NOON)
    with pytest.raises(ClaimConflict) as conflict, open_session(people.staff2) as session:
        change_status(session, claim.id, 'in_repair', '', 'new', NOON)
    assert conflict.value.current == 'submitted'


def test_checked_today_is_signed_and_moves_nothing(people):
    claim, later = opened(people), NOON + timedelta(hours=1)
    with open_session(people.staff2) as session:
        after = mark_checked(session, claim.id, later)
    assert (after.checked_at, after.checked_by) == (later, people.staff2.name)
    assert (after.seq, after.updated_at) == (claim.seq, claim.updated_at)
    assert record_of(claim)[0].quiet


# ---- money ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('sums', 'state', 'balance'),
    [
        ({}, 'none', None),
        ({'demand_amount': 0}, 'none', 0),
        ({'demand_amount': 900}, 'demanded', 900),
        ({'demand_amount': 900, 'offered_amount': 500}, 'offered', 900),
        ({'demand_amount': 900, 'offered_amount': 500, 'approved_amount': 700}, 'approved', 900),
        ({'demand_amount': 900, 'approved_amount': 700, 'received_amount': 699}, 'partly_received', 201),
        ({'demand_amount': 900, 'approved_amount': 700, 'received_amount': 700}, 'received', 200),
        ({'demand_amount': 900, 'received_amount': 900}, 'received', 0),
        ({'received_amount': 900}, 'partly_received', None),
    ],
)
def test_the_money_axis(sums, state, balance):
    claim = Claim(**sums)
    assert (claim.money, claim.balance) == (state, balance)


@pytest.mark.parametrize('wrong', [-1, 10.5, 10.0, '100', float('nan')])
def test_sums_are_whole_agorot(wrong):
    with pytest.raises(Malformed):
        Claim(demand_amount=wrong)


# ---- what people type -------------------------------------------------------------------------------------------------------

TYPED: dict[str, tuple[str, str, Any, str | None]] = {
    # kind: field, typed, kept, refused
    'claim_no': ('claim_no', ' AB-1 ', 'AB-1', 'x' * 41),
    'reason': ('status_reason', 'כי  כך', 'כי כך', 'x' * 501),
    'stage': ('repair_stage', 'paint', 'paint', 'x' * 41),
    'waiting': ('waiting_on', 'garage', 'garage', 'x' * 41),
    'documents': ('documents', 'complete', 'complete', 'x' * 41),
    'track': ('track', 'settlement', 'settlement', 'x' * 41),
    'text': ('next_action', 'לחזור', 'לחזור', 'x' * 301),
    'day': ('eta', '1.12.26', date(2026, 12, 1), '31/02/2026'),
    'agent': ('agent', '12', 12, 'דנה'),
    'handler': ('handler', '12', 12, '-1'),
    'insurer': ('tp_insurer', '3', 3, '3.5'),
    'garage': ('garage', '3', 3, '10000000000'),
    'appraiser': ('appraiser', '3', 3, 'x'),
    'long_text': ('circumstances', 'א\r\nב', 'א\nב', 'x' * 5001),
    'name': ('insured_name', 'צ׳רלי', "צ'רלי", 'x' * 121),
    'id_no': ('insured_id_no', '12345678-2', '123456782', '1234'),
    'phone': ('insured_phone', '+972-52-1234567', '0521234567', '12'),
    'email': ('insured_email', 'A@B.CO.IL', 'a@b.co.il', 'a@b'),
    'plate': ('plate', '217-34-801', '21734801', '12'),
    'yes_no': ('total_loss', 'כן', True, 'אולי'),
    'year': ('model_year', '2019', 2019, '19'),
    'code': ('policy_no', '12/34-5', '12/34-5', 'x' * 41),
    'money': ('demand_amount', '15,435.35 ₪', 1543535, 'הרבה'),
}


def test_every_kind_of_field_is_typed_below():
    assert set(TYPED) == {field.kind for field in FIELDS.values()} - {'status'}


@pytest.mark.parametrize('kind', TYPED)
def test_what_is_typed_becomes_what_is_kept(kind):
    name, typed, kept, refused = TYPED[kind]
    assert FIELDS[name].kind == kind
    assert parse_field(name, typed) == kept
    assert parse_field(name, '  ') == claims.empty(name)
    if refused is not None:
        with pytest.raises(Malformed) as trouble:
            parse_field(name, refused)
        assert trouble.value.told('en')


@pytest.mark.parametrize('kind', [kind for kind in TYPED if kind not in ('stage', 'waiting', 'documents', 'track')])
def test_the_model_refuses_what_an_input_refuses(kind):
    # imports and feeds come past the inputs
    name, _, kept, refused = TYPED[kind]
    assert getattr(Claim(**{name: kept}), name) == kept
    if kind not in claims._NUMBERED:
        with pytest.raises(Malformed):
            Claim(**{name: refused})


def test_doubts_are_told_and_do_not_stop_anybody(people):
    assert doubt_of('insured_id_no', '123456789')
    assert doubt_of('insured_id_no', '123456782') is None
    assert doubt_of('plate', '12345')
    assert doubt_of('plate', '') is None
    assert doubt_of('insured_name', 'x') is None
    assert opened(people, insured_id_no='123456789', plate='12345').plate == '12345'


# ---- rights -----------------------------------------------------------------------------------------------------------------


def everybody(people: People) -> dict[Role, Actor]:
    return {
        Role.AGENT: people.dana,
        Role.OFFICE_MANAGER: people.manager,
        Role.READ_ONLY: make_user('צפי', Role.READ_ONLY, people.levi),
        Role.HANDLER: people.staff,
        Role.REPAIR_TEAM: make_user('אורן שגב', Role.REPAIR_TEAM),
        Role.SUBMISSION_TEAM: make_user('תמר אלון', Role.SUBMISSION_TEAM),
        Role.ADMIN: people.admin,
        Role.SYSTEM: SYSTEM,
    }


def test_only_the_bureau_edits(people):
    claim = make_claim(people.levi, people.staff)
    for role, actor in everybody(people).items():
        assert claim.may_edit(actor) == (role in {*BUREAU_ROLES, Role.SYSTEM})
        if claim.may_edit(actor):
            with open_session(actor) as session:
                save_fields(session, claim.id, {'make_model': ('', '')}, now())
            continue
        with pytest.raises(ClaimError, match='not allowed'), open_session(actor) as session:
            save_fields(session, claim.id, {'make_model': ('', 'מאזדה')}, now())
        with pytest.raises(ClaimError, match='not allowed'), open_session(actor) as session:
            session.get_one(Claim, claim.id).make_model = 'מאזדה'  # past the verb


@pytest.mark.parametrize(
    ('role', 'refused', 'whose'),
    [
        (Role.REPAIR_TEAM, ('offered_amount', 90), 'צוות הגשה ומעקב'),
        (Role.SUBMISSION_TEAM, ('eta', date(2026, 12, 1)), 'צוות תיאום מוסך ושמאי'),
    ],
)
def test_a_team_that_saves_what_is_the_others_is_told_whose_it_is_and_saves_nothing(
    people: People, role: Role, refused: tuple[str, Any], whose: str
):
    claim, (name, value) = make_claim(people.levi, people.staff), refused
    changes = {'make_model': ('', 'מאזדה'), name: (None, value)}
    with pytest.raises(ClaimError) as refusal, open_session(make_user('חדשה', role)) as session:
        save_fields(session, claim.id, changes, now())
    assert whose in refusal.value.told('he')
    with open_session(SYSTEM, reading=True) as session:
        stored = session.get_one(Claim, claim.id)
        assert (stored.make_model, getattr(stored, name)) == ('', None)


@pytest.mark.parametrize('role', [Role.REPAIR_TEAM, Role.SUBMISSION_TEAM])
def test_a_claim_may_be_given_to_somebody_of_a_team(people: People, role: Role):
    claim, colleague = make_claim(people.levi, people.staff), make_user('חדשה', role)
    assert saved(people, claim, handler=colleague.user_id).handler == colleague.user_id


def test_a_claim_that_is_not_there_is_said_so(people):
    with pytest.raises(ClaimError, match='was not found'), open_session(people.staff) as session:
        save_fields(session, 999_999, {}, now())


def test_the_day_is_the_israeli_one():
    assert israel(datetime(2026, 11, 23, 22, 30, tzinfo=UTC)).date() == date(2026, 11, 24)


def test_the_agent_of_a_claim_may_leave_the_office_and_the_claim_can_still_be_edited(people):
    claim = opened(people, agent=people.dana.user_id)
    with open_session(people.admin) as session:
        session.get_one(User, people.dana.user_id).active = False
    assert saved(people, claim, make_model='מאזדה').agent == people.dana.user_id


def test_who_and_what_is_out_of_use_is_not_chosen_anew(people):
    viewer = make_user('צופה', Role.READ_ONLY, people.levi).user_id
    former = make_user('עזב', Role.AGENT, people.levi, active=False).user_id
    left = make_user('עזבה', Role.HANDLER, active=False).user_id
    with open_session(SYSTEM) as session:
        firms: list[Any] = [
            Garage(name='מוסך סגור', active=False),
            Appraiser(name='שמאי בדימוס', active=False),
            Insurer(name='חברה ישנה', code='old', active=False),
        ]
        session.add_all(firms)
        session.flush()
        garage, appraiser, insurer = (firm.id for firm in firms)
    wrong: list[tuple[str, Any]] = [('agent', viewer), ('agent', former), ('handler', left), ('garage', garage)]
    wrong += [('appraiser', appraiser), ('tp_insurer', insurer), ('own_insurer', insurer)]
    claim = opened(people)
    for name, value in wrong:
        with pytest.raises(ClaimError, match='from the list'):
            saved(people, claim, **{name: value})
        with pytest.raises(ClaimError, match='from the list'):
            opened(people, **{name: value})
    with open_session(SYSTEM) as session:  # a file tells who it was then
        given = {'insured_name': 'רונית', 'event_date': date(2026, 10, 28), 'agent': former, 'garage': garage}
        imported = open_claim(session, people.levi, given, NOON)
    assert saved(people, imported, make_model='מאזדה').garage == garage, 'what stands there may stay'


def test_the_menu_offers_whom_the_claim_takes(people):
    make_user('צופה', Role.READ_ONLY, people.levi)
    make_user('עזב', Role.AGENT, people.levi, active=False)
    with open_session(people.staff, reading=True) as session:
        names = [user.name for user in fetch(session, agents_of(people.levi))]
        former = [user.name for user in fetch(session, agents_of(people.levi, former=True))]
        everywhere = [user.name for user in fetch(session, agents_of())]
        filters = [name for _, name in filter_choices(session).agents]
    assert names == ['דנה ארז', 'יוסי מזרחי', 'רות לוי']
    assert former == sorted([*names, 'עזב'])
    assert everywhere == sorted([*names, 'אבי כהן'])
    assert filters == sorted([*former, 'אבי כהן'])


def test_no_more_may_be_typed_than_is_taken():
    for name, field in FIELDS.items():
        limit = claims.limit_of(name)
        if field.kind in ('text', 'name', 'code', 'reason', 'long_text', 'claim_no'):
            assert limit is not None
            assert len(parse_field(name, 'א' * limit)) == limit
            with pytest.raises(Malformed):
                parse_field(name, 'א' * (limit + 1))
        else:
            assert (limit is None) == (
                field.kind in {*claims._CHOICES, *claims._LISTS, 'status', 'yes_no'} - {'garage', 'appraiser'}
            )
