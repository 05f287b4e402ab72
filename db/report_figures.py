"""What a report is made of: figures that each know the list behind them, lines of them, and all of them at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from db.cheque_board import BoardState
from db.habits import ENOUGH
from db.list_state import ListState
from db.measuring import Measured
from db.report_state import ReportState, Span
from db.texts import N_


@dataclass(frozen=True)
class Figure:
    """So many claims, what they come to where that is told, and the list that has exactly these."""

    claims: int
    behind: ListState
    amount: int | None = None


@dataclass(frozen=True)
class Line:
    """A line of a table. `key` as addresses write it; the name of nobody is empty, of somebody who went elsewhere it says so.

    `took` is a time of the claims of one of its figures, `of`.
    """

    key: str
    name: str
    figures: Mapping[str, Figure]
    took: Measured | None = None
    of: str = 'closed'

    @property
    def timed(self) -> Figure:
        """The claims whose time it is."""
        return self.figures[self.of]

    @property
    def collected(self) -> Measured | None:
        """What was received, in percent of what was demanded; None where nothing was demanded."""
        demanded, received = self.figures['demanded'], self.figures['received']
        if not demanded.amount:
            return None
        return Measured(demanded.claims, 100 * (received.amount or 0) / demanded.amount)


@dataclass(frozen=True)
class ChequeFigure:
    """So many cheques, what they come to, and the page that has exactly these."""

    cheques: int
    amount: int
    behind: BoardState


@dataclass(frozen=True)
class DueLine:
    """The cheques that fall due between two days: what insurers pay, and what clients do."""

    span: Span
    incoming: ChequeFigure
    outgoing: ChequeFigure


@dataclass(frozen=True)
class Figures:
    """All of it at one moment. `people` and `offices` have a line for each; the bureau's has people of one office only.

    `closed_days` names the days of the calendar that are no business days: a holiday, an eve, the bureau's own note; '' of a plain weekend.
    `went` tells how figures of the total went, by their names, the first part of the period first; of too few cases there is nothing.
    """

    state: ReportState
    span: Span
    today: date
    statuses: Sequence[Line]
    ages: Sequence[Line]
    open_by_insurer: Sequence[Line]
    insurers: Sequence[Line]
    appraisers: Sequence[Line]
    garages: Sequence[Line]
    stages: Sequence[Line]
    months: Sequence[Line]
    people: Sequence[Line]
    offices: Sequence[Line]
    total: Line
    before: Line
    weeks: Sequence[DueLine]
    due_months: Sequence[DueLine]
    due_days: Mapping[date, tuple[int, int]]
    closed_days: Mapping[date, str]
    soon: ChequeFigure
    next_due: date | None
    whole: Measured = field(default_factory=Measured)
    went: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def changed(self, name: str) -> int | None:
        """By how many percent a figure changed against the period before; None of too few claims, and of nothing there is no percentage."""
        now, then = self.total.figures[name], self.before.figures[name]
        base, reached = (figure.claims if figure.amount is None else figure.amount for figure in (then, now))
        if min(now.claims, then.claims) < ENOUGH or base <= 0:
            return None
        return round(100 * (reached - base) / base)

    @property
    def days_changed(self) -> float | None:
        """By how many days the median changed against the period before; None of too few claims."""
        now, then = self.total.took, self.before.took
        if now is None or then is None or not now.known or not then.known:
            return None
        return now.number - then.number

    def total_label(self, table: str) -> str:
        """What the last line of a table of people or offices is called, to be translated."""
        return N_('The whole office') if table == 'people' and not self.state.agent else N_('Total')
