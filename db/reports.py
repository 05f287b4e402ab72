"""What the reports count: a stretch of days, an office, an insurer, an agent from an address, to figures that each know the list behind them.

Screens and workbooks ask `figures_of`; the monthly report beside it `rows_behind`. How each figure is defined:

- Open claims, by status, by insurer and by age: those open now; the age is the days since `opened_at`.
- Opened, submitted, closed: claims whose `opened_at`, `submitted_at`, `closed_at` falls into the period, in Israeli calendar days.
  A claim that was opened again is not closed.
- How long a claim took: the days from its opening to its closing, of the claims closed in the period.
- How long a claim waited for the appraiser: the days from its opening to the inspection, of the claims inspected in the period, by appraiser;
  of a car that was inspected before there was a claim, none.
- How long a stage took: the days from the moment the car entered it to the moment it left, of the stays that ended in the period,
  those of one car together; what was taken back never was, and of a stay whose beginning nobody knows nothing is known.
- How long a garage took: the days from the first stage at the garage to the hand-over, of the cars handed over in the period;
  of those that never came to one, none.
- Demanded: the demands of the claims submitted in the period. Approved and received: by how much these totals of any claims rose in it.
- Collection rate: the received in percent of the demanded, of as many cases as claims were demanded for. It is made of the claims
  that were demanded for in the period and of those, mostly older ones, of which something was received in it.
- Whole at the first submission: of the claims submitted in the period that the insurer has answered, those that it never sent back to be completed.
  It answered by sending them back, or they came to a step that follows its answer; of those that wait for it nothing is known yet.
- The period before: as many days right before the first; what was opened, closed, demanded and received in them. What is open now was not counted then.
- Unread: claims with news that the asker himself has not seen.
- How a figure went: in six parts of the period up to today, each as long as the others; in three where six have too few cases.
  Demanded and received are what they came to in each part, of at least `ENOUGH` claims in all; a time and a rate are of `ENOUGH` cases in every part.
  What was open at the end of each part is reckoned back from what is open now, by what was opened and closed since: a claim that was opened again was never closed.
  Of a period that is over it is not told. Cheques are told by the day they fall due, of at least three days.
- Cheques: those still waiting for their day, by the week or month in which they fall due; the next one from today on. The monthly report has those that were cleared too.

Times are medians: one claim that lay for a year moves them little. Fewer than `ENOUGH` cases give no time and no rate.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from db.base import alias_of
from db.calendar import DAY, calendar_of, sunday_of
from db.cheque_board import OUTWARD, BoardState
from db.cheques import WARN_DAYS, Cheque
from db.claims import Claim
from db.exports import CONFIRM_ABOVE
from db.habits import ENOUGH
from db.list_claims import ONE_OF, claims_in, filtered, on_days, was_answered
from db.list_state import NOBODY, ListState
from db.measuring import Measured, days_apart, israel_day, measured
from db.money import MOVED, MoneyMove
from db.offices import AgentOffice, User, agents_of
from db.reference import Insurer, Reference, reference
from db.repairs import RepairEvent, came_to_garage, is_real_move, left_one_of, was_handed_over
from db.report_figures import ChequeFigure, DueLine, Figure, Figures, Line
from db.report_state import ReportState, Span, month_after
from db.scope import Actor, Can
from db.texts import N_, t

# the days since the opening of claims that are still open, from and to; the last has no end
AGES: Sequence[tuple[int, int | None]] = ((0, 30), (31, 60), (61, 90), (91, 180), (181, None))
WEEKS, MONTHS_AHEAD = 6, 6
# a line beside a figure: as many parts of the period, or half as many; and the fewest days that make one of cheques
FINE, FEWEST_DAYS = 6, 3
Told = Mapping[tuple[date, bool], tuple[int, int]]


# ---- questions --------------------------------------------------------------------------------------------------------------


def figures_of(session: Session, state: ReportState, today: date) -> Figures:
    """Everything the dashboard shows."""
    actor: Actor = session.info['actor']
    actor.need(Can.SEE_REPORTS)
    asked = _Asked(session, state, today)
    people = _people(asked) if state.office or not actor.is_bureau else []
    happened, earlier = _Happened(asked), _Asked(session, state, today, asked.span.before)
    offices = _offices(asked) if actor.is_bureau and not state.office else []
    total = _total(asked, people or offices, happened)
    due, ahead = _due(asked)
    answered, back = (total.figures[name].claims for name in ('answered', 'sent_back'))
    return Figures(
        state=state,
        span=asked.span,
        today=today,
        statuses=_statuses(asked),
        ages=_ages(asked),
        open_by_insurer=_open_by_insurer(asked),
        insurers=_by_firm(asked, 'insurer', 'closed'),
        appraisers=_by_firm(asked, 'appraiser', 'appraised'),
        garages=_garages(asked),
        stages=_stages(asked),
        months=_months(asked, happened),
        people=people,
        offices=offices,
        total=total,
        before=_moved(earlier, _Happened(earlier)),
        **due,
        whole=_whole(answered, back),
        went=_went(asked, happened, total, ahead),
    )


def _whole(answered: int, back: int) -> Measured:
    return Measured(answered, 100 * (answered - back) / answered if answered else 0.0)


def agents_to_choose(session: Session, state: ReportState) -> list[tuple[int, str]]:
    """The agents of the office that is asked about, by name; while the bureau asks about all of them, him alone whom it names."""
    office = session.info['actor'].office_id or int(state.office or 0)
    named = agents_of(office or None, former=True).with_only_columns(User.id, User.name)  # their claims are still there
    if not office:
        named = named.where(User.id == int(state.agent or 0))
    return [(row[0], row[1]) for row in session.execute(named)]


class _Asked:
    """Who asks for what: shared by all tables."""

    def __init__(self, session: Session, state: ReportState, today: date, span: Span | None = None) -> None:
        self.session, self.state, self.today = session, state, today
        self.span = span or state.span(today)
        one_of: dict[str, Any] = {
            name: (key,) for name in ('office', 'insurer', 'agent') if (key := getattr(state, name))
        }
        self.all = ListState(view='all', **one_of)
        self.open = replace(self.all, view='open')
        self.unread = replace(self.all, view='unread')
        self.closed = replace(self.during('closed'), view='closed')
        self.appraised = self.during('appraised')

    @cached_property
    def words(self) -> Reference:
        """Statuses, stages and firms."""
        return reference(self.session)

    @property
    def reader(self) -> str:
        """In whose language statuses and stages are named."""
        return str(self.session.info['actor'].language)

    def name_of(self, firm: str, key: str) -> str:
        """What an insurer, an appraiser or a garage is called; '' of none."""
        firms: Mapping[int, Any] = getattr(self.words, f'{firm}s')
        return firms[int(key)].name if int(key) in firms else ''

    def during(self, name: str, span: Span | None = None) -> ListState:
        """The claims to which something happened in the period."""
        days: dict[str, Any] = dict(zip((f'{name}_from', f'{name}_to'), (span or self.span).days, strict=True))
        return replace(self.all, **days)

    def by(self, behind: ListState, column: Any, *sums: Any) -> dict[str, tuple[int, ...]]:
        """The claims of a list, counted and summed up by a column."""
        grouped = claims_in(self.session, behind)[0].with_only_columns(column, func.count(Claim.id), *sums)
        rows = self.session.execute(grouped.group_by(column))
        return {_key(row[0]): tuple(int(number or 0) for number in row[1:]) for row in rows}

    def took(self, column: Any, until: str = 'closed') -> dict[str, dict[int, int]]:
        """How many of the claims closed, or appraised, in the period had been open for how many days, by a column."""
        over = Claim.appraised_at if until == 'appraised' else israel_day(self.session, Claim.closed_at, self.span.last)
        days = days_apart(self.session, Claim.opened_at, over)
        grouped = claims_in(self.session, getattr(self, until))[0]
        grouped = grouped.with_only_columns(column, days, func.count(Claim.id))
        return _histograms(self.session.execute(grouped.group_by(column, days)))

    def narrow(self, statement: Any, part: Any) -> Any:
        """A question about parts of claims, of the claims that are asked about."""
        if self.state.office:
            statement = statement.where(part.office_id == int(self.state.office))
        if self.state.insurer or self.state.agent:
            mine = filtered(select(Claim.id).select_from(Claim), replace(self.all, office=()))
            statement = statement.where(part.claim_id.in_(mine))
        return statement

    def moves(self, *columns: Any, total: str | None = None) -> dict[tuple[str, ...], tuple[int, int]]:
        """Of how many claims totals rose in the period, and by how much: a total or all of them, by columns of the moves or of their claims."""
        rose = (func.count(MoneyMove.claim_id.distinct()), func.coalesce(func.sum(MoneyMove.amount), 0))
        moved = select(*columns, *rose).select_from(MoneyMove)
        if any(getattr(column, 'class_', None) is Claim for column in columns):
            moved = moved.join(Claim, Claim.id == MoneyMove.claim_id)
        which = MoneyMove.total.in_(MOVED if total is None else [total])
        moved = self.narrow(moved.where(which, *on_days(MoneyMove.at, *self.span.days)), MoneyMove)
        rows = self.session.execute(moved.group_by(*columns))
        return {tuple(_key(value) for value in row[:-2]): (row[-2], int(row[-1])) for row in rows}


def _key(value: Any) -> str:
    return NOBODY if value is None else str(value)


def _histograms(rows: Iterable[Any]) -> dict[str, dict[int, int]]:
    """(key, days, how many) → key → days → how many; a time that is not known is told by -1."""
    found: dict[str, dict[int, int]] = {}
    for key, days, many in rows:
        told = found.setdefault(_key(key), {})
        place = -1 if days is None else max(int(days), 0)
        told[place] = told.get(place, 0) + many
    return found


def _place(column: Any, spans: Sequence[Span]) -> Any:
    """In which of some stretches of days, one after the other, something happened: the place of it."""
    ends = [(and_(*on_days(column, None, span.last)), str(place)) for place, span in enumerate(spans)]
    return case(*ends, else_=str(len(spans) - 1))


class _Happened:
    """What happened in the period: asked once, for its sums, its months and its parts."""

    def __init__(self, asked: _Asked) -> None:
        until = Span(asked.span.first, min(asked.span.last, asked.today))
        # a whole that is too short for parts is one part
        self.parts = until.parts(FINE) or [asked.span]
        self.opened = {
            date.fromisoformat(day): many for day, (many,) in asked.by(asked.during('opened'), Claim.opened_at).items()
        }
        answered = func.count(case((was_answered(), Claim.id)))
        sums = (func.sum(Claim.demand_amount), answered, func.count(Claim.sent_back_at))
        sent = asked.by(asked.during('submitted'), Claim.submitted_at, *sums)
        self.sent = {date.fromisoformat(day): told for day, told in sent.items()}
        took = asked.took(_place(Claim.closed_at, self.parts))
        self.took = [took.get(str(place), {}) for place in range(len(self.parts))]

    def sent_on(self, *spans: Span) -> tuple[int, int, int, int]:
        """How many claims were submitted, what was demanded for them, how many were answered, and how many of those sent back."""
        told = [sums for day, sums in self.sent.items() if any(span.first <= day <= span.last for span in spans)]
        many, demanded, answered, back = (sum(column) for column in zip(*told, strict=True)) if told else (0, 0, 0, 0)
        return many, demanded, answered, back


def _all_days(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """(days → how many cases) of several parts, as one."""
    whole: Counter[int] = Counter()
    for part in parts:
        whole.update(part)
    return dict(whole)


def _sorted(lines: Iterable[Line], name: str) -> list[Line]:
    """The most claims first."""
    return sorted(lines, key=lambda line: (-line.figures[name].claims, line.name, line.key))


# ---- open claims ------------------------------------------------------------------------------------------------------------


def _statuses(asked: _Asked) -> list[Line]:
    counted = asked.by(asked.open, Claim.status)
    lines = []
    for name, statuses in asked.words.statuses_by_name(asked.reader).items():
        keys = tuple(status.id for status in statuses)
        if claims := sum(counted[key][0] for key in keys if key in counted):
            lines.append(Line(keys[0], name, {'open': Figure(claims, replace(asked.open, status=keys))}))
    return lines


def _open_by_insurer(asked: _Asked) -> list[Line]:
    counted = asked.by(asked.open, Claim.tp_insurer)
    lines = (
        Line(key, asked.name_of('insurer', key), {'open': Figure(many, replace(asked.open, insurer=(key,)))})
        for key, (many,) in counted.items()
    )
    return _sorted(lines, 'open')


def _ages(asked: _Asked) -> list[Line]:
    lines = []
    younger = [
        (Claim.opened_at >= asked.today - timedelta(days=oldest), str(place))
        for place, (_, oldest) in enumerate(AGES)
        if oldest is not None
    ]
    counted = asked.by(asked.open, case(*younger, else_=str(len(AGES) - 1)))
    for place, (youngest, oldest) in enumerate(AGES):
        # a claim that was dated ahead is as young as can be
        to = asked.today - timedelta(days=youngest) if youngest else None
        behind = replace(asked.open, opened_to=to)
        if oldest is not None:
            behind = replace(behind, opened_from=asked.today - timedelta(days=oldest))
        figure = Figure(counted.get(str(place), (0,))[0], behind)
        lines.append(Line(f'{youngest}-{oldest or ""}', '', {'open': figure}))
    return lines


# ---- how long it took -------------------------------------------------------------------------------------------------------


def _by_firm(asked: _Asked, firm: str, until: str) -> list[Line]:
    """How long claims had been open when they were closed, or appraised, by the firm."""
    took = asked.took(ONE_OF[firm], until)
    behind: ListState = getattr(asked, until)

    def figure(key: str, days: Mapping[int, int]) -> Figure:
        only: dict[str, Any] = {firm: (key,)}
        return Figure(sum(days.values()), replace(behind, **only))

    lines = (
        Line(key, asked.name_of(firm, key), {until: figure(key, days)}, measured(days), until)
        for key, days in took.items()
    )
    return _sorted(lines, until)


def _garages(asked: _Asked) -> list[Line]:
    over = and_(was_handed_over(), *on_days(RepairEvent.at, *asked.span.days))
    handed = asked.narrow(select(RepairEvent.claim_id).where(is_real_move(), over), RepairEvent)
    # each car's moves are looked at once
    stays = (
        select(
            RepairEvent.claim_id.label('claim_id'),
            func.min(case((came_to_garage(), RepairEvent.at))).label('came'),
            func.max(case((over, RepairEvent.at))).label('over'),
        )
        .where(is_real_move(), RepairEvent.claim_id.in_(handed))
        .group_by(RepairEvent.claim_id)
        .subquery()
    )
    days = days_apart(
        asked.session, *(israel_day(asked.session, moment, asked.span.last) for moment in (stays.c.came, stays.c.over))
    )
    by_garage = select(Claim.garage, days, func.count(Claim.id)).join(stays, stays.c.claim_id == Claim.id)
    took = _histograms(asked.session.execute(by_garage.group_by(Claim.garage, days)))

    def line(key: str, told: Mapping[int, int]) -> Line:
        known = measured({day: many for day, many in told.items() if day >= 0})
        counted = {'delivered': sum(told.values()), 'repaired': known.cases}
        figures = {name: Figure(many, replace(asked.during(name), garage=(key,))) for name, many in counted.items()}
        return Line(key, asked.name_of('garage', key), figures, known, 'repaired')

    return _sorted((line(key, told) for key, told in took.items()), 'delivered')


def _stages(asked: _Asked) -> list[Line]:
    days = days_apart(
        asked.session,
        israel_day(asked.session, RepairEvent.since, asked.span.last),
        israel_day(asked.session, RepairEvent.at, asked.span.last),
    )
    stays = select(RepairEvent.before.label('stage'), func.sum(days).label('days'))
    stays = stays.where(is_real_move(), left_one_of(asked.words.stages), *on_days(RepairEvent.at, *asked.span.days))
    # a car that was there twice is one car
    of_car = asked.narrow(stays, RepairEvent).group_by(RepairEvent.before, RepairEvent.claim_id).subquery()
    counted = select(of_car.c.stage, of_car.c.days, func.count()).group_by(of_car.c.stage, of_car.c.days)
    took = _histograms(asked.session.execute(counted))
    behind = asked.during('left')
    return [
        Line(
            key,
            stage.label_in(asked.reader),
            {'left': Figure(sum(took[key].values()), replace(behind, left_stage=(key,)))},
            measured(took[key]),
            'left',
        )
        for key, stage in asked.words.stages.items()
        if key in took
    ]


# ---- money ------------------------------------------------------------------------------------------------------------------


def _months(asked: _Asked, happened: _Happened) -> list[Line]:
    spans = asked.span.months
    moved = asked.moves(MoneyMove.total, _place(MoneyMove.at, spans))
    lines = []
    for place, span in enumerate(spans):
        many, demanded, *_ = happened.sent_on(span)
        figures = {'demanded': Figure(many, asked.during('submitted', span), demanded)}
        for total in MOVED:
            claims, amount = moved.get((total, str(place)), (0, 0))
            figures[total] = Figure(claims, asked.during(total, span), amount)
        lines.append(Line(span.first.isoformat()[:7], '', figures))
    return lines


# ---- people and offices -----------------------------------------------------------------------------------------------------


def _people(asked: _Asked) -> list[Line]:
    return _side_by_side(asked, 'agent', Claim.agent, _names(asked.session, User), {'unread': asked.unread})


def _offices(asked: _Asked) -> list[Line]:
    return _side_by_side(asked, 'office', Claim.office_id, _names(asked.session, AgentOffice))


def _side_by_side(
    asked: _Asked, param: str, column: Any, names: Mapping[str, str], more: Mapping[str, ListState] | None = None
) -> list[Line]:
    """A line for everybody who had anything to do with a claim that is open, in `more` lists, or moved in the period."""
    counts = {'opened': asked.during('opened'), 'collected': asked.during('collected')}
    plain = {'open': asked.open, **(more or {}), **counts}
    lists = {
        **plain,
        'closed': asked.closed,
        'demanded': asked.during('submitted'),
        'received': asked.during('received'),
    }
    took = asked.took(column)
    demanded = asked.by(lists['demanded'], column, func.sum(Claim.demand_amount))
    moved = asked.moves(MoneyMove.office_id if param == 'office' else column, total='received')
    received = {key: rose for (key,), rose in moved.items()}
    counted: dict[str, Mapping[str, int]] = {
        **{name: {key: row[0] for key, row in asked.by(lists[name], column).items()} for name in plain},
        'closed': {key: sum(days.values()) for key, days in took.items()},
        'demanded': {key: row[0] for key, row in demanded.items()},
        'received': {key: row[0] for key, row in received.items()},
    }
    sums: dict[str, Mapping[str, tuple[int, ...]]] = {'demanded': demanded, 'received': received}
    keys = {key for told in counted.values() for key in told}

    def name_of(key: str) -> str:
        # his name is his new office's now
        return names.get(key) or ('' if key == NOBODY else t(N_('No longer in the office'), asked.reader))

    def figure(name: str, key: str) -> Figure:
        amount = sums[name].get(key, (0, 0))[1] if name in sums else None
        only: dict[str, Any] = {param: (key,)}
        return Figure(counted[name].get(key, 0), replace(lists[name], **only), amount)

    lines = (
        Line(key, name_of(key), {name: figure(name, key) for name in lists}, measured(took.get(key, {})))
        for key in keys
    )
    return _sorted(lines, 'open')


def _total(asked: _Asked, lines: Sequence[Line], happened: _Happened) -> Line:
    """All of it in one line, some of it added up from those of the people or offices: every claim stands in one, be it nobody's."""
    moved = _moved(asked, happened)
    many = asked.session.scalar(claims_in(asked.session, asked.open)[0].with_only_columns(func.count(Claim.id))) or 0
    parted = {'collected': asked.during('collected'), 'unread': asked.unread}
    figures = {
        name: Figure(sum(line.figures[name].claims for line in lines), behind)
        for name, behind in parted.items()
        if name == 'collected' or any(name in line.figures for line in lines)
    }
    return replace(moved, figures={'open': Figure(many, asked.open), **moved.figures, **figures})


def _moved(asked: _Asked, happened: _Happened) -> Line:
    """All that happened in the period, in one line."""
    sent, took = asked.during('submitted'), _all_days(happened.took)
    submitted, demanded, answered, back = happened.sent_on(asked.span)
    figures = {
        'opened': Figure(sum(happened.opened.values()), asked.during('opened')),
        'closed': Figure(sum(took.values()), asked.closed),
        'submitted': Figure(submitted, sent),
        'demanded': Figure(submitted, sent, demanded),
        'sent_back': Figure(back, replace(sent, sent_back=('yes',))),
        'answered': Figure(answered, replace(sent, sent_back=('yes', 'no'))),
        'whole': Figure(answered - back, replace(sent, sent_back=('no',))),
    }
    moved = asked.moves(MoneyMove.total)
    for total in MOVED:
        claims, amount = moved.get((total,), (0, 0))
        figures[total] = Figure(claims, asked.during(total), amount)
    return Line('', '', figures, measured(took))


def _names(session: Session, model: Any) -> dict[str, str]:
    return {str(row[0]): row[1] for row in session.execute(select(model.id, model.name))}


# ---- how figures went -------------------------------------------------------------------------------------------------------


def _went(
    asked: _Asked, happened: _Happened, total: Line, due: Mapping[date, tuple[int, int]]
) -> dict[str, Sequence[float]]:
    """The lines beside the figures."""
    told: dict[str, Sequence[float]] = {'soon': _coming(asked.today, due)}
    parts = happened.parts
    if len(parts) == FINE:
        told['took'] = _known(happened.took, lambda some: measured(_all_days(some)))
        told['whole'] = _known(parts, lambda some: _whole(*happened.sent_on(*some)[2:]))
        told['open'] = _open_then(asked, happened, total.figures['open'].claims)
        if total.figures['demanded'].claims >= ENOUGH:
            told['demanded'] = [happened.sent_on(part)[1] for part in parts]
        if total.figures['received'].claims >= ENOUGH:
            rose = asked.moves(_place(MoneyMove.at, parts), total='received')
            told['received'] = [rose.get((str(place),), (0, 0))[1] for place in range(FINE)]
    return {name: line for name, line in told.items() if line}


def _known(parts: Sequence[Any], measure: Callable[[Sequence[Any]], Measured]) -> Sequence[float]:
    """A measure of every part, or of every two; nothing where even one has too few cases."""
    for at_once in (1, 2):
        told = [measure(parts[n : n + at_once]) for n in range(0, len(parts), at_once)]
        if all(one.known for one in told):
            return [one.number for one in told]
    return []


def _open_then(asked: _Asked, happened: _Happened, many: int) -> Sequence[float]:
    """How many were open at the end of each part; nothing where the period does not reach to today."""
    if asked.span.last < asked.today or many < ENOUGH:
        return []
    told = [many]
    for part, took in zip(reversed(happened.parts[1:]), reversed(happened.took[1:]), strict=True):
        opened = sum(claims for day, claims in happened.opened.items() if part.first <= day <= part.last)
        told.append(told[-1] - opened + sum(took.values()))
    return told[::-1]


def _coming(today: date, due: Mapping[date, tuple[int, int]]) -> Sequence[float]:
    """What falls due on each of the days that are looked ahead."""
    told = [sum(due[today + n * DAY]) for n in range(WARN_DAYS + 1)]
    return told if sum(amount > 0 for amount in told) >= FEWEST_DAYS else []


# ---- cheques ----------------------------------------------------------------------------------------------------------------


def _due(asked: _Asked) -> tuple[dict[str, Any], Mapping[date, tuple[int, int]]]:
    """The cheques that wait for their day: by week from this one's Sunday on, by month from this one on, and by day of the four weeks shown.

    Beside them the days that are looked ahead, whichever weeks are shown.
    """
    sunday, shown = sunday_of(asked.today), asked.state.four_weeks(asked.today)
    weeks = [Span(sunday + timedelta(days=7 * n), sunday + timedelta(days=7 * n + 6)) for n in range(WEEKS)]
    months = Span(asked.today.replace(day=1), month_after(asked.today, MONTHS_AHEAD) - DAY).months
    ends = Span(min(sunday, months[0].first), max(weeks[-1].last, months[-1].last))
    read = Span(min(ends.first, shown.first), max(ends.last, shown.last))
    outward: ColumnElement[bool] = case((Cheque.direction.in_(OUTWARD), True), else_=False)
    waiting = select(Cheque.due_date, outward, func.count(Cheque.id), func.sum(Cheque.amount))
    waiting = waiting.where(Cheque.live.is_(True), Cheque.due_date.between(*read.days))
    rows = asked.session.execute(asked.narrow(waiting, Cheque).group_by(Cheque.due_date, outward))
    told = {(day, bool(out)): (many, int(amount)) for day, out, many, amount in rows}
    soon = Span(asked.today, asked.today + timedelta(days=WARN_DAYS))
    of_both = [_summed(told, soon, out=out) for out in (False, True)]
    page, days = _page(asked, 'due'), _by_day(told, shown)
    calendar = calendar_of(asked.session)
    figures = {
        'weeks': [_due_line(asked, told, span) for span in weeks],
        'due_months': [_due_line(asked, told, span) for span in months],
        'due_days': days,
        'closed_days': {day: calendar.occasion(day) for day in days if not calendar.is_business_day(day)},
        'soon': ChequeFigure(sum(side[0] for side in of_both), sum(side[1] for side in of_both), page),
        'next_due': min((day for day, _ in told if asked.today <= day <= ends.last), default=None),
    }
    return figures, _by_day(told, soon)


def _page(asked: _Asked, view: str) -> BoardState:
    state = asked.state
    return BoardState(view=view, office=state.office, insurer=state.insurer, agent=state.agent)


def _by_day(told: Told, span: Span) -> dict[date, tuple[int, int]]:
    """What comes in and what goes out, for each day."""
    days = [span.first + n * DAY for n in range((span.last - span.first).days + 1)]
    return {day: (told.get((day, False), (0, 0))[1], told.get((day, True), (0, 0))[1]) for day in days}


def _due_line(asked: _Asked, told: Told, span: Span) -> DueLine:
    page = replace(_page(asked, 'open'), due_from=span.first, due_to=span.last)
    incoming, outgoing = (
        ChequeFigure(*_summed(told, span, out=out), replace(page, direction=side))
        for out, side in ((False, 'in'), (True, 'out'))
    )
    return DueLine(span, incoming, outgoing)


def _summed(told: Told, span: Span, *, out: bool) -> tuple[int, int]:
    found = [sums for (day, outward), sums in told.items() if outward is out and span.first <= day <= span.last]
    return sum(many for many, _ in found), sum(amount for _, amount in found)


# ---- the rows behind, for the monthly report --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Behind:
    """The rows behind a month: the claims that were opened and closed, the first opened first, and the cheques due beside their claims."""

    opened: Sequence[Any]
    closed: Sequence[Any]
    cheques: Sequence[Any]


def rows_behind(session: Session, figures: Figures) -> Behind | None:
    """The rows behind the figures of a month; None when there are more than may leave without one's password."""
    told = figures.total.figures
    behind = Behind(
        claims_behind(session, told['opened']),
        claims_behind(session, told['closed']),
        cheques_behind(session, figures.state, figures.span),
    )
    return behind if len(behind.opened) + len(behind.closed) + len(behind.cheques) <= CONFIRM_ABOVE else None


def claims_behind(session: Session, figure: Figure) -> list[Any]:
    """The claims of a figure as rows for a workbook, the first opened first."""
    actor: Actor = session.info['actor']
    actor.need(Can.SEE_REPORTS)
    agent = alias_of(User)
    columns = (
        *(Claim.claim_no, Claim.insured_name, Claim.plate, Claim.status, Insurer.name, agent.name),
        *(Claim.event_date, Claim.opened_at, Claim.submitted_at, Claim.closed_at),
        *(Claim.demand_amount, Claim.approved_amount, Claim.received_amount),
    )
    found: Any = claims_in(session, figure.behind)[0].with_only_columns(*columns)
    found = found.outerjoin(Insurer, Insurer.id == Claim.tp_insurer).outerjoin(agent, agent.id == Claim.agent)
    return list(session.execute(found.order_by(Claim.opened_at, Claim.id).limit(CONFIRM_ABOVE + 1)))


def cheques_behind(session: Session, state: ReportState, span: Span) -> list[Any]:
    """The cheques that fall due in a stretch of days and wait for it or were cleared, beside their claims, as rows for a workbook."""
    actor: Actor = session.info['actor']
    actor.need(Can.SEE_REPORTS)
    columns = (Cheque.due_date, Cheque.direction, Cheque.state, Cheque.amount, Cheque.cheque_no)
    found = select(*columns, Claim.claim_no, Claim.insured_name).join(Claim, Claim.id == Cheque.claim_id)
    # what says nothing lets an index find the days
    due = (Cheque.live.in_([True, False]), Cheque.due_date.between(*span.days))
    found = found.where(*due, or_(Cheque.live, Cheque.state == 'cleared'))
    found = _Asked(session, state, span.first).narrow(found, Cheque)
    return list(session.execute(found.order_by(Cheque.due_date, Cheque.id).limit(CONFIRM_ABOVE + 1)))
