"""The reports as workbooks: each table of the dashboard by itself, all of it in one, and the report of an office's month in several sheets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from db import values
from db.cheques import DIRECTIONS, STATES, WARN_DAYS
from db.exports import CONFIRM_ABOVE
from db.measuring import Measured
from db.reference import Reference
from db.report_figures import DueLine, Figures, Line
from db.report_state import Span
from db.reports import Behind
from db.texts import N_, is_rtl, t
from jobs.book_making import book_of
from jobs.sheets import Column, Kind, Table, in_words

NOT_ENOUGH = N_('Not enough data')
Cell = Any


@dataclass(frozen=True)
class Part:
    """A table of the reports: its name, its columns, and how it is made of the figures."""

    label: str
    columns: Sequence[Column]
    frame: Callable[[Figures, str], pd.DataFrame]


@dataclass(frozen=True)
class Book:
    """A workbook, and for the record: the table it is, its columns, and how many rows."""

    label: str
    columns: Sequence[str]
    rows: int
    file: bytes


def table_book(figures: Figures, name: str, reader: str) -> Book:
    """One table of the dashboard as a workbook."""
    return _book(PARTS[name].label, [PARTS[name]], figures, reader)


def whole_book(figures: Figures, filters: Sequence[str], reader: str) -> Book:
    """All of the dashboard as one workbook: its figures, then a sheet for each of its tables. `filters`: in words."""
    shown = [part for name, part in PARTS.items() if name not in BESIDE or getattr(figures, name)]
    return _book(N_('Dashboard'), [_FIGURES, *shown], figures, reader, ' · '.join(filters))


@dataclass(frozen=True)
class Month:
    """What the report of a month is made of."""

    office: str
    figures: Figures
    behind: Behind | None
    words: Reference


def month_book(month: Month, reader: str) -> Book:
    """The report of a month: a summary, the claims that were opened and closed, the money, the cheques due, and by agent, or by office where it is of all."""
    figures, behind = month.figures, month.behind
    beside = PARTS['offices'] if figures.offices else PARTS['people']
    if behind is None:
        parts = [_SUMMARY, PARTS['months'], beside, _left_out(reader)]
    else:
        opened, closed = ([_claim(row, month.words, reader) for row in rows] for rows in (behind.opened, behind.closed))
        cheques = [_cheque(row, reader) for row in behind.cheques]
        lists = [_listed(N_('Claims opened'), _CLAIM, opened), _listed(N_('Claims closed'), _CLAIM, closed)]
        parts = [_SUMMARY, *lists, PARTS['months'], _listed(N_('Cheques due'), _CHEQUE, cheques), beside]
    return _book(N_('Monthly report'), parts, month.figures, reader, month.office)


def _listed(label: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Part:
    """A sheet of rows that are there already."""
    return Part(label, columns, lambda *_: _frame(rows, len(columns)))


def _left_out(reader: str) -> Part:
    """What stands instead of lists that are too long to leave without one's password."""
    said = t(
        'Together the lists behind these figures have more than {n} rows. Open a figure on the dashboard and export its list from there.',
        reader,
        n=f'{CONFIRM_ABOVE:,}',
    )
    return _listed(N_('Lists left out'), _columns((N_('Why'), Kind.TEXT)), [[said]])


def _book(label: str, parts: Sequence[Part], figures: Figures, reader: str, whose: str = '') -> Book:
    """A sheet for each part."""
    sheets: list[tuple[Table, list[tuple[Cell, ...]]]] = []
    # what is open or unread is so at this moment, whatever days the rest is of
    made = t('made on {day}', reader, day=values.format_day(figures.today))
    about = ' · '.join(filter(None, (whose, days_text(figures.span), made)))
    for part in parts:
        title, frame = t(part.label, reader), part.frame(figures, reader)
        table = Table(title, title, about, in_words(part.columns, reader), is_rtl(reader))
        sheets.append((table, list(frame.astype(object).itertuples(index=False, name=None))))
    # what stands in several sheets is told once
    told = dict.fromkeys(column.label for part in parts for column in part.columns)
    return Book(label, tuple(told), sum(len(rows) for _, rows in sheets), book_of(t(label, reader), sheets))


def days_text(span: Span) -> str:
    """From when to when."""
    return ' – '.join(values.format_day(day) for day in span.days)


# ---- tables -----------------------------------------------------------------------------------------------------------------


def _columns(*labelled: tuple[str, Kind]) -> list[Column]:
    return [Column(label, kind, 30 if kind is Kind.TEXT else 18) for label, kind in labelled]


def _frame(rows: Sequence[Sequence[Cell]], width: int) -> pd.DataFrame:
    """Of objects, so that a sum stays a whole number beside a cell that has none."""
    return pd.DataFrame(list(rows), columns=range(width), dtype=object)


def said(number: Measured | None, reader: str) -> Cell:
    """A number; or that there are not enough cases to say one."""
    return number.number if number is not None and number.known else t(NOT_ENOUGH, reader)


def rate_of(line: Line, reader: str) -> Cell:
    """A collection rate in percent; or that there is none, or not enough to say one."""
    return '—' if line.collected is None else said(line.collected, reader)


def name_of(line: Line, reader: str) -> str:
    """The name of a line; nobody has none."""
    return line.name or t('None chosen', reader)


def age_text(line: Line, reader: str) -> str:
    """The days of an age: 31–60, or 181 and more."""
    youngest, _, oldest = line.key.partition('-')
    return f'{youngest}–{oldest}' if oldest else t('{n} and more', reader, n=youngest)


def _counted(table: str, name: str) -> Callable[[Figures, str], pd.DataFrame]:
    def frame(figures: Figures, reader: str) -> pd.DataFrame:
        lines: Sequence[Line] = getattr(figures, table)
        return _frame([(name_of(line, reader), line.figures[name].claims) for line in lines], 2)

    return frame


def _timed(table: str, name: str) -> Callable[[Figures, str], pd.DataFrame]:
    def frame(figures: Figures, reader: str) -> pd.DataFrame:
        lines: Sequence[Line] = getattr(figures, table)
        rows = [(name_of(line, reader), line.figures[name].claims, said(line.took, reader)) for line in lines]
        return _frame(rows, 3)

    return frame


def _of_ages(figures: Figures, reader: str) -> pd.DataFrame:
    return _frame([(age_text(line, reader), line.figures['open'].claims) for line in figures.ages], 2)


def _of_months(figures: Figures, _: str) -> pd.DataFrame:
    rows = [
        (line.key, *(told for figure in line.figures.values() for told in (figure.claims, figure.amount)))
        for line in figures.months
    ]
    return _frame(rows, 7)


def _of_weeks(table: str) -> Callable[[Figures, str], pd.DataFrame]:
    def frame(figures: Figures, _: str) -> pd.DataFrame:
        lines: Sequence[DueLine] = getattr(figures, table)
        rows = [
            (
                *line.span.days,
                *(told for side in (line.incoming, line.outgoing) for told in (side.cheques, side.amount)),
            )
            for line in lines
        ]
        return _frame(rows, 6)

    return frame


_SIDE = ('open', 'unread', 'opened', 'closed')


def _side_by_side(table: str) -> Callable[[Figures, str], pd.DataFrame]:
    names = _SIDE if table == 'people' else tuple(name for name in _SIDE if name != 'unread')

    def row(line: Line, name: str, reader: str) -> tuple[Cell, ...]:
        counted = (line.figures[name].claims for name in names)
        sums = (line.figures[name].amount for name in ('demanded', 'received'))
        return (name, *counted, *sums, said(line.took, reader), rate_of(line, reader))

    def frame(figures: Figures, reader: str) -> pd.DataFrame:
        lines: Sequence[Line] = getattr(figures, table)
        rows = [row(line, name_of(line, reader), reader) for line in lines]
        total = [row(figures.total, t(figures.total_label(table), reader), reader)] if lines else []
        return _frame([*rows, *total], len(names) + 5)

    return frame


def _of_summary(figures: Figures, reader: str) -> pd.DataFrame:
    return _frame(_summed_up(figures, reader), 3)


def _summed_up(figures: Figures, reader: str) -> list[tuple[Cell, ...]]:
    told, claims = figures.total.figures, figures.total
    return [
        (t('Open now, {day}', reader, day=values.format_day(figures.today)), told['open'].claims, None),
        (t('Claims opened', reader), told['opened'].claims, None),
        (t('Claims closed', reader), told['closed'].claims, None),
        (t('Days from opening to closing, median', reader), said(claims.took, reader), None),
        (t('Demanded', reader), told['demanded'].claims, told['demanded'].amount),
        (t('Approved', reader), told['approved'].claims, told['approved'].amount),
        (t('Received', reader), told['received'].claims, told['received'].amount),
        (t('Claims submitted', reader), told['submitted'].claims, None),
        (t('Answered by the insurer', reader), told['answered'].claims, None),
        (t('Sent back to be completed', reader), told['sent_back'].claims, None),
        (t('Whole at the first submission, percent', reader), said(figures.whole, reader), None),
    ]


def _of_figures(figures: Figures, reader: str) -> pd.DataFrame:
    soon = [t('Cheques in {n} days', reader, n=WARN_DAYS)]
    if figures.next_due:
        soon.append(t('the next on {day}', reader, day=values.format_day(figures.next_due)))
    return _frame(
        [
            *_summed_up(figures, reader),
            (t('Collection rate, percent', reader), rate_of(figures.total, reader), None),
            (', '.join(soon), figures.soon.cheques, figures.soon.amount),
            *((_change_of(label, reader), _or_not(figures.changed(name), reader), None) for name, label in _CHANGING),
            (t(_DAYS_CHANGED, reader), _or_not(figures.days_changed, reader), None),
        ],
        3,
    )


_CHANGING = (('opened', N_('Claims opened')), ('demanded', N_('Demanded')), ('received', N_('Received')))
_DAYS_CHANGED = N_('Median time, change against the period before, days')


def _change_of(label: str, reader: str) -> str:
    return t('{figure}, change against the period before, percent', reader, figure=t(label, reader))


def _or_not(change: float | None, reader: str) -> Cell:
    return t(NOT_ENOUGH, reader) if change is None else change


_DAYS = (N_('Days, median'), Kind.NUMBER)
_MONEY_COLUMNS = (
    *((N_('Claims demanded'), Kind.WHOLE), (N_('Demanded'), Kind.MONEY)),
    *((N_('Claims approved'), Kind.WHOLE), (N_('Approved'), Kind.MONEY)),
    *((N_('Claims received'), Kind.WHOLE), (N_('Received'), Kind.MONEY)),
)
_DUE_COLUMNS = (
    *((N_('From'), Kind.DAY), (N_('To'), Kind.DAY)),
    *((N_('Cheques from insurers'), Kind.WHOLE), (N_('From insurers'), Kind.MONEY)),
    *((N_('Cheques from clients'), Kind.WHOLE), (N_('From clients'), Kind.MONEY)),
)
_RATE = (N_('Collection rate, percent'), Kind.NUMBER)
_SUMS = ((N_('Demanded'), Kind.MONEY), (N_('Received'), Kind.MONEY), _DAYS, _RATE)
_OPEN, _OPENED, _CLOSED = ((label, Kind.WHOLE) for label in (N_('Open now'), N_('Claims opened'), N_('Claims closed')))

PARTS: Mapping[str, Part] = {
    'statuses': Part(
        N_('Open by status'),
        _columns((N_('Status'), Kind.TEXT), (N_('Open claims'), Kind.WHOLE)),
        _counted('statuses', 'open'),
    ),
    'open_by_insurer': Part(
        N_('Open by insurer'),
        _columns((N_('Insurer'), Kind.TEXT), (N_('Open claims'), Kind.WHOLE)),
        _counted('open_by_insurer', 'open'),
    ),
    'ages': Part(
        N_('Age of open claims'),
        _columns((N_('Days since the opening'), Kind.TEXT), (N_('Open claims'), Kind.WHOLE)),
        _of_ages,
    ),
    'months': Part(N_('Money by month'), _columns((N_('Month'), Kind.TEXT), *_MONEY_COLUMNS), _of_months),
    'stages': Part(
        N_('Days in each repair stage'),
        _columns((N_('Repair stage'), Kind.TEXT), (N_('Cars that left it'), Kind.WHOLE), _DAYS),
        _timed('stages', 'left'),
    ),
    'insurers': Part(
        N_('Days to close, by insurer'),
        _columns((N_('Insurer'), Kind.TEXT), (N_('Claims closed'), Kind.WHOLE), _DAYS),
        _timed('insurers', 'closed'),
    ),
    'appraisers': Part(
        N_('Days waiting for the appraiser'),
        _columns((N_('Appraiser'), Kind.TEXT), (N_('Cars inspected'), Kind.WHOLE), _DAYS),
        _timed('appraisers', 'appraised'),
    ),
    'garages': Part(
        N_('Days at the garage'),
        _columns((N_('Garage'), Kind.TEXT), (N_('Cars handed over'), Kind.WHOLE), _DAYS),
        _timed('garages', 'delivered'),
    ),
    'weeks': Part(N_('Cheques due by week'), _columns(*_DUE_COLUMNS), _of_weeks('weeks')),
    'due_months': Part(N_('Cheques due by month'), _columns(*_DUE_COLUMNS), _of_weeks('due_months')),
    'people': Part(
        N_('By agent'),
        _columns((N_('Agent'), Kind.TEXT), _OPEN, (N_('Unread by me now'), Kind.WHOLE), _OPENED, _CLOSED, *_SUMS),
        _side_by_side('people'),
    ),
    'offices': Part(
        N_('By office'),
        _columns((N_('Office'), Kind.TEXT), _OPEN, _OPENED, _CLOSED, *_SUMS),
        _side_by_side('offices'),
    ),
}
# tables that are there for some only: of one office its people, of all of them the offices
BESIDE = ('people', 'offices')
_TOLD = _columns((N_('What'), Kind.TEXT), (N_('Count'), Kind.NUMBER), (N_('Amount'), Kind.MONEY))
_SUMMARY = Part(N_('Summary'), _TOLD, _of_summary)
_FIGURES = Part(N_('Key figures'), _TOLD, _of_figures)


# ---- rows of the month ------------------------------------------------------------------------------------------------------

_CLAIM = [
    Column(N_('Claim no.'), Kind.CODE, 14),
    Column(N_('Insured'), Kind.TEXT, 24),
    Column(N_('Vehicle no.'), Kind.CODE, 14),
    Column(N_('Status'), Kind.TEXT, 24),
    Column(N_('Insurer'), Kind.TEXT, 20),
    Column(N_('Agent'), Kind.TEXT, 20),
    *(Column(label, Kind.DAY, 13) for label in (N_('Event date'), N_('Opened'), N_('Submitted'), N_('Closed on'))),
    *(Column(label, Kind.MONEY, 14) for label in (N_('Demanded'), N_('Approved'), N_('Received'))),
]
_CHEQUE = [
    Column(N_('Due date'), Kind.DAY, 13),
    Column(N_('From whom to whom'), Kind.TEXT, 22),
    Column(N_('How far it is'), Kind.TEXT, 18),
    Column(N_('Amount'), Kind.MONEY, 14),
    Column(N_('Cheque no.'), Kind.CODE, 14),
    Column(N_('Claim no.'), Kind.CODE, 14),
    Column(N_('Insured'), Kind.TEXT, 24),
]


def _claim(row: Any, words: Reference, reader: str) -> tuple[Cell, ...]:
    claim_no, insured, plate, status, *rest = row
    insurer, agent, event, opened, submitted, closed, *sums = rest
    known = words.statuses.get(status)
    return (
        *(claim_no, insured, values.format_plate(plate) if plate else '', known.label_in(reader) if known else status),
        *(insurer, agent, event, opened, submitted, values.israel(closed).date() if closed else None, *sums),
    )


def _cheque(row: Any, reader: str) -> tuple[Cell, ...]:
    due, direction, state, *rest = row
    return due, t(DIRECTIONS[direction], reader), t(STATES[state], reader), *rest
