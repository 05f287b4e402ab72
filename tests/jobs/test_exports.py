"""A list as a workbook: the same claims in the same order, nobody else's, made by a program of its own, and on record."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from db import exports, files, reports, two_factor, values
from db.base import Base, now
from db.claims import FIELDS, Claim, change_status, save_fields
from db.doorbell import Notice
from db.exports import (
    CANCELLED,
    DONE,
    EXPIRED,
    FAILED,
    INTERRUPTED,
    RUNNING,
    WAITING,
    Asked,
    Export,
    ExportRecord,
    MustConfirm,
    cancel_export,
    columns_of,
    export_records,
    export_with,
    exports_shown,
    put_away,
    release_exports,
    start_again,
    start_export,
    take_export,
)
from db.list_looks import prefer_looks
from db.list_state import COLUMNS, ListState
from db.lists import page_of
from db.offices import AgentOffice, User, actor_of
from db.reference import Appraiser, ClaimStatus, Garage, Insurer
from db.scope import BUREAU_ROLES, ROLE_CAN, Actor, Can, Role
from db.session import connect, fetch, fetch_one, open_session
from db.texts import ClaimError
from jobs import export_making, export_rows, orphans, report_book
from jobs import exports as making
from jobs.sheets import FIRST_ROW, HEADER_ROW
from tests.conftest import made_once
from tests.factories import SYSTEM, make_claim, make_user, turn_on_two_factor
from tests.processes import PROCESSES
from tests.waiting import until
from tests.workbooks import by_calamine, by_libreoffice, by_openpyxl

ALL = ListState(view='all')


@pytest.fixture(autouse=True)
def _store(tmp_path):
    files.connect(f'file:{tmp_path}/documents', tmp_path)


def ask_for(actor: Actor, state: ListState = ALL, *numbers: str, proof: str = '', with_details: bool = False) -> Export:
    with open_session(actor) as session:
        return start_export(session, Asked(state, numbers, with_details), now(), proof)


def made_by(actor: Actor, state: ListState, path, *numbers: str, with_details: bool = False):
    """The workbook as the child writes it, in this process."""
    export = ask_for(actor, state, *numbers, with_details=with_details)
    export_making.make(export.id, path)
    with open_session(actor) as session:
        cancel_export(session, export.id, now())
    return by_openpyxl(path)


@pytest.fixture
def made_here(monkeypatch):
    """The work of the program, done in this process: the program takes a second to begin, and has stories of its own."""

    def make(export: Export, path: Path) -> str | None:
        return making._verdict(export, {'rows': export_making.make(export.id, path)})

    monkeypatch.setattr(making, '_in_child', make)


def read_again(actor: Actor, export: Export) -> Export:
    with open_session(actor, reading=True) as session:
        found = fetch_one(session, export_with(export.id))
    assert found is not None
    return found


def record_of(admin: Actor, export: Export) -> ExportRecord:
    with open_session(admin, reading=True) as session:
        return next(record for record in export_records(session) if record.export_id == export.id)


def column_of(workbook: Any, header: str) -> list[Any]:
    found: list[Any] = []
    for sheet in workbook:
        place = [cell.value for cell in sheet[HEADER_ROW]].index(header)
        found += [row[place] for row in sheet.iter_rows(min_row=FIRST_ROW, values_only=True)]
    return found


@made_once
def crowd(people) -> list[Claim]:
    """Claims of both offices, no two alike, some closed, some unread."""
    random.seed(17)
    names = ['רונית ברקוביץ', 'אחמד זועבי', 'משה כהן', 'תמר לוינסון', '=1+1', 'Dana Cohen']
    claims = []
    for number in range(36):
        claim = make_claim(
            random.choice([people.levi, people.levi, people.cohen]),
            people.staff,
            insured_name=random.choice(names),
            plate=f'{random.randrange(10**6, 10**7)}',
            event_date=date(2026, 1, 1) + timedelta(days=random.randrange(300)),
            demand_amount=random.choice([None, random.randrange(10**7)]),
            insured_id_no='033333337',
        )
        claims.append(claim)
        if number % 5 == 0:
            with open_session(people.staff) as session:
                change_status(session, claim.id, 'closed', 'הלקוח ויתר', claim.status, now())
    return claims


STATES = [
    ALL,
    ListState(),
    ListState(view='closed'),
    ListState(view='unread', sort='updated_at'),
    ListState(view='all', sort='insured_name'),
    ListState(view='all', sort='-demand_amount'),
    ListState(view='all', sort='plate'),
    ListState(view='all', sort='status'),
    ListState(view='all', sort='-agent'),
    ListState(view='all', q='כהן'),
    ListState(view='all', event_from=date(2026, 3, 1), event_to=date(2026, 8, 1), sort='-event_date'),
    ListState(view='open', status=('new',)),
]


def test_the_workbook_is_the_list(crowd, people, tmp_path):
    # the same rows in the same order, all pages, for whoever asks
    for actor in (people.dana, people.rival, people.staff):
        for state in STATES:
            listed, page = [], 1
            while True:
                with open_session(actor, reading=True) as session:
                    found = page_of(session, replace(state, page=page, size=10))
                listed += [row.claim_no for row in found.rows]
                if len(listed) >= found.total:
                    break
                page += 1
            if not listed:
                continue
            workbook = made_by(actor, state, tmp_path / 'a.xlsx')
            assert column_of(workbook, 'מס׳ תביעה') == listed, (actor.name, state)


def test_nobody_elses_claims_are_inside(crowd, people, tmp_path):
    mine = {claim.claim_no for claim in crowd if claim.office_id == people.cohen}
    rivals = made_by(people.rival, ALL, tmp_path / 'a.xlsx')
    assert set(column_of(rivals, 'מס׳ תביעה')) == mine
    # also when he names them, or their office
    everybodys = tuple(claim.claim_no for claim in crowd)
    picked = made_by(people.rival, ALL, tmp_path / 'b.xlsx', *everybodys)
    assert set(column_of(picked, 'מס׳ תביעה')) == mine
    with pytest.raises(ClaimError, match='no claim to export'):
        ask_for(people.rival, replace(ALL, office=(str(people.levi),)))


def test_an_agent_who_sees_his_own_only_takes_his_own_only(people, tmp_path):
    with open_session(people.admin) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    hers = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    make_claim(people.levi, people.staff, agent=people.yossi.user_id)
    with open_session(SYSTEM, reading=True) as session:
        dana = actor_of(session, people.dana.user_id or 0)
    assert dana is not None
    assert column_of(made_by(dana, ALL, tmp_path / 'a.xlsx'), 'מס׳ תביעה') == [hers.claim_no]


def test_cells_have_types_and_names_people_know(people, tmp_path):
    claim = make_claim(
        people.levi,
        people.staff,
        insured_name='=HYPERLINK("http://a.example")',
        insured_id_no='033333337',
        plate='1234567',
        demand_amount=3_864_050,
        agent=people.dana.user_id,
        event_date=date(2026, 10, 28),
    )
    sheet = made_by(people.dana, ALL, tmp_path / 'a.xlsx', with_details=True)['תביעות']
    row = {header.value: cell for header, cell in zip(sheet[HEADER_ROW], sheet[FIRST_ROW], strict=True)}
    assert row['מבוטח'].value == claim.insured_name
    assert row['מבוטח'].data_type == 's'
    assert row['מס׳ רכב'].value == '12-345-67'
    assert row['ת״ז המבוטח'].value == '033333337'
    assert row['סכום נדרש'].value == 38_640.5
    assert row['תאריך אירוע'].value.date() == date(2026, 10, 28)
    assert row['סטטוס'].value == 'חדשה'
    assert row['סוכן'].value == 'דנה ארז'
    assert row['עודכן'].is_date
    assert 'משרד' not in row  # an agent knows his own
    assert sheet.sheet_view.rightToLeft
    assert sheet['A1'].value == 'כל התביעות'
    assert 'ללא סינון' in sheet['A2'].value
    assert 'דנה ארז' in sheet['A2'].value


def test_each_side_takes_its_own_name_of_a_status_along(people, tmp_path):
    make_claim(people.levi, people.staff)
    with open_session(people.admin) as session:
        session.get_one(ClaimStatus, 'new').label_office = 'נפתחה אצלנו'
    state = replace(ALL, status=('new',))
    for actor, own, others in ((people.dana, 'נפתחה אצלנו', 'חדשה'), (people.staff, 'חדשה', 'נפתחה אצלנו')):
        workbook = made_by(actor, state, tmp_path / 'a.xlsx')
        assert set(column_of(workbook, 'סטטוס')) == {own}
        assert others not in workbook['תביעות']['A2'].value


def test_who_sees_masks_takes_masks_along(people, tmp_path):
    make_claim(people.levi, people.staff, insured_id_no='033333337')
    repairs = make_user('איתן שגב', Role.REPAIR_TEAM)
    for actor, number in ((repairs, '•••••3337'), (people.staff, '033333337')):
        made = made_by(actor, ALL, tmp_path / f'{actor.user_id}.xlsx', with_details=True)
        assert column_of(made, 'ת״ז המבוטח') == [number]


# what a program of sheets might take for a formula, a command, a number, a date or the end of a cell; no two look alike
HOSTILE = [
    *('=1+1', '+1+1', '-1+1', '@SUM(A1)', '=cmd|"/c calc"!A0', '+972525550134', '-2+3+cmd|" /C calc"!D2', '=A1:A9'),
    *('\t=1+2', '\r=1+3', '\n=1+4', ' =1+5', '\u200e=1+6', '\ufeff=1+7', '\u202e=1+8', '\x01=1+9', '\x7f@SUM(B1)'),
    *(
        '＝1+1',
        '＋1',
        '－1',
        '＠SUM(A1)',
        '﹦1+1',
        "'=2+2",
        '"=2+3"',
        '=HYPERLINK("http://a.example")',
        '{=1+1}',
        '%3D1',
    ),
    *(
        '_x003D_2+4',
        '</t></is><f>1+1</f>',
        ']]>&amp;',
        '=1+1;=2+2',
        '1e5',
        '007',
        '1/2',
        'TRUE',
        '#REF!',
        '=IMPORTXML("//a")',
    ),
    *('a\u2066=1\u2069', '=אבג', '=😀', 'DDE("cmd";"/C";"1")', '|=3+3', ';=3+4', '\\=3+5'),
]
_SHOWN = str.maketrans({**dict.fromkeys('\u200e\ufeff\u202e\x01\x7f\u2066\u2069'), '\r': '\n'})
_TYPED = {'claim_no', 'reason', 'text', 'long_text', 'name', 'code', 'phone', 'email', 'id_no', 'plate'}
_CHOSEN = ('agent', 'garage', 'appraiser', 'tp_insurer', 'office_id')


@made_once
def vandalised(people, database) -> list[str]:
    """Claims in every text of which somebody tries to have a formula, as they lie in the table however they came there."""
    with open_session(SYSTEM) as session:
        firms = Garage(name='=1+1'), Appraiser(name='=1+1')
        session.add_all(firms)
        session.get_one(User, people.dana.user_id).name = '=1+1'
        session.get_one(AgentOffice, people.levi).name = session.get_one(Insurer, 1).name = '=1+1'
    chosen = {'agent': people.dana.user_id, 'garage': firms[0].id, 'appraiser': firms[1].id, 'tp_insurer': 1}
    ids = [make_claim(people.levi, people.staff, **chosen).id for _ in HOSTILE]
    claims = Base.metadata.tables['claims']
    typed = [name for name, field in FIELDS.items() if field.kind in _TYPED]
    with database.writer.begin() as connection:
        for claim_id, text in zip(ids, HOSTILE, strict=True):
            connection.execute(claims.update().where(claims.c.id == claim_id), dict.fromkeys(typed, text))
    return typed


def test_nothing_typed_anywhere_is_a_formula_in_any_program(vandalised, people, tmp_path):
    path, everything = tmp_path / 'a.xlsx', replace(ALL, columns=COLUMNS)
    workbook = made_by(people.staff, everything, path, with_details=True)
    (sheet,) = workbook.worksheets
    assert [cell.coordinate for row in sheet for cell in row if cell.data_type in 'fe'] == []
    with open_session(people.staff, reading=True) as session:
        columns = columns_of(Asked(everything, with_details=True), (), session.info['actor'])
    places = [place for place, name in enumerate(columns) if name in vandalised]
    told = {'plate': values.format_plate, 'insured_phone': values.format_phone}
    expected = sorted([told.get(columns[place], str)(text).translate(_SHOWN) for place in places] for text in HOSTILE)
    [read] = by_calamine(path)
    [opened] = by_libreoffice(path)
    # openpyxl leaves an escape as it is written in the cell itself
    by_itself = [[str(cell.value).replace('_x005F_', '_') for cell in row] for row in sheet.iter_rows()]
    for rows in (by_itself, read, opened):
        claims = rows[HEADER_ROW:]
        assert sorted([row[place] for place in places] for row in claims) == expected
        assert {row[columns.index(name)] for row in claims for name in _CHOSEN} == {'=1+1'}


def test_the_sheet_has_the_columns_of_the_list_in_their_order(people, tmp_path):
    make_claim(people.levi, people.staff)

    def headers(state: ListState, **asked: Any) -> list[str]:
        sheet = made_by(people.dana, state, tmp_path / 'a.xlsx', **asked).worksheets[0]
        return [cell.value for cell in sheet[HEADER_ROW]]

    usual = ['מבוטח', 'מס׳ תביעה', 'מס׳ רכב', 'תאריך אירוע', 'סטטוס', 'תיקון הרכב', 'מבטחת צד ג׳', 'סכום נדרש', 'סוכן']
    assert headers(ALL) == [*usual, 'עודכן']
    assert headers(replace(ALL, columns=('insured_name', 'garage', 'plate'))) == ['מבוטח', 'מוסך', 'מס׳ רכב']
    with open_session(people.dana) as session:
        prefer_looks(session, ['agent', 'claim_no'])
    assert headers(ALL) == ['מבוטח', 'סוכן', 'מס׳ תביעה'], 'those she is used to'
    assert headers(ALL, with_details=True)[:4] == ['מבוטח', 'סוכן', 'מס׳ תביעה', 'מס׳ רכב']


def test_the_same_list_with_all_details_is_another_export_and_stands_on_record_as_such(people):
    make_claim(people.levi, people.staff)
    plain, detailed = ask_for(people.dana), ask_for(people.dana, with_details=True)
    assert plain.id != detailed.id
    assert ask_for(people.dana, with_details=True).id == detailed.id
    assert len(plain.columns) == 10 < len(record_of(people.admin, detailed).columns)
    assert record_of(people.admin, plain).columns == plain.columns


def test_what_is_started_again_has_the_columns_it_had(people):
    make_claim(people.levi, people.staff)
    detailed = ask_for(people.dana, with_details=True)
    # one of before: its list was the usual one, and details came along unasked
    assert 'columns' not in detailed.address
    with open_session(SYSTEM) as session:
        kept = session.get_one(Export, detailed.id)
        kept.state, kept.columns = FAILED, [*kept.columns, 'office_id']
    with open_session(people.dana) as session:
        again = start_again(session, detailed.id, now())
    assert (again.id != detailed.id, again.columns) == (True, detailed.columns)


def test_the_title_tells_the_filters_and_when(people, tmp_path, monkeypatch):
    monkeypatch.setattr(export_making, 'now', lambda: datetime(2026, 7, 1, 6, 15, tzinfo=UTC))
    make_claim(people.levi, people.staff, insured_name='משה כהן', event_date=date(2026, 5, 5))
    state = ListState(view='open', q='כהן', status=('new',), event_from=date(2026, 5, 1))
    about = made_by(people.staff, state, tmp_path / 'a.xlsx').worksheets[0]['A2'].value
    assert about == (
        f'חיפוש: "כהן" · סטטוס: חדשה · תאריך אירוע: 01/05/2026 – … · הופק ב-01/07/2026 09:15 על ידי {people.staff.name}'
    )


def test_an_english_reader_gets_english(people, tmp_path):
    claim = make_claim(people.levi, people.staff)
    reader = make_user('Sam', Role.AGENT, people.levi, language='en')
    sheet = made_by(reader, ALL, tmp_path / 'a.xlsx')['Claims']
    assert not sheet.sheet_view.rightToLeft
    assert sheet['A1'].value == 'All claims'
    assert [cell.value for cell in sheet[HEADER_ROW]][:3] == ['Insured', 'Claim no.', 'Vehicle no.']
    assert sheet['B4'].value == claim.claim_no


def test_more_claims_than_a_sheet_holds_go_on_the_next(crowd, people, tmp_path):
    export = ask_for(people.staff)
    export_making.make(export.id, tmp_path / 'a.xlsx', most=HEADER_ROW + 10)
    workbook = by_openpyxl(tmp_path / 'a.xlsx')
    assert len(workbook.worksheets) == 4
    assert sorted(column_of(workbook, 'מס׳ תביעה')) == sorted(claim.claim_no for claim in crowd)


def test_what_changes_while_it_is_read_is_in_the_next_one(crowd, people, tmp_path, monkeypatch):
    monkeypatch.setattr(export_rows, 'AT_ONCE', 5)
    victim = crowd[1]

    def change_meanwhile(_):
        with suppress(ClaimError), open_session(people.staff) as session:
            current = session.get_one(Claim, victim.id)
            save_fields(session, victim.id, {'make_model': (current.make_model, f'{time.time()}')}, now())

    monkeypatch.setattr(export_making, '_teller', lambda _: change_meanwhile)
    assert None in column_of(made_by(people.staff, ALL, tmp_path / 'a.xlsx', with_details=True), 'יצרן ודגם')


# ---- who may ----------------------------------------------------------------------------------------------------------------


def test_who_only_reads_takes_nothing_away(people):
    make_claim(people.levi, people.staff)
    reader = make_user('צופה', Role.READ_ONLY, people.levi)
    with pytest.raises(ClaimError, match='not allowed'):
        ask_for(reader)
    with open_session(people.admin, reading=True) as session:
        assert export_records(session) == []


def refused_when_made(people, path, reason: str, **becomes: Any) -> None:
    """Dana asks for a workbook and becomes somebody else before it is made."""
    make_claim(people.levi, people.staff)
    export = ask_for(people.dana)
    with open_session(people.admin) as session:
        dana = session.get_one(User, people.dana.user_id)
        for name, value in becomes.items():
            setattr(dana, name, value)
    with pytest.raises(ClaimError, match=reason):
        export_making.make(export.id, path)
    assert not path.exists()


def test_the_right_is_looked_at_again_when_it_is_made(people, tmp_path):
    refused_when_made(people, tmp_path / 'a.xlsx', 'not allowed', role=Role.READ_ONLY)


def test_who_came_to_another_office_meanwhile_starts_again(people, tmp_path):
    make_claim(people.cohen, people.staff)
    refused_when_made(people, tmp_path / 'a.xlsx', 'changed meanwhile', office_id=people.cohen)


@pytest.fixture
def low_limit(monkeypatch):
    monkeypatch.setattr(exports, 'CONFIRM_ABOVE', 3)
    monkeypatch.setattr(export_making, 'CONFIRM_ABOVE', 3)


def proof_of(actor: Actor, *, age: timedelta = timedelta(), code: str = '') -> str:
    with open_session(actor) as session:
        return two_factor.make_proof(session, code, now() - age) or ''


@pytest.mark.parametrize(('many', 'leave'), [(10_000, True), (10_001, False)])
def test_ten_thousand_leave_without_the_password_and_one_more_does_not(people, tmp_path, monkeypatch, many, leave):
    make_claim(people.levi, people.staff)
    export = ask_for(people.dana)  # when there were few
    monkeypatch.setattr(exports, 'count_claims', lambda *_: many)
    monkeypatch.setattr(export_making, 'claims_asked_for', lambda *_: range(many))
    monkeypatch.setattr(export_making, 'write_large', lambda *_, **__: None)
    for order, refusal in (
        (lambda: ask_for(people.dana, ListState()), MustConfirm),
        (lambda: export_making.make(export.id, tmp_path / 'a.xlsx'), ClaimError),
    ):
        with nullcontext() if leave else pytest.raises(refusal):
            order()
    assert {place.CONFIRM_ABOVE for place in (exports, export_making, reports, report_book)} == {10_000}


def test_very_many_claims_leave_only_with_the_password(crowd, people, low_limit):
    with pytest.raises(MustConfirm):
        ask_for(people.dana)
    for wrong in ('', 'x' * 43, proof_of(people.rival), proof_of(people.dana, age=timedelta(minutes=6))):
        with pytest.raises(MustConfirm):
            ask_for(people.dana, proof=wrong)
    proof = proof_of(people.dana)
    export = ask_for(people.dana, proof=proof)
    assert export.confirmed
    assert record_of(people.admin, export).confirmed
    with pytest.raises(MustConfirm):  # it says so once
        ask_for(people.dana, ListState(), proof=proof)


def test_who_signs_in_in_two_steps_proves_it_with_both(crowd, people, low_limit):
    with pytest.raises(MustConfirm, match=r'your password\.$') as alone:
        ask_for(people.dana)
    app, _ = turn_on_two_factor(people.dana, now() - timedelta(minutes=5))
    with pytest.raises(MustConfirm, match='a code from the app') as both:
        ask_for(people.dana)
    assert (alone.value.with_code, both.value.with_code) == (False, True)
    assert proof_of(people.dana) == '', 'the password alone proves nothing'
    assert ask_for(people.dana, proof=proof_of(people.dana, code=app.at(now()))).confirmed
    assert proof_of(people.rival), 'others are asked for theirs as before'


def test_what_grew_beyond_the_limit_meanwhile_does_not_leave(people, low_limit, tmp_path):
    for _ in range(3):
        make_claim(people.levi, people.staff)
    export = ask_for(people.dana)
    make_claim(people.levi, people.staff)
    with pytest.raises(ClaimError, match='more claims by now'):
        export_making.make(export.id, tmp_path / 'a.xlsx')


def test_several_clicks_are_one_export(crowd, people):
    first = ask_for(people.dana)
    assert ask_for(people.dana).id == first.id
    assert ask_for(people.dana, replace(ALL, page=3, size=50)).id == first.id
    assert ask_for(people.dana, ListState()).id != first.id
    assert ask_for(people.yossi).id != first.id
    for number in range(exports.WAITING_AT_MOST - 2):
        ask_for(people.dana, ListState(view='all', event_from=date(2025, 1, 1 + number)))
    with pytest.raises(ClaimError, match='Several exports'):
        ask_for(people.dana, ListState(view='all', sort='plate'))


def test_nobody_reads_or_stops_what_others_export(people):
    make_claim(people.levi, people.staff)
    export = ask_for(people.dana)
    for other in (people.yossi, people.rival, people.admin):
        with open_session(other, reading=True) as session:
            assert fetch_one(session, export_with(export.id)) is None
            assert fetch(session, exports_shown(now())) == []
        for order in (cancel_export, put_away, start_again):
            with pytest.raises(ClaimError, match='not found'), open_session(other) as session:
                order(session, export.id, now())


# ---- the record -------------------------------------------------------------------------------------------------------------


def test_what_left_stands_on_record_for_admins(people, made_here):
    claims = [make_claim(people.levi, people.staff) for _ in range(2)]
    export = ask_for(people.dana, ListState(view='open', status=('new',)))
    picked = ask_for(people.dana, ALL, claims[0].claim_no)
    making.make_exports()
    record = record_of(people.admin, export)
    assert (record.by, record.user_id, record.rows, record.state) == ('דנה ארז', people.dana.user_id, 2, DONE)
    assert record.what == 'תביעות פתוחות · סטטוס: חדשה'
    assert record.columns == export.columns
    assert (record_of(people.admin, picked).picked, record_of(people.admin, picked).rows) == (1, 1)
    for other in (people.staff, people.dana):
        with pytest.raises(ClaimError, match='not allowed'), open_session(other, reading=True) as session:
            export_records(session)


def test_the_record_outlives_the_export(people, made_here):
    make_claim(people.levi, people.staff)
    export = ask_for(people.dana)
    making.make_exports()
    with open_session(SYSTEM) as session:
        for later in (timedelta(hours=25), timedelta(days=8)):
            exports.expire_exports(session, now() + later)
            exports.forget_exports(session, now() + later)
    with open_session(people.dana, reading=True) as session:
        assert fetch_one(session, export_with(export.id)) is None
    assert record_of(people.admin, export).rows == 1


# ---- the making -------------------------------------------------------------------------------------------------------------


def test_a_program_of_its_own_makes_it_and_tells_how_far_it_is(crowd, people, notices):
    export = ask_for(people.dana)
    assert making.make_exports() == 1
    done = read_again(people.dana, export)
    mine = sum(claim.office_id == people.levi for claim in crowd)
    assert (done.state, done.done, done.total) == (DONE, mine, mine)
    assert done.is_there(now(), people.dana)
    assert b''.join(files.store().read(done.key))[:2] == b'PK'
    assert done.size == files.store().size(done.key)
    assert Notice('export', user_id=people.dana.user_id) in notices


def test_how_far_it_is_stands_in_its_line_while_it_is_made(crowd, people, notices, monkeypatch):
    export, real, advance = ask_for(people.staff), subprocess.Popen, exports.advance
    slowly = """if True:
        import time
        from jobs import export_making, streamed_sheets
        streamed_sheets.AT_ONCE, export_making.TOLD_EVERY, tell = 10, -1, export_making._tell
        export_making._tell = lambda **what: (tell(**what), time.sleep(0.1))
        export_making.main()"""
    stood: list[tuple[str, int, int]] = []

    def advanced(session, *told):
        wanted = advance(session, *told)
        row = session.get_one(Export, export.id)
        stood.append((row.state, row.done, row.total))
        return wanted

    monkeypatch.setattr(subprocess, 'Popen', lambda args, **how: real([args[0], '-c', slowly], **how))
    monkeypatch.setattr(exports, 'advance', advanced)
    monkeypatch.setattr(making, 'BEAT', 0.01)
    assert making.make_exports() == 1
    assert list(dict.fromkeys(stood)) == [(RUNNING, 0, 0), *((RUNNING, n, 36) for n in (0, 10, 20, 30, 36))]
    assert notices.count(Notice('export', user_id=people.staff.user_id)) >= 5, 'the page is told each time'


def test_a_program_that_dies_leaves_a_line_that_says_so(people, monkeypatch):
    make_claim(people.levi, people.staff)
    export = ask_for(people.dana)
    real = subprocess.Popen

    def dies(*args, **kwargs):
        child = real(*args, **kwargs)
        child.send_signal(signal.SIGKILL)
        return child

    monkeypatch.setattr(subprocess, 'Popen', dies)
    assert making.make_exports() == 0
    failed = read_again(people.dana, export)
    assert (failed.state, failed.why) == (FAILED, making.FAILED)
    assert not failed.is_there(now(), people.dana)
    assert files.store().size(failed.key) is None
    monkeypatch.undo()
    with open_session(people.dana) as session:
        again = start_again(session, export.id, now())
    assert making.make_exports() == 1
    assert read_again(people.dana, again).state == DONE
    with open_session(people.dana, reading=True) as session:
        assert [shown.id for shown in fetch(session, exports_shown(now()))] == [again.id]


def test_what_a_program_stumbles_over_is_one_line_of_the_log_that_quotes_nobody(people, tmp_path, capfd):
    make_claim(people.levi, people.staff)
    ask_for(people.dana)
    with open_session(SYSTEM) as session:
        export = take_export(session, now())
    assert export is not None
    assert making._in_child(export, tmp_path / 'אין' / 'a.xlsx') == making.FAILED
    (line,) = capfd.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told['level'], told['event']) == ('error', 'the workbook was not made')
    assert 'FileNotFoundError' in told['error']
    assert 'אין' not in line


def test_the_way_out_stops_it_and_says_so(people, monkeypatch):
    make_claim(people.levi, people.staff)
    monkeypatch.setattr(
        making, '_ROOT', making._ROOT / 'tests' / 'jobs'
    )  # there is no such program there: it never answers
    monkeypatch.setattr(sys, 'executable', '/bin/cat')
    export = ask_for(people.dana)
    stop = making.start()
    until(lambda: read_again(people.dana, export).state != WAITING)
    stop()
    left = read_again(people.dana, export)
    assert left.state == FAILED


def test_one_whose_server_vanished_is_said_to_have_failed(people):
    make_claim(people.levi, people.staff)
    export = ask_for(people.dana)
    with open_session(SYSTEM) as session:
        taken = take_export(session, now())
        assert taken is not None
        assert take_export(session, now()) is None
    with open_session(SYSTEM) as session:
        assert release_exports(session, now() + timedelta(seconds=10)) == []
    with open_session(SYSTEM) as session:
        assert release_exports(session, now() + timedelta(minutes=1)) == [taken.key]
    left = read_again(people.dana, export)
    assert (left.state, left.why) == (FAILED, INTERRUPTED)
    with open_session(SYSTEM) as session:  # whoever comes back late hands nothing in
        assert not exports.finish_export(session, export.id, taken.worker, now(), 1)
    assert read_again(people.dana, export).state == FAILED


def test_cancelled_in_the_middle_nothing_is_left(crowd, people, monkeypatch):
    export, real = ask_for(people.staff), making._follow

    def cancelled_meanwhile(taken, child):
        with open_session(people.staff) as session:
            cancel_export(session, taken.id, now())
        return real(taken, child)

    monkeypatch.setattr(making, '_follow', cancelled_meanwhile)
    assert making.make_exports() == 0
    left = read_again(people.staff, export)
    assert (left.state, left.put_away) == (CANCELLED, True)
    assert record_of(people.admin, export).state == CANCELLED
    assert files.store().size(left.key) is None
    assert list(files.store().incoming.iterdir()) == []


def test_cancelled_at_the_very_end_nothing_is_left(crowd, people, monkeypatch):
    export, real = ask_for(people.staff), making._verdict

    def cancelled_meanwhile(taken, last):
        with open_session(people.staff) as session:
            cancel_export(session, taken.id, now())
        return real(taken, last)

    monkeypatch.setattr(making, '_verdict', cancelled_meanwhile)
    assert making.make_exports() == 0
    left = read_again(people.staff, export)
    assert left.state == CANCELLED
    assert files.store().size(left.key) is None


def test_old_and_put_away_files_are_thrown_away(people, made_here):
    make_claim(people.levi, people.staff)
    kept, away = ask_for(people.dana), ask_for(people.dana, ListState())
    assert making.make_exports() == 2
    with open_session(people.dana) as session:
        put_away(session, away.id, now())
    assert not read_again(people.dana, away).is_there(now(), people.dana)
    assert making.clear_exports() == 1
    assert files.store().size(read_again(people.dana, away).key) is None
    assert read_again(people.dana, kept).is_there(now(), people.dana)
    with open_session(SYSTEM) as session:
        assert len(exports.expire_exports(session, now() + timedelta(hours=25))) == 1
    assert read_again(people.dana, kept).state == EXPIRED


def make_until(url: str, folder: Path, place: str, step: str) -> None:
    """A server that is killed at this step."""
    connect(url)
    files.connect(f'file:{folder}/documents', folder)
    setattr({'exports': exports, 'making': making}[place], step, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    making.make_exports()


@pytest.mark.parametrize(('place', 'step'), [('exports', 'finish_export'), ('making', '_hand_over')])
def test_a_server_killed_at_the_last_step_leaves_no_file_and_a_line_that_starts_again(
    people, database_url, tmp_path, monkeypatch, place, step
):
    make_claim(people.levi, people.staff)
    export = ask_for(people.dana)
    server = PROCESSES.Process(target=make_until, args=(database_url, tmp_path, place, step))
    server.start()
    server.join(60)
    assert server.exitcode == -signal.SIGKILL
    left = read_again(people.dana, export)
    assert (left.state, files.store().size(left.key) is not None) == (RUNNING, step == 'finish_export')
    assert making.release_exports() == 0, 'it may still be at work'
    monkeypatch.setattr(exports, 'STALE', -timedelta(seconds=1))
    assert making.release_exports() == 1
    left = read_again(people.dana, export)
    assert (left.state, left.why) == (FAILED, INTERRUPTED)
    assert list(files.store().keys(files.FOR_EVER)) == []
    assert orphans.sweep_files() == (step == '_hand_over'), 'what it had not handed over yet'
    assert list(files.store().incoming.iterdir()) == []
    with open_session(people.dana) as session:
        again = start_again(session, export.id, now())
    assert making.make_exports() == 1
    assert read_again(people.dana, again).state == DONE


def test_a_file_that_no_export_knows_goes_after_a_day(people, made_here):
    make_claim(people.levi, people.staff)
    export, store = ask_for(people.dana), files.store()
    assert making.make_exports() == 1
    kept = read_again(people.dana, export).key
    lost = [f'{files.EXPORTS}{name}' for name in ('0' * 32, '1' * 32)]
    for key in lost:
        with files.new_file(store) as (path, _):
            store.put(key, path)
    for key in (kept, lost[0]):
        os.utime(store.root / key, (0, 0))  # type: ignore[attr-defined]
    assert orphans.sweep_files() == 1
    assert {*store.keys(files.FOR_EVER)} == {kept, lost[1]}


def test_the_right_to_export_is_of_these_roles():
    may = {role for role, rights in ROLE_CAN.items() if Can.EXPORT in rights}
    assert may == {Role.AGENT, Role.OFFICE_MANAGER, *BUREAU_ROLES, Role.SYSTEM}
