"""The tables an admin edits: each row is checked, ordered, retired; nothing that is in use disappears; everything is recorded."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from db.admin_changes import admin_history, key_of
from db.admin_rows import move_row, remove_row, retire, row_of, rows, save_row, uses_of, written
from db.admin_tables import TABLES, AdminTable
from db.base import Base
from db.bureau import THE_ONE, BureauSettings
from db.calendar import CalendarDay, calendar_of
from db.claims import Claim
from db.list_state import ListState
from db.money import heads_of, save_amounts, take_vat_off
from db.reference import ClaimStatus, Garage, Insurer, RepairStage, StatusReason, VatRate, reference
from db.session import fetch, open_session
from db.texts import ClaimError, FieldsRefused
from tests.conftest import People
from tests.factories import make_claim

NOON = datetime(2026, 11, 23, 10, tzinfo=UTC)


def said(row: Base, table: AdminTable) -> dict[str, str]:
    return {column.name: written(column, getattr(row, column.name)) for column in table.columns}


def edit(people: People, table: str, key: str, **changes: str) -> None:
    with open_session(people.admin) as session:
        seen = said(row_of(session, TABLES[table], key), TABLES[table])
        save_row(session, TABLES[table], key, seen, {**seen, **changes}, NOON)


def add(people: People, table: str, **given: str) -> str:
    with open_session(people.admin) as session:
        row = save_row(session, TABLES[table], '', {}, given, NOON)
        session.flush()
        return key_of(row)


def refused(people: People, table: str, key: str = '', **changes: str) -> list[str]:
    with pytest.raises(FieldsRefused) as refusal:
        edit(people, table, key, **changes) if key else add(people, table, **changes)
    return list(refusal.value.fields)


def test_every_table_is_read_and_says_what_it_holds(people: People):
    with open_session(people.admin, reading=True) as session:
        for table in TABLES.values():
            found = rows(session, table, '', 1, 'he')
            assert found.total >= len(found.rows)
            for row in found.rows[:3]:
                for column in table.columns:
                    raw = written(column, getattr(row, column.name))
                    if column.kind in ('choice', 'yes_no') and raw:
                        assert raw in found.choices[column.name], (table.key, column.name, raw)
                    elif column.kind == 'many':
                        assert set(raw.split()) <= set(found.choices[column.name]), (table.key, raw)


def test_a_status_is_renamed_and_the_record_says_so(people: People):
    edit(people, 'statuses', 'submitted', label='נשלחה למבטחת', reason_required='yes')
    with open_session(people.admin, reading=True) as session:
        kept = session.get_one(ClaimStatus, 'submitted')
        assert (kept.label, kept.reason_required) == ('נשלחה למבטחת', True)
        line = fetch(session, admin_history(['claim_statuses']))[0]
    assert line.fields == {'label': ['הוגשה לחברת הביטוח', 'נשלחה למבטחת'], 'reason_required': [False, True]}


def test_a_new_status_gets_a_key_and_a_place_at_the_end(people: People):
    given = {'category': 'waiting', 'default_waiting_on': 'garage', 'explanation': 'x', 'explanation_en': 'x'}
    keys = [
        add(people, 'statuses', label='המתנה', label_en='Awaiting parts', reason_required='no', **given)
        for _ in range(2)
    ]
    assert keys == ['awaiting_parts', 'awaiting_parts_2']
    assert ListState.read({'status': ','.join(keys)}).status == tuple(keys), 'a list can be narrowed to it'
    with open_session(people.admin, reading=True) as session:
        last = fetch(session, select(ClaimStatus).order_by(ClaimStatus.position.desc()))[0]
    assert last.id == 'awaiting_parts_2'
    assert refused(people, 'statuses', label='', label_en='x', reason_required='no', **given) == ['label']
    assert refused(people, 'statuses', label='x', label_en='x', reason_required='maybe', **given) == ['reason_required']


def test_a_status_with_claims_stays_open_or_closed(people: People):
    make_claim(people.levi, people.staff)
    assert refused(people, 'statuses', 'new', category='closed') == ['category']
    edit(people, 'statuses', 'new', category='waiting')
    edit(people, 'statuses', 'rejected', category='closed')


def test_two_admins_at_one_row_overwrite_nothing(people: People):
    table = TABLES['garages']
    key = add(people, 'garages', name='מוסך אביב', network='no')
    with open_session(people.admin, reading=True) as session:
        seen = said(row_of(session, table, key), table)
    edit(people, 'garages', key, phone='03-5550000')
    with open_session(people.admin) as session:
        save_row(session, table, key, seen, {**seen, 'contact': 'אבי'}, NOON)
    with open_session(people.admin, reading=True) as session:
        assert said(row_of(session, table, key), table)['phone'] == '035550000'
    with pytest.raises(FieldsRefused) as refusal, open_session(people.admin) as session:
        save_row(session, table, key, seen, {**seen, 'phone': '03-5559999'}, NOON)
    (found,) = refusal.value.fields.items()
    assert (found[0], '״035550000״' in found[1].told('he')) == ('phone', True), 'he reads what the other one wrote'
    assert people.admin.name in found[1].told('he'), 'and who that was'
    edit(people, 'garages', key, network='yes', phone='')
    for name, words in (('network', '״כן״'), ('phone', 'מחק')):
        with pytest.raises(FieldsRefused) as refusal, open_session(people.admin) as session:
            save_row(session, table, key, {**seen, 'network': '', 'phone': '1'}, {**seen, name: 'no'}, NOON)
        assert words in refusal.value.fields[name].told('he')


def test_one_name_stands_for_one_firm(people: People):
    add(people, 'garages', name='מוסך צ״ג', network='no')
    assert refused(people, 'garages', name='מוסך צ"ג', network='no') == ['name']
    assert refused(people, 'garages', name='מוסך אחר', network='no', phone='12', email='x') == ['phone', 'email']


def test_another_name_cannot_mean_two_companies(people: People):
    with open_session(people.admin, reading=True) as session:
        harel, clal = (
            str(session.scalars(select(Insurer.id).where(Insurer.code == code)).one()) for code in ('harel', 'clal')
        )
    edit(people, 'insurers', clal, aliases='כלל ביטוח\n כלל בע"מ \n\nכלל ביטוח')
    with open_session(people.admin, reading=True) as session:
        assert session.get_one(Insurer, int(clal)).aliases == ['כלל ביטוח', 'כלל בע"מ']
    assert refused(people, 'insurers', harel, aliases='כלל ביטוח') == ['aliases']
    assert add(people, 'insurers', name='חברה חדשה', kind='insurer')


def test_rows_change_places_with_their_neighbours_only(people: People):
    def order() -> list[str]:
        with open_session(people.admin, reading=True) as session:
            return fetch(session, select(RepairStage.id).order_by(RepairStage.position))

    before = order()
    with open_session(people.admin) as session:
        move_row(session, TABLES['stages'], before[2], down=True)
    assert order() == [*before[:2], before[3], before[2], *before[4:]]
    with open_session(people.admin) as session:
        move_row(session, TABLES['stages'], before[0], down=False)
        move_row(session, TABLES['stages'], before[-1], down=True)
    assert order()[0] == before[0]
    with open_session(people.admin) as session:
        reasons = fetch(session, select(StatusReason).where(StatusReason.status_id == 'closed'))
        move_row(session, TABLES['reasons'], key_of(reasons[0]), down=True)
        with pytest.raises(ClaimError):
            move_row(session, TABLES['garages'], '1', down=True)


def test_who_changes_places_leaves_all_others_where_they_are(people: People):
    with open_session(people.admin) as session:
        for stage in fetch(session, select(RepairStage)):
            stage.position *= 10
    with open_session(people.admin, reading=True) as session:
        before = len(fetch(session, admin_history(['repair_stages'])))
    with open_session(people.admin) as session:
        move_row(session, TABLES['stages'], 'paint', down=False)
    with open_session(people.admin, reading=True) as session:
        assert len(fetch(session, admin_history(['repair_stages']))) == before + 2


def test_what_is_in_use_says_so_and_is_never_deleted(people: People):
    key = add(people, 'garages', name='מוסך אביב', network='no')
    make_claim(people.levi, people.staff, garage=int(key))
    with open_session(people.admin) as session:
        assert [count for _, count in uses_of(session, TABLES['garages'], key)] == [1]
        retire(session, TABLES['garages'], key, active=False)
        with pytest.raises(ClaimError):
            remove_row(session, TABLES['garages'], key)
        for table, needed in (('statuses', 'new'), ('call_outcomes', 'spoke'), ('call_outcomes', 'written')):
            with pytest.raises(ClaimError, match='needs this line'):
                retire(session, TABLES[table], needed, active=False)
    with open_session(people.admin, reading=True) as session:
        assert not session.get_one(Garage, int(key)).active


def test_what_is_out_of_use_is_not_chosen_again(people: People):
    with open_session(people.admin) as session:
        retire(session, TABLES['waiting'], 'attorney', active=False)
    assert refused(people, 'statuses', 'submitted', default_waiting_on='attorney') == ['default_waiting_on']
    edit(people, 'statuses', 'in_legal', label='בהליך')  # whoever says it already keeps it


def test_a_line_of_the_matrix_contradicts_no_other(people: People):
    line = {'type': 'other_required', 'flag': 'total_loss', 'flag_value': 'yes', 'required': 'yes', 'blocking': 'no'}
    key = add(people, 'requirements', **line)
    assert refused(people, 'requirements', **line) == ['type']
    assert refused(people, 'requirements', **{**line, 'track': 'settlement', 'required': 'no', 'blocking': 'yes'}) == [
        'blocking'
    ]
    with open_session(people.admin) as session:
        remove_row(session, TABLES['requirements'], key)
    with open_session(people.admin, reading=True) as session:
        assert fetch(session, admin_history(['document_requirements']))[0].kind == 'removed'


def test_a_template_fills_in_what_there_is(people: People):
    wrong = {'label': 'x', 'label_en': 'x', 'audience': 'agent', 'body': 'שלום {nobody}'}
    assert refused(people, 'templates', **wrong) == ['body']
    assert add(people, 'templates', **{**wrong, 'body': 'שלום {agent}'}) == 'x'


def test_a_day_against_the_calendar_counts_from_now_on(people: People):
    key = add(people, 'calendar', day='30/11/2026', works='no', note='יום כיף')
    assert key == '2026-11-30'
    assert refused(people, 'calendar', day='30/11/2026', works='yes', note='שוב') == ['day']
    edit(people, 'calendar', key, note='יום כיף')
    with open_session(people.admin, reading=True) as session:
        assert (
            calendar_of(session).why_closed(session.get_one(CalendarDay, NOON.date().replace(day=30)).day) == 'יום כיף'
        )
    with open_session(people.admin) as session:
        remove_row(session, TABLES['calendar'], key)


def test_the_settings_are_one_row_with_limits(people: People):
    edit(people, 'settings', str(THE_ONE), stuck_days='10', city='haifa', hol_hamoed_works='yes')
    with open_session(people.admin, reading=True) as session:
        kept = session.get_one(BureauSettings, THE_ONE)
        assert (kept.stuck_days, kept.city, kept.hol_hamoed_works) == (10, 'haifa', True)
    assert refused(people, 'settings', str(THE_ONE), stuck_days='0', digest_at='25:00', city='x') == [
        'city',
        'digest_at',
        'stuck_days',
    ]
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        save_row(session, TABLES['settings'], '', {}, {}, NOON)


@pytest.mark.parametrize('key', ['', '0', 'x', 'a:b:c', '9' * 40, "1' OR 1=1", '2026-13-45'])
def test_a_key_that_leads_nowhere_is_refused_in_words(people: People, key: str):
    for table in TABLES.values():
        with pytest.raises(ClaimError), open_session(people.admin) as session:
            row_of(session, table, key)


def test_these_orders_are_an_admins_alone(people: People):
    stages = TABLES['stages']
    for actor in (people.staff, people.manager, people.dana):
        for order in (
            lambda session: rows(session, stages, '', 1, 'he'),
            lambda session: row_of(session, stages, 'paint'),
            lambda session: save_row(session, stages, 'paint', {}, {'label': 'x'}, NOON),
            lambda session: move_row(session, stages, 'paint', down=True),
            lambda session: retire(session, stages, 'paint', active=False),
            lambda session: remove_row(session, stages, 'paint'),
            lambda session: uses_of(session, stages, 'paint'),
        ):
            with pytest.raises(ClaimError), open_session(actor) as session:
                order(session)


# ---- what a demand is made of -----------------------------------------------------------------------------------------------


def business_claim(people: People, submitted_at: date | None) -> Claim:
    claim = make_claim(people.levi, people.staff, business_owner=True, submitted_at=submitted_at)
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 1_180_00), 'reason': (None, 'wear')}, NOON)
        take_vat_off(session, claim.id, 'repair_cost', NOON)
    return claim


def demanded(people: People, claim: Claim) -> int | None:
    with open_session(people.staff, reading=True) as session:
        return fetch(session, heads_of(claim.id))[0].demanded


def test_a_head_in_use_is_renamed_and_hidden_and_never_deleted(people: People):
    claim, other = business_claim(people, None), make_claim(people.levi, people.staff)
    key = add(people, 'damage_heads', label='דמי אחסנה', label_en='Storage')
    edit(people, 'damage_heads', 'repair_cost', label='עלות תיקון')
    with open_session(people.admin) as session:
        assert dict(uses_of(session, TABLES['damage_heads'], 'repair_cost')) == {'Claims': 1}
        with pytest.raises(ClaimError, match='not deleted'):
            remove_row(session, TABLES['damage_heads'], 'repair_cost')
        retire(session, TABLES['damage_heads'], 'repair_cost', active=False)
        retire(session, TABLES['reduction_reasons'], 'wear', active=False)
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, key, {'demanded': (None, 100)}, NOON)
        save_amounts(session, claim.id, 'repair_cost', {'approved': (None, 500_00)}, NOON)  # what stood there may go on
        assert reference(session).damage_heads['repair_cost'].label == 'עלות תיקון'
        for changes in ({'demanded': (None, 1)}, {'reason': (None, 'wear')}):
            head = 'repair_cost' if 'demanded' in changes else key
            with pytest.raises(ClaimError, match='from the list'):
                save_amounts(session, other.id, head, changes, NOON)


def test_a_new_rate_of_vat_counts_from_its_day_and_leaves_what_was_worked_out(people: People):
    before, later = (
        business_claim(people, date(2026, 10, 1)),
        make_claim(people.levi, people.staff, submitted_at=date(2026, 11, 20)),
    )
    assert demanded(people, before) == 1_000_00
    key = add(people, 'vat_rates', since='1/11/2026', percent='20')
    assert refused(people, 'vat_rates', since='1/11/2026', percent='21') == ['since']
    assert refused(people, 'vat_rates', since='1/12/2026', percent='100') == ['percent']
    with open_session(people.staff) as session:
        save_amounts(session, later.id, 'repair_cost', {'demanded': (None, 1_200_00)}, NOON)
        take_vat_off(session, later.id, 'repair_cost', NOON)
    assert demanded(people, later) == 1_000_00
    assert demanded(people, before) == 1_000_00
    table = TABLES['vat_rates']
    for used in ('2025-01-01', key):
        assert refused(people, 'vat_rates', used, percent='19') == ['percent']
        with pytest.raises(ClaimError, match='worked out by this rate'), open_session(people.admin) as session:
            remove_row(session, table, used)
    future = add(people, 'vat_rates', since='1/1/2099', percent='25')
    edit(people, 'vat_rates', future, percent='26')
    with open_session(people.admin) as session:
        remove_row(session, table, future)
        first = min(session.scalars(select(VatRate.since))).isoformat()
    with pytest.raises(ClaimError, match='first rate'), open_session(people.admin) as session:
        remove_row(session, table, first)
    with open_session(people.admin, reading=True) as session:
        told = [(line.by, line.kind) for line in fetch(session, admin_history(['vat_rates'], future))]
    assert told == [(people.admin.name, kind) for kind in ('removed', 'changed', 'added')]
