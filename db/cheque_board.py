"""The cheques page as a question: views, filters, day and month from an address to rows, sums and a calendar; and the way back from a slip.

Screens ask `counts_of_board`, `page_of_board`, `month_of_board`, `due_soon`; they order `take_back_cheque`.
"""

import calendar as wall
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from db.base import alias_of
from db.bureau import bureau_settings
from db.calendar import DAY, Calendar, calendar_of, sunday_of
from db.changes import Change
from db.cheques import DIRECTIONS, TRANSITIONS, WARN_DAYS, Cheque, cheque_to_edit
from db.claims import Claim
from db.scope import Actor, Can
from db.texts import N_, ClaimError
from db.values import as_given, day_in, misread_choices, misread_days

VIEWS = ('due', 'overdue', 'open', 'done', 'calendar')
SIDES = ('in', 'out')
PAGE_SIZES = (25, 50, 100)
# so many are counted and added up; a board with more says so
COUNTED_UP_TO = 9999
_MONTH, _NUMBER = re.compile(r'20\d\d-(0[1-9]|1[0-2])'), re.compile(r'[0-9]{1,9}')
# what the client pays with; the insurer pays with the others
OUTWARD = tuple(direction for direction in DIRECTIONS if direction.startswith('insured_'))


@dataclass(frozen=True)
class BoardState:
    """Everything that decides which cheques the page shows; it stands in the address, so reload, back and sharing work."""

    view: str = 'due'
    direction: str = ''
    office: str = ''
    insurer: str = ''
    agent: str = ''
    due_from: date | None = None
    due_to: date | None = None
    month: str = ''
    day: date | None = None
    page: int = 1
    size: int = 25
    misread: tuple[str, ...] = field(default=(), compare=False)  # days and months of the address that are none
    unknown: tuple[str, ...] = field(default=(), compare=False)  # what else of it was not understood

    @classmethod
    def read(cls, query: Mapping[str, str]) -> 'BoardState':
        """From an address. Anything hostile or outdated falls back to the default; it never raises."""
        view, day = query.get('view', ''), day_in(query.get('day'))
        size, page = (_whole(query.get(name, '')) for name in ('size', 'page'))
        state = cls(
            view=view if view in VIEWS else VIEWS[0],
            direction=side if (side := query.get('direction', '')) in SIDES else '',
            office=office if _NUMBER.fullmatch(office := query.get('office', '')) else '',
            agent=agent if _NUMBER.fullmatch(agent := query.get('agent', '')) else '',
            insurer=insurer if _NUMBER.fullmatch(insurer := query.get('insurer', '')) else '',
            due_from=day_in(query.get('due_from')),
            due_to=day_in(query.get('due_to')),
            page=max(page, 1),
            size=size if size in PAGE_SIZES else PAGE_SIZES[0],
            misread=misread_days(query, ('due_from', 'due_to')),
        )
        numbers = {name: (getattr(state, name),) for name in ('office', 'agent', 'insurer')}
        unknown = misread_choices(query, {'view': VIEWS, 'direction': ('', *SIDES), **numbers})
        state = replace(state, unknown=unknown)
        if state.view != 'calendar':
            return state
        month = query.get('month', '').strip()
        shown = day.isoformat()[:7] if day else month if _MONTH.fullmatch(month) else ''
        misread = (*misread_days(query, ('day',)), *([] if shown or not month else [as_given(month)]))
        return replace(state, month=shown, day=day, misread=state.misread + misread)

    def address(self) -> str:
        """The query string of this state, without what is at its default."""
        told = [(item, getattr(self, item.name)) for item in fields(self) if item.compare]
        return urlencode({item.name: value for item, value in told if value != item.default})

    @property
    def turned_round(self) -> tuple[tuple[date, date], ...]:
        """Its days, when they end before they begin: nothing falls due between them."""
        start, end = self.due_from, self.due_to
        return ((start, end),) if start and end and start > end else ()

    @property
    def is_filtered(self) -> bool:
        """Whether some cheques of the view are left out."""
        return bool(self.direction or self.office or self.insurer or self.agent or self.due_from or self.due_to)


@dataclass(frozen=True)
class Sums:
    """How many cheques, and how much by them comes in from insurers and goes out from clients."""

    count: int = 0
    incoming: int = 0
    outgoing: int = 0

    @property
    def total(self) -> int:
        """Both together."""
        return self.incoming + self.outgoing


@dataclass(frozen=True)
class Board:
    """One page of cheques beside their claims, and the sums of all that match; no sums when there are too many to add up."""

    state: BoardState
    rows: Sequence[tuple[Cheque, Claim]]
    count: int
    sums: Sums | None


@dataclass(frozen=True)
class MonthDay:
    """A day of the calendar: what waits for it, what was cleared of it, and what day it is."""

    day: date
    in_month: bool
    works: bool
    occasion: str = ''
    waiting: Sums = field(default_factory=Sums)
    cleared: Sums = field(default_factory=Sums)


# ---- questions --------------------------------------------------------------------------------------------------------------


def counts_of_board(session: Session, state: BoardState, today: date) -> dict[str, int]:
    """How many cheques stand behind each view under the filters that are on, counted no further than one past `COUNTED_UP_TO`."""
    listed = (view for view in VIEWS if view != 'calendar')
    return {view: _sums(session, cheques_asked(session, replace(state, view=view), today)).count for view in listed}


def page_of_board(session: Session, state: BoardState, today: date) -> Board:
    """The cheques of one page; a page past the end answers the last one."""
    asked = cheques_asked(session, state, today)
    sums = _sums(session, asked)
    last = max(1, -(-min(sums.count, COUNTED_UP_TO) // state.size))
    state = replace(state, page=min(state.page, last))
    rows = asked.join(Claim, Claim.id == Cheque.claim_id).with_only_columns(Cheque, Claim).order_by(*_order(state))
    found = session.execute(rows.limit(state.size).offset((state.page - 1) * state.size))
    return Board(state, [(cheque, claim) for cheque, claim in found], sums.count, _if_whole(sums))


def month_of_board(session: Session, state: BoardState, today: date) -> list[MonthDay]:
    """The weeks of a month, Sunday first, with what falls due on each day."""
    first = _first_of(state, today)
    start, end = _weeks_around(first)
    by_day: dict[tuple[date, str], Sums] = defaultdict(Sums)
    asked = _filtered(session, state).where(Cheque.live.in_([True, False]), Cheque.due_date.between(start, end))
    asked = asked.where(or_(Cheque.live, Cheque.state == 'cleared'))
    columns = (Cheque.due_date, Cheque.live, func.count(Cheque.id), *_added(Cheque))
    grouped = asked.with_only_columns(*columns).group_by(Cheque.due_date, Cheque.live)
    line: Any
    for line in session.execute(grouped):
        by_day[line[0], 'waiting' if line[1] else 'cleared'] = Sums(line[2], int(line[3]), int(line[4]))
    calendar = calendar_of(session)
    days = [start + n * DAY for n in range((end - start).days + 1)]
    return [_month_day(calendar, day, first, by_day[day, 'waiting'], by_day[day, 'cleared']) for day in days]


def due_soon(session: Session, today: date, most: int = 5) -> Board:
    """The next cheques of the two weeks to come, as far as the asker may see them."""
    return page_of_board(session, BoardState(size=most), today)


def time_to_take_back(session: Session, cheque_id: int, now: datetime) -> timedelta | None:
    """How long the acting person may still take the last step of a cheque back; None when he may not."""
    cheque = session.get(Cheque, cheque_id)
    step = _last_step(session, cheque) if cheque else None
    actor: Actor = session.info['actor']
    if (
        cheque is None
        or step is None
        or not actor.may(Can.HANDLE_MONEY)
        or (step.user_id, step.by) != (actor.user_id, actor.name)
    ):
        return None
    left = cheque.state_since + timedelta(minutes=bureau_settings(session).stage_cool_off_minutes) - now
    return left if left > timedelta(0) else None


def cheques_asked(session: Session, state: BoardState, today: date) -> Select[Any]:
    """The cheques a state means, without columns or order."""
    soon = today + timedelta(days=WARN_DAYS)
    views: Mapping[str, tuple[ColumnElement[bool], ...]] = {
        'due': (Cheque.live.is_(True), Cheque.due_date.between(today, soon)),
        'overdue': (Cheque.live.is_(True), Cheque.due_date < today),
        'open': (Cheque.live.is_(True),),
        'done': (Cheque.live.is_(False),),
        'calendar': (Cheque.live.in_([True, False]), Cheque.due_date.between(*_days_asked(state, today))),
    }
    return _filtered(session, state).where(*views[state.view])


def _filtered(session: Session, state: BoardState) -> Select[Any]:
    asked = select(Cheque.id).select_from(Cheque)
    if state.office:
        asked = asked.where(Cheque.office_id == int(state.office))
    if state.direction:
        outward = Cheque.direction.in_(OUTWARD)
        asked = asked.where(outward if state.direction == 'out' else ~outward)
    if state.insurer:
        asked = asked.where(Cheque.claim_id.in_(select(Claim.id).where(Claim.tp_insurer == int(state.insurer))))
    if state.agent:
        asked = asked.where(Cheque.claim_id.in_(select(Claim.id).where(Claim.agent == int(state.agent))))
    if state.due_from:
        asked = asked.where(Cheque.due_date >= state.due_from)
    return asked.where(Cheque.due_date <= state.due_to) if state.due_to else asked


def _order(state: BoardState) -> tuple[Any, ...]:
    """The next day first; what is over comes with the latest first."""
    if state.view == 'calendar':
        return Cheque.due_date, Cheque.live.desc(), Cheque.id
    return (Cheque.due_date.desc(), Cheque.id.desc()) if state.view == 'done' else (Cheque.due_date, Cheque.id)


def _sums(session: Session, asked: Select[Any]) -> Sums:
    """Added up through an alias of Cheque, so that it stays under scope: it has what the scope looks at, and no other columns."""
    columns = (Cheque.id, Cheque.office_id, Cheque.claim_id, Cheque.direction, Cheque.amount)
    some = alias_of(Cheque, asked.with_only_columns(*columns).limit(COUNTED_UP_TO + 1).subquery())
    added = session.execute(select(func.count(some.id), *_added(some))).one()
    return Sums(added[0], int(added[1]), int(added[2]))


def _added(cheques: Any) -> list[ColumnElement[int]]:
    outward = cheques.direction.in_(OUTWARD)
    return [
        func.coalesce(func.sum(case((outward, here), else_=there)), 0)
        for here, there in ((0, cheques.amount), (cheques.amount, 0))
    ]


def _if_whole(sums: Sums) -> Sums | None:
    return sums if sums.count <= COUNTED_UP_TO else None


def _days_asked(state: BoardState, today: date) -> tuple[date, date]:
    """The day that was chosen, or the whole month."""
    first = _first_of(state, today)
    return (state.day, state.day) if state.day else (first, _last_of(first))


def _last_of(first: date) -> date:
    return first.replace(day=wall.monthrange(first.year, first.month)[1])


def _first_of(state: BoardState, today: date) -> date:
    return date.fromisoformat(f'{state.month}-01') if state.month else today.replace(day=1)


def _weeks_around(first: date) -> tuple[date, date]:
    """From the Sunday on or before the first of the month to the Saturday on or after its last day."""
    last = _last_of(first)
    return sunday_of(first), sunday_of(last) + 6 * DAY


def _month_day(calendar: Calendar, day: date, first: date, waiting: Sums, cleared: Sums) -> MonthDay:
    return MonthDay(
        day=day,
        in_month=(day.year, day.month) == (first.year, first.month),
        works=calendar.is_business_day(day),
        occasion=calendar.occasion(day),
        waiting=waiting,
        cleared=cleared,
    )


def _last_step(session: Session, cheque: Cheque) -> Change | None:
    """The step that brought a cheque where it is, when it was one that a click takes; None otherwise."""
    steps = select(Change).where(Change.claim_id == cheque.claim_id, Change.kind == 'cheque.state')
    for step in session.scalars(steps.order_by(Change.id.desc()).limit(50)):
        if step.fields.get('cheque', [None, None])[1] == cheque.id:
            before, after = step.fields['state']
            went = after == cheque.state != 'replaced' and after in TRANSITIONS[before]
            return step if went else None
    return None


# ---- orders -----------------------------------------------------------------------------------------------------------------


def take_back_cheque(session: Session, cheque_id: int, seen: str, now: datetime) -> Cheque:
    """Undo one's own last step of a cheque, within the minutes that the bureau allows: it never left where it was."""
    cheque = cheque_to_edit(session, cheque_id)
    step = _last_step(session, cheque)
    if step is None or cheque.state != seen or time_to_take_back(session, cheque_id, now) is None:
        raise ClaimError(N_('This step can no longer be taken back.'))
    cheque.state, cheque.state_since = step.fields['state'][0], now
    if cheque.state != 'deposited':  # whoever confirmed the waiver did so with the step
        cheque.waiver_confirmed_by = ''
    cheque.reason = step.fields.get('reason', ['', ''])[0] or ''
    return cheque


# ---- reading an address -----------------------------------------------------------------------------------------------------


def _whole(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 0
