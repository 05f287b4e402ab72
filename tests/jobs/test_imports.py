"""The bureau's Excel: what is opened, updated, left alone and refused, and what a hostile file can do."""

import io
import json
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from db import alerts, changes, list_state, lists
from db.alerts import Alert
from db.cheques import Slip, advance_cheque, change_cheque, cheques_of, enter_cheque
from db.claims import change_status, claim_by_no, save_fields
from db.messages import notes_of
from db.offices import offices, people_of
from db.reference import reference
from db.scope import Role
from db.session import connect, fetch, fetch_one, open_session
from jobs import workbook_reading
from jobs.import_report import Report
from jobs.import_rows import Words
from jobs.imports import UNREADABLE, import_file, main
from jobs.workbook_reading import MAX_PACKED, MAX_ROWS, Sheet, Unreadable, read_workbook
from tests.conftest import People
from tests.factories import SYSTEM, alert_everybody, make_claim, make_user

SAMPLE = Path(__file__).parents[3] / 'shared' / 'samples' / 'bureau-export.xlsx'
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
OFFICE = 'סוכנות לוי'
HEADERS = ("מס' תביעה", 'סוכנות', 'שם המבוטח', 'תאריך האירוע', 'עודכן בתאריך')


def line(number, **over):
    """A good row, as a bureau writes it."""
    return {
        **dict(
            zip(HEADERS, (f'TG-2026-{number:05}', OFFICE, 'רונית ברקוביץ', '28/10/2026', '20.11.2026'), strict=True)
        ),
        **over,
    }


@pytest.fixture
def file_of(tmp_path):
    """A workbook of rows under their headers, with a title above as the bureau's system writes it."""

    def write(*rows, name='claims.xlsx', title=True, below=()):
        workbook = openpyxl.Workbook()
        sheet = workbook.active
        if title:
            sheet.append(['דוח תביעות'])
            sheet.append([])
        headers = list(dict.fromkeys(header for row in rows for header in row))
        sheet.append(headers)
        for row in rows:
            sheet.append([row.get(header) for header in headers])
        for row in below:
            sheet.append(row)
        workbook.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def command(database_url, monkeypatch):
    """The command, as somebody types it."""
    monkeypatch.setenv('DATABASE_URL', database_url)
    return lambda *arguments: main([str(argument) for argument in arguments])


def run(path, *, commit=True, now=NOW) -> Report:
    """Import it, read here: in a process of its own, what others send is read, which has stories below and in the command."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr('jobs.imports.read_workbook', read_here)
        return import_file(path, commit=commit, now=now)


def read_here(path: Path) -> list[Sheet]:
    return workbook_reading._received(json.loads(json.dumps(workbook_reading._answer(path, 'xlsx'))))


def counts(report):
    return report.created, report.updated, report.unchanged, len(report.refused)


def claim_of(number):
    with open_session(SYSTEM, reading=True) as session:
        return fetch_one(session, claim_by_no(f'TG-2026-{number:05}'))


def imported(file_of, **over):
    """A claim that came with a file."""
    report = run(file_of(line(1, **over)))
    assert counts(report) == (1, 0, 0, 0), report.text()
    return claim_of(1)


def reasons(report):
    return [refused.told() for refused in report.refused]


# ---- what a cell means ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('header', 'cell', 'name', 'stored'),
    [
        ('תאריך האירוע', datetime(2026, 3, 5), 'event_date', date(2026, 3, 5)),  # noqa: DTZ001 - as Excel keeps it
        ('תאריך האירוע', 46086, 'event_date', date(2026, 3, 5)),
        ('תאריך האירוע', '05.03.2026', 'event_date', date(2026, 3, 5)),
        ('תאריך האירוע', '05-03-26', 'event_date', date(2026, 3, 5)),
        ('ת"ז', 33333337, 'insured_id_no', '033333337'),
        ('טלפון נייד', 525550134, 'insured_phone', '0525550134'),
        ('טלפון נייד', '+972-52-5550134', 'insured_phone', '0525550134'),
        ("מס' רכב", '\u200f217-34-801\u200e', 'plate', '21734801'),
        ("מס' רכב", 21734801, 'plate', '21734801'),
        ('סכום דרישה', '₪2,739', 'demand_amount', 273900),
        ('סכום דרישה', '9,517.08 ₪', 'demand_amount', 951708),
        ('סכום דרישה', 10217.64, 'demand_amount', 1021764),
        ('סטטוס', 'הרכב בתיקון', 'status', 'in_repair'),
        ('סטטוס', 'פתוח', 'status', 'new'),
        ('סטטוס', 'סגור', 'status', 'closed'),
        ('שלב תיקון', 'מכונאות / חשמל', 'repair_stage', 'mechanical'),
    ],
)
def test_a_cell_is_kept_as_the_product_keeps_it(people: People, file_of, header, cell, name, stored) -> None:
    assert getattr(imported(file_of, **{header: cell}), name) == stored


@pytest.mark.parametrize(
    ('written', 'code'),
    [
        ('מנורה', 'menora'),
        ('סוכנות מנורה', None),
        ('מגדל חברה לביטוח בע״מ', 'migdal'),
        ('איי.אי.ג׳י ישראל', 'aig'),
        ('ש.שלמה', 'shlomo'),
        ('איי די איי', 'idi'),
        ('wesure', 'wesure'),
        ('שירביט', 'shirbit'),
        ('שירביט מבית הראל', 'harel'),
        ('חברה שאיש אינו מכיר', None),
    ],
)
def test_an_insurer_is_known_by_every_name_it_has(people: People, written, code) -> None:
    with open_session(SYSTEM, reading=True) as session:
        found = Words(reference(session), NOW.date()).insurer(written)
    assert (found.code if found else None) == code


def test_what_is_not_understood_is_told_and_kept_word_for_word(people: People, file_of) -> None:
    path = file_of(line(1, **{"חברת ביטוח צד ג'": 'סוכנות מנורה', 'סטטוס': 'בטיפול', 'שלב תיקון': 'קרוסלה'}))
    report = run(path)
    assert report.understood == {
        ("חברת ביטוח צד ג'", 'סוכנות מנורה', 'לא ידוע'): 1,
        ('סטטוס', 'בטיפול', 'חדשה'): 1,
        ('שלב תיקון', 'קרוסלה', ''): 1,
    }
    claim = claim_of(1)
    assert claim.repair_stage is None
    with open_session(people.staff, reading=True) as session:
        (note,) = fetch(session, notes_of(claim.id))
    assert {"חברת ביטוח צד ג': סוכנות מנורה", 'סטטוס: בטיפול', 'שלב תיקון: קרוסלה'} <= set(note.body.splitlines())


def test_remarks_are_a_note_only_the_bureau_reads(people: People, file_of) -> None:
    remarks = 'הרכב במוסך; צפי שבוע\nשורה שנייה'
    claim = imported(file_of, הערות=remarks)
    assert noted(people, claim) == f'הערות: {remarks}'
    with open_session(people.dana, reading=True) as session:
        assert fetch(session, notes_of(claim.id)) == []
    assert counts(run(file_of(line(1, הערות=remarks)))) == (0, 0, 1, 0)
    assert counts(run(file_of(line(1, הערות='נפרע')))) == (0, 1, 0, 0)


# ---- cheques ----------------------------------------------------------------------------------------------------------------

CHEQUE = {"מס' המחאה": 6194349, 'סכום המחאה': '₪15,026.58', 'מועד פרעון': '14/01/2027'}


def noted(people, claim):
    """The newest internal note of a claim; '' when there is none."""
    with open_session(people.staff, reading=True) as session:
        return next((note.body for note in fetch(session, notes_of(claim.id))), '')


def cheques_in(claim):
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, cheques_of(claim.id))


def alerts_of_cheques():
    with open_session(SYSTEM, reading=True) as session:
        return sorted(alert.kind for alert in fetch(session, select(Alert)) if alert.kind.startswith('cheque'))


def test_the_cheque_of_a_row_is_a_cheque_of_its_claim(people: People, file_of) -> None:
    claim = imported(file_of, **CHEQUE)
    (cheque,) = cheques_in(claim)
    assert (cheque.cheque_no, cheque.amount, cheque.due_date) == ('6194349', 1502658, date(2027, 1, 14))
    assert (cheque.direction, cheque.state, cheque.warn_on) == ('insurer_to_insured', 'issued', date(2026, 12, 31))
    assert noted(people, claim) == ''
    assert run(file_of(line(2, **CHEQUE)), commit=False).text().count('המחאה אחת נרשמת') == 1
    assert counts(run(file_of(line(1, **CHEQUE)))) == (0, 0, 1, 0), 'the same file again changes nothing'
    assert len(cheques_in(claim)) == 1


def test_a_cheque_without_a_number_is_expected_and_may_say_who_pays_whom(people: People, file_of) -> None:
    told = {'סכום המחאה': 900, 'מועד פרעון': '14/01/2027', 'כיוון ההמחאה': 'מהלקוח למוסך'}
    (cheque,) = cheques_in(imported(file_of, **told))
    assert (cheque.direction, cheque.state, cheque.cheque_no) == ('insured_to_garage', 'expected', '')
    assert counts(run(file_of(line(1, **told)))) == (0, 0, 1, 0)


def test_who_is_late_is_alerted_at_once_though_the_claim_is_of_the_archive(people: People, file_of) -> None:
    """Nobody's bell rings for the archive; a cheque of the coming days is none."""
    old = {'עודכן בתאריך': '01.09.2026', 'תאריך האירוע': '28/08/2026'}
    claim = imported(file_of, **CHEQUE | {'מועד פרעון': '30/11/2026'}, **old)
    assert set(alerts_of_cheques()) == {'cheque.due14'}
    assert claim.seq < 0, 'its cheque is no news of the claim'


def test_a_later_file_moves_the_day_and_leaves_alone_what_the_bureau_moved(people: People, file_of) -> None:
    claim = imported(file_of, **CHEQUE)
    later = CHEQUE | {'מועד פרעון': '20/01/2027'}
    assert counts(run(file_of(line(1, **later)))) == (0, 1, 0, 0)
    (cheque,) = cheques_in(claim)
    assert cheque.due_date == date(2027, 1, 20)
    with open_session(people.staff) as session:
        slip = Slip(cheque.direction, cheque.amount, date(2027, 1, 27), cheque_no='6194340')
        change_cheque(session, cheque.id, slip, cheque.version, NOW)
    assert counts(run(file_of(line(1, **later)))) == (0, 0, 1, 0), 'the file says what it said'
    assert counts(run(file_of(line(1, **CHEQUE)))) == (0, 1, 0, 0)
    (cheque,) = cheques_in(claim)
    assert (cheque.due_date, cheque.cheque_no) == (date(2027, 1, 14), '6194340')


def test_a_cheque_the_bureau_wrote_down_is_not_written_twice(people: People, file_of) -> None:
    claim = imported(file_of)
    with open_session(people.staff) as session:
        slip = Slip('insurer_to_garage', 1502658, date(2027, 1, 14), cheque_no='6194349')
        enter_cheque(session, claim.id, slip, 'received', NOW)
    assert counts(run(file_of(line(1, **CHEQUE)))) == (0, 0, 1, 0)
    another = CHEQUE | {"מס' המחאה": '6194350'}
    assert counts(run(file_of(line(1, **another)))) == (0, 1, 0, 0)
    assert [cheque.cheque_no for cheque in cheques_in(claim)] == ['6194349', '6194350']


def test_a_cheque_that_was_expected_gets_its_number_later(people: People, file_of) -> None:
    without = {name: cell for name, cell in CHEQUE.items() if 'מס' not in name}
    claim = imported(file_of, **without)
    assert counts(run(file_of(line(1, **CHEQUE)))) == (0, 1, 0, 0)
    assert counts(run(file_of(line(1, **CHEQUE)))) == (0, 0, 1, 0)
    (cheque,) = cheques_in(claim)
    assert (cheque.cheque_no, cheque.state) == ('6194349', 'expected'), 'that it was drawn nobody said'


def test_a_cheque_without_a_number_that_the_bureau_moved_is_left_alone(people: People, file_of) -> None:
    without = {name: cell for name, cell in CHEQUE.items() if 'מס' not in name}
    (cheque,) = cheques_in(imported(file_of, **without))
    with open_session(people.staff) as session:
        change_cheque(session, cheque.id, Slip(cheque.direction, cheque.amount, date(2027, 2, 1)), cheque.version, NOW)
    assert counts(run(file_of(line(1, **without)))) == (0, 0, 1, 0)


def test_a_cheque_that_came_to_its_end_is_left_alone(people: People, file_of) -> None:
    (cheque,) = cheques_in(imported(file_of, **CHEQUE))
    with open_session(people.staff) as session:
        advance_cheque(session, cheque.id, 'cancelled', NOW, reason='agreed')
    assert counts(run(file_of(line(1, **CHEQUE | {'מועד פרעון': '20/01/2027'})))) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ('told', 'status', 'why'),
    [
        ({"מס' המחאה": 77, 'סכום המחאה': 900}, 'חדשה', 'סכום ומועד פירעון'),
        ({"מס' המחאה": 77, 'סכום המחאה': 0, 'מועד פרעון': '14/01/2027'}, 'חדשה', 'סכום ומועד פירעון'),
        ({"מס' המחאה": 77, 'סכום המחאה': 900, 'מועד פרעון': '14/10/2026'}, 'שולמה', 'מהעבר'),
    ],
)
def test_what_makes_no_cheque_stays_in_the_note_and_is_told(people: People, file_of, told, status, why) -> None:
    assert why in run(file_of(line(1, סטטוס=status, **told)), commit=False).text()
    claim = imported(file_of, סטטוס=status, **told)
    assert noted(people, claim).splitlines() == [f'{header}: {cell}' for header, cell in told.items()]
    assert cheques_in(claim) == []
    assert counts(run(file_of(line(1, סטטוס=status, **told)))) == (0, 0, 1, 0)


def test_a_cheque_of_the_past_on_an_open_claim_waits_for_somebody(people: People, file_of) -> None:
    imported(file_of, סטטוס='אושרה לתשלום', **CHEQUE | {'מועד פרעון': '14/10/2026'})
    assert set(alerts_of_cheques()) == {'cheque.overdue'}


@pytest.mark.parametrize(
    ('header', 'cell', 'why'),
    [
        ("מס' המחאה", 'שיק דחוי', 'ספרות'),
        ('סכום המחאה', -5, 'שלילי'),
        ('מועד פרעון', '31/02/2027', 'תאריך'),
        ('מועד פרעון', '14/01/2072', 'השנה'),
        ('כיוון ההמחאה', 'לדוד', 'מי משלם למי'),
    ],
)
def test_a_cheque_that_cannot_be_kept_refuses_its_row(people: People, file_of, header, cell, why) -> None:
    (reason,) = reasons(run(file_of(line(1, **CHEQUE | {header: cell}))))
    assert header in reason
    assert why in reason


def test_a_formula_is_text_and_stays_text(people: People, file_of, tmp_path, command) -> None:
    live = '=HYPERLINK("http://example.test","לחץ")'
    claim = imported(file_of, הערות=live)
    with open_session(people.staff, reading=True) as session:
        assert fetch(session, notes_of(claim.id))[0].body == f'הערות: {live}'
    path, refused = file_of(line(2, סוכנות='=1+1', הערות=live)), tmp_path / 'refused.xlsx'
    assert command(path, '--dry-run', '--refused', refused) == 0
    cells = [cell for row in openpyxl.load_workbook(refused).active.iter_rows() for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {'s'}
    assert {'=1+1', live} <= {cell.value for cell in cells}


def test_titles_are_passed_over_totals_and_unknown_columns_are_told(people: People, file_of) -> None:
    path = file_of(line(1, **{'צבע הרכב': 'כסוף'}), below=[[], ['סה"כ', 1]])
    report = run(path)
    assert counts(report) == (1, 0, 0, 0)
    assert report.table.unknown == ['צבע הרכב']
    assert report.table.totals == [6]
    assert 'שורה 6 היא שורת סיכום' in report.text()


# ---- rows refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('over', 'reason'),
    [
        ({"מס' תביעה": None}, "מס' תביעה: השדה ריק"),
        ({'שם המבוטח': None}, 'שם המבוטח: השדה ריק'),
        ({'שם המבוטח': 'א' * 4000}, 'הטקסט מכיל 4000 תווים'),
        ({'סוכנות': 'סוכנות לא קיימת'}, 'סוכנות ״סוכנות לא קיימת״: סוכנות לא מוכרת'),
        ({'סוכנות': 'סוכנות לוי בע"מ'}, 'השם דומה לשם המשרד סוכנות לוי'),
        ({'תאריך האירוע': '31/02/2026'}, 'תאריך האירוע ״31/02/2026״: אין תאריך כזה'),
        ({'תאריך האירוע': '01/01/2031'}, 'תאריך האירוע ״01/01/2031״: התאריך בעתיד'),
        ({'סכום דרישה': '-500'}, 'סכום דרישה ״-500״: סכום אינו יכול להיות שלילי'),
        ({"נייד צד ג'": '12'}, "נייד צד ג' ״12״: "),
        ({'סטטוס': 'מסתובבת'}, 'סטטוס ״מסתובבת״: הסטטוס אינו מוכר'),
    ],
)
def test_a_row_is_refused_with_column_value_and_reason(people: People, file_of, over, reason) -> None:
    report = run(file_of(line(1, **over), line(2)))
    assert counts(report) == (1, 0, 0, 1)
    assert reason in reasons(report)[0]
    assert report.refused[0].number == 4


def test_the_second_row_of_a_claim_is_refused(people: People, file_of) -> None:
    report = run(file_of(line(1), line(1, **{"מס' תביעה": 'tg-2026-00001'})))
    assert counts(report) == (1, 0, 0, 1)
    assert 'כבר מופיעה בשורה 4' in reasons(report)[0]


def test_a_claim_never_moves_to_another_office(people: People, file_of) -> None:
    imported(file_of)
    report = run(file_of(line(1, סוכנות='סוכנות כהן')))
    assert counts(report) == (0, 0, 0, 1)
    assert 'שייכת למשרד אחר' in reasons(report)[0]
    assert claim_of(1).office_id == people.levi


def test_refused_rows_come_back_as_a_workbook_to_correct(people: People, file_of, tmp_path, command) -> None:
    path = file_of(line(1, **{'תאריך האירוע': '31/02/2026', "מס' רכב": '12'}), line(2))
    refused = tmp_path / 'refused.xlsx'
    assert command(path, '--commit', '--refused', refused) == 0
    workbook = openpyxl.load_workbook(refused)
    sheet = workbook.active
    assert sheet.sheet_view.rightToLeft
    assert [cell.value for cell in sheet[1]][-1] == 'סיבת הדחייה'
    assert 'אין תאריך כזה' in sheet.cell(2, sheet.max_column).value
    sheet.cell(2, 4).value = '28/02/2026'
    sheet.cell(2, 6).value = '12-345-67'
    workbook.save(refused)
    assert counts(run(refused)) == (1, 0, 0, 0)


# ---- people and firms -------------------------------------------------------------------------------------------------------


def test_an_office_named_in_three_good_rows_is_opened_with_its_agents(people: People, file_of) -> None:
    rows = [
        line(number, סוכנות='סוכנות הצפון', סוכן='אמל לוי', מוסך='מוסך הגליל', שמאי='שמאות מזרחי')
        for number in (1, 2, 3)
    ]
    dry = run(file_of(*rows), commit=False)
    assert counts(dry) == (3, 0, 0, 0)
    assert dry.new.offices == {'סוכנות הצפון': 3}
    with open_session(SYSTEM, reading=True) as session:
        assert 'סוכנות הצפון' not in [office.name for office in fetch(session, offices())]
    assert counts(run(file_of(*rows))) == (3, 0, 0, 0)
    with open_session(SYSTEM, reading=True) as session:
        (north,) = [office for office in fetch(session, offices()) if office.name == 'סוכנות הצפון']
        (agent,) = fetch(session, people_of(north.id))
        assert (agent.name, agent.role, agent.email) == ('אמל לוי', 'agent', None)
        known = reference(session)
    claim = claim_of(2)
    assert (claim.office_id, claim.agent) == (north.id, agent.id)
    assert known.garages[claim.garage].name == 'מוסך הגליל'
    assert known.appraisers[claim.appraiser].name == 'שמאות מזרחי'


def test_offices_with_like_names_stay_apart(people: People, file_of) -> None:
    report = run(file_of(*(line(number, סוכנות='סוכנות לוי ביטוחים') for number in (1, 2, 3))))
    assert report.new.offices == {'סוכנות לוי ביטוחים': 3}
    assert claim_of(1).office_id != people.levi


def test_an_agent_is_found_in_his_own_office_only(people: People, file_of) -> None:
    make_user('דנה ארז', Role.AGENT, people.cohen)
    assert imported(file_of, סוכן='דנה  ארז').agent == people.dana.user_id


def test_two_agents_of_one_name_are_not_guessed(people: People, file_of) -> None:
    make_user('דנה ארז', Role.AGENT, people.levi)
    report = run(file_of(line(1, סוכן='דנה ארז')))
    assert 'שני אנשים בשם הזה' in reasons(report)[0]


# ---- again ------------------------------------------------------------------------------------------------------------------


def test_only_the_changed_cell_is_saved(people: People, file_of, notices) -> None:
    claim = imported(file_of, סטטוס='חדשה', **{'טלפון נייד': '052-5550134'})
    assert counts(run(file_of(line(1, סטטוס='חדשה', **{'טלפון נייד': '0525550134'})))) == (0, 0, 1, 0)
    changed = file_of(line(1, סטטוס='נדחתה', **{'טלפון נייד': None}))
    assert counts(run(changed, commit=False)) == (0, 1, 0, 0)
    assert counts(run(changed)) == (0, 1, 0, 0)
    with open_session(SYSTEM, reading=True) as session:
        newest, _ = fetch(session, changes.history_of(claim.id))
    assert newest.fields['status'] == ['new', 'rejected']
    assert claim_of(1).insured_phone == '0525550134', 'an empty cell empties nothing'


def test_where_a_status_takes_a_reason_the_file_is_the_reason(people: People, file_of) -> None:
    assert imported(file_of, סטטוס='נדחתה').status_reason == 'לפי הקובץ של הלשכה'
    assert counts(run(file_of(line(1, סטטוס='סגור')))) == (0, 1, 0, 0)
    assert (claim_of(1).status, claim_of(1).status_reason) == ('closed', 'לפי הקובץ של הלשכה')


def test_an_old_file_does_not_undo_what_the_bureau_did_since(people: People, file_of) -> None:
    claim = imported(file_of, סטטוס='חדשה', **{'סכום דרישה': 100})
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'in_negotiation', '', 'new', NOW)
        save_fields(session, claim.id, {'demand_amount': (10000, 20000)}, NOW)
    report = run(file_of(line(1, סטטוס='חדשה', **{'סכום דרישה': 100})))
    assert counts(report) == (0, 0, 1, 0)
    assert set(report.kept) == {'status', 'demand_amount'}
    assert counts(run(file_of(line(1, סטטוס='שולמה', **{'סכום דרישה': 100})))) == (0, 1, 0, 0)
    assert (claim_of(1).status, claim_of(1).demand_amount) == ('paid', 20000)


def test_a_sheet_of_numbers_and_statuses_updates_claims_opened_here(people: People, file_of) -> None:
    claim = make_claim(people.levi, people.staff)
    report = run(file_of({"מס' תביעה": claim.claim_no, 'שלב תיקון': 'צבע'}))
    assert counts(report) == (0, 1, 0, 0)
    with open_session(people.dana, reading=True) as session:
        row = lists.page_of(session, list_state.ListState(view='all')).rows[0]
    assert (row.repair_stage, row.unread) == ('paint', True)


def test_an_imported_claim_is_found_and_its_next_change_is_news_to_its_office(people: People, file_of) -> None:
    claim = imported(file_of, **{'עודכן בתאריך': '01.02.2026', "מס' רכב": '217-34-801', 'תאריך האירוע': '28/01/2026'})
    for actor, found in ((people.dana, 1), (people.rival, 0), (people.staff, 1)):
        with open_session(actor, reading=True) as session:
            assert len(lists.page_of(session, list_state.ListState(q='217-34-801')).rows) == found
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'paid', '', 'new', NOW)
    with open_session(people.dana, reading=True) as session:
        (row,) = lists.page_of(session, list_state.ListState(view='unread')).rows
    assert row.change is not None
    assert row.change.fields['status'] == ['new', 'paid']


# ---- what is news -----------------------------------------------------------------------------------------------------------


def test_the_archive_rings_nobody_and_stands_below_in_its_own_order(people: People, file_of) -> None:
    earlier = make_claim(people.levi, people.staff)
    old = {'תאריך האירוע': '01/01/2025'}
    report = run(
        file_of(
            line(1, **{**old, 'עודכן בתאריך': '01/03/2025'}),
            line(2, **{**old, 'עודכן בתאריך': '01/05/2025'}),
            line(3),
            line(4, **{**old, 'עודכן בתאריך': '01/04/2025'}),
        )
    )
    assert (report.created, report.old_news) == (4, 3)
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        rows = lists.page_of(session, list_state.ListState(view='all')).rows
        rung = [group.claim_no for group in alerts.alert_groups(session)]
    order = ['TG-2026-00003', earlier.claim_no, 'TG-2026-00002', 'TG-2026-00004', 'TG-2026-00001']
    assert [row.claim_no for row in rows] == order
    assert [row.unread for row in rows] == [True, True, False, False, False]
    assert sorted(rung) == sorted(order[:2])
    assert rows[2].updated_at.date() == date(2025, 5, 1)


def test_the_second_archive_stands_below_the_first(people: People, file_of) -> None:
    old = {'תאריך האירוע': '01/01/2025', 'עודכן בתאריך': '01/03/2025'}
    run(file_of(line(1, **old)))
    run(file_of(line(1, **old), line(2, **old), name='again.xlsx'))
    assert (claim_of(1).seq, claim_of(2).seq) == (-1, -2)


# ---- files that are no list of claims ---------------------------------------------------------------------------------------


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def sheet_with(cell):
    """A workbook whose only cell stands where nobody looks."""
    workbook = openpyxl.Workbook()
    workbook.active[cell] = 'x'
    packed = io.BytesIO()
    workbook.save(packed)
    return packed.getvalue()


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        ("מס' תביעה,סוכנות\n1,א\n".encode(), 'זה אינו קובץ Excel'),
        (b'\xd0\xcf\x11\xe0' + b'\0' * 600, 'xls ישנה או נעול בסיסמה'),
        (b'\0' * (MAX_PACKED + 1), 'גדול מ-5'),
        (zipped({'a.txt': 'x'}), 'זה אינו קובץ Excel'),
        (zipped({'[Content_Types].xml': 'x'}), 'הקובץ פגום'),
        (zipped({'[Content_Types].xml': 'x', 'xl/vbaProject.bin': 'x'}), 'פקודות מאקרו'),
        (zipped({'[Content_Types].xml': b'0' * (51 * 2**20)}), 'גדול בהרבה'),
        (zipped({'[Content_Types].xml': 'x', **{str(number): '' for number in range(201)}}), 'גדול בהרבה'),
        (sheet_with('XFD1048576'), 'תאים אחרי עמודה 60'),
        (sheet_with('A1048576'), f'{MAX_ROWS:,} שורות לכל היותר'),
        (sheet_with('A1'), 'לא נמצאה שורת כותרות'),
    ],
    ids=['csv', 'xls', 'large', 'zip', 'damaged', 'macros', 'bomb', 'members', 'far', 'low', 'headless'],
)
def test_a_file_that_cannot_be_taken_is_refused_in_words(sqlite_url, tmp_path, content, reason) -> None:
    connect(sqlite_url)
    path = tmp_path / 'sent.xlsx'
    path.write_bytes(content)
    with pytest.raises(Unreadable) as refusal:
        import_file(path, commit=False, now=NOW)
    assert reason in refusal.value.told()


def test_entities_are_not_opened(tmp_path) -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(sheet_with('A1')))
    packed = io.BytesIO()
    workbook.save(packed)
    members = {info: zipfile.ZipFile(packed).read(info) for info in zipfile.ZipFile(packed).namelist()}
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    sheet = members['xl/worksheets/sheet1.xml'].decode()
    members['xl/worksheets/sheet1.xml'] = f'{bomb}{sheet}'.encode()
    path = tmp_path / 'sent.xlsx'
    path.write_bytes(zipped(members))
    with pytest.raises(Unreadable, match='damaged'):
        read_workbook(path)


@pytest.mark.usefixtures('database')
@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['none.xlsx', '--dry-run'], 'הקובץ none.xlsx לא נמצא'),
        (['none.xlsx', '--commit', '--refused', 'none.xlsx'], 'אי אפשר לכתוב'),
        (['none.xlsx', '--commit', '--refused', 'nowhere/out.xlsx'], 'התיקייה של out.xlsx לא נמצאה'),
    ],
)
def test_the_command_answers_two_when_it_cannot_start(
    monkeypatch, tmp_path, capsys, command, arguments, reason
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(*arguments) == UNREADABLE
    assert reason in capsys.readouterr().err


def test_the_command_wants_a_database_at_the_newest_revision(tmp_path, monkeypatch, capsys, file_of) -> None:
    monkeypatch.setenv('DATABASE_URL', f'sqlite:///{tmp_path}/empty.db')
    assert main([str(file_of(line(1))), '--commit']) == UNREADABLE
    assert 'make migrate' in capsys.readouterr().err


# ---- how long it takes ------------------------------------------------------------------------------------------------------


def test_what_every_row_names_is_read_once_and_not_for_each_row(file_of, people):
    named = {'סטטוס': 'הרכב בתיקון', 'מוסך': 'מוסך הגליל'}
    run(file_of(line(1, **named)))
    asked: Counter[str] = Counter()

    def count(state: Any) -> None:
        asked.update(mapper.class_.__name__ for mapper in state.all_mappers)

    event.listen(Session, 'do_orm_execute', count)
    try:
        assert counts(run(file_of(*(line(number, **named) for number in range(2, 32))))) == (30, 0, 0, 0)
    finally:
        event.remove(Session, 'do_orm_execute', count)
    assert max(asked[name] for name in ('Garage', 'ClaimStatus', 'AgentOffice')) < 10


# ---- the bureau's own file --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not SAMPLE.exists(), reason='the bureau’s sample file does not stand beside this checkout')
def test_the_bureaus_file_as_it_is(sqlite_url) -> None:
    connect(sqlite_url)
    dry = import_file(SAMPLE, commit=False, now=NOW)
    report = import_file(SAMPLE, commit=True, now=NOW)
    assert counts(dry) == counts(report) == (3000, 0, 0, 7)
    assert {
        refused.number: expected for refused, expected in zip(report.refused, reasons(report), strict=True)
    }.keys() == {*range(3004, 3011)}
    for told, reason in zip(
        reasons(report),
        (
            "מס' תביעה: השדה ריק",
            'תאריך האירוע: השדה ריק',  # said to be a duplicate, but its number is in the file once
            'סוכנות לא מוכרת',
            'אין תאריך כזה: 31/02/2026',
            'התאריך בעתיד',
            'סכום אינו יכול להיות שלילי',
            'הטקסט מכיל 4000 תווים',
        ),
        strict=True,
    ):
        assert reason in told
    assert (len(report.new.offices), len(report.new.garages), len(report.new.appraisers)) == (7, 6, 4)
    assert report.table.totals == [3012]
    assert sum(count for (column, *_), count in report.understood.items() if column != 'סטטוס') == 0
    before = _last_change()
    assert counts(run(SAMPLE, now=NOW + timedelta(minutes=5))) == (0, 0, 3000, 7)
    assert _last_change() == before, 'a second run writes nothing'


def _last_change():
    with open_session(SYSTEM, reading=True) as session:
        return changes.latest_seq(session)
