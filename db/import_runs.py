"""An import of a workbook as the bureau runs it: what was uploaded, how it is read, what each row would do and did.

A run is worked on by one worker at a time, who holds its token; whoever takes a stopped run over gets another one, and the
first can write nothing more. What a step of the work did stands in the same transaction as how far the run has come.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Select, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.base import Base, BigKey, Json
from db.scope import Actor, Can, ForBureau
from db.texts import N_, ClaimError

READING, READY, CHECKING, CHECKED, COMMITTING, DONE = 'reading', 'ready', 'checking', 'checked', 'committing', 'done'
DROPPED = 'dropped'
STATES = {
    READING: N_('Being read'),
    READY: N_('Waiting for its columns'),
    CHECKING: N_('Being checked'),
    CHECKED: N_('Checked, nothing saved yet'),
    COMMITTING: N_('Being saved'),
    DONE: N_('Saved'),
    DROPPED: N_('Cancelled'),
}
# somebody works on it, or did until he was stopped
WORKING = (READING, CHECKING, COMMITTING)
INTERRUPTED = N_('Interrupted')
# what may be done with a workbook
MODES = {
    'both': N_('Open new claims and update known ones'),
    'new': N_('Open new claims only'),
    'updates': N_('Update known claims only'),
}
NEW, UPDATED, SAME, REFUSED = 'new', 'updated', 'same', 'refused'
OUTCOMES = {
    NEW: N_('New claims'),
    UPDATED: N_('Updates'),
    SAME: N_('Nothing changes'),
    REFUSED: N_('Refused'),
}
# a worker says at least this often that he is alive
STALE = timedelta(seconds=90)
KEPT_FOR = timedelta(days=30)
ROWS_SHOWN = 50
HISTORY_SHOWN = 20
NAME_AT_MOST = 200


class ImportRun(ForBureau, Base):
    """A workbook somebody uploaded, and how far its import has come. It outlives the page, the person's visit and the process."""

    __tablename__ = 'import_runs'
    __table_args__ = (Index('ix_import_runs_sha256', 'sha256'),)
    writable_with: ClassVar[Can] = Can.IMPORT

    id: Mapped[int] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey('users.id'))
    by: Mapped[str]
    sheets: Mapped[list[str]]
    sheet: Mapped[int] = mapped_column(default=0)
    heading_row: Mapped[int] = mapped_column(default=0)
    columns: Mapped[dict[str, Any]]
    mode: Mapped[str] = mapped_column(default='both')
    state: Mapped[str]
    worker: Mapped[str] = mapped_column(default='')
    beat: Mapped[datetime]
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    # how the rows came out at the last step, and the words that were not plain: they stay when the rows are forgotten
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    words: Mapped[list[Any]] = mapped_column(Json, default=list)
    committed_at: Mapped[datetime | None]
    committed_by: Mapped[str] = mapped_column(default='')

    def is_interrupted(self, now: datetime) -> bool:
        """Whether somebody's work on it ended before it was done."""
        return self.state in WORKING and (not self.worker or now - self.beat > STALE)


class ImportRow(ForBureau, Base):
    """A row of an uploaded workbook: its cells, and once it was checked what it would do, why not, and before → after."""

    __tablename__ = 'import_rows'
    __table_args__ = (Index('ix_import_rows_run', 'run_id', 'sheet', 'outcome', 'number'),)
    writable_with: ClassVar[Can] = Can.IMPORT

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey('import_runs.id'))
    sheet: Mapped[int]
    number: Mapped[int]
    cells: Mapped[list[Any]] = mapped_column(Json)
    claim_no: Mapped[str] = mapped_column(default='')
    outcome: Mapped[str] = mapped_column(default='')
    applied: Mapped[bool] = mapped_column(default=False)
    # each: column and value of the file, the key of a text, and what fills its places
    faults: Mapped[list[Any]] = mapped_column(Json, default=list)
    warnings: Mapped[list[Any]] = mapped_column(Json, default=list)
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    warned: Mapped[bool] = mapped_column(default=False)


@dataclass(frozen=True)
class Uploaded:
    """A workbook that came in: its name, hash and size, and the names of its sheets."""

    name: str
    sha256: str
    size: int
    sheets: Sequence[str]


@dataclass(frozen=True)
class Verdict:
    """What the check found of a row."""

    outcome: str
    claim_no: str = ''
    faults: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[Mapping[str, Any]] = ()
    changes: Mapping[str, Any] | None = None


# ---- questions --------------------------------------------------------------------------------------------------------------


def runs() -> Select[ImportRun]:
    """The imports so far, newest first."""
    return select(ImportRun).order_by(ImportRun.id.desc()).limit(HISTORY_SHOWN)


def earlier_runs_of(run: ImportRun) -> Select[ImportRun]:
    """Whether the very same file was saved before, newest first."""
    same = ImportRun.sha256 == run.sha256
    return select(ImportRun).where(same, ImportRun.id != run.id, ImportRun.state == DONE).order_by(ImportRun.id.desc())


def rows_of_sheet(run_id: int, sheet: int, *, below: int = 0) -> Select[ImportRow]:
    """The rows of a sheet below one of them, as they stand there."""
    wanted = (ImportRow.run_id == run_id, ImportRow.sheet == sheet, ImportRow.number > below)
    return select(ImportRow).where(*wanted).order_by(ImportRow.number)


def rows_with(run: ImportRun, outcome: str) -> Select[ImportRow]:
    """The checked rows of one outcome; `warned`: those of any outcome that deserve a look."""
    wanted = ImportRow.warned.is_(True) if outcome == 'warned' else ImportRow.outcome == outcome
    rows = rows_of_sheet(run.id, run.sheet).where(wanted)
    return rows if outcome != 'warned' else rows.where(ImportRow.outcome.in_((NEW, UPDATED, SAME)))


def rows_to_apply(run: ImportRun) -> Select[ImportRow]:
    """What a commit has still to do."""
    waiting = (ImportRow.outcome.in_((NEW, UPDATED)), ImportRow.applied.is_(False))
    return rows_of_sheet(run.id, run.sheet).where(*waiting)


def counts_of_run(session: Session, run: ImportRun) -> dict[str, int]:
    """How many rows have each outcome, how many deserve a look, and how many were saved."""
    mine = (ImportRow.run_id == run.id, ImportRow.sheet == run.sheet)
    found = session.execute(
        select(ImportRow.outcome, func.count(ImportRow.id)).where(*mine).group_by(ImportRow.outcome)
    )
    counts = dict.fromkeys(OUTCOMES, 0) | {outcome: count for outcome, count in found if outcome}
    kept = (*mine, ImportRow.outcome != REFUSED)
    counts['warned'] = session.scalar(select(func.count(ImportRow.id)).where(*kept, ImportRow.warned.is_(True))) or 0
    counts['applied'] = session.scalar(select(func.count(ImportRow.id)).where(*mine, ImportRow.applied.is_(True))) or 0
    return counts


# ---- orders -----------------------------------------------------------------------------------------------------------------


def start_run(session: Session, uploaded: Uploaded, now: datetime) -> ImportRun:
    """Note that a workbook came in. Its rows follow in parts; `finish_upload` says that they are all there."""
    actor = _importer(session)
    run = ImportRun(
        file_name=values.text(uploaded.name[: 4 * NAME_AT_MOST])[:NAME_AT_MOST] or '-',
        sha256=uploaded.sha256,
        size=uploaded.size,
        sheets=[values.text(name)[:NAME_AT_MOST] for name in uploaded.sheets],
        columns={},
        at=now,
        user_id=actor.user_id,
        by=actor.name,
        state=READING,
        worker=uuid.uuid4().hex,
        beat=now,
    )
    session.add(run)
    session.flush()
    return run


def add_rows(session: Session, run_id: int, sheet: int, rows: Iterable[tuple[int, Sequence[Any]]]) -> None:
    """Keep some rows of a sheet: the number Excel shows, and the cells as JSON keeps them."""
    run = _locked(session, run_id)
    if run.state != READING:
        raise ClaimError(_BUSY)
    session.add_all(ImportRow(run_id=run_id, sheet=sheet, number=number, cells=list(cells)) for number, cells in rows)


def finish_upload(session: Session, run_id: int, sheet: int, heading_row: int, columns: Mapping[str, str]) -> None:
    """All rows are there; how the workbook seems to be meant stands as a suggestion."""
    run = _locked(session, run_id)
    run.state, run.worker = READY, ''
    run.sheet, run.heading_row, run.columns = sheet, heading_row, dict(columns)


def choose(session: Session, run_id: int, mode: str, place: tuple[int, int], columns: Mapping[str, str]) -> ImportRun:
    """Say how the workbook is read: what to do, sheet and heading row, and field by number of the column."""
    run = _locked(session, run_id)
    _refuse_busy(run, (READY, CHECKED))
    if mode not in MODES or not 0 <= place[0] < len(run.sheets):
        raise ClaimError(N_('Please choose a value from the list.'))
    run.mode, (run.sheet, run.heading_row), run.columns = mode, place, dict(columns)
    run.state = READY
    return run


def take(session: Session, run_id: int, step: str, now: datetime) -> str:
    """Begin to check or to commit, or go on with what was interrupted; returns the token of the one who does.

    A second click, or a second person, is refused in words.
    """
    actor, run = _importer(session), _locked(session, run_id)
    if not (run.state == step and run.is_interrupted(now)):
        _refuse_busy(run, (READY, CHECKED) if step == CHECKING else (CHECKED,))
        run.done = 0
    if step == COMMITTING and run.state != COMMITTING:
        run.committed_by = actor.name
    run.state, run.worker, run.beat = step, uuid.uuid4().hex, now
    return run.worker


def advance(session: Session, run_id: int, worker: str, now: datetime, done: int = 0) -> ImportRun:
    """Say that the worker is alive and how much more is done. Refuses one whose work somebody else has taken over."""
    run = _locked(session, run_id)
    if run.worker != worker:
        raise Superseded
    run.beat = now
    run.done += done
    return run


class Superseded(ClaimError):  # noqa: N818 - said like a verdict
    """Somebody else has taken the work over."""

    def __init__(self) -> None:
        """There is one reason."""
        super().__init__(_BUSY)


def begin_step(session: Session, run_id: int, worker: str, now: datetime, total: int) -> None:
    """Say how many rows there are to go through."""
    run = advance(session, run_id, worker, now)
    run.total, run.done = total, 0


def judge(session: Session, run_id: int, worker: str, verdicts: Mapping[int, Verdict], now: datetime) -> None:
    """Keep what the check found of some rows, by row number."""
    run = advance(session, run_id, worker, now, len(verdicts))
    numbers = ImportRow.number.in_(verdicts)
    for row in session.scalars(rows_of_sheet(run_id, run.sheet).where(numbers)):
        found = verdicts[row.number]
        row.outcome, row.claim_no, row.applied = found.outcome, found.claim_no[:NAME_AT_MOST], False
        row.faults, row.warnings = list(found.faults), list(found.warnings)
        row.changes, row.warned = dict(found.changes or {}), bool(found.warnings)


def end_step(
    session: Session, run_id: int, worker: str, now: datetime, words: Sequence[Mapping[str, Any]] | None = None
) -> None:
    """The check, or the commit, has gone through all rows; a check says which `words` were not plain."""
    run = advance(session, run_id, worker, now)
    session.flush()
    run.worker, run.counts = '', counts_of_run(session, run)
    if words is not None:
        run.words = [dict(word) for word in words]
    if run.state == COMMITTING:
        run.state, run.committed_at = DONE, now
    else:
        run.state = CHECKED


def let_go(session: Session, run_id: int, worker: str) -> None:
    """The worker has to stop before the end (the product is being shut down, or failed): somebody may go on at once."""
    run = session.scalar(select(ImportRun).where(ImportRun.id == run_id).with_for_update())
    if run is not None and run.worker == worker:
        run.worker = ''


def stop(session: Session, run_id: int) -> None:
    """Stop the work on an import. What was saved stays saved; the rest waits for somebody to go on, or to check it again."""
    run = _locked(session, run_id)
    _refuse_busy(run, (CHECKING, COMMITTING))
    run.state, run.worker = CHECKED if run.state == COMMITTING else READY, ''
    run.counts = counts_of_run(session, run)


def drop(session: Session, run_id: int, now: datetime) -> None:
    """Throw an import away: its rows are forgotten soon; that it was there, and what was saved of it, stays."""
    run = _locked(session, run_id)
    if not run.is_interrupted(now):
        _refuse_busy(run, (READY, CHECKED))
    run.state, run.worker, run.counts = DROPPED, '', counts_of_run(session, run)


def release_stopped(session: Session, now: datetime) -> int:
    """Let go of the imports whose worker has not been heard of: their pages say so, and somebody may go on. Returns how many."""
    silent = select(ImportRun).where(ImportRun.state.in_(WORKING), ImportRun.worker != '', ImportRun.beat < now - STALE)
    found = list(session.scalars(silent.with_for_update()))
    for run in found:
        run.worker = ''
    return len(found)


def forget_rows(session: Session, now: datetime) -> int:
    """Forget some rows of old and cancelled imports, which are other people's details; who imported what and when stays.

    Returns how many.
    """
    over = (ImportRun.at < now - KEPT_FOR) | (ImportRun.state == DROPPED)
    rows = list(
        session.scalars(select(ImportRow).where(ImportRow.run_id.in_(select(ImportRun.id).where(over))).limit(1000))
    )
    for row in rows:
        session.delete(row)
    return len(rows)


_BUSY = N_('Somebody is working on this import already, or has finished it.')


def _importer(session: Session) -> Actor:
    actor: Actor = session.info['actor']
    actor.need(Can.IMPORT)
    return actor


def _locked(session: Session, run_id: int) -> ImportRun:
    _importer(session)
    wanted = select(ImportRun).where(ImportRun.id == run_id).with_for_update()
    run = session.scalar(wanted.execution_options(populate_existing=True))
    if run is None:
        raise ClaimError(N_('The import was not found.'))
    return run


def _refuse_busy(run: ImportRun, allowed: Sequence[str]) -> None:
    if run.state not in allowed:
        raise ClaimError(_BUSY)
