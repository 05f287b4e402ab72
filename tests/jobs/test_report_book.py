"""The reports as workbooks: opened again they say what the figures say, as numbers, and nothing of another office."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from db import texts
from db.cheques import Cheque, Slip, enter_cheque
from db.claims import change_status, open_claim, save_fields
from db.habits import ENOUGH
from db.reference import reference
from db.report_state import ReportState
from db.reports import figures_of, rows_behind
from db.scope import Actor
from db.session import open_session
from jobs import book_making, children
from jobs.report_book import PARTS, Book, Month, month_book, table_book, whole_book
from tests.conftest import People
from tests.workbooks import by_calamine, by_libreoffice, by_openpyxl

TODAY = date(2026, 11, 23)
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind is enough here: the figures are tested on both."""
    return sqlite_url


@pytest.fixture
def some(people: People) -> People:
    """Enough closed claims of one insurer, one of another, and a canary in the other office."""
    for n in range(ENOUGH + 2):
        other = n == ENOUGH
        office = people.cohen if n > ENOUGH else people.levi
        fields: dict[str, Any] = {
            'insured_name': 'קנרית' if office == people.cohen else '=1+1',
            'event_date': date(2026, 10, 1),
        }
        fields |= {'opened_at': date(2026, 11, 1), 'tp_insurer': 2 if other else 1, 'plate': '1234567', 'agent': None}
        with open_session(people.staff, at=AT) as session:
            claim = open_claim(session, office, fields, AT)
            sums = {'demand_amount': (None, 1_000_00), 'submitted_at': (None, AT.date())}
            save_fields(session, claim.id, sums, AT)
            change_status(session, claim.id, 'closed', 'אחר', 'new', AT)
            enter_cheque(session, claim.id, Slip('insured_to_garage', 50_00, date(2026, 11, 30)), 'received', AT)
    return people


def opened(book: Book) -> dict[str, Any]:
    return {sheet.title: sheet for sheet in openpyxl.load_workbook(BytesIO(book.file)).worksheets}


def rows(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]


def month_of(actor: Actor, office: str = '') -> Month:
    with open_session(actor, reading=True) as session:
        state = ReportState.of_month('2026-11', office, TODAY)
        figures = figures_of(session, state, TODAY)
        return Month('לוי', figures, rows_behind(session, figures), reference(session))


def test_a_table_says_what_the_dashboard_does_and_not_more_than_it_knows(some: People) -> None:
    with open_session(some.manager, reading=True) as session:
        figures = figures_of(session, ReportState(), TODAY)
    for name in PARTS:
        assert all(sheet.sheet_view.rightToLeft for sheet in opened(table_book(figures, name, 'he')).values())
    (sheet,) = opened(table_book(figures, 'insurers', 'he')).values()
    told = {row[0]: row[1:] for row in rows(sheet)}
    names = {line.key: line.name for line in figures.insurers}
    assert told == {names['1']: [ENOUGH, 1], names['2']: [1, 'אין די נתונים']}
    (money,) = opened(table_book(figures, 'months', 'he')).values()
    november = rows(money)[-1]
    assert november == ['2026-11', ENOUGH + 1, (ENOUGH + 1) * 1000, 0, 0, 0, 0]
    assert money['C6'].number_format.startswith('[$₪')


def test_the_table_by_agent_ends_in_the_same_total_as_the_dashboard(some: People) -> None:
    with open_session(some.manager, reading=True) as session:
        figures = figures_of(session, ReportState(), TODAY)
    (sheet,) = opened(table_book(figures, 'people', 'he')).values()
    head, nobody, total = ([cell.value for cell in row] for row in sheet.iter_rows(min_row=3))
    assert head[-1] == 'שיעור גבייה, באחוזים'
    assert total == ['סה״כ הסוכנות', *nobody[1:]]
    assert total[-4:] == [(ENOUGH + 1) * 1000, 0, 1, 0]
    assert rows(opened(table_book(replace(figures, people=[]), 'people', 'he')).popitem()[1]) == []


def test_one_workbook_has_the_figures_and_every_table_as_by_itself(some: People) -> None:
    evil = '=HYPERLINK("http://evil.example")'
    with open_session(some.manager, reading=True) as session:
        figures = figures_of(session, ReportState(), TODAY)
    figures = replace(figures, insurers=[replace(line, name=evil) for line in figures.insurers])
    book = whole_book(figures, ['חברת ביטוח: =1+1'], 'he')
    sheets = opened(book)
    names = [name for name in PARTS if name != 'offices']
    assert list(sheets) == ['נתונים עיקריים', *(texts.t(PARTS[name].label, 'he') for name in names)]
    for name in names:
        (alone,) = opened(table_book(figures, name, 'he')).values()
        assert rows(sheets[alone.title]) == rows(alone)
    for sheet in sheets.values():
        assert sheet.sheet_view.rightToLeft
        assert sheet['A2'].value == 'חברת ביטוח: =1+1 · 01/09/2026 – 23/11/2026 · הופק ב-23/11/2026'
    cells = [cell for sheet in sheets.values() for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {'s', 'n', 'd'}
    assert evil in {cell.value for cell in cells}
    told = {row[0]: row[1:] for row in rows(sheets['נתונים עיקריים'])}
    many = ENOUGH + 1
    assert told['נדרש'] == [many, many * 1000]
    assert told['שיעור גבייה, באחוזים'] == [0, None]
    assert told['המחאות ל-14 יום, הקרובה ב-30/11/2026'] == [many, many * 50]
    assert told['נדרש, שינוי לעומת התקופה הקודמת, באחוזים'] == ['אין די נתונים', None]
    assert told['זמן טיפול חציוני, שינוי לעומת התקופה הקודמת, בימים'] == ['אין די נתונים', None]
    assert (book.label, book.rows) == ('Dashboard', sum(len(rows(sheet)) for sheet in sheets.values()))
    whole = opened(whole_book(replace(figures, people=[], offices=figures.people), [], 'en'))
    assert ('By agent' in whole, 'By office' in whole) == (False, True)
    assert not whole['Key figures'].sheet_view.rightToLeft


def test_the_report_of_a_month_has_its_sheets_and_no_formula(some: People) -> None:
    book = month_book(month_of(some.manager), 'he')
    sheets = opened(book)
    assert list(sheets) == ['סיכום', 'נפתחו', 'נסגרו', 'כסף לפי חודש', 'המחאות לפירעון', 'ביצועים לפי סוכן']
    closed = rows(sheets['נסגרו'])
    assert len(closed) == ENOUGH + 1
    assert (closed[0][1], closed[0][2], closed[0][7].date(), closed[0][10]) == (
        '=1+1',
        '12-345-67',
        date(2026, 11, 1),
        1000,
    )
    assert {cell.data_type for sheet in sheets.values() for row in sheet.iter_rows() for cell in row} <= {'s', 'n', 'd'}
    summary = {row[0]: row[1:] for row in rows(sheets['סיכום'])}
    assert summary['נסגרו'] == [ENOUGH + 1, None]
    assert summary['הגשה ראשונה שלמה, באחוזים'][0] == 100
    due = rows(sheets['המחאות לפירעון'])
    assert (len(due), due[0][0].date(), due[0][3]) == (ENOUGH + 1, date(2026, 11, 30), 50)
    assert book.rows == sum(len(rows(sheet)) for sheet in sheets.values())
    assert {'Insured', 'Vehicle no.', 'Cheque no.', 'Agent'} <= {*book.columns}
    assert len({*book.columns}) == len(book.columns)


@pytest.mark.parametrize('name', ['whole', 'month'])
def test_calamine_and_libreoffice_show_what_openpyxl_does(some: People, tmp_path: Path, name: str) -> None:
    month = month_of(some.manager)
    book = month_book(month, 'he') if name == 'month' else whole_book(month.figures, [], 'he')
    path = tmp_path / 'a.xlsx'
    path.write_bytes(book.file)
    sheets = by_openpyxl(path).worksheets
    shown = {rows[0][0]: rows for rows in by_libreoffice(path)}
    assert len(shown) == len(sheets) > 5
    for sheet, read in zip(sheets, by_calamine(path), strict=True):
        cells = [cell for row in sheet.iter_rows() for cell in row]
        there = [cell.value.date() if cell.is_date else '' if cell.value is None else cell.value for cell in cells]
        assert [value for row in read for value in row] == there
        opened = [value for row in shown[sheet['A1'].value] for value in row]
        assert opened == [_as_shown(cell) for cell in cells]


def _as_shown(cell: Any) -> str:
    """What a person sees in a cell."""
    if cell.value is None:
        return ''
    if cell.is_date:
        return f'{cell.value:%d/%m/%Y}'
    if cell.data_type == 's':
        return str(cell.value)
    return f'₪{cell.value:,.2f}' if '₪' in cell.number_format else f'{cell.value:,.{cell.number_format.count(".")}f}'


def test_the_report_of_a_month_that_is_over_says_that_what_is_open_is_open_now(some: People) -> None:
    with open_session(some.manager, reading=True) as session:
        state = ReportState.of_month('2026-10', '', TODAY)
        figures = figures_of(session, state, TODAY)
        month = Month('לוי', figures, rows_behind(session, figures), reference(session))
    sheets = opened(month_book(month, 'he'))
    assert rows(sheets['סיכום'])[0][0] == 'פתוחות כעת, 23/11/2026'
    assert [cell.value for cell in sheets['ביצועים לפי סוכן'][3]][1:3] == ['פתוחות כעת', 'לא נקראו כעת']
    for sheet in sheets.values():
        assert sheet['A2'].value == 'לוי · 01/10/2026 – 31/10/2026 · הופק ב-23/11/2026'


def test_the_cheques_of_a_month_that_is_over_are_there_though_they_were_cleared(some: People) -> None:
    with open_session(some.staff) as session:
        cleared, cancelled, *_ = session.scalars(select(Cheque).where(Cheque.office_id == some.levi))
        cleared.state, cancelled.state = 'cleared', 'cancelled'
    due = rows(opened(month_book(month_of(some.manager), 'he'))['המחאות לפירעון'])
    assert len(due) == ENOUGH, 'all but the cancelled one'
    assert {row[2] for row in due} == {'המחאה התקבלה', 'המחאה נפרעה'}


def test_more_than_may_leave_without_the_password_is_left_out_and_said(
    some: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows_of_all = 3 * (ENOUGH + 1)
    monkeypatch.setattr('db.reports.CONFIRM_ABOVE', rows_of_all)
    assert 'נסגרו' in opened(month_book(month_of(some.manager), 'he'))
    monkeypatch.setattr('db.reports.CONFIRM_ABOVE', rows_of_all - 1)
    sheets = opened(month_book(month_of(some.manager), 'he'))
    assert list(sheets) == ['סיכום', 'כסף לפי חודש', 'ביצועים לפי סוכן', 'רשימות שלא צורפו']
    assert '10,000' in rows(sheets['רשימות שלא צורפו'])[0][0]


def test_no_workbook_tells_of_another_office(some: People) -> None:
    for month in (month_of(some.manager), month_of(some.manager, str(some.cohen))):
        sheets = opened(month_book(month, 'he'))
        assert 'קנרית' not in str([rows(sheet) for sheet in sheets.values()])
    whole = opened(month_book(month_of(some.staff), 'he'))
    assert 'קנרית' in str(rows(whole['נפתחו']))
    assert [name for name in whole if 'ביצועים' in name] == ['ביצועים לפי משרד'], 'of every office, no agents are told'


def test_a_large_workbook_is_the_same_and_made_in_a_process_of_its_own(
    some: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_session(some.manager, reading=True) as session:
        figures = figures_of(session, ReportState(), TODAY)
    here = whole_book(figures, (), 'he')
    begun, run = [], children.run

    def noted(arguments: Sequence[str], *more: Any) -> children.Ended:
        begun.append(arguments)
        return run(arguments, *more)

    monkeypatch.setattr(children, 'run', noted)
    monkeypatch.setattr(book_making, 'CELLS_HERE', 0)
    there = whole_book(figures, (), 'he')
    assert begun == [['-m', 'jobs.book_making']]
    assert {name: rows(sheet) for name, sheet in opened(there).items()} == {
        name: rows(sheet) for name, sheet in opened(here).items()
    }
    monkeypatch.setattr(book_making, 'SECONDS', 0.01)
    with pytest.raises(RuntimeError, match='no workbook was made'):
        whole_book(figures, (), 'he')
