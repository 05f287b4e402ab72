"""What each row of an import would do, and what is doubtful about it, in words for whoever decides."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from db import values
from db.changes import plain
from db.claims import FIELDS, Claim, open_claims_on
from db.import_runs import NEW, REFUSED, SAME, UPDATED, Verdict
from db.sanity import doubts_in, twin_doubt, values_of
from db.session import fetch
from db.texts import N_, ClaimError
from db.values import Malformed
from jobs.import_applying import Applying, Weighed, claims_of, weigh
from jobs.import_cheques import ChequeNews
from jobs.import_names import NEW as NEWCOMER
from jobs.import_names import Names, newcomers
from jobs.import_rows import Fault, Row, Table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WORDS_KEPT = 200
# the meaning of a word that refuses its rows
REFUSED_WORD = '-'
MORE_TEXT = 120


def words_in(rows: Sequence[Row], names: Names, table: Table) -> list[dict[str, Any]]:
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


def verdicts_of(
    session: 'Session', rows: Sequence[Row], applying: Applying, table: Table, mode: str
) -> dict[int, Verdict]:
    """What each row would do, by its number; a row that cannot be weighed is refused with the reason."""
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
            verdicts[row.number] = Verdict(REFUSED, row.claim_no, [kept_fault(fault) for fault in row.faults])
        elif claim is None or found is None:
            cheque = ChequeNews(None, row.cheque).changes if row.cheque else {}
            warnings = _warnings(row, table, twins.get(row.number, ()))
            verdicts[row.number] = Verdict(NEW, row.claim_no, (), warnings, _plainly(cheque))
        else:
            verdicts[row.number] = _known(row, claim, found, applying, table, mode=mode)
    return verdicts


def _known(row: Row, claim: Claim, found: Weighed, applying: Applying, table: Table, *, mode: str) -> Verdict:
    if mode == 'new':
        left = _remark(table.header('claim_no'), row.claim_no, N_('The claim is known and is left as it is.'))
        return Verdict(SAME, claim.claim_no, (), [left])
    changes = {name: [plain(before), _wanted(row, name, after)] for name, (before, after) in found.shown.items()}
    if found.note:
        changes['note'] = ['', found.note[:MORE_TEXT]]
    warnings = [*_doubts_beside(row, claim, found, applying, table), *_older(row, found, table)]
    warnings += [
        _remark(table.header(name), '', N_('Changed in the product since the last import, and left as it is.'))
        for name in sorted(found.kept)
    ]
    return Verdict(UPDATED if found else SAME, claim.claim_no, (), warnings, changes)


def _plainly(changes: Mapping[str, tuple[Any, Any]]) -> dict[str, list[Any]]:
    return {name: [plain(before), plain(after)] for name, (before, after) in changes.items()}


def _wanted(row: Row, name: str, after: Any) -> Any:
    """What will stand there; somebody who is still to be added by his name."""
    return row.names.get(name, '') if after == NEWCOMER else plain(after)


def kept_fault(fault: Fault) -> dict[str, Any]:
    """A fault as it is kept with its row: told again in its reader's language."""
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
