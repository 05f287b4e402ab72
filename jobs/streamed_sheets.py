"""A table of any number of rows as a workbook, in the memory of a few hundred: openpyxl makes the frame, the rows stream into it.

openpyxl saves the whole workbook with one row that carries the styles. Each sheet of it is cut open at that row, and the rows are
written there as XML: one format string a row, texts inside their cells, days as serial numbers. See docs/performance.md.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from openpyxl.utils import get_column_letter

from db import values
from jobs.sheets import (
    BREAKS,
    FIRST_ROW,
    HEADER_ROW,
    MOST_UNITS,
    UNWANTED,
    Kind,
    Table,
    add_table,
    dress,
    new_workbook,
    plain,
)

try:
    # packs five times as fast as zlib's fastest; not made for every machine
    from isal import isal_zlib
except ImportError:
    isal_zlib = None  # type: ignore[assignment]

MOST_ROWS = 1_048_576  # of a sheet, header and all: Excel's own limit
# a sheet of more cells may unpack to more than a plain zip can say
MANY_CELLS = 20_000_000
AT_ONCE = 250

Told = Callable[[int], None]


def write_large(
    path: Path,
    table: Table,
    rows: Iterable[Sequence[Any]],
    count: int,
    *,
    told: Told = lambda _: None,
    most: int = MOST_ROWS,
) -> None:
    """Write `count` rows, on as many sheets as they take. `told` hears how many are written; `most` is all a sheet holds."""
    room = most - HEADER_ROW
    sheets = [min(room, count - start) for start in range(0, count, room)] or [0]
    parts, lines = _frame(table, sheets)
    coming, done = iter(rows), 0
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, content in parts.items():
            place = re.fullmatch(r'xl/worksheets/sheet(\d+)\.xml', name)
            if place is None:
                packed.writestr(name, content)
                continue
            wanted = sheets[int(place[1]) - 1]
            with packed.open(name, 'w', force_zip64=wanted * len(table.columns) > MANY_CELLS) as part:
                _pack_fast(part)
                for piece, written in _sheet(content, table, lines, islice(coming, wanted), wanted):
                    part.write(piece)
                    done += written
                    told(done)
    if done != count or next(coming, None) is not None:
        raise ValueError(f'{count} rows were announced, and others came')


def _pack_fast(part: Any) -> None:
    """Let isal pack this part. NOTE: a private name of zipfile; without it zlib packs as ever."""
    if isal_zlib is not None and hasattr(part, '_compressor'):
        part._compressor = isal_zlib.compressobj(2, isal_zlib.DEFLATED, -15)


# ---- the frame --------------------------------------------------------------------------------------------------------------


def _frame(table: Table, sheets: Sequence[int]) -> tuple[dict[str, bytes], '_Lines']:
    """The parts of the workbook, in each of its sheets one row where the rows will be; and how a row is written."""
    workbook = new_workbook(table.title)
    for number, wanted in enumerate(sheets, 1):
        name = table.name if len(sheets) == 1 else f'{table.name[:26]} {number}'
        sheet = add_table(workbook, replace(table, name=name), count=wanted)
        for place, column in enumerate(table.columns, 1):
            dress(sheet.cell(FIRST_ROW, place), column.kind, rtl=table.rtl)
    packed = io.BytesIO()
    workbook.save(packed)
    with zipfile.ZipFile(packed) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    styles = re.findall(rb'<c r="[A-Z]+%d" s="(\d+)"' % FIRST_ROW, parts['xl/worksheets/sheet1.xml'])
    return parts, _Lines([column.kind for column in table.columns], [style.decode() for style in styles])


def _sheet(
    content: bytes, table: Table, lines: '_Lines', rows: Iterable[Sequence[Any]], count: int
) -> Iterator[tuple[bytes, int]]:
    """A sheet piece by piece, and how many rows are in each."""
    head, mark, rest = content.partition(b'<row r="%d"' % FIRST_ROW)
    _, closing, tail = rest.partition(b'</row>')
    if not mark or not closing:
        raise ValueError('openpyxl writes its rows in another way now')
    corner = f'{get_column_letter(len(table.columns))}{HEADER_ROW + count}'.encode()
    yield re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:%s"' % corner, head), 0
    number = FIRST_ROW
    while some := list(islice(rows, AT_ONCE)):
        yield lines.written(number, some).encode(), len(some)
        number += len(some)
    yield tail, 0


# ---- the rows ---------------------------------------------------------------------------------------------------------------

# a row whose texts hold none of these is written as it is. `_` begins what Excel takes for an escape: _x0041_ is an A to it
_SPECIAL = re.compile(f'[{UNWANTED}{BREAKS}&<>_]')
_ESCAPE = re.compile(r'_(?=x[0-9A-Fa-f]{4}_)')
_AS_IT_IS = MOST_UNITS // 2
_EPOCH = 693_594  # the day Excel counts from, as Python counts days
_EPOCH_1970 = 25_569  # the first day of 1970, as Excel counts days


@lru_cache(maxsize=10_000)
def _offset(hour: float) -> float:
    """How far Israel's clocks are ahead in an hour since 1970, in seconds. They change on the hour."""
    ahead = values.israel(datetime.fromtimestamp(hour * 3600, UTC)).utcoffset()
    return ahead.total_seconds() if ahead else 0.0


def _moment(at: datetime) -> str:
    second = at.timestamp() // 1
    return f'{(second + _offset(second // 3600)) / 86_400 + _EPOCH_1970:.9f}'


_NUMBERS: Mapping[Kind, Callable[[Any], str]] = {
    Kind.DAY: lru_cache(maxsize=10_000)(lambda on: str(on.toordinal() - _EPOCH)),
    Kind.MOMENT: _moment,
    Kind.MONEY: lambda agorot: f'{agorot / 100:.2f}',
    Kind.WHOLE: str,
}


class _Lines:
    """How the rows of one table are written. Rows that are empty in the same places share a format string."""

    def __init__(self, kinds: Sequence[Kind], styles: Sequence[str]) -> None:
        self._cells = [
            f'<c r="{get_column_letter(place)}\0" s="{style}"{_BODIES[kind in _NUMBERS]}</c>'
            for place, (kind, style) in enumerate(zip(kinds, styles, strict=True), 1)
        ]
        self._numbers = [(place, _NUMBERS[kind]) for place, kind in enumerate(kinds) if kind in _NUMBERS]
        self._formats: dict[tuple[bool, ...], str] = {}

    def written(self, number: int, rows: Iterable[Sequence[Any]]) -> str:
        """Some rows as XML, the first of which has this number."""
        written = []
        for number, row in enumerate(rows, number):  # noqa: B020, PLR1704 - counts on
            cells = list(row)
            for place, told in self._numbers:
                value = cells[place]
                cells[place] = '' if value is None else told(value)
            try:
                joined = ''.join(cells)
            except TypeError:  # None among the texts
                cells = [cell or '' for cell in cells]
                joined = ''.join(cells)
            if _SPECIAL.search(joined) or len(joined) > _AS_IT_IS:
                cells = [_escaped(cell) for cell in cells]
            full = tuple(map(bool, cells))
            line = self._formats.get(full) or self._format(full)
            written.append(line.replace('\0', str(number)) % tuple(filter(None, cells)))
        return ''.join(written)

    def _format(self, full: tuple[bool, ...]) -> str:
        cells = ''.join(cell for cell, wanted in zip(self._cells, full, strict=True) if wanted)
        self._formats[full] = line = f'<row r="\0">{cells}</row>'
        return line


# whether a number stands in the cell
_BODIES = {True: '><v>%s</v>', False: ' t="inlineStr"><is><t xml:space="preserve">%s</t></is>'}


def _escaped(cell: str) -> str:
    text = _ESCAPE.sub('_x005F_', plain(cell))
    return text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
