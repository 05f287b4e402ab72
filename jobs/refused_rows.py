"""The rows of a workbook that were refused, as a workbook: the cells as they came, and why; to be corrected and sent again."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from db.texts import t
from jobs.import_rows import written
from jobs.import_words import HEADERS
from jobs.workbook_reading import MAX_CELL, Cell


def write_refused(path: Path, headers: Sequence[str], rows: Iterable[tuple[Sequence[Cell], str]]) -> None:
    """Write the headers and the refused rows, each with its reason. Every cell is text: nothing becomes a formula."""
    workbook = Workbook()
    sheet: Any = workbook.active
    sheet.title = t('Refused rows')
    sheet.sheet_view.rightToLeft = True
    sheet.freeze_panes = 'A2'
    because = HEADERS['refused_because'][0]
    kept = [index for index, header in enumerate(headers) if header != because]
    _write(sheet, 1, [*(headers[index] for index in kept), because])
    for number, (cells, reason) in enumerate(rows, 2):
        _write(sheet, number, [*(cells[index] if index < len(cells) else None for index in kept), reason])
    sheet.column_dimensions[sheet.cell(1, len(kept) + 1).column_letter].width = 80
    workbook.save(path)


def _write(sheet: Any, number: int, cells: Sequence[Cell]) -> None:
    for column, cell in enumerate(cells, 1):
        if text := ILLEGAL_CHARACTERS_RE.sub('', written(cell))[:MAX_CELL]:
            place = sheet.cell(number, column)
            place.value = text
            place.data_type = 's'  # openpyxl takes what starts with = for a formula
            place.number_format = '@'
