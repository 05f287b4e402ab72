"""How a workbook is read: which row holds the headings, and which column holds which field."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from db import values
from db.import_mappings import heading_key, mapping_for
from db.import_runs import ImportRow, ImportRun, rows_of_sheet
from db.session import fetch, fetch_one
from db.texts import N_, ClaimError
from jobs.import_cheques import CELLS
from jobs.import_rows import HEADER_WITHIN, Table, columns_by, find_headers, headers_of, known_column, table_of, written
from jobs.import_words import HEADERS
from jobs.workbook_reading import Sheet, Unreadable, unpacked_cells

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SAMPLES = 3
SHOWN = 80
# what weekly sheets of garages and insurers bring; everything else in them is left alone
UPDATABLE = (
    *('claim_no', 'insurer_claim_no', 'status', 'status_reason', 'repair_stage', 'eta'),
    *('demand_amount', 'offered_amount', 'approved_amount', 'received_amount', 'updated', 'remarks'),
    *CELLS,
)
COLUMNS = tuple(name for name in HEADERS if name != 'refused_because')


def suggested_place(sheets: Sequence[Sheet]) -> tuple[int, int]:
    """Sheet and place of the row of headings; where none is found, of the first row there is."""
    with suppress(Unreadable):
        return find_headers(sheets)
    return next(number for number, sheet in enumerate(sheets) if sheet.rows), 0


def suggested(session: 'Session', headers: Sequence[str]) -> dict[str, str]:
    """Field by number of the column: as the bureau said the last time, otherwise by the headings known; each field once."""
    said = fetch_one(session, mapping_for(headers))
    kept = said.columns if said is not None else {}
    columns: dict[str, str] = {}
    for index, header in enumerate(headers):
        name = kept.get(heading_key(header), known_column(header))
        if name in COLUMNS and name not in columns.values():
            columns[str(index)] = name
    return columns


def layout(session: 'Session', run_id: int, sheet: int, heading_row: int) -> dict[str, Any]:
    """The columns below a row of headings: heading, suggested field and samples; and which rows may be the headings."""
    rows = fetch(session, rows_of_sheet(run_id, sheet).limit(HEADER_WITHIN + SAMPLES))
    heading = next((row for row in rows if row.number == heading_row), rows[0] if rows else None)
    if heading is None:
        return {'heading': 0, 'headings': [], 'columns': []}
    below = [unpacked_cells(row.cells) for row in rows if row.number > heading.number][:SAMPLES]
    headers = [values.normalise(written(cell)) for cell in unpacked_cells(heading.cells)]
    width = max([len(headers), *(len(cells) for cells in below)])
    headers += [''] * (width - len(headers))
    fields = suggested(session, headers)
    said = fetch_one(session, mapping_for(headers))
    columns = [
        {
            'index': index,
            'heading': header,
            'field': fields.get(str(index), ''),
            'why': 'said' if said and heading_key(header) in said.columns else 'known' if str(index) in fields else '',
            'samples': [
                _short(written(cells[index])) for cells in below if index < len(cells) and written(cells[index])
            ],
        }
        for index, header in enumerate(headers)
    ]
    offered = [{'number': row.number, 'text': _short(' · '.join(_written_in(row)))} for row in rows[:HEADER_WITHIN]]
    return {'heading': heading.number, 'headings': offered, 'columns': columns}


def _written_in(row: ImportRow) -> Iterator[str]:
    return (text for cell in unpacked_cells(row.cells) if (text := values.normalise(written(cell))))


def told_of(run: ImportRun, row: ImportRow) -> str:
    """What tells a row from the others beside its claim number: who, which vehicle, when, or what is there."""
    cells = unpacked_cells(row.cells)
    places = {name: int(index) for index, name in run.columns.items()}
    wanted = [places[name] for name in ('insured_name', 'plate', 'event_date') if name in places]
    shown = [written(cells[index]) for index in wanted if index < len(cells) and written(cells[index])]
    return _short(' · '.join(shown))


def _short(text: str) -> str:
    line = values.normalise(text)
    return line if len(line) <= SHOWN else f'{line[:SHOWN]}…'


def heading_of(session: 'Session', run: ImportRun) -> list[str]:
    """The row of headings alone: whoever gives an order holds the database, and does not read the whole workbook meanwhile."""
    found = fetch_one(session, rows_of_sheet(run.id, run.sheet, below=run.heading_row - 1).limit(1))
    if found is None or found.number != run.heading_row:
        raise ClaimError(N_('Please choose a value from the list.'))
    return headers_of(Sheet(run.sheets[run.sheet], [(found.number, unpacked_cells(found.cells))]), 0)


def _sheet(session: 'Session', run: ImportRun) -> tuple[Sheet, int]:
    """The chosen sheet, and the place of its heading row."""
    kept = fetch(session, rows_of_sheet(run.id, run.sheet))
    sheet = Sheet(run.sheets[run.sheet], [(row.number, unpacked_cells(row.cells)) for row in kept])
    place = next((place for place, (number, _) in enumerate(sheet.rows) if number == run.heading_row), None)
    if place is None:
        raise ClaimError(N_('Please choose a value from the list.'))
    return sheet, place


def table_for(session: 'Session', run: ImportRun) -> Table:
    """The table of an import as its person said it is read."""
    sheet, place = _sheet(session, run)
    headers = headers_of(sheet, place)
    names = [run.columns.get(str(index), '') for index in range(len(headers))]
    if run.mode == 'updates':
        names = [name if name in UPDATABLE else '' for name in names]
    return table_of(sheet, place, columns_by(headers, names))
