"""Reading a workbook or CSV file somebody sent: within bounds, in a process of its own, and nothing in it is ever run."""

import csv
import io
import json
import logging
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl

from db.log import clean
from db.texts import N_, Told

log = logging.getLogger(__name__)

MAX_PACKED = 5 * 2**20
MAX_UNPACKED = 50 * 2**20
MAX_MEMBERS = 200
MAX_SHEETS = 10
MAX_ROWS = 20_000
MAX_COLUMNS = 60
MAX_CELL = 32_767  # Excel's own limit
MAX_TEXT = 64 * 2**20
MAX_MEMORY = 2**30
SECONDS = 60

_ROOT = Path(__file__).resolve().parent.parent
_KEPT_ENVIRONMENT = ('PATH', 'SYSTEMROOT', 'LD_LIBRARY_PATH')
_OLD_EXCEL = b'\xd0\xcf\x11\xe0'

Cell = str | int | float | bool | datetime | None


@dataclass(frozen=True)
class Sheet:
    """A sheet with its rows that hold anything, each with the number Excel shows for it."""

    name: str
    rows: Sequence[tuple[int, Sequence[Cell]]]


class Unreadable(Told, ValueError):  # noqa: N818 - said like a verdict
    """A file that is not read; the text says why and what to do."""


class TooLarge(Unreadable):
    """More bytes than a list of claims needs."""

    def __init__(self) -> None:
        """There is one reason."""
        super().__init__(
            N_('The file is larger than {limit} MB. Please split it into smaller files.'), limit=MAX_PACKED // 2**20
        )


def read_workbook(path: Path, name: str = '') -> list[Sheet]:
    """The sheets of a workbook. Formulas arrive as the text they are. Raises `Unreadable` with a reason in words.

    `name` is what the person called it, when `path` says nothing; a name that ends in .csv is read as one sheet of text.
    """
    if not path.is_file():
        raise Unreadable(N_('There is no file {name}.'), name=path.name)
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    kind = 'csv' if (name or path.name).casefold().endswith(('.csv', '.txt')) else 'xlsx'
    command = [sys.executable, '-m', 'jobs.workbook_reading', str(path.resolve()), kind]
    try:
        child = subprocess.run(  # noqa: S603 - our own module, and the path is one argument
            command,
            cwd=_ROOT,
            env={**environment, 'PYTHONUTF8': '1', 'OPENBLAS_NUM_THREADS': '1'},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(N_('Reading the workbook took too long. Please split it into smaller files.')) from None
    if child.returncode:
        said = clean(child.stderr.decode(errors='replace')[-500:], foreign=True)
        log.warning('a workbook could not be read: %s', said)
        raise Unreadable(N_('The workbook is damaged. Open it in Excel and save it again as .xlsx.'))
    return _received(json.loads(child.stdout))


def _received(answer: dict[str, Any]) -> list[Sheet]:
    if 'refused' in answer:
        raise Unreadable(answer['refused'], **answer['values'])
    return [
        Sheet(sheet['name'], [(number, [_unpacked(cell) for cell in cells]) for number, cells in sheet['rows']])
        for sheet in answer['sheets']
    ]


def packed_cells(cells: Sequence[Cell]) -> list[Any]:
    """Cells as JSON keeps them."""
    return [_packed(cell) for cell in cells]


def unpacked_cells(cells: Sequence[Any]) -> list[Cell]:
    """Cells that JSON kept."""
    return [_unpacked(cell) for cell in cells]


def _unpacked(cell: Any) -> Cell:
    # a day is the only cell that travels in a list; a cell itself is never one
    return datetime.fromisoformat(cell[0]) if isinstance(cell, list) else cell


# ---- in the child -----------------------------------------------------------------------------------------------------------


def sheets_within_bounds(path: Path) -> list[dict[str, Any]]:
    """Everything in the workbook, ready to be sent; raises `Unreadable` before the parser sees what is out of bounds."""
    _check_archive(path)
    # as a file, not a path: an upload waits under a name without an ending, which openpyxl would refuse
    workbook = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, keep_links=False)
    if len(workbook.worksheets) > MAX_SHEETS:
        raise Unreadable(N_('The workbook has more than {limit} sheets. Please keep one of claims.'), limit=MAX_SHEETS)
    room = MAX_TEXT
    sheets = []
    for sheet in workbook.worksheets:
        rows = []
        sheet.reset_dimensions()  # what the file says of its own size is not believed
        for number, cells in _rows(sheet.iter_rows(values_only=True)):
            rows.append([number, cells])
            room -= sum(len(cell) if isinstance(cell, str) else 8 for cell in cells)
            if room < 0:
                raise Unreadable(N_('The workbook holds too much text. Please split it into smaller files.'))
        sheets.append({'name': sheet.title, 'rows': rows})
    return sheets


def _csv_sheet(path: Path) -> list[dict[str, Any]]:
    """A file of text as one sheet. Excel in Israel writes it in UTF-8 or in the Hebrew code page of Windows."""
    _check_size(path)
    content = path.read_bytes()
    if b'\0' in content or content.startswith((b'PK\x03\x04', _OLD_EXCEL, b'%PDF')):
        raise Unreadable(N_('This is not a CSV file. Open it in Excel and save it as .xlsx.'))
    try:
        text = content.decode('utf-8-sig')
    except UnicodeDecodeError:
        text = content.decode('cp1255', errors='replace')
    csv.field_size_limit(MAX_CELL)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=''), delimiter=_delimiter(text)))
    except csv.Error:
        raise Unreadable(N_('A cell holds more text than Excel itself allows. The workbook was not read.')) from None
    return [{'name': 'CSV', 'rows': [[number, cells] for number, cells in _rows(lines)]}]


def _delimiter(text: str) -> str:
    """What stands most often between the cells of the first lines."""
    first = text[:4000]
    return max((',', ';', '\t'), key=first.count)


def _check_size(path: Path) -> None:
    if not path.stat().st_size:
        raise Unreadable(N_('The file is empty.'))
    if path.stat().st_size > MAX_PACKED:
        raise TooLarge


def _check_archive(path: Path) -> None:
    _check_size(path)
    if not zipfile.is_zipfile(path):
        with path.open('rb') as file:
            if file.read(4) == _OLD_EXCEL:
                raise Unreadable(
                    N_('The file is an old .xls or is locked by a password. Open it in Excel and save it as .xlsx.')
                )
        raise Unreadable(N_('This is not an Excel workbook. Open it in Excel and save it as .xlsx.'))
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise Unreadable(N_('The workbook unpacks to far more than a list of claims. It was not opened.'))
    names = {member.filename.casefold() for member in members}
    if '[content_types].xml' not in names:
        raise Unreadable(N_('This is not an Excel workbook. Open it in Excel and save it as .xlsx.'))
    if any(name.endswith('.bin') and 'vba' in name for name in names):
        raise Unreadable(N_('The workbook holds macros. Save it as .xlsx, without macros.'))


def _rows(lines: Iterable[Sequence[Any]]) -> Iterator[tuple[int, list[Any]]]:
    for number, row in enumerate(lines, 1):
        cells = [_packed(value) for value in row[:MAX_COLUMNS]]
        if any(value is not None for value in row[MAX_COLUMNS:]):
            raise Unreadable(
                N_('Row {number} has cells past column {limit}. Please delete them.'), number=number, limit=MAX_COLUMNS
            )
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            continue
        if number > MAX_ROWS:
            raise Unreadable(
                N_('Row {number} holds something, and at most {limit} rows are read. Please split the file.'),
                number=f'{number:,}',
                limit=f'{MAX_ROWS:,}',
            )
        yield number, cells


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, date):
        return [value.isoformat()]
    # an array formula is an object that holds its text
    written = str(getattr(value, 'text', value))
    if len(written) > MAX_CELL:
        raise Unreadable(N_('A cell holds more text than Excel itself allows. The workbook was not read.'))
    return written if written.strip() else None


def _limit_memory() -> None:
    with suppress(ImportError):  # not on Windows; the time limit holds there too
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def _answer(path: Path, kind: str) -> dict[str, Any]:
    try:
        return {'sheets': _csv_sheet(path) if kind == 'csv' else sheets_within_bounds(path)}
    except Unreadable as refusal:
        return {'refused': refusal.key, 'values': refusal.values}


if __name__ == '__main__':
    _limit_memory()
    json.dump(_answer(Path(sys.argv[1]), sys.argv[2]), sys.stdout, ensure_ascii=False)
