"""The bureau's desk as questions: what there is to do, who is silent, which claims nobody looked at today, stand too long or wait for nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from db import values
from db.base import Base, alias_of
from db.calendar import Calendar, calendar_of
from db.claims import Claim
from db.reference import WaitingParty
from db.scope import Actor, Can
from db.silence import Silence
from db.stuck import is_stuck, midnight
from db.tasks import Task
from db.texts import N_

TASKS, SILENT = ('due', 'overdue', 'coming'), 'silent'
# in the order they stand on the page: what it is called, and what one sees when there is nothing
VIEWS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        'due': (N_('For today'), N_('Nothing is left for today. Well done.')),
        'overdue': (N_('Overdue tasks'), N_('No task is late.')),
        'coming': (N_('Coming up'), N_('Nothing is planned yet.')),
        'silent': (N_('Silent parties'), N_('Everybody we wait for was heard in time.')),
        'late': (N_('Next action is late'), N_('Every next action is still in its time.')),
        'stuck': (N_('Stuck'), N_('Every claim moves.')),
        'not_updated': (N_('Not updated today'), N_('Every claim was looked at today.')),
        'no_next': (N_('Without a next action'), N_('Every open claim has a next action.')),
        'open': (N_('Open claims'), N_('There are no open claims here.')),
    }
)
WHOSE = ('mine', 'team')
PAGE, COUNTED_UP_TO = 40, 999


@dataclass(frozen=True)
class DeskState:
    """What a desk shows; it stands in the address. `whose`: one's own work, or everybody's."""

    view: str = 'due'
    whose: str = 'mine'
    waiting_on: str = ''
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> 'DeskState':
        """From an address; anything hostile or outdated falls back to the default."""
        view, whose = query.get('view', ''), query.get('whose', '')
        party, page = query.get('waiting_on', '')[:40], query.get('page', '')
        return cls(
            view=view if view in VIEWS else 'due',
            whose=whose if whose in WHOSE else 'mine',
            waiting_on=party if party.replace('_', '').isalnum() and party.isascii() else '',
            page=int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 5 and int(page) else 1,
        )

    def address(self) -> str:
        """The query string of this state, without what is at its default."""
        default = DeskState()
        shown = {name: str(value) for name, value in vars(self).items() if value != getattr(default, name)}
        return urlencode(shown)


@dataclass(frozen=True)
class Line:
    """A line of the desk: a claim, and what brought it here: its task, or the party that is silent."""

    claim: Claim
    task: Task | None = None
    silence: Silence | None = None

    @property
    def key(self) -> str:
        """What tells it from the other lines of its list."""
        return (
            f'task-{self.task.id}'
            if self.task
            else f'claim-{self.claim.id}' + (f'-{self.silence.party}' if self.silence else '')
        )


@dataclass(frozen=True)
class Desk:
    """A page of one list, how much stands behind each, and the whole of one's claims by whom they wait for."""

    state: DeskState
    lines: Sequence[Line]
    more: bool
    counts: Mapping[str, int]
    waiting: Mapping[str, int]
    calendar: Calendar
    now: datetime

    @property
    def today(self) -> date:
        """The day of the desk."""
        return values.israel(self.now).date()


# ---- questions --------------------------------------------------------------------------------------------------------------


def desk_of(session: Session, state: DeskState, now: datetime) -> Desk:
    """A page of the desk. A page past the end answers the last one."""
    session.info['actor'].need(Can.EDIT_CLAIM)
    counts = counts_of_desk(session, state, now)
    last = max(1, -(-counts[state.view] // PAGE)) if counts[state.view] <= COUNTED_UP_TO else state.page
    state = replace(state, page=min(state.page, last))
    found = _ordered(session, state, now).limit(PAGE + 1).offset((state.page - 1) * PAGE)
    lines = [_line(row) for row in session.execute(found)]
    waiting = _by_waiting(session, state)
    return Desk(state, lines[:PAGE], len(lines) > PAGE, counts, waiting, calendar_of(session), now)


def counts_of_desk(session: Session, state: DeskState, now: datetime) -> dict[str, int]:
    """How much stands behind each list, counted no further than one past `COUNTED_UP_TO`."""
    session.info['actor'].need(Can.EDIT_CLAIM)
    return {view: _count(session, _listed(session, replace(state, view=view), now)) for view in VIEWS}


def _listed(session: Session, state: DeskState, now: datetime) -> Select[Any]:
    """The rows of a list, each by an id of its own: tasks, silent parties or claims."""
    if state.view in TASKS:
        return _tasks_in(session, state, values.israel(now).date())
    if state.view == SILENT:
        today = values.israel(now).date()
        silent = select(Silence.claim_id).join(Claim, Claim.id == Silence.claim_id).where(Silence.over_on <= today)
        return _narrowed(session, silent, state)
    open_claims = select(Claim.id).where(Claim.is_open, *_CLAIMS[state.view](session, now))
    return _narrowed(session, open_claims, state)


def _tasks_in(session: Session, state: DeskState, today: date) -> Select[Any]:
    when = {'due': Task.due <= today, 'overdue': Task.due < today, 'coming': Task.due > today}[state.view]
    tasks = select(Task.id).where(Task.is_open, when)
    if state.whose == 'mine':
        tasks = tasks.where(Task.user_id == session.info['actor'].user_id)
    if state.waiting_on:
        tasks = tasks.join(Claim, Claim.id == Task.claim_id).where(Claim.waiting_on == state.waiting_on)
    return tasks


def _narrowed(session: Session, claims: Select[Any], state: DeskState) -> Select[Any]:
    if state.whose == 'mine':
        claims = claims.where(Claim.handler == session.info['actor'].user_id)
    return claims.where(Claim.waiting_on == state.waiting_on) if state.waiting_on else claims


def _late(session: Session, now: datetime) -> list[Any]:
    return [Claim.next_action_due < values.israel(now).date()]


def _not_updated(session: Session, now: datetime) -> list[Any]:
    """Nobody said anything to the agent today, nor that he looked."""
    today = midnight(values.israel(now).date())
    return [Claim.updated_at < today, or_(Claim.checked_at.is_(None), Claim.checked_at < today)]


# the lists of claims: what narrows them down
_CLAIMS: Mapping[str, Callable[[Session, datetime], list[Any]]] = MappingProxyType(
    {
        'late': _late,
        'stuck': lambda session, now: [is_stuck(session, now)],
        'not_updated': _not_updated,
        'no_next': lambda session, now: [Claim.next_action_due.is_(None)],
        'open': lambda session, now: [],
    }
)
# the longest first
_ORDER: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        'late': (Claim.next_action_due, Claim.id),
        'stuck': (Claim.status_since, Claim.id),
        'not_updated': (Claim.seq, Claim.id),
        'no_next': (Claim.status_since, Claim.id),
        'open': (Claim.waiting_since, Claim.id),
    }
)


def _ordered(session: Session, state: DeskState, now: datetime) -> Select[Any]:
    """The rows of a list whole, and in their order."""
    listed = _listed(session, state, now)
    whole: Select[Any]
    if state.view in TASKS:
        whole = select(*_both(Task)).join(Claim, Claim.id == Task.claim_id).where(Task.id.in_(listed))
        return whole.order_by(Task.due, Task.id)
    if state.view == SILENT:
        whole = listed.with_only_columns(*_both(Silence), maintain_column_froms=True)
        return whole.order_by(Silence.over_on, Silence.claim_id, Silence.party)
    return listed.with_only_columns(Claim).order_by(*_ORDER[state.view])


def _both(model: type[Base]) -> tuple[Any, ...]:
    return model, Claim


def _line(row: Any) -> Line:
    found = {type(part): part for part in row}
    return Line(found[Claim], found.get(Task), found.get(Silence))


def _count(session: Session, listed: Select[Any]) -> int:
    """Count the rows, stopping where nobody reads the number any more; under scope, so as an alias of what is counted."""
    model = listed.column_descriptions[0]['entity']
    counted = alias_of(model, listed.order_by(None).limit(COUNTED_UP_TO + 1).subquery())
    key = counted.claim_id if model is Silence else counted.id
    return session.scalar(select(func.count(key))) or 0


def _by_waiting(session: Session, state: DeskState) -> dict[str, int]:
    """How many of one's open claims wait for whom, in the order of the list of parties."""
    actor: Actor = session.info['actor']
    counted = select(Claim.waiting_on, func.count(Claim.id)).where(Claim.is_open).group_by(Claim.waiting_on)
    if state.whose == 'mine':
        counted = counted.where(Claim.handler == actor.user_id)
    found = {row[0]: int(row[1]) for row in session.execute(counted)}
    parties = session.scalars(select(WaitingParty.id).order_by(WaitingParty.position, WaitingParty.id))
    # the one that is chosen too, or nobody would see why the lists are empty
    return {party: found.get(party, 0) for party in parties if party in found or party == state.waiting_on}
