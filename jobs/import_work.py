"""The work behind the import page: a workbook comes in, its columns are suggested, it is checked and committed in the background.

One import is worked on at a time in this process. How far it has come stands in the database (`db.import_runs`), in the same
transaction as what was done: a process that dies leaves nothing half done, and whoever goes on does nothing twice.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any

from db import import_runs, import_words
from db.base import now, take_turns
from db.changes import plain
from db.claims import Claim, lock_claims
from db.import_mappings import remember_mapping
from db.import_runs import (
    CHECKING,
    COMMITTING,
    NEW,
    REFUSED,
    STALE,
    UPDATED,
    ImportRow,
    ImportRun,
    Superseded,
    Uploaded,
    Verdict,
    rows_to_apply,
    rows_with,
)
from db.import_words import INSURER
from db.scope import Actor, Can
from db.session import fetch, open_session
from db.texts import N_, ClaimError, Told
from db.values import Malformed
from jobs.import_applying import (
    BATCH,
    IMPORT,
    Applying,
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
from jobs.import_layout import COLUMNS, heading_of, suggested, suggested_place, table_for
from jobs.import_names import Names, add, newcomers
from jobs.import_rows import KEYS, Fault, Row, Table, headers_of, understand
from jobs.import_verdicts import kept_fault, verdicts_of, words_in
from jobs.refused_rows import write_refused
from jobs.workbook_reading import MAX_COLUMNS, Unreadable, packed_cells, read_workbook, unpacked_cells

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000
# a commit takes small steps and breathes between them: whoever waits to write on SQLite looks ten times a second.
# On a machine that is slow or busy a step takes long, and so do those who wait: a third of the time is always theirs
SAVED_AT_ONCE, BREATH, BREATH_PER_STEP = 50, 0.12, 0.5


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
        place = suggested_place(sheets)
        columns = suggested(session, headers_of(sheets[place[0]], place[1]))
        row = sheets[place[0]].rows[place[1]][0]
        import_runs.finish_upload(session, run.id, place[0], row, columns)
    return run.id


# ---- how it is read ---------------------------------------------------------------------------------------------------------


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
    headers = heading_of(session, run)
    remember_mapping(session, {header: fields.get(index, '') for index, header in enumerate(headers) if header}, moment)
    return import_runs.take(session, run_id, CHECKING, moment)


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
# what was begun while another was worked on, by number and token, and when it was last said to be alive
_waiting: dict[tuple[int, str], datetime] = {}


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
    _waiting[run_id, token] = now()
    _worker.submit(_work, run_id, token, {CHECKING: check, COMMITTING: commit}[step])


def _work(run_id: int, token: str, step: Callable[[int, str], None]) -> None:
    _waiting.pop((run_id, token), None)
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
    _keep_places(now())


def _keep_places(moment: datetime) -> None:
    """What waits for its turn is not interrupted, however long the one before it takes."""
    for place, beat in list(_waiting.items()):
        if moment - beat > STALE / 3:
            _waiting[place] = moment
            with suppress(ClaimError), open_session(IMPORT) as session:  # it was stopped meanwhile
                import_runs.advance(session, *place, moment)


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
            verdicts = verdicts_of(session, part, applying, table, run.mode)
        with open_session(IMPORT) as session:
            import_runs.judge(session, run_id, token, verdicts, now())
    with open_session(IMPORT) as session:
        import_runs.end_step(session, run_id, token, now(), words_in(rows, names, table))


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
    verdicts = {row.number: Verdict(REFUSED, row.claim_no, [kept_fault(fault) for fault in row.faults]) for row in rows}
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
        fault = kept_fault(Fault(table.header('claim_no'), row.claim_no, reason))
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
    for name, (before, after) in found.shown.items():
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
