"""Tables as workbooks: a title, a frozen header with a filter, typed cells, from right to left for whoever reads so; no formulas.

    workbook = new_workbook('Cheques')
    add_table(workbook, Table('Cheques', 'Cheques of May', 'Made on …', [Column('Due', Kind.DAY), …]), rows)
    workbook.save(path)

For more rows than a person would read, `jobs/streamed_sheets.py` writes the same sheet without holding it in memory.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from db import values
from db.texts import t

MOST_UNITS = 32_767  # of a cell: Excel's own limit, in units of UTF-16
TITLE_ROW, ABOUT_ROW, HEADER_ROW = 1, 2, 3
FIRST_ROW = HEADER_ROW + 1


class Kind(StrEnum):
    """What stands in a column. A code is text of digits and signs, which reads from left to right: a plate, a phone, an ID."""

    TEXT = 'text'
    CODE = 'code'
    DAY = 'day'
    MOMENT = 'moment'
    MONEY = 'money'
    WHOLE = 'whole'
    NUMBER = 'number'


@dataclass(frozen=True)
class Column:
    """A column of a table. Its values: str, date, aware datetime, whole agorot, int or float, by kind.

    None and '' leave a cell empty; a text in a column of numbers says why there is none.
    """

    label: str
    kind: Kind = Kind.TEXT
    width: float = 18


def in_words(columns: Iterable[Column], reader: str) -> list[Column]:
    """Columns whose labels are messages, as a reader has them."""
    return [replace(column, label=t(column.label, reader)) for column in columns]


@dataclass(frozen=True)
class Table:
    """What a sheet says besides its rows: its name below, the title above, what is in it, and its columns."""

    name: str
    title: str
    about: str
    columns: Sequence[Column]
    rtl: bool = True


def new_workbook(title: str) -> Any:
    """A workbook without a sheet yet."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    workbook.properties.creator, workbook.properties.title = 'Maakav', plain(title)
    return workbook


def add_table(workbook: Any, table: Table, rows: Iterable[Sequence[Any]] = (), *, count: int | None = None) -> Any:
    """Put a table on a sheet of its own; returns the sheet. `count`: how many rows there will be, when they come later."""
    sheet = workbook.create_sheet(sheet_name(table.name))
    last = HEADER_ROW
    for last, row in enumerate(rows, FIRST_ROW):
        for number, (column, value) in enumerate(zip(table.columns, row, strict=True), 1):
            put(sheet, last, number, value, column.kind, rtl=table.rtl)
    _furnish(sheet, table, last if count is None else HEADER_ROW + count)
    return sheet


# ---- values -----------------------------------------------------------------------------------------------------------------

# what XML cannot say, shows nothing, or turns the rest of a line around
UNWANTED = (
    r'\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff'
    r'\ufdd0-\ufdef\ufeff\ufffe\uffff'
)
BREAKS = r'\r\x0b\x0c\x85\u2028\u2029'
_UNWANTED, _BREAKS = re.compile(f'[{UNWANTED}]'), re.compile(f'\r\n|[{BREAKS}]')


def plain(text: str) -> str:
    """A text as a cell can hold it: without invisible signs, and no longer than Excel takes."""
    kept = _UNWANTED.sub('', _BREAKS.sub('\n', text))
    if len(kept) * 2 <= MOST_UNITS:
        return kept
    units = kept.encode('utf-16-le')
    if len(units) <= 2 * MOST_UNITS:
        return kept
    return units[: 2 * (MOST_UNITS - 1)].decode('utf-16-le', errors='ignore') + '…'


def _held(value: Any, kind: Kind) -> Any:
    """A value as openpyxl takes it."""
    if value is None or value == '':
        return None
    if kind is Kind.MOMENT:
        return values.israel(value).replace(tzinfo=None, microsecond=0)
    if isinstance(value, str):
        return plain(value)
    return value / 100 if kind is Kind.MONEY else value


# ---- looks ------------------------------------------------------------------------------------------------------------------

FORMATS = {
    Kind.TEXT: '@',  # stays a text also when somebody edits it
    Kind.CODE: '@',
    Kind.DAY: 'dd/mm/yyyy',
    Kind.MOMENT: 'dd/mm/yyyy hh:mm',
    Kind.MONEY: '[$₪-40D]#,##0.00;-[$₪-40D]#,##0.00',
    Kind.WHOLE: '#,##0',
    Kind.NUMBER: '#,##0.0',
}
_LEFT_TO_RIGHT, _RIGHT_TO_LEFT = 1, 2
_TITLE, _ABOUT, _HEADER = Font(bold=True, size=14), Font(color='465068'), Font(bold=True, color='FFFFFF')
_HEADER_FILL, _HEADER_LINE = PatternFill('solid', fgColor='2250C9'), Border(bottom=Side('thin', color='17367F'))


def put(sheet: Any, row: int, column: int, value: Any, kind: Kind = Kind.TEXT, *, rtl: bool = True) -> Any:
    """Write a value into a cell and dress it. Whatever a text begins with, it is no formula. Returns the cell."""
    cell = sheet.cell(row, column)
    cell.value = _held(value, kind)
    if isinstance(cell.value, str):
        cell.data_type = 's'  # openpyxl takes what starts with = for a formula
    dress(cell, kind, rtl=rtl)
    return cell


def dress(cell: Any, kind: Kind, *, rtl: bool = True) -> None:
    """Give a cell the looks of its kind."""
    cell.number_format = FORMATS[kind]
    if kind is Kind.CODE:
        cell.alignment = Alignment(horizontal='right' if rtl else 'left', readingOrder=_LEFT_TO_RIGHT)


def sheet_name(name: str) -> str:
    """A name Excel takes for a sheet."""
    return re.sub(r'[\[\]:*?/\\\n]', ' ', plain(name)).strip(" '")[:31].rstrip(" '") or 'Maakav'


def _furnish(sheet: Any, table: Table, last: int) -> None:
    """Everything of a sheet but its rows, the last of which is known."""
    sheet.sheet_view.rightToLeft = table.rtl
    sheet.freeze_panes = f'A{FIRST_ROW}'
    reading = _RIGHT_TO_LEFT if table.rtl else _LEFT_TO_RIGHT
    for row, text, font in ((TITLE_ROW, table.title, _TITLE), (ABOUT_ROW, table.about, _ABOUT)):
        cell = put(sheet, row, 1, text)
        cell.font, cell.alignment = font, Alignment(readingOrder=reading)
    sheet.row_dimensions[TITLE_ROW].height = 24
    sheet.row_dimensions[HEADER_ROW].height = 22
    for number, column in enumerate(table.columns, 1):
        cell = put(sheet, HEADER_ROW, number, column.label)
        cell.font, cell.fill, cell.border = _HEADER, _HEADER_FILL, _HEADER_LINE
        cell.alignment = Alignment(vertical='center', readingOrder=reading)
        sheet.column_dimensions[get_column_letter(number)].width = column.width
    sheet.auto_filter.ref = f'A{HEADER_ROW}:{get_column_letter(len(table.columns))}{last}'
    _prepare_print(sheet)


def _prepare_print(sheet: Any) -> None:
    """As wide as a page, the header on each."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = 'landscape', sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight = True, 0
    sheet.print_title_rows = f'{HEADER_ROW}:{HEADER_ROW}'
