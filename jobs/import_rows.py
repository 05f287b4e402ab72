"""Understanding a row of a bureau's workbook: which column is which, and what each cell means for a claim."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from db import values
from db.cheques import Slip, bank_digits, possible_due
from db.claims import FIELDS, parse_field
from db.import_words import INSURER, STAGE, STATUS
from db.reference import UNKNOWN_INSURER, Insurer, Reference
from db.sanity import Doubt, doubts_in
from db.texts import N_, Told, t
from db.values import Malformed
from jobs.import_cheques import CELLS, direction_called, slip_in, why_noted
from jobs.import_words import FREE_STATUSES, HEADERS, INSURER_NOISE, LEAST_COLUMNS, NOTED, TOTALS
from jobs.workbook_reading import Cell, Sheet, Unreadable

_NAME_LIMITS = {'office': 120, 'agent': 80, 'garage': 120, 'appraiser': 120}
HEADER_WITHIN = 30
# what tells one claim from another: a table has one of these columns
KEYS = frozenset({'claim_no', 'insurer_claim_no'})
_SHOWN = 60
_SERIAL = re.compile(r'\d{5}')


def plain_key(name: str) -> str:
    """A name as it is compared: no quotes, dots, dashes or spaces, lower case."""
    return re.sub(r'[\W_]+', '', values.search_key(name))


def without(name: str, noise: Iterable[str]) -> str:
    """A name in lower case without certain words; only whole words go."""
    key = values.search_key(name)
    for words in noise:
        key = re.sub(rf'(?<!\w){re.escape(values.search_key(words))}(?!\w)', ' ', key)
    return key


@dataclass(frozen=True)
class Fault:
    """Why a row is refused: the column and value it lies in, and the reason."""

    column: str
    value: str
    reason: Told

    def told(self, language: str = 'he') -> str:
        """The reason in words, naming column and value."""
        reason = self.reason.told(language)
        if not self.value:
            return t('{column}: {reason}', language, column=self.column, reason=reason)
        return t('{column} «{value}»: {reason}', language, column=self.column, value=self.value, reason=reason)


@dataclass(frozen=True)
class Remark:
    """A cell that was taken for something it does not literally say; `column` is our name, `meaning` empty for a note only."""

    column: str
    value: str
    meaning: str


@dataclass
class Row:
    """A row of the file as far as it was understood without the database."""

    number: int
    cells: Sequence[Cell]
    fields: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    updated: date | None = None
    note: str = ''
    cheque: Slip | None = None
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    # words that refuse the row because nobody said yet what they mean: kind and word
    unknown: list[tuple[str, str]] = field(default_factory=list)

    @property
    def claim_no(self) -> str:
        """The claim's number; empty when the row has none."""
        return str(self.fields.get('claim_no', ''))

    @property
    def good(self) -> bool:
        """Whether nothing stands against the row so far."""
        return not self.faults


@dataclass(frozen=True)
class Table:
    """The table of claims in a sheet: its header row, which column is which, and the rows below."""

    sheet: str
    headers: Sequence[str]
    columns: Mapping[str, int]
    unknown: Sequence[str]
    rows: Sequence[tuple[int, Sequence[Cell]]]
    totals: Sequence[int]

    def header(self, name: str) -> str:
        """What the file itself calls a column; our first name for it when the file has none."""
        return self.headers[self.columns[name]] if name in self.columns else HEADERS[name][0]


_COLUMN_OF = {plain_key(header): name for name, headers in HEADERS.items() for header in headers}
_TOTALS = {plain_key(word) for word in TOTALS}


def find_table(sheets: Sequence[Sheet]) -> Table:
    """The first sheet's table of claims; titles above the header row are passed over."""
    sheet, place = find_headers(sheets)
    headers = headers_of(sheets[sheet], place)
    return table_of(sheets[sheet], place, columns_by(headers, [known_column(header) for header in headers]))


def find_headers(sheets: Sequence[Sheet]) -> tuple[int, int]:
    """Which sheet the claims are in, and which of its rows names the columns."""
    for number, sheet in enumerate(sheets):
        for place, (_, cells) in enumerate(sheet.rows[:HEADER_WITHIN]):
            names = [known_column(written(cell)) for cell in cells]
            if KEYS & set(names) and len(set(names) - {''}) >= LEAST_COLUMNS:
                return number, place
    raise Unreadable(N_('No row of headers was found. One column must be named "Claim no." and another known.'))


def headers_of(sheet: Sheet, place: int) -> list[str]:
    """What the columns are called."""
    return [values.normalise(written(cell)) for cell in sheet.rows[place][1]]


def known_column(header: str) -> str:
    """The column a heading is known to mean; '' for none."""
    return _COLUMN_OF.get(plain_key(header), '')


def columns_by(headers: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """Column → its place, from what each heading means. Raises `Unreadable` when two mean the same."""
    columns: dict[str, int] = {}
    for index, (header, name) in enumerate(zip(headers, names, strict=True)):
        if name in columns:
            raise Unreadable(N_('Two columns mean the same: {first} and {second}. Please delete one.'),
                             first=headers[columns[name]], second=header)  # fmt: skip
        if name:
            columns[name] = index
    return columns


def table_of(sheet: Sheet, place: int, columns: Mapping[str, int]) -> Table:
    """The table below a row of headers, as far as its columns are read."""
    headers = headers_of(sheet, place)
    unknown = [header for index, header in enumerate(headers) if header and index not in columns.values()]
    below = sheet.rows[place + 1 :]
    totals = {number for number, cells in below if _is_total(cells)}
    rows = [(number, cells) for number, cells in below if number not in totals]
    return Table(sheet.name, headers, columns, unknown, rows, sorted(totals))


def _is_total(cells: Sequence[Cell]) -> bool:
    first = next((cell for cell in cells if cell is not None), None)
    return isinstance(first, str) and plain_key(first) in _TOTALS


def written(cell: Cell) -> str:
    """A cell as people see it."""
    if isinstance(cell, datetime):
        return values.format_day(cell.date())
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return '' if cell is None else str(cell)


@dataclass(frozen=True)
class Words:
    """What cells may name: statuses, stages and insurers by every word for them; and which day it is.

    `taught` is what the bureau said a word means: (kind, compared word) → id.
    """

    reference: Reference
    today: date
    taught: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def statuses(self) -> dict[str, str]:
        """Status ids by label, in both languages, and by what the bureau taught."""
        return {**self._taught(STATUS), **_by_label(self.reference.statuses)}

    @cached_property
    def stages(self) -> dict[str, str]:
        """Repair stage ids by label, in both languages, and by what the bureau taught."""
        return {**self._taught(STAGE), **_by_label(self.reference.stages)}

    def _taught(self, wanted: str) -> dict[str, str]:
        return {word: meaning for (kind, word), meaning in self.taught.items() if kind == wanted}

    @cached_property
    def unknown_insurer(self) -> Insurer:
        """The row that stands for an insurer nobody recognised."""
        return next(row for row in self.reference.insurers.values() if row.code == UNKNOWN_INSURER)

    @cached_property
    def insurers(self) -> dict[str, Insurer]:
        """Insurers by every name that means one of them; a name that would mean two means none."""
        found: dict[str, set[int]] = {}
        for row in self.reference.insurers.values():
            for name in (row.name, row.legal_name, *row.aliases):
                found.setdefault(insurer_key(name), set()).add(row.id)
        return {key: self.reference.insurers[min(ids)] for key, ids in found.items() if key and len(ids) == 1}

    def insurer(self, name: str) -> Insurer | None:
        """The insurer a name means. What stands on an insurer's `never` list (an agency of that name) is none."""
        if self.is_no_insurer(name):
            return None
        taught = self.taught.get((INSURER, plain_key(name)))
        return self.reference.insurers[int(taught)] if taught else self.insurers.get(insurer_key(name))

    def is_no_insurer(self, name: str) -> bool:
        """Whether somebody said that this is never an insurer's name."""
        never = {plain_key(word) for row in self.reference.insurers.values() for word in row.never}
        return any(word in plain_key(name) for word in never)


def _by_label(rows: Mapping[str, Any]) -> dict[str, str]:
    return {plain_key(label): row.id for row in rows.values() for label in (row.label, row.label_en)}


def insurer_key(name: str) -> str:
    """An insurer's name as it is compared: without its legal form, dots, quotes and spaces."""
    return plain_key(without(name, INSURER_NOISE))


def understand(table: Table, number: int, cells: Sequence[Cell], words: Words) -> Row:
    """What a row says. Every cell that cannot be kept is a fault of the row; the row is taken whole or not at all."""
    row = Row(number, cells)
    kept: list[str] = []
    cheque: dict[str, Any] = {}
    for name, index in table.columns.items():
        cell = cells[index] if index < len(cells) else None
        if not values.normalise(written(cell)):
            continue
        try:
            if name in CELLS:
                cheque[name] = _of_cheque(name, cell, words)
            else:
                _take(row, name, cell, words)
        except Malformed as reason:
            row.faults.append(Fault(table.header(name), _short(written(cell)), reason))
        if name in NOTED:
            kept.append(f'{table.header(name)}: {written(cell)}')
    if cheque and row.good:
        kept += _take_cheque(row, cheque, table, words)
    # what was taken for something else is kept as it was written
    kept += [f'{table.header(remark.column)}: {remark.value}' for remark in row.remarks]
    _write_note(row, kept, table)
    row.doubts += doubts_in(row.fields, words.today, unknown_insurer=words.unknown_insurer.id)
    return row


def _of_cheque(name: str, cell: Cell, words: Words) -> Any:
    if name == 'cheque_amount':
        return values.money(cell)
    if name == 'cheque_due':
        return possible_due(_any_day(cell), words.today)
    return bank_digits(name, written(cell)) if name == 'cheque_no' else direction_called(written(cell))


def _take_cheque(row: Row, said: Mapping[str, Any], table: Table, words: Words) -> list[str]:
    """Take the cheque that these cells make up. Returns what is to be kept in the note instead, and why stands among the doubts."""
    row.cheque = slip_in(said)
    why = why_noted(row.cheque, row.fields.get('status'), words.today)
    if not why:
        return []
    row.cheque = None
    row.doubts.append(Doubt(next(iter(said)), why, (), {}))
    return [f'{table.header(name)}: {written(row.cells[table.columns[name]])}' for name in said]


def _write_note(row: Row, kept: Sequence[str], table: Table) -> None:
    try:
        row.note = values.long_text('\n'.join(kept), limit=5000)
    except Malformed as reason:
        row.faults.append(Fault(table.header('remarks'), '', reason))


def _take(row: Row, name: str, cell: Cell, words: Words) -> None:
    if name in _NAME_LIMITS:
        row.names[name] = values.text(written(cell), limit=_NAME_LIMITS[name])
    elif name == 'updated':
        row.updated = _past_day(cell, words.today)
    elif name in FIELDS:
        parse = _READ.get(FIELDS[name].kind)
        value = parse(row, name, cell, words) if parse else parse_field(name, written(cell))
        if value is not None:
            row.fields[name] = value


def _status(row: Row, name: str, cell: Cell, words: Words) -> str:
    said = values.normalise(written(cell))
    if known := words.statuses.get(plain_key(said)):
        return known
    free = FREE_STATUSES.get(said)
    if free is None:
        row.unknown.append((STATUS, said))
        raise Malformed(N_('This status is not known. Please write one of the statuses of the product.'))
    row.remarks.append(Remark(name, said, words.reference.statuses[free].label))
    return free


def _stage(row: Row, name: str, cell: Cell, words: Words) -> str | None:
    said = values.normalise(written(cell))
    known = words.stages.get(plain_key(said))
    if known is None:
        row.remarks.append(Remark(name, said, ''))
    return known


def _insurer(row: Row, name: str, cell: Cell, words: Words) -> int:
    said = values.normalise(written(cell))
    known = words.insurer(said)
    if known is None:
        known = words.unknown_insurer
        row.remarks.append(Remark(name, said, known.name))
    return known.id


def _day(row: Row, name: str, cell: Cell, words: Words) -> date:
    return _past_day(cell, words.today) if name in ('event_date', 'opened_at') else _any_day(cell)


def _past_day(cell: Cell, today: date) -> date:
    found = _any_day(cell)
    if found > today:
        raise Malformed(N_('The date is in the future.'))
    return found


def _any_day(cell: Cell) -> date:
    # a sheet of refused rows comes back with its numbers as text
    if isinstance(cell, str) and _SERIAL.fullmatch(cell.strip()):
        return values.day(int(cell))
    return values.day(cell)


def _money(row: Row, name: str, cell: Cell, words: Words) -> int:
    return values.money(cell)


_READ: Mapping[str, Callable[[Row, str, Cell, Words], Any]] = {
    'status': _status,
    'stage': _stage,
    'insurer': _insurer,
    'day': _day,
    'money': _money,
}


def _short(value: str) -> str:
    one_line = values.normalise(value)
    return one_line if len(one_line) <= _SHOWN else f'{one_line[:_SHOWN]}…'
