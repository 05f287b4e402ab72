"""Workbooks that leave us: every program reads the same, of the right type, and nothing that was typed is ever a formula."""

import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import from_excel

from db import values
from jobs import streamed_sheets
from jobs.sheets import FIRST_ROW, HEADER_ROW, Column, Kind, Table, add_table, new_workbook, plain, sheet_name
from jobs.streamed_sheets import write_large
from tests.workbooks import by_calamine, by_libreoffice, by_openpyxl

COLUMNS = (
    Column('מבוטח', width=30),
    Column('מס׳ רכב', Kind.CODE, 14),
    Column('תאריך אירוע', Kind.DAY),
    Column('עודכן', Kind.MOMENT),
    Column('סכום נדרש', Kind.MONEY),
    Column('מסמכים', Kind.WHOLE),
)
TABLE = Table('תביעות', 'תביעות פתוחות', 'סטטוס: חדשה · 29/11/2026 09:15', COLUMNS)
MOMENT = datetime(2026, 7, 1, 6, 15, 30, tzinfo=UTC)  # 09:15:30 in Israel's summer
ROWS: list[list[Any]] = [
    ['רונית ברקוביץ׳', '012-34-567', date(2026, 10, 28), MOMENT, 3_864_050, 3],
    ['"מוסך אחים" & בניו <צפון>', '', None, None, None, None],
    [None, None, None, None, None, 7],
    ['שתי\nשורות', '05-432-10', date(2000, 2, 29), MOMENT, 0, 0],
]
SHOWN = [
    ['רונית ברקוביץ׳', '012-34-567', '28/10/2026', '01/07/2026 09:15', '₪38,640.50', '3'],
    ['"מוסך אחים" & בניו <צפון>', '', '', '', '', ''],
    ['', '', '', '', '', '7'],
    ['שתי\nשורות', '05-432-10', '29/02/2000', '01/07/2026 09:15', '₪0.00', '0'],
]
HOSTILE = [
    *('=1+1', '+972-52-5550134', '-3', '@SUM(A1)', '=HYPERLINK("http://a.example","x")', '\t=1+1', "'=1", '_x003D_1+1'),
    *(
        'a\u202eb\u2066c\u200f',
        '😀👨‍👩‍👧',
        '\ufeff=1',
        'זה\r\nזה',
        ' שוליים ',
        '&lt;',
        ']]>',
        '%s %d %',
        '{0}',
        '1e5',
        '007',
    ),
]


def _small(path: Path, table: Table, rows) -> None:
    workbook = new_workbook('בדיקה')
    add_table(workbook, table, rows)
    workbook.save(path)


def _large(path: Path, table: Table, rows) -> None:
    write_large(path, table, rows, len(rows))


@pytest.fixture(params=[_small, _large], ids=['small', 'streamed'])
def write(request):
    return request.param


def test_openpyxl_finds_values_types_and_formats(write, tmp_path):
    write(tmp_path / 'a.xlsx', TABLE, ROWS)
    sheet = by_openpyxl(tmp_path / 'a.xlsx')['תביעות']
    assert [cell.value for cell in sheet[HEADER_ROW]] == [column.label for column in COLUMNS]
    first = sheet[FIRST_ROW]
    local = datetime(2026, 7, 1, 9, 15, 30)  # noqa: DTZ001 - a sheet knows no zones
    assert [cell.value for cell in first] == [ROWS[0][0], '012-34-567', datetime(2026, 10, 28), local, 38_640.5, 3]  # noqa: DTZ001
    assert [cell.data_type for cell in first] == ['s', 's', 'd', 'd', 'n', 'n']
    assert [cell.number_format for cell in first][:4] == ['@', '@', 'dd/mm/yyyy', 'dd/mm/yyyy hh:mm']
    assert '₪' in first[4].number_format
    assert first[1].alignment.readingOrder == 1
    assert [cell.value for cell in sheet[FIRST_ROW + 1]][1:] == [None] * 5
    assert sheet[FIRST_ROW + 3][0].value == 'שתי\nשורות'


def test_the_sheet_is_furnished(write, tmp_path):
    write(tmp_path / 'a.xlsx', TABLE, ROWS)
    workbook = by_openpyxl(tmp_path / 'a.xlsx')
    sheet = workbook['תביעות']
    assert sheet.sheet_view.rightToLeft is True
    assert (sheet['A1'].value, sheet['A2'].value) == (TABLE.title, TABLE.about)
    assert sheet.freeze_panes == 'A4'
    assert sheet.auto_filter.ref == 'A3:F7'
    assert sheet.dimensions == 'A1:F7'
    assert sheet.column_dimensions['A'].width == 30
    assert sheet.print_title_rows == '$3:$3'
    assert workbook.properties.creator == 'Maakav'


def test_for_an_english_reader_it_goes_from_left_to_right(write, tmp_path):
    write(tmp_path / 'a.xlsx', Table('Claims', 'Open claims', '', [Column('Plate', Kind.CODE)], rtl=False), [['12']])
    sheet = by_openpyxl(tmp_path / 'a.xlsx')['Claims']
    assert not sheet.sheet_view.rightToLeft
    assert sheet['A4'].alignment.horizontal == 'left'


def test_calamine_and_libreoffice_show_the_same(write, tmp_path):
    write(tmp_path / 'a.xlsx', TABLE, ROWS)
    [sheet] = by_calamine(tmp_path / 'a.xlsx')
    assert sheet[3] == [ROWS[0][0], '012-34-567', date(2026, 10, 28), datetime(2026, 7, 1, 9, 15, 30), 38_640.5, 3.0]  # noqa: DTZ001
    [opened] = by_libreoffice(tmp_path / 'a.xlsx')
    assert opened[0][0] == TABLE.title
    assert opened[2] == [column.label for column in COLUMNS]
    assert opened[3:] == SHOWN


def test_no_text_becomes_a_formula_or_a_number(write, tmp_path):
    table = Table('ש', 'ש', '', [Column('טקסט'), Column('קוד', Kind.CODE)])
    write(tmp_path / 'a.xlsx', table, [[text, text] for text in HOSTILE])
    rows = by_openpyxl(tmp_path / 'a.xlsx').worksheets[0].iter_rows(min_row=FIRST_ROW)
    cells = [cell for row in rows for cell in row]
    assert {cell.data_type for cell in cells} == {'s'}
    [opened] = by_libreoffice(tmp_path / 'a.xlsx')
    told = [plain(text) for text in HOSTILE]
    # LibreOffice's file of text ends its lines without what a sheet has in them
    assert [row[0] for row in opened[3:]] == told
    assert [row[1] for row in opened[3:]] == told


def test_what_turns_a_line_around_is_left_out():
    assert plain('a\u202eb\u2066c\u200f\x00\x1f') == 'abc'


def test_a_text_longer_than_excel_takes_is_cut_and_says_so(write, tmp_path):
    long = '😀' * 20_000
    write(tmp_path / 'a.xlsx', Table('ש', 'ש', '', [Column('טקסט')]), [[long], ['א' * 32_767], ['א' * 32_768]])
    cells = [row[0].value for row in by_openpyxl(tmp_path / 'a.xlsx').worksheets[0].iter_rows(min_row=FIRST_ROW)]
    assert cells[0] == '😀' * 16_383 + '…'
    assert cells[1] == 'א' * 32_767
    assert cells[2] == 'א' * 32_766 + '…'


ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=60) | st.sampled_from(HOSTILE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=8))
def test_whatever_was_typed_is_read_back_as_it_can_be_shown(tmp_path, rows):
    table = Table('ש', 'ש', '', [Column('א'), Column('ב', Kind.CODE), Column('מס׳', Kind.WHOLE)])
    _large(tmp_path / 'a.xlsx', table, [(*row, number) for number, row in enumerate(rows)])
    [sheet] = by_calamine(tmp_path / 'a.xlsx')
    assert [tuple(row[:2]) for row in sheet[3:]] == [tuple(plain(text) for text in row) for row in rows]


@pytest.mark.parametrize('count', [0, 1, 5, 6, 10, 11])
def test_what_one_sheet_cannot_hold_goes_on_the_next(tmp_path, count):
    heard: list[int] = []
    rows = ([f'שורה {number}'] for number in range(count))
    table = Table('תביעות', 'תביעות', '', [Column('מס׳')])
    write_large(tmp_path / 'a.xlsx', table, rows, count, told=heard.append, most=HEADER_ROW + 5)
    workbook = by_openpyxl(tmp_path / 'a.xlsx')
    found = [row[0].value for sheet in workbook for row in sheet.iter_rows(min_row=FIRST_ROW) if row[0].value]
    assert found == [f'שורה {number}' for number in range(count)]
    assert len(workbook.worksheets) == max(1, -(-count // 5))
    assert all(sheet['A3'].value == 'מס׳' and sheet.freeze_panes == 'A4' for sheet in workbook)
    assert heard[-1] == count


def test_a_sheet_is_as_long_as_excel_takes_it(tmp_path, monkeypatch):
    split: list[list[int]] = []

    def frame(_, sheets):
        split.append(sheets)
        return {}, None

    monkeypatch.setattr(streamed_sheets, '_frame', frame)
    assert streamed_sheets.MOST_ROWS == 1_048_576, "Excel's own limit, the title and the header among them"
    for count in (1_048_573, 1_048_574):
        with pytest.raises(ValueError, match='announced'):
            write_large(tmp_path / 'a.xlsx', TABLE, [], count)
    assert split == [[1_048_573], [1_048_573, 1]]


def test_a_sheet_too_big_for_a_plain_zip_is_opened_by_every_program(tmp_path, monkeypatch):
    path = tmp_path / 'a.xlsx'
    monkeypatch.setattr(streamed_sheets, 'MANY_CELLS', 1)
    _large(path, TABLE, ROWS)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo('xl/worksheets/sheet1.xml').extract_version == zipfile.ZIP64_VERSION
    assert by_openpyxl(path)['תביעות']['A4'].value == ROWS[0][0]
    assert by_calamine(path)[0][3][0] == ROWS[0][0]
    assert by_libreoffice(path)[0][3:] == SHOWN


@pytest.mark.parametrize('announced', [1, 3])
def test_rows_that_were_not_announced_are_refused(tmp_path, announced):
    with pytest.raises(ValueError, match='announced'):
        write_large(tmp_path / 'a.xlsx', Table('ש', 'ש', '', [Column('א')]), [['א'], ['ב']], announced)


def test_without_isal_zlib_packs(tmp_path, monkeypatch):
    monkeypatch.setattr(streamed_sheets, 'isal_zlib', None)
    _large(tmp_path / 'a.xlsx', TABLE, ROWS)
    [sheet] = by_calamine(tmp_path / 'a.xlsx')
    assert len(sheet) == 7


def test_a_sheet_has_a_name_that_excel_takes():
    assert (
        sheet_name("'[תביעות]: א/ב*?\\'")
        == '[תביעות]: א/ב*?\\'.translate({ord(sign): ' ' for sign in '[]:*?/\\'}).strip()
    )
    assert len(sheet_name('א' * 40)) == 31
    assert sheet_name('//') == 'Maakav'


@given(st.datetimes(min_value=datetime(1995, 1, 1), max_value=datetime(2060, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_is_told_as_clocks_in_israel_showed_it(at):
    # also around the hours in which they change
    shown = from_excel(float(streamed_sheets._moment(at)))
    assert shown == values.israel(at).replace(tzinfo=None, microsecond=0)


@pytest.mark.parametrize('hour', [22, 23, 24, 25, 26])
def test_also_in_the_night_in_which_clocks_change(hour):
    for day in (datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)):
        at = day + timedelta(hours=hour, minutes=30)
        assert from_excel(float(streamed_sheets._moment(at))) == values.israel(at).replace(tzinfo=None)
