"""The export: how fast rows become a workbook beside csv and openpyxl, in how much memory, and what others feel meanwhile."""

import asyncio
import csv
import gc
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from sqlalchemy import select

from bench.figures import Report, Size
from bench.grounds import sqlite_ground
from db import exports, files, two_factor, values
from db.base import now
from db.exports import Asked
from db.list_state import ListState
from db.offices import User, actor_of
from db.scope import Actor, Role
from db.session import connect, fetch, open_session
from jobs import exports as making
from jobs import streamed_sheets
from jobs.sheets import FORMATS, Column, Kind, Table
from jobs.streamed_sheets import write_large

ROUNDS = 5
TEXTS = 16
_COLUMNS = [
    *(Column(f'עמודה {number}') for number in range(TEXTS)),
    *(Column('תאריך', Kind.DAY), Column('עודכן', Kind.MOMENT), Column('נדרש', Kind.MONEY), Column('התקבל', Kind.MONEY)),
]
_TABLE = Table('תביעות', 'כל התביעות', 'ללא סינון', _COLUMNS)
_WORDS = [
    'רונית',
    'ברקוביץ',
    'משה',
    'אוחיון',
    'מוסך',
    'אחים',
    'הפניקס',
    'מנורה',
    'חולון',
    'רמת-גן',
    'סוכנות',
    '26-04817',
    '217-34-801',
    '052-5550134',
]
# a person who waits is on the same machine: measured beside an idle loop of the same run
_LAG_EVERY = 0.005


def measure(size: Size) -> Report:
    """Write the same rows with everything, then export a crowd's list in a child while a loop looks at its own lag."""
    report = Report('excel', size)
    rows = _rows(100_000 if size.slack == 1 else 4_000)
    with TemporaryDirectory() as folder:
        _writers(report, rows, Path(folder))
    del rows
    _memory(report)
    with sqlite_ground(replace(size, claims=min(size.claims, 100_000))) as url, TemporaryDirectory() as folder:
        connect(url)
        files.connect(f'file:{folder}', Path(folder))
        _whole(report)
    report.save()
    return report


def _rows(count: int) -> list[list[Any]]:
    random.seed(3)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        [
            *(' '.join(random.choices(_WORDS, k=2)) for _ in range(TEXTS)),
            *(date(2026, 1, 1) + timedelta(days=number % 300), start + timedelta(minutes=number)),
            *(number * 100, None if number % 3 else number),
        ]
        for number in range(count)
    ]


# ---- the writers ------------------------------------------------------------------------------------------------------------


def _writers(report: Report, rows: list[list[Any]], folder: Path) -> None:
    ways: dict[str, Callable[[], None]] = {
        'csv': lambda: _as_csv(folder / 'a.csv', rows),
        'openpyxl': lambda: _as_openpyxl(folder / 'o.xlsx', rows),
        'zlib': lambda: _without_isal(lambda: write_large(folder / 'z.xlsx', _TABLE, rows, len(rows))),
    }
    if find_spec('isal') is not None:
        ways['isal'] = lambda: write_large(folder / 'i.xlsx', _TABLE, rows, len(rows))
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, write in ways.items():
            gc.collect()
            before = time.process_time()
            write()
            took[name].append(time.process_time() - before)
    medians = {name: statistics.median(some) for name, some in took.items()}
    best = min(medians.get('isal', medians['zlib']), medians['zlib'])
    of = f'{len(rows):,} x {len(_COLUMNS)}'
    if 'isal' in medians:
        report.add(f'{of}: packed by isal, beside csv.writer', medians['isal'], 's', limit=medians['csv'], times=2.5)
    report.add(f'{of}: packed by zlib, beside csv.writer', medians['zlib'], 's', limit=medians['csv'], times=5)
    report.add(f'{of}: beside openpyxl write_only', best, 's', limit=medians['openpyxl'], times=1 / 6)
    report.raw['writers'] = took


def _as_csv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with path.open('w', encoding='utf-8-sig', newline='') as file:
        writer = csv.writer(file)
        writer.writerow([column.label for column in _COLUMNS])
        writer.writerows(rows)


def _as_openpyxl(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """As its documents have it for much data: no cell is kept, and the typed columns carry their formats."""
    workbook = Workbook(write_only=True)
    sheet: Any = workbook.create_sheet('תביעות')
    sheet.sheet_view.rightToLeft = True
    sheet.append([column.label for column in _COLUMNS])
    typed = [(place, column.kind) for place, column in enumerate(_COLUMNS) if column.kind is not Kind.TEXT]
    for row in rows:
        cells = list(row)
        for place, kind in typed:
            if cells[place] is not None:
                cells[place] = _typed(sheet, cells[place], kind)
        sheet.append(cells)
    workbook.save(path)


def _typed(sheet: Any, value: Any, kind: Kind) -> Any:
    shown = values.israel(value).replace(tzinfo=None) if kind is Kind.MOMENT else value
    cell: Any = WriteOnlyCell(sheet, value / 100 if kind is Kind.MONEY else shown)
    cell.number_format = FORMATS[kind]
    return cell


def _without_isal(write: Callable[[], None]) -> None:
    with patch.object(streamed_sheets, 'isal_zlib', None):
        write()


# ---- memory -----------------------------------------------------------------------------------------------------------------

_GROWN = """
import sys
from pathlib import Path
from bench.excel import _TABLE, _peak_of, _rows
from jobs.streamed_sheets import write_large
from itertools import cycle, islice
peak = lambda: _peak_of('self')
some, count = _rows(500), int(sys.argv[1])
before = peak()
write_large(Path(sys.argv[2]), _TABLE, islice(cycle(some), count), count)
print(peak() - before)
"""


def _peak_of(process: str) -> float:
    """The most memory it had, in MB. What `getrusage` tells begins with the peak of whoever started it, and hides all below that."""
    for told in Path(f'/proc/{process}/status').read_text().splitlines():
        if told.startswith('VmHWM'):
            return int(told.split()[1]) / 1024
    return 0.0  # it has ended, and nobody has asked for its end yet


def _memory(report: Report) -> None:
    """How much a process grows while it writes few rows, and ten times as many."""
    for count in (20_000, 200_000):
        with TemporaryDirectory() as folder:
            command = [sys.executable, '-c', _GROWN, str(count), str(Path(folder) / 'a.xlsx')]
            grown = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        report.add(f'writing {count:,} rows: memory over the start', grown, 'MB', at_most=50 / report.size.slack)


# ---- the whole way ----------------------------------------------------------------------------------------------------------


def _whole(report: Report) -> None:
    with open_session(Actor.system('bench'), reading=True) as session:
        staff = fetch(session, select(User).where(User.role == Role.HANDLER).limit(1))[0]
        actor = actor_of(session, staff.id)
    assert actor is not None
    idle, lagged, took, rows, grown = asyncio.run(_exported(actor))
    name = f'{rows:,} claims exported by a child'
    report.add(f'{name}: all of it, its start too', took, 's')
    report.add(f'{name}: memory of the child over its start', grown, 'MB', at_most=50 / report.size.slack)
    report.add(f'{name}: lag of the server loop, p99', lagged, 'ms', limit=idle, at_most=10)


async def _exported(actor: Actor) -> tuple[float, float, float, int, float]:
    idle = _p99(await _lags(2.0))
    with open_session(actor) as session:
        proof = two_factor.make_proof(session, '', now())
        assert proof is not None
        export = exports.start_export(session, Asked(ListState(view='all')), now(), proof)
    child, lags, before = _Child(), list[float](), time.perf_counter()
    with patch.object(making, '_listen', child.listen):
        work = asyncio.get_running_loop().run_in_executor(None, making.make_exports)
        while not work.done():
            begun = time.perf_counter()
            await asyncio.sleep(_LAG_EVERY)
            if child.is_ready:
                lags.append((time.perf_counter() - begun - _LAG_EVERY) * 1000)
                child.look()
        assert await work, 'the export was not finished'
    took = time.perf_counter() - before
    with open_session(actor, reading=True) as session:
        done = fetch(session, exports.export_with(export.id))[0]
    return idle, _p99(lags), took, done.total, child.peak - child.start


class _Child:
    """The process that makes a workbook, as one looks at it from outside, once it has said that it is ready."""

    def __init__(self) -> None:
        self.is_ready, self.start, self.peak, self._pid = False, 0.0, 0.0, 0
        self._listen = making._listen

    def listen(self, child: Any, told: Any) -> None:
        self._pid, self._told = child.pid, told
        self._listen(child, self)  # type: ignore[arg-type]

    def put(self, line: dict[str, Any] | None) -> None:
        if line is not None and 'ready' in line:
            self.start, self.is_ready = self._peak(), True
        self._told.put(line)

    def look(self) -> None:
        self.peak = max(self.peak, self._peak())

    def _peak(self) -> float:
        with suppress(OSError):
            return _peak_of(str(self._pid))
        return 0.0


async def _lags(seconds: float) -> list[float]:
    lags, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        await asyncio.sleep(_LAG_EVERY)
        lags.append((time.perf_counter() - begun - _LAG_EVERY) * 1000)
    return lags


def _p99(lags: list[float]) -> float:
    return statistics.quantiles(lags, n=100)[98] if len(lags) > 1 else 0.0
