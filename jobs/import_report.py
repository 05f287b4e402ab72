"""What an import did, or would do, row by row and in words."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from db.texts import N_, t, tn
from jobs.import_names import Newcomers
from jobs.import_rows import Fault, Row, Table
from jobs.workbook_reading import Cell


@dataclass(frozen=True)
class Refused:
    """A row that was not taken: its number in the file, its cells, and every reason."""

    number: int
    cells: Sequence[Cell]
    faults: Sequence[Fault]

    def told(self, language: str = 'he') -> str:
        """All reasons in words."""
        return ' · '.join(fault.told(language) for fault in self.faults)


@dataclass
class Report:
    """What an import did, or would do."""

    name: str
    table: Table
    committed: bool
    sheets: Sequence[str] = ()
    created: int = 0
    old_news: int = 0
    updated: int = 0
    unchanged: int = 0
    cheques: int = 0
    refused: list[Refused] = field(default_factory=list)
    new: Newcomers = field(default_factory=Newcomers)
    understood: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    doubts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)

    def text(self, language: str = 'he') -> str:
        """The report as people read it."""
        return '\n'.join(_told(self, language))


def sum_up(report: Report, rows: Sequence[Row]) -> None:
    for row in rows:
        if not row.good:
            report.refused.append(Refused(row.number, row.cells, row.faults))
            continue
        report.doubts.update((doubt.key, tuple(sorted(doubt.values.items()))) for doubt in row.doubts)
        report.understood.update(
            (report.table.header(remark.column), remark.value, remark.meaning) for remark in row.remarks
        )


def _told(report: Report, language: str) -> Iterator[str]:
    yield (
        t('Done: {name}', language, name=report.name)
        if report.committed
        else t('Dry run, nothing was saved: {name}', language, name=report.name)
    )
    yield t(
        'Created {created} · updated {updated} · unchanged {unchanged} · refused {refused}',
        language,
        created=report.created,
        updated=report.updated,
        unchanged=report.unchanged,
        refused=len(report.refused),
    )
    if report.cheques:
        yield tn('One cheque is written down.', '{n} cheques are written down.', report.cheques, language)
    if report.old_news:
        yield tn(
            'One new claim is older than a week and alerts nobody.',
            '{n} new claims are older than a week and alert nobody.',
            report.old_news,
            language,
        )
    yield from _told_table(report, language)
    yield from _told_newcomers(report, language)
    yield from _told_doubts(report, language)
    for refused in report.refused:
        yield t('Row {number} was refused. {reason}', language, number=refused.number, reason=refused.told(language))


def _told_table(report: Report, language: str) -> Iterator[str]:
    for number in report.table.totals:
        yield t('Row {number} is a row of totals and was skipped.', language, number=number)
    for header in report.table.unknown:
        yield t('The column «{header}» is not known and was not read.', language, header=header)
    for name in report.sheets:
        yield t('The sheet «{name}» was not read.', language, name=name)


def _told_newcomers(report: Report, language: str) -> Iterator[str]:
    for name, count in sorted(report.new.offices.items()):
        yield t('New office: {name} (rows: {count})', language, name=name, count=count)
    for (office, name), count in sorted(report.new.agents.items()):
        yield t(
            'New agent without sign-in: {name}, {office} (rows: {count})',
            language,
            name=name,
            office=office,
            count=count,
        )
    for name, count in sorted(report.new.garages.items()):
        yield t('New garage: {name} (rows: {count})', language, name=name, count=count)
    for name, count in sorted(report.new.appraisers.items()):
        yield t('New appraiser: {name} (rows: {count})', language, name=name, count=count)


def _told_doubts(report: Report, language: str) -> Iterator[str]:
    for (column, value, meaning), count in sorted(report.understood.items()):
        understood = N_(
            '{column} «{value}» was understood as «{meaning}» and kept in the internal note (rows: {count})'
        )
        noted = N_('{column} «{value}» is not known and was kept in the internal note (rows: {count})')
        yield t(understood if meaning else noted, language, column=column, value=value, meaning=meaning, count=count)
    for (doubt, shown), count in sorted(report.doubts.items()):
        yield t('{reason} (rows: {count})', language, reason=t(doubt, language, **dict(shown)), count=count)
    for name, count in sorted(report.kept.items()):
        yield t(
            '{column}: changed in the product since the last import, and left as it is (rows: {count})',
            language,
            column=report.table.header(name),
            count=count,
        )
