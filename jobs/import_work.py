"""The work behind the import page: a workbook comes in, its columns are suggested, it is checked and committed in the background.

One import is worked on at a time in this process. How far it has come stands in the database (`db.import_runs`), in the same
transaction as what was done: a process that dies leaves nothing half done, and whoever goes on does nothing twice.
"""

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any

from db import import_runs, import_words, values
from db.base import now, take_turns
from db.changes import plain
from db.claims import FIELDS, Claim, lock_claims, open_claims_on
from db.import_mappings import heading_key, mapping_for, remember_mapping
from db.import_runs import (
    CHECKING,
    COMMITTING,
    NEW,
    REFUSED,
    SAME,
    UPDATED,
    ImportRow,
    ImportRun,
    Superseded,
    Uploaded,
    Verdict,
    rows_of_sheet,
    rows_to_apply,
    rows_with,
)
from db.import_words import INSURER
from db.sanity import doubts_in, twin_doubt, values_of
from db.scope import Actor, Can
from db.session import fetch, fetch_one, open_session
from db.texts import N_, ClaimError, Told
from db.values import Malformed
from jobs.import_applying import (
    BATCH,
    IMPORT,
    Applying,
    Weighed,
    claims_of,
    in_order,
    open_row,
    parts,
    save_row,
    sort_out,
    weigh,
    whom_rows_name,
    words_of,
)
from jobs.import_names import NEW as NEWCOMER
from jobs.import_names import Names, add, newcomers
from jobs.import_rows import (
    HEADER_WITHIN,
    KEYS,
    Fault,
    Row,
    Table,
    columns_by,
    find_headers,
    headers_of,
    known_column,
    table_of,
    understand,
    written,
)
from jobs.import_words import HEADERS
from jobs.refused_rows import write_refused
from jobs.workbook_reading import MAX_COLUMNS, Sheet, Unreadable, packed_cells, read_workbook, unpacked_cells

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000
# a commit takes small steps and breathes between them: whoever waits to write on SQLite looks ten times a second.
# On a machine that is slow or busy a step takes long, and so do those who wait: a third of the time is always theirs
SAVED_AT_ONCE, BREATH, BREATH_PER_STEP = 50, 0.12, 0.5
WORDS_KEPT = 200
# the meaning of a word that refuses its rows
REFUSED_WORD = '-'
SAMPLES = 3
SHOWN = 80
MORE_TEXT = 120
# what weekly sheets of garages and insurers bring; everything else in them is left alone
UPDATABLE = (
    *('claim_no', 'insurer_claim_no', 'status', 'status_reason', 'repair_stage', 'eta'),
    *('demand_amount', 'offered_amount', 'approved_amount', 'received_amount', 'updated', 'remarks'),
)
COLUMNS = tuple(name for name in HEADERS if name != 'refused_because')


# ---- coming in --------------------------------------------------------------------------------------------------------------


def take_in(actor: Actor, path: Path, name: str) -> int:
    """Read an uploaded workbook in its child process and keep its rows; returns the number of the import.

    Raises `Unreadable` with a reason in words.
    """
    sheets = read_workbook(path, name)
    if not any(sheet.rows for sheet in sheets):
        raise Unreadable(N_('The file holds no rows.'))
    content = path.read_bytes()
    uploaded = Uploaded(name, hashlib.sha256(content).hexdigest(), len(content), [sheet.name for sheet in sheets])
    with open_session(actor) as session:
        run = import_runs.start_run(session, uploaded, now())
    for number, sheet in enumerate(sheets):
        for start in range(0, len(sheet.rows), ROWS_AT_ONCE):
            some = [(row, packed_cells(cells)) for row, cells in sheet.rows[start : start + ROWS_AT_ONCE]]
            with open_session(actor) as session:
                import_runs.add_rows(session, run.id, number, some)
    with open_session(actor) as session:
        place = _suggested_place(sheets)
        columns = suggested(session, headers_of(sheets[place[0]], place[1]))
        row = sheets[place[0]].rows[place[1]][0]
        import_runs.finish_upload(session, run.id, place[0], row, columns)
    return run.id


def _suggested_place(sheets: Sequence[Sheet]) -> tuple[int, int]:
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


# ---- how it is read ---------------------------------------------------------------------------------------------------------


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


def settle(session: 'Session', run_id: int, mode: str, place: tuple[int, int], fields: Mapping[int, str]) -> str:
    """Keep how the workbook is read, remember it for the bureau, and take the check; returns the worker's token."""
    if not fields.keys() <= set(range(MAX_COLUMNS)) or not set(fields.values()) <= set(COLUMNS):
        raise ClaimError(N_('Please choose a value from the list.'))
    if len(set(fields.values())) < len(fields):
        raise ClaimError(N_('Two columns were given the same field. Please choose one of them.'))
    if 'claim_no' not in fields.values() and not (mode == 'updates' and KEYS & set(fields.values())):
        raise ClaimError(N_('One column must hold the claim number.'))
    moment = now()
    run = import_runs.choose(session, run_id, mode, place, {str(index): name for index, name in fields.items()})
    headers = _heading(session, run)
    remember_mapping(session, {header: fields.get(index, '') for index, header in enumerate(headers) if header}, moment)
    return import_runs.take(session, run_id, CHECKING, moment)


def _heading(session: 'Session', run: ImportRun) -> list[str]:
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


def teach(session: 'Session', run_id: int, said: Mapping[tuple[str, str], str]) -> str:
    """Remember what words of an import mean ((kind, word) → id), and take its check again; returns the worker's token."""
    run = session.get(ImportRun, run_id)
    if run is None:
        raise ClaimError(N_('The import was not found.'))
    moment = now()
    words = words_of(session, moment)
    for (kind, word), meaning in said.items():
        if kind == INSURER and words.is_no_insurer(word):
            raise ClaimError(N_('«{word}» stands on the list of names that are no insurer.'), word=word)
        import_words.teach(session, kind, word, meaning, moment)
    return import_runs.take(session, run_id, CHECKING, moment)


# ---- in the background ------------------------------------------------------------------------------------------------------

_leaving = threading.Event()
_worker = ThreadPoolExecutor(1, thread_name_prefix='import')


def start() -> Callable[[], None]:
    """Be ready to work for as long as the app runs; the way out waits for the batch under way, and lets the rest go."""
    global _worker  # noqa: PLW0603 - one worker of the process; a new one for each life of the app
    _worker = ThreadPoolExecutor(1, thread_name_prefix='import')

    def stop() -> None:
        _leaving.set()
        _worker.shutdown(wait=True)
        _leaving.clear()

    return stop


def begin(run_id: int, token: str, step: str) -> None:
    """Do a step somebody has taken (`db.import_runs.take`), in the background."""
    _worker.submit(_work, run_id, token, {CHECKING: check, COMMITTING: commit}[step])


def _work(run_id: int, token: str, step: Callable[[int, str], None]) -> None:
    try:
        step(run_id, token)
    except _Left:
        _let_go(run_id, token)
    except Superseded:
        log.info('import %s was taken over', run_id)
    except Exception:  # otherwise the future would keep it to itself, and the run would seem to be under way
        log.exception('import %s stopped; somebody may go on with it', run_id)
        _let_go(run_id, token)


def _let_go(run_id: int, token: str) -> None:
    with open_session(IMPORT) as session:
        import_runs.let_go(session, run_id, token)


class _Left(Exception):  # noqa: N818 - said like a verdict
    """The product is being shut down."""


def _stay(seconds: float = 0) -> None:
    if _leaving.wait(seconds):
        raise _Left


# ---- the check --------------------------------------------------------------------------------------------------------------


def check(run_id: int, token: str) -> None:
    """Look at every row and keep what it would do; nothing else is saved."""
    with open_session(IMPORT, reading=True) as session:
        run = session.get_one(ImportRun, run_id)
        table = table_for(session, run)
        words = words_of(session, now())
        names = Names(session)
    with open_session(IMPORT) as session:
        import_runs.begin_step(session, run_id, token, now(), len(table.rows))
    rows = []
    for number, cells in table.rows:
        rows.append(understand(table, number, cells, words))
        if number % BATCH == 0:
            _stay()
    with open_session(IMPORT, reading=True) as session:
        sort_out(session, rows, names, table, run.mode)
    applying = Applying(names, words, now())
    for part in parts(rows, BATCH):
        _stay()
        with open_session(IMPORT, reading=True) as session:
            verdicts = _verdicts(session, part, applying, table, run.mode)
        with open_session(IMPORT) as session:
            import_runs.judge(session, run_id, token, verdicts, now())
    with open_session(IMPORT) as session:
        import_runs.end_step(session, run_id, token, now(), _words_in(rows, names, table))


def _words_in(rows: Sequence[Row], names: Names, table: Table) -> list[dict[str, Any]]:
    """What was not plain: words that stand for something else or for nothing known, and names that will be added. The commonest first."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for row in rows:
        found.update(
            (FIELDS[one.column].kind, table.header(one.column), one.value, one.meaning)
            for one in row.remarks
            if row.good
        )
        found.update((kind, table.header(kind), word, REFUSED_WORD) for kind, word in row.unknown)
    new = newcomers([row for row in rows if row.good], names)
    added = {'office': new.offices, 'garage': new.garages, 'appraiser': new.appraisers}
    for kind, counted in added.items():
        found.update({(f'new_{kind}', table.header(kind), name, ''): count for name, count in counted.items()})
    people = {
        ('new_agent', table.header('agent'), f'{name}, {office}', ''): n for (office, name), n in new.agents.items()
    }
    found.update(people)
    return [
        {'kind': kind, 'column': column, 'word': word, 'meaning': meaning, 'rows': count}
        for (kind, column, word, meaning), count in found.most_common(WORDS_KEPT)
    ]


def _verdicts(
    session: 'Session', rows: Sequence[Row], applying: Applying, table: Table, mode: str
) -> dict[int, Verdict]:
    existing = claims_of(session, rows)
    twins = _twins(session, [row for row in rows if row.good and row.claim_no.casefold() not in existing])
    verdicts = {}
    for row in rows:
        claim = existing.get(row.claim_no.casefold())
        try:
            found = None if claim is None or not row.good else weigh(session, row, claim, applying)
        except (ClaimError, Malformed) as reason:
            row.faults.append(Fault(table.header('claim_no'), row.claim_no, reason))
            found = None
        if not row.good:
            verdicts[row.number] = Verdict(REFUSED, row.claim_no, [_fault(fault) for fault in row.faults])
        elif claim is None or found is None:
            verdicts[row.number] = Verdict(NEW, row.claim_no, (), _warnings(row, table, twins.get(row.number, ())))
        else:
            verdicts[row.number] = _known(row, claim, found, applying, table, mode=mode)
    return verdicts


def _known(row: Row, claim: Claim, found: Weighed, applying: Applying, table: Table, *, mode: str) -> Verdict:
    if mode == 'new':
        left = _remark(table.header('claim_no'), row.claim_no, N_('The claim is known and is left as it is.'))
        return Verdict(SAME, claim.claim_no, (), [left])
    changes = {name: [plain(before), _wanted(row, name, after)] for name, (before, after) in found.changes.items()}
    if found.note:
        changes['note'] = ['', found.note[:MORE_TEXT]]
    warnings = [*_doubts_beside(row, claim, found, applying, table), *_older(row, found, table)]
    warnings += [
        _remark(table.header(name), '', N_('Changed in the product since the last import, and left as it is.'))
        for name in sorted(found.kept)
    ]
    return Verdict(UPDATED if found else SAME, claim.claim_no, (), warnings, changes)


def _wanted(row: Row, name: str, after: Any) -> Any:
    """What will stand there; somebody who is still to be added by his name."""
    return row.names.get(name, '') if after == NEWCOMER else plain(after)


def _fault(fault: Fault) -> dict[str, Any]:
    shown = {name: str(value) for name, value in fault.reason.values.items()}
    return {'column': fault.column, 'value': fault.value, 'key': fault.reason.key, 'values': shown}


def _remark(column: str, value: str, key: str, **shown: str) -> dict[str, Any]:
    return {'column': column, 'value': value, 'key': key, 'values': shown}


def _warnings(row: Row, table: Table, more: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    doubts = [_remark(_called(table, doubt.field), '', doubt.key, **doubt.values) for doubt in row.doubts]
    return [*doubts, *_remarks(row, table), *more]


def _called(table: Table, name: str) -> str:
    """What the file calls a field; `field:` and its name when the file has no such column."""
    return table.headers[table.columns[name]] if name in table.columns else f'field:{name}'


def _remarks(row: Row, table: Table) -> list[Mapping[str, Any]]:
    understood, noted = (
        N_('Was understood as «{meaning}» and kept in the internal note.'),
        N_('Is not known and was kept in the internal note.'),
    )
    return [
        _remark(table.header(one.column), one.value, understood if one.meaning else noted, meaning=one.meaning)
        for one in row.remarks
    ]


def _doubts_beside(row: Row, claim: Claim, found: Weighed, applying: Applying, table: Table) -> list[Mapping[str, Any]]:
    """What the changes would make doubtful beside what the claim says already."""
    unknown, today = applying.words.unknown_insurer.id, applying.words.today
    before = values_of(claim)
    known = {doubt.mark for doubt in doubts_in(before, today, unknown_insurer=unknown)}
    after = {**before, **{name: pair[1] for name, pair in found.changes.items()}}
    doubts = [doubt for doubt in doubts_in(after, today, unknown_insurer=unknown) if doubt.mark not in known]
    told = [_remark(_called(table, doubt.field), '', doubt.key, **doubt.values) for doubt in doubts]
    return [*told, *(_remarks(row, table) if found else [])]


def _older(row: Row, found: Weighed, table: Table) -> Iterator[dict[str, Any]]:
    """What is newer here than the row says of itself: it is shown before somebody lets the row overwrite it."""
    for name, change in found.written.items():
        if row.updated is not None and values.israel(change.at).date() > row.updated:
            key = N_('Newer here than in the file ({day}): {name} wrote it on {when}.')
            shown = {'day': values.format_day(row.updated), 'name': change.by, 'when': values.format_exact(change.at)}
            yield _remark(_called(table, name), '', key, **shown)


def _twins(session: 'Session', rows: Sequence[Row]) -> dict[int, list[Mapping[str, Any]]]:
    """Open claims on the same vehicle within three days of a row that would open another, by row number."""
    plates = {row.fields['plate'] for row in rows if row.fields.get('plate')}
    by_plate: dict[str, list[Claim]] = {}
    for claim in fetch(session, open_claims_on(plates)) if plates else ():
        by_plate.setdefault(claim.plate, []).append(claim)
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        plate, day = row.fields.get('plate', ''), row.fields['event_date']
        for other in by_plate.get(plate, ()):
            if abs(other.event_date - day) <= timedelta(days=3):
                doubt = twin_doubt(plate, day, other)
                found.setdefault(row.number, []).append(_remark('field:plate', plate, doubt.key, **doubt.values))
    return found


# ---- the commit -------------------------------------------------------------------------------------------------------------


def commit(run_id: int, token: str) -> None:
    """Save what the check found, batch by batch; rows that were saved are not looked at again."""
    moment = now()
    with open_session(IMPORT, reading=True) as session:
        run = session.get_one(ImportRun, run_id)
        table = table_for(session, run)
        words = words_of(session, moment)
        kept = {row.number: row for row in fetch(session, rows_to_apply(run))}
    rows = [understand(table, number, cells, words) for number, cells in table.rows if number in kept]
    for row in rows:
        row.fields.setdefault('claim_no', kept[row.number].claim_no)
    good = [row for row in rows if row.good]
    with open_session(IMPORT, at=moment) as session:
        import_runs.begin_step(session, run_id, token, moment, len(kept))
        _add_newcomers(session, good, moment)
    _refuse_spoiled(run_id, token, [row for row in rows if not row.good])
    with open_session(IMPORT, reading=True) as session:
        applying = Applying(Names(session), words, moment)
    opened = {row.claim_no.casefold() for row in good if kept[row.number].outcome == UPDATED}
    took = 0.0
    for part in parts(in_order(good, applying, opened), SAVED_AT_ONCE):
        _stay(max(BREATH, took * BREATH_PER_STEP))
        began = monotonic()
        _save(run_id, token, part, applying, table)
        took = monotonic() - began
    with open_session(IMPORT) as session:
        import_runs.end_step(session, run_id, token, now())


def _refuse_spoiled(run_id: int, token: str, rows: Sequence[Row]) -> None:
    """What was good at the check and is not any more: a word was taken out of a list since."""
    verdicts = {row.number: Verdict(REFUSED, row.claim_no, [_fault(fault) for fault in row.faults]) for row in rows}
    if verdicts:
        with open_session(IMPORT) as session:
            import_runs.judge(session, run_id, token, verdicts, now())


def _add_newcomers(session: 'Session', rows: Sequence[Row], moment: datetime) -> None:
    """Add whom the rows name and nobody knows. Two imports at once take turns, so that nobody is added twice."""
    take_turns(session, 'import newcomers')
    names = Names(session)
    existing = claims_of(session, rows)
    for row in rows:
        if claim := existing.get(row.claim_no.casefold()):
            row.names.setdefault('office', names.office_names[claim.office_id])
    add(session, newcomers(rows, names), moment)


def _save(run_id: int, token: str, rows: Sequence[Row], applying: Applying, table: Table) -> None:
    try:
        _save_together(run_id, token, rows, applying)
    except Superseded:
        raise
    except (ClaimError, Malformed):
        # the batch left nothing behind; one by one only the row at fault stays out
        for row in rows:
            _save_alone(run_id, token, row, applying, table)


def _save_alone(run_id: int, token: str, row: Row, applying: Applying, table: Table) -> None:
    try:
        _save_together(run_id, token, [row], applying)
    except Superseded:
        raise
    except (ClaimError, Malformed) as reason:
        fault = _fault(Fault(table.header('claim_no'), row.claim_no, reason))
        with open_session(IMPORT) as session:
            import_runs.judge(session, run_id, token, {row.number: Verdict(REFUSED, row.claim_no, [fault])}, now())


def _save_together(run_id: int, token: str, rows: Sequence[Row], applying: Applying) -> None:
    """Save some rows, and that they are saved, in one transaction."""
    with open_session(IMPORT, at=applying.now) as session:
        run = import_runs.advance(session, run_id, token, now(), len(rows))
        numbers = {row.number for row in rows}
        kept = {row.number: row for row in fetch(session, rows_to_apply(run)) if row.number in numbers}
        existing = claims_of(session, rows)
        # all before the first, whatever the file's order
        lock_claims(session, [claim.id for claim in existing.values()])
        _held = whom_rows_name(session)
        for row in rows:
            if row.number in kept:
                _save_one(session, row, kept[row.number], existing.get(row.claim_no.casefold()), applying)
                kept[row.number].applied = True


def _save_one(session: 'Session', row: Row, kept: ImportRow, claim: Claim | None, applying: Applying) -> None:
    if kept.outcome == NEW:
        if claim is not None:
            raise ClaimError(N_('A claim with this number was opened since the check.'))
        open_row(session, row, applying)
        return
    if claim is None:
        raise ClaimError(N_('There is no claim with this number.'))
    found = weigh(session, row, claim, applying)
    for name, (before, after) in found.changes.items():
        seen, wanted = kept.changes.get(name, [None, None])
        if seen != plain(before) or wanted not in (plain(after), row.names.get(name)):
            raise ClaimError(
                N_('Somebody changed the claim since the check. Check the file again to see before and after.')
            )
    if found:
        save_row(session, row, claim, found, applying)


# ---- going out --------------------------------------------------------------------------------------------------------------


def refused_workbook(actor: Actor, run_id: int) -> tuple[str, bytes] | None:
    """The name of the uploaded file and a workbook of its refused rows; None when there is no such import."""
    with open_session(actor, reading=True) as session:
        actor.need(Can.IMPORT)
        run = session.get(ImportRun, run_id)
        if run is None:
            return None
        table = table_for(session, run)
        rows = [
            (unpacked_cells(row.cells), told(row.faults, actor.language))
            for row in fetch(session, rows_with(run, REFUSED))
        ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / 'refused.xlsx'
        write_refused(path, table.headers, rows)
        return run.file_name, path.read_bytes()


def told(faults: Sequence[Mapping[str, Any]], reader: str) -> str:
    """All reasons of a row in words, as the report of the command has them."""
    return ' · '.join(
        Fault(fault['column'], fault['value'], Told(fault['key'], **fault['values'])).told(reader) for fault in faults
    )


def forget_imports() -> int:
    """Forget the rows of old and cancelled imports; may run at any time. Returns how many."""
    forgotten = 0
    while some := _forget_some():
        forgotten += some
    return forgotten


def _forget_some() -> int:
    with open_session(IMPORT) as session:
        return import_runs.forget_rows(session, now())


def release_imports() -> int:
    """Let go of the imports whose process ended in the middle; may run at any time. Returns how many."""
    with open_session(IMPORT) as session:
        return import_runs.release_stopped(session, now())
