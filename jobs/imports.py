"""The bureau's Excel becomes claims: `python -m jobs.imports FILE --dry-run|--commit [--refused OUT.xlsx]`."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from db import settings
from db.base import now as present_moment
from db.claims import lock_claims
from db.schema import newest_revision, revision_of
from db.session import connect, open_session
from db.texts import N_, ClaimError, Told, t
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
from jobs.import_names import Names, Newcomers, add, newcomers
from jobs.import_report import Report, sum_up
from jobs.import_rows import Fault, Row, find_table, understand
from jobs.refused_rows import write_refused
from jobs.workbook_reading import Unreadable, read_workbook

if TYPE_CHECKING:
    pass

RAN, UNREADABLE = 0, 2


def import_file(path: Path, *, commit: bool, now: datetime) -> Report:
    """Read a workbook and open or update its claims; without `commit` only say what would happen.

    Raises `Unreadable` when the file as a whole cannot be taken. May run twice: the second run changes nothing.
    """
    sheets = read_workbook(path)
    table = find_table(sheets)
    report = Report(
        path.name, table, commit, [sheet.name for sheet in sheets if sheet.name != table.sheet and sheet.rows]
    )
    with open_session(IMPORT, reading=True) as session:
        words = words_of(session, now)
        rows = [understand(table, number, cells, words) for number, cells in table.rows]
        names = Names(session)
        opened = sort_out(session, rows, names, table)
    good = [row for row in rows if row.good]
    report.new = newcomers(good, names)
    if commit:
        names = _with_newcomers(report.new, now)
    applying = Applying(names, words, now)
    for part in parts(in_order(good, applying, opened), BATCH):
        _apply_part(report, applying, part)
    sum_up(report, rows)
    return report


def _with_newcomers(new: Newcomers, now: datetime) -> Names:
    with open_session(IMPORT, at=now) as session:
        add(session, new, now)
    with open_session(IMPORT, reading=True) as session:
        return Names(session)


def _apply_part(report: Report, applying: Applying, rows: Sequence[Row]) -> None:
    try:
        _apply(report, applying, rows)
    except (ClaimError, Malformed):
        # the batch left nothing behind; one by one only the row at fault stays out
        for row in rows:
            _apply_alone(report, applying, row)


def _apply_alone(report: Report, applying: Applying, row: Row) -> None:
    try:
        _apply(report, applying, [row])
    except (ClaimError, Malformed) as reason:
        row.faults.append(Fault(report.table.header('claim_no'), row.claim_no, reason))


def _apply(report: Report, applying: Applying, rows: Sequence[Row]) -> None:
    """Apply some rows in one transaction and count them once it has happened."""
    outcomes, kept = Counter[str](), Counter[str]()
    with open_session(IMPORT, reading=not report.committed, at=applying.now) as session:
        existing = claims_of(session, rows)
        if report.committed:  # all before the first, whatever the file's order
            lock_claims(session, [claim.id for claim in existing.values()])
        _held = whom_rows_name(session) if report.committed else ()
        for row in rows:
            claim = existing.get(row.claim_no.casefold())
            if claim is None:
                outcomes['created'] += 1
                outcomes['old_news'] += applying.is_old(row)
                outcomes['cheques'] += row.cheque is not None
                if report.committed:
                    open_row(session, row, applying)
                continue
            weighed = weigh(session, row, claim, applying)
            kept.update(weighed.kept)
            outcomes['cheques'] += weighed.cheque is not None
            outcomes['updated' if weighed else 'unchanged'] += 1
            if weighed and report.committed:
                save_row(session, row, claim, weighed, applying)
    for name, count in outcomes.items():
        setattr(report, name, getattr(report, name) + count)
    report.kept += kept


# ---- the command ------------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0 when the file was read, refused rows or not; 2 when it could not be."""
    given = _arguments().parse_args(arguments)
    try:
        _check_target(given.file, given.refused)
        _connect(settings.load())
        report = import_file(given.file, commit=given.commit, now=present_moment())
    except Unreadable as refusal:
        return _say(refusal)
    sys.stdout.write(f'{report.text()}\n')
    if given.refused and report.refused:
        rows = [(refused.cells, refused.told()) for refused in report.refused]
        write_refused(given.refused, report.table.headers, rows)
        sys.stdout.write(t('The refused rows are in {name}.', name=given.refused.name) + '\n')
    return RAN


def _connect(given: settings.Settings) -> None:
    given.make_data_dir()
    if revision_of(given.database_url) != newest_revision():
        raise Unreadable(N_('The database is not at the newest revision. Run make migrate first.'))
    connect(given.database_url)


def _say(refusal: Told) -> int:
    sys.stderr.write(f'{refusal.told()}\n')
    return UNREADABLE


def _check_target(source: Path, target: Path | None) -> None:
    """Say at once, not after the work, that the refused rows have no place to go."""
    if target is None:
        return
    if not target.resolve().parent.is_dir():
        raise Unreadable(N_('There is no folder for {name}.'), name=target.name)
    if target.resolve() == source.resolve():
        raise Unreadable(N_('The refused rows cannot be written over the file itself.'))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m jobs.imports', description="Open and update claims from the bureau's Excel."
    )
    parser.add_argument('file', type=Path, help='the workbook (.xlsx)')
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument('--dry-run', action='store_false', dest='commit', help='only say what would happen')
    mode.add_argument('--commit', action='store_true', dest='commit', help='do it')
    parser.add_argument(
        '--refused', type=Path, metavar='OUT.xlsx', help='write the refused rows there, with the reasons'
    )
    return parser


if __name__ == '__main__':
    sys.exit(main())
