"""What the rows of a workbook do to the claims: which stand beside each other and the database, what each would change, and doing it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from db import values
from db.changes import Change, date_record, history_of, plain
from db.claims import Claim, change_status, claims_known_to_insurers, claims_numbered, open_claim, save_fields
from db.import_words import words_taught
from db.messages import note_internally, notes_of
from db.offices import agents_of, offices
from db.reference import reference
from db.scope import Actor
from db.session import fetch
from db.texts import N_, ClaimError, t
from jobs.import_cheques import ChequeNews, weigh_cheque, write_cheque
from jobs.import_names import Names, check_agents, check_offices
from jobs.import_rows import Fault, Row, Table, Words, plain_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

IMPORT = Actor.system('import')
BATCH = 200  # rows of one transaction: others wait for the database no longer than this takes
NEWS_FOR = timedelta(days=7)
REQUIRED = ('claim_no', 'insured_name', 'event_date')


def sort_out(session: 'Session', rows: Sequence[Row], names: Names, table: Table, mode: str = 'both') -> set[str]:
    """Refuse rows that cannot stand beside the others or the database. Returns the numbers of claims that exist.

    `mode` says what is wanted of the file: to open new claims, to update known ones, or both.
    """
    if 'claim_no' not in table.columns or mode == 'updates':
        _find_by_insurer(session, rows, table)
    existing = claims_of(session, rows)
    _refuse_repeated(rows, table)
    strangers = [row for row in rows if row.claim_no.casefold() not in existing]
    for row in rows:
        if claim := existing.get(row.claim_no.casefold()):
            _check_office(row, claim, names, table)
    for row in strangers:
        if mode == 'updates':
            _refuse_unknown(row, table)
        else:
            _refuse_incomplete(row, table)
    if mode != 'updates':
        check_offices(strangers, names, table)
    check_agents(rows, names, table)
    return set(existing)


def _check_office(row: Row, claim: Claim, names: Names, table: Table) -> None:
    office = names.office_names[claim.office_id]
    if row.names.setdefault('office', office) and names.office_id(row) != claim.office_id:
        row.faults.append(Fault(table.header('office'), row.names['office'], _of_another_office()))


def _of_another_office() -> ClaimError:
    return ClaimError(N_('The claim belongs to another office. A claim never moves between offices.'))


def words_of(session: 'Session', moment: datetime) -> Words:
    """What cells may name, as things stand now."""
    taught = {(word.kind, plain_key(word.word)): word.meaning for word in fetch(session, words_taught())}
    return Words(reference(session), values.israel(moment).date(), taught)


def claims_of(session: 'Session', rows: Sequence[Row]) -> dict[str, Claim]:
    """The claims that rows speak of, by their number in lower case."""
    found: dict[str, Claim] = {}
    for part in parts(rows, BATCH):
        wanted = {row.claim_no.casefold() for row in part if row.claim_no}
        found |= {
            claim.claim_no.casefold(): claim
            for claim in fetch(session, claims_numbered(wanted))
            if claim.claim_no.casefold() in wanted
        }
    return found


def _find_by_insurer(session: 'Session', rows: Sequence[Row], table: Table) -> None:
    """Insurers' sheets name claims by their own numbers: a row without ours is found by theirs."""
    for part in parts([row for row in rows if not row.claim_no], BATCH):
        numbers = [str(row.fields.get('insurer_claim_no', '')) for row in part]
        known: dict[str, list[str]] = {}
        for claim in fetch(session, claims_known_to_insurers(numbers)):
            known.setdefault(claim.insurer_claim_no, []).append(claim.claim_no)
        for row, number in zip(part, numbers, strict=True):
            found = known.get(number, [])
            if len(found) == 1:
                row.fields['claim_no'] = found[0]
            elif found:
                reason = ClaimError(
                    N_("Several claims have this insurer's number: {numbers}."), numbers=', '.join(found[:5])
                )
                row.faults.append(Fault(table.header('insurer_claim_no'), number, reason))


def _refuse_unknown(row: Row, table: Table) -> None:
    if any(fault.column == table.header('insurer_claim_no') for fault in row.faults):
        return
    key = 'claim_no' if row.claim_no else 'insurer_claim_no'
    number = str(row.fields.get(key, ''))
    reason = N_('There is no claim with this number.') if number else N_('The row names no claim.')
    row.faults.append(Fault(table.header(key if number else 'claim_no'), number, ClaimError(reason)))


def _refuse_repeated(rows: Sequence[Row], table: Table) -> None:
    first: dict[str, int] = {}
    for row in rows:
        if row.claim_no and first.setdefault(row.claim_no.casefold(), row.number) != row.number:
            reason = ClaimError(N_('The claim is already in row {number}.'), number=first[row.claim_no.casefold()])
            row.faults.append(Fault(table.header('claim_no'), row.claim_no, reason))


def _refuse_incomplete(row: Row, table: Table) -> None:
    blamed = {fault.column for fault in row.faults}
    missing = [name for name in REQUIRED if not row.fields.get(name)] + ['office'] * ('office' not in row.names)
    for name in missing:
        if table.header(name) not in blamed:
            reason = ClaimError(N_('Nothing was entered. Please fill in this field.'))
            row.faults.append(Fault(table.header(name), '', reason))


# ---- row by row -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Applying:
    """What every row needs while it is weighed and applied."""

    names: Names
    words: Words
    now: datetime

    def moment(self, row: Row) -> datetime:
        """When the claim was last touched, as the file says: noon of that day."""
        if row.updated is None:
            return self.now
        return min(self.now, datetime.combine(row.updated, time(12), values.ISRAEL))

    def reason(self, status: str | None, *, reopens: bool = False) -> str:
        """What is written where a status takes a reason and the row gives none."""
        known = self.words.reference.statuses.get(status or '')
        return t("From the bureau's file") if reopens or (known is not None and known.reason_required) else ''

    def is_old(self, row: Row) -> bool:
        """Whether a new claim is too old to be news: nobody's bell rings for the archive."""
        return (row.updated or row.fields['event_date']) < values.israel(self.now - NEWS_FOR).date()


@dataclass(frozen=True)
class Weighed:
    """What a row would do to a known claim: field → (now, wanted), a note to add, a cheque, and what it leaves alone on purpose.

    `written` says which change last wrote each of the fields that differ.
    """

    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    note: str = ''
    cheque: ChequeNews | None = None
    kept: frozenset[str] = frozenset()
    written: Mapping[str, Change] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether it does anything."""
        return bool(self.changes or self.note or self.cheque)

    @property
    def shown(self) -> dict[str, tuple[Any, Any]]:
        """What would stand otherwise than now, the cheque by the names of its columns."""
        return {**self.changes, **(self.cheque.changes if self.cheque else {})}


def in_order(rows: Sequence[Row], applying: Applying, opened: set[str]) -> list[Row]:
    """The rows in an order that gives the list its order: the newest of the old first (see `date_record`), then
    what exists, then the news, the oldest first."""
    new = [row for row in rows if row.claim_no.casefold() not in opened]
    old = [row for row in new if applying.is_old(row)]
    news = [row for row in new if not applying.is_old(row)]
    old.sort(key=lambda row: (applying.moment(row), row.number), reverse=True)
    news.sort(key=lambda row: (applying.moment(row), row.number))
    return [*old, *(row for row in rows if row.claim_no.casefold() in opened), *news]


def whom_rows_name(session: 'Session') -> tuple[object, ...]:
    """The firms, statuses, offices and agents of every row, to be held while rows are applied.

    A session forgets what nobody holds, and would read each of them again for each row: a third of the time of an import.
    """
    return reference(session), fetch(session, offices()), fetch(session, agents_of(former=True))


def open_row(session: 'Session', row: Row, applying: Applying) -> None:
    """Open the claim a row describes."""
    office_id = applying.names.office_id(row)
    if office_id is None:
        raise ClaimError(N_('Several offices have this name.'))
    moment = applying.moment(row)
    date_record(session, moment, old_news=applying.is_old(row))
    # the file knows no day of opening; the day of the event misleads least
    fields = {'opened_at': row.fields['event_date'], **row.fields, **applying.names.ids(row, office_id)}
    fields['status_reason'] = fields.get('status_reason') or applying.reason(fields.get('status'))
    # a claim said to be touched before its event is dated now
    possible = values.israel(moment).date() >= row.fields['event_date']
    claim = open_claim(session, office_id, fields, moment if possible else applying.now)
    if row.note:
        note_internally(session, claim.id, row.note, moment)
    if row.cheque:
        # the claim itself is the news; and the two weeks are counted from now, not from when the claim was last touched
        date_record(session, applying.now, old_news=True)
        write_cheque(session, claim.id, ChequeNews(None, row.cheque), applying.now)


def weigh(session: 'Session', row: Row, claim: Claim, applying: Applying) -> Weighed:
    """What a row would change; a cell that says what it said at the last import leaves later work alone."""
    if applying.names.office_id(row) not in (None, claim.office_id):
        raise _of_another_office()
    note = row.note if row.note and row.note != _last_note(session, claim.id) else ''
    wanted = {**row.fields, **applying.names.ids(row, claim.office_id), 'claim_no': claim.claim_no}
    # a reason belongs to a status: one that has none gets none without a change of status
    if wanted.get('status', claim.status) == claim.status and not claim.status_reason:
        wanted.pop('status_reason', None)
    different = {name: (getattr(claim, name), value) for name, value in wanted.items() if getattr(claim, name) != value}
    if not different and not row.cheque:
        return Weighed(note=note)
    history = fetch(session, history_of(claim.id))
    by_imports = [change for change in history if change.user_id is None and change.by == IMPORT.name]
    cheque = weigh_cheque(session, row.cheque, claim.id, by_imports) if row.cheque else None
    imported = {name: value for name, value in _last_imported(by_imports).items() if name in different}
    kept = {name for name, value in imported.items() if value == plain(different[name][1])}
    left = {name: pair for name, pair in different.items() if name not in kept}
    return Weighed(left, note, cheque, frozenset(kept), _last_written(history, left))


def _last_imported(by_imports: Sequence[Change]) -> dict[str, Any]:
    """What the last import that touched each field wrote there."""
    last: dict[str, Any] = {}
    for change in by_imports:
        last = {**{name: pair[1] for name, pair in change.fields.items()}, **last}
    return last


def _last_written(history: Sequence[Change], names: Iterable[str]) -> dict[str, Change]:
    """The newest change that touched each field."""
    return {name: change for name in names if (change := next((one for one in history if name in one.fields), None))}


def _last_note(session: 'Session', claim_id: int) -> str:
    return next((note.body for note in fetch(session, notes_of(claim_id)) if note.by == IMPORT.name), '')


def save_row(session: 'Session', row: Row, claim: Claim, weighed: Weighed, applying: Applying) -> None:
    """Save what a row changes, through the same orders as a click of staff."""
    date_record(session, applying.now)
    others = {name: pair for name, pair in weighed.changes.items() if name != 'status'}
    if 'status' in weighed.changes:
        seen, status = weighed.changes['status']
        others.pop('status_reason', None)
        reason = row.fields.get('status_reason') or applying.reason(status, reopens=not claim.is_open)
        change_status(session, claim.id, status, reason, seen, applying.now)
    if others:
        save_fields(session, claim.id, others, applying.now)
    if weighed.note:
        note_internally(session, claim.id, weighed.note, applying.now)
    if weighed.cheque:
        write_cheque(session, claim.id, weighed.cheque, applying.now)


def parts(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Rows in groups of a size."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
