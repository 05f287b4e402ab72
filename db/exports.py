"""A list as a workbook to take away: who asked for which claims and columns, how far it is, and the record that admins read.

What is asked for is a list state, an address; the rows are asked for when the workbook is made, under the scope of the person
who wants it. One worker makes it and holds its token; a workbook that somebody cancelled or that stood still is nobody's any more.
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from sqlalchemy import BigInteger, ForeignKey, Index, Select, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.access_log import EXPORT, access_of
from db.base import Base, take_turns
from db.claims import FIELDS, Claim
from db.doorbell import Notice, ring_for
from db.files import EXPORTS
from db.identity import use_proof
from db.list_claims import claims_in, count_claims
from db.list_looks import looks_of
from db.list_state import ListState, columns_shown
from db.list_words import filters_in_words, title_of
from db.report_state import ReportState, Span
from db.scope import Actor, Books, Can, PersonOwned, open_books
from db.texts import N_, ClaimError, t
from db.two_factor import takes_code

WAITING, RUNNING, DONE = 'waiting', 'running', 'done'
FAILED, CANCELLED, EXPIRED = 'failed', 'cancelled', 'expired'
UNFINISHED = (WAITING, RUNNING)
# more claims than this leave only with whoever proves again who he is
CONFIRM_ABOVE = 10_000
PICKED_AT_MOST = 2000
WAITING_AT_MOST = 5
# how long a finished workbook can be fetched, and how long its line is shown
KEPT_FOR, SHOWN_FOR = timedelta(hours=24), timedelta(days=7)
SHOWN_AT_MOST = 12
# a worker says at least this often that he is alive
STALE = timedelta(seconds=45)
OF_REPORTS = 0
INTERRUPTED = N_('Maakav was stopped while it was being made.')

# what a workbook can tell of a claim, and what its column is called where the field's own name is not enough
LABELS: Mapping[str, str] = {
    **{name: field.label for name, field in FIELDS.items()},
    'insured_name': N_('Insured'),
    'insured_id_no': N_("Insured's ID no."),
    'insured_phone': N_("Insured's mobile"),
    'status': N_('Status'),
    'repair_stage': N_('Repair'),
    'tp_insurer': N_('Third-party insurer'),
    'demand_amount': N_('Amount claimed'),
    'office_id': N_('Office'),
    'updated_at': N_('Updated'),
}
# what goes along, in this order, when somebody wants more than his list shows
DETAILS = (
    *('insured_name', 'claim_no', 'plate', 'event_date', 'status', 'repair_stage', 'tp_insurer', 'demand_amount'),
    *('agent', 'updated_at', 'office_id', 'insured_id_no', 'insured_phone', 'make_model', 'garage', 'waiting_on'),
    *('documents', 'insurer_claim_no', 'offered_amount', 'approved_amount', 'received_amount', 'opened_at'),
)
# what the list calls otherwise
_OF_THE_LIST: Mapping[str, str] = {'office': 'office_id'}


@dataclass(frozen=True)
class Asked:
    """What somebody wants as a workbook: the claims of a list, or of these numbers in its order; with all details beside its columns."""

    state: ListState
    numbers: tuple[str, ...] = ()
    with_details: bool = False


@dataclass(frozen=True)
class ReportTaken:
    """A workbook of the reports that somebody takes: the table it is, of which days and filters, its columns and rows."""

    label: str
    state: ReportState
    span: Span
    columns: Sequence[str]
    rows: int


class Export(PersonOwned, Base):
    """A workbook of one person. It outlives the page, the visit and the process; its file does not outlive the next day."""

    __tablename__ = 'exports'
    __table_args__ = (Index('ix_exports_state', 'state', 'id'), Index('ix_exports_user', 'user_id', 'id'))
    writable_with: ClassVar[Can] = Can.FOLLOW

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    # a hash of what is asked for, and of all that its person sees: two clicks are one export
    same: Mapped[str]
    address: Mapped[str]
    numbers: Mapped[list[str]]
    columns: Mapped[list[str]]
    title: Mapped[str]
    # the person proved again who he is for it
    confirmed: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default=WAITING)
    worker: Mapped[str] = mapped_column(default='')
    beat: Mapped[datetime]
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    # why it failed, for people
    why: Mapped[str] = mapped_column(default='')
    finished_at: Mapped[datetime | None]
    put_away: Mapped[bool] = mapped_column(default=False)

    @property
    def asked(self) -> Asked:
        """The claims it was asked for; their columns stand beside."""
        return Asked(ListState.read(dict(parse_qsl(self.address))), tuple(self.numbers))

    @property
    def key(self) -> str:
        """Where the file lies in the store: nowhere else, and under a name that nobody can guess."""
        return f'{EXPORTS}{self.worker}'

    def is_there(self, now: datetime, actor: Actor) -> bool:
        """Whether its person can fetch the workbook: it is made, not too old, and of what he still sees."""
        fresh = self.finished_at is not None and now - self.finished_at < KEPT_FOR
        taken_away = self.put_away or actor.only_looks
        return self.state == DONE and fresh and self.is_of(actor) and not taken_away

    def is_of(self, actor: Actor) -> bool:
        """Whether its person still sees what he saw when he asked for it."""
        return self.same == _same(self.address, self.numbers, self.columns, actor)


class ExportRecord(Books, Base):
    """The record of what left the product: who took which claims or report, which columns, when, and how many rows. It is kept."""

    __tablename__ = 'export_records'
    __table_args__ = (Index('ix_export_records_export', 'export_id'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    # OF_REPORTS: a workbook of the reports or of clients, which is made while its person waits and is no export
    export_id: Mapped[int]
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))
    by: Mapped[str]
    what: Mapped[str]
    # so many of them were selected by hand; 0: all
    picked: Mapped[int] = mapped_column(default=0)
    columns: Mapped[list[str]]
    confirmed: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default=WAITING)
    rows: Mapped[int] = mapped_column(default=0)


class MustConfirm(ClaimError):  # noqa: N818 - said like a verdict
    """So many claims leave only with whoever proves again who he is; `with_code`: by a code too, as when he signs in."""

    def __init__(self, *, with_code: bool) -> None:
        """There is one reason."""
        self.with_code = with_code
        password = N_('More than {limit} claims leave Maakav only after you enter your password.')
        both = N_('More than {limit} claims leave Maakav only after you enter your password and a code from the app.')
        super().__init__(both if with_code else password, limit=f'{CONFIRM_ABOVE:,}')


# ---- questions --------------------------------------------------------------------------------------------------------------


def columns_of(asked: Asked, usual: Sequence[str], actor: Actor) -> tuple[str, ...]:
    """The columns a workbook has: those its list shows, in their order, else those he is `usual`ly shown; behind them all details."""
    shown = (_OF_THE_LIST.get(name, name) for name in columns_shown(asked.state, usual, actor))
    return _allowed(dict.fromkeys([*shown, *(DETAILS if asked.with_details else ())]), actor)


def _allowed(columns: Iterable[str], actor: Actor) -> tuple[str, ...]:
    return tuple(name for name in columns if name != 'office_id' or actor.is_bureau)


def exports_shown(now: datetime) -> Select[Export]:
    """The acting person's workbooks of the last days that he has not put away, newest first."""
    mine = (Export.put_away.is_(False), Export.at > now - SHOWN_FOR)
    return select(Export).where(*mine).order_by(Export.id.desc()).limit(SHOWN_AT_MOST)


def export_with(export_id: int) -> Select[Export]:
    """One of the acting person's workbooks."""
    return select(Export).where(Export.id == export_id)


def export_records(session: Session, limit: int = 200) -> list[ExportRecord]:
    """What left the product, newest first; for admins."""
    session.info['actor'].need(Can.ADMINISTER)
    with open_books(session):
        return list(session.scalars(select(ExportRecord).order_by(ExportRecord.id.desc()).limit(limit)))


def values_of_claims(columns: Sequence[str]) -> Select[Any]:
    """The id and these columns of the claims whose `ids` are given, as far as the asker may see them; in any order."""
    wanted = (getattr(Claim, name) for name in columns)
    return select(Claim.id, *wanted).where(Claim.id.in_(bindparam('ids', expanding=True)))


def _count(session: Session, asked: Asked) -> int:
    """How many claims are asked for, counted no further than matters."""
    statement = claims_in(session, asked.state)[0]
    if asked.numbers:
        statement = select(Claim.id).where(Claim.claim_no.in_(asked.numbers))
    return count_claims(session, statement, CONFIRM_ABOVE + 1)


# ---- orders of a person -----------------------------------------------------------------------------------------------------


def start_export(session: Session, asked: Asked, now: datetime, proof: str = '') -> Export:
    """Ask for a workbook. Asked for again while it is being made it is the same one. Raises `MustConfirm` for very many claims.

    `proof`: the token of somebody who has just proved again who he is.
    """
    columns = columns_of(asked, looks_of(session).columns, session.info['actor'])
    return _start(session, asked, columns, now, proof)


def _start(session: Session, asked: Asked, columns: Sequence[str], now: datetime, proof: str) -> Export:
    actor: Actor = session.info['actor']
    actor.need(Can.EXPORT)
    asked = Asked(replace(asked.state, page=1, size=25), tuple(sorted(set(asked.numbers))))
    if len(asked.numbers) > PICKED_AT_MOST:
        raise ClaimError(N_('Please select at most {limit} claims.'), limit=f'{PICKED_AT_MOST:,}')
    same = _same(asked.state.address(), asked.numbers, columns, actor)
    take_turns(session, f'export {actor.user_id}')
    unfinished = list(session.scalars(select(Export).where(Export.state.in_(UNFINISHED))))
    for export in unfinished:
        if export.same == same:
            return export
    if len(unfinished) >= WAITING_AT_MOST:
        raise ClaimError(N_('Several exports of yours are being made. Please wait until one of them is ready.'))
    confirmed = _may_leave(session, _count(session, asked), proof, now)
    return _begin(session, asked, columns, same, confirmed=confirmed, at=now)


def _may_leave(session: Session, count: int, proof: str, now: datetime) -> bool:
    """Whether the person has proved who he is; raises when he must and has not."""
    if not count:
        raise ClaimError(N_('There is no claim to export.'))
    if count <= CONFIRM_ABOVE:
        return False
    if not proof or not use_proof(session, proof, now):
        raise MustConfirm(with_code=takes_code(session))
    return True


def _begin(
    session: Session, asked: Asked, columns: Sequence[str], same: str, *, confirmed: bool, at: datetime
) -> Export:
    actor: Actor = session.info['actor']
    title = t('Selected claims', actor.language) if asked.numbers else title_of(asked.state, actor.language)
    export = Export(
        user_id=actor.user_id,
        at=at,
        beat=at,
        same=same,
        address=asked.state.address(),
        numbers=list(asked.numbers),
        columns=list(columns),
        title=title,
        confirmed=confirmed,
    )
    session.add(export)
    session.flush()
    _record(session, export)
    _ring(session, export)
    return export


def _record(session: Session, export: Export) -> None:
    actor: Actor = session.info['actor']
    record = ExportRecord(export_id=export.id, at=export.at, user_id=export.user_id, by=actor.name)
    told = [title_of(export.asked.state, 'he'), *filters_in_words(session, export.asked.state, 'he')]
    record.what, record.columns, record.confirmed = ' · '.join(told), list(export.columns), export.confirmed
    record.picked = len(export.numbers)
    _keep(session, record)


def record_report(session: Session, taken: ReportTaken, now: datetime) -> None:
    """Write down who takes a workbook of the reports, before it leaves."""
    actor: Actor = session.info['actor']
    actor.need(Can.SEE_REPORTS)
    days = ' – '.join(values.format_day(day) for day in taken.span.days)
    told = [t(taken.label, 'he'), days, *filters_in_words(session, taken.state.narrowed, 'he')]
    record_workbook(session, told, taken.columns, taken.rows, now)


def record_workbook(session: Session, told: Sequence[str], columns: Sequence[str], rows: int, now: datetime) -> None:
    """Write down who takes a workbook that was made while he waited, before it leaves: what it is, in the bureau's words, its columns and rows."""
    actor: Actor = session.info['actor']
    actor.need(Can.EXPORT)
    record = ExportRecord(export_id=OF_REPORTS, at=now, user_id=actor.user_id, by=actor.name, what=' · '.join(told))
    record.columns, record.state, record.rows = list(columns), DONE, rows
    _keep(session, record)


def _keep(session: Session, record: ExportRecord) -> None:
    with open_books(session):
        session.add(record)
        session.add(access_of(session.info['actor'], EXPORT, record.at, told=record.what))


def start_again(session: Session, export_id: int, now: datetime, proof: str = '') -> Export:
    """Ask anew for a workbook that was not finished, or is gone: with the columns it had."""
    actor: Actor = session.info['actor']
    export = _mine(session, export_id)
    if export.state in UNFINISHED or export.is_there(now, actor):
        return export
    fresh = _start(session, export.asked, _allowed(export.columns, actor), now, proof)
    export.put_away = True
    return fresh


def cancel_export(session: Session, export_id: int, now: datetime) -> None:
    """Stop making a workbook; nothing of it is left."""
    export = _mine(session, export_id)
    if export.state in UNFINISHED:
        _end(session, export, CANCELLED, now)
        export.put_away = True


def put_away(session: Session, export_id: int, now: datetime) -> None:
    """The person is done with a workbook: its line goes, and its file with it."""
    export = _mine(session, export_id)
    if export.state not in UNFINISHED:
        export.put_away = True
        _ring(session, export)


def _mine(session: Session, export_id: int) -> Export:
    export = session.scalars(export_with(export_id).with_for_update()).one_or_none()
    if export is None:
        raise ClaimError(N_('The export was not found.'))
    return export


def _same(address: str, numbers: Sequence[str], columns: Sequence[str], actor: Actor) -> str:
    """A hash of a workbook: of another house, or of his own claims only, it would be another one."""
    sees = f'{actor.office_id} {actor.sees_own_only}'
    return hashlib.sha256('\n'.join([address, *numbers, '', *columns, sees]).encode()).hexdigest()


# ---- orders of the worker ---------------------------------------------------------------------------------------------------


def take_export(session: Session, now: datetime) -> Export | None:
    """Take the workbook that waits longest; its token is nobody else's."""
    waiting = select(Export).where(Export.state == WAITING).order_by(Export.id).limit(1)
    export = session.scalars(waiting.with_for_update(skip_locked=True)).first()
    if export is not None:
        export.state, export.worker, export.beat = RUNNING, uuid.uuid4().hex, now
        _ring(session, export)
    return export


def advance(session: Session, export_id: int, worker: str, now: datetime, progress: tuple[int, int]) -> bool:
    """Say that the worker is alive, and how many rows of how many are written. False: the workbook is no longer his to make."""
    export = _worked_on(session, export_id, worker)
    if export is None:
        return False
    export.beat = now
    if (export.done, export.total) != progress:
        export.done, export.total = progress
        _ring(session, export)
    return True


def finish_export(session: Session, export_id: int, worker: str, now: datetime, size: int) -> bool:
    """The file lies in the store, whole. False: it is no longer wanted."""
    export = _worked_on(session, export_id, worker)
    if export is None:
        return False
    export.done, export.size = export.total, size
    _end(session, export, DONE, now)
    return True


def fail_export(session: Session, export_id: int, worker: str, now: datetime, why: str) -> None:
    """It did not come to its end; `why` is a text for the person."""
    export = _worked_on(session, export_id, worker)
    if export is not None:
        export.why = why
        _end(session, export, FAILED, now)


def release_exports(session: Session, now: datetime) -> list[str]:
    """Say of the workbooks whose worker is not heard of any more that they failed; returns the keys where files of theirs may lie."""
    silent = select(Export).where(Export.state == RUNNING, Export.beat < now - STALE)
    found = list(session.scalars(silent.with_for_update(skip_locked=True)))
    for export in found:
        export.why = INTERRUPTED
        _end(session, export, FAILED, now)
    return [export.key for export in found]


def wanted_keys(session: Session) -> set[str]:
    """The keys of the files that are fetched, or are about to be: whatever else lies beside them is nobody's."""
    wanted = select(Export).where(Export.state.in_((RUNNING, DONE)))
    return {export.key for export in session.scalars(wanted)}


def finished_exports(session: Session) -> list[Export]:
    """The workbooks whose files should be in the store."""
    return list(session.scalars(select(Export).where(Export.state == DONE)))


def expire_exports(session: Session, now: datetime, gone: Sequence[int] = ()) -> list[str]:
    """Let go of workbooks that are old, put away, or have no file; returns the keys of their files, which may be thrown away."""
    old = Export.put_away.is_(True) | (Export.finished_at < now - KEPT_FOR) | Export.id.in_(gone)
    found = list(session.scalars(select(Export).where(Export.state == DONE, old).limit(200).with_for_update()))
    for export in found:
        export.state = EXPIRED
        _ring(session, export)
    return [export.key for export in found]


def forget_exports(session: Session, now: datetime, limit: int = 200) -> int:
    """Forget the lines nobody is shown any more; the record stays. Returns how many."""
    gone = (Export.at < now - SHOWN_FOR, Export.state.in_((FAILED, CANCELLED, EXPIRED)))
    old = list(session.scalars(select(Export).where(*gone).limit(limit)))
    for export in old:
        session.delete(export)
    return len(old)


def _worked_on(session: Session, export_id: int, worker: str) -> Export | None:
    export = session.scalars(export_with(export_id).with_for_update()).one_or_none()
    return export if export is not None and (export.state, export.worker) == (RUNNING, worker) else None


def _end(session: Session, export: Export, state: str, now: datetime) -> None:
    export.state, export.finished_at = state, now
    with open_books(session):
        record = session.scalars(select(ExportRecord).where(ExportRecord.export_id == export.id)).one_or_none()
        if record is not None:
            record.state, record.rows = state, export.done
    _ring(session, export)


def _ring(session: Session, export: Export) -> None:
    ring_for(session, {Notice('export', user_id=export.user_id)})
