"""The claims list as a question: views, search, filters, sort and page, from an address to rows; exports will ask the same."""

import json
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Any
from typing import cast as typed
from urllib.parse import urlencode

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    cast,
    func,
    inspect,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from db import values
from db.base import Moment, now
from db.calendar import DAY
from db.changes import Change, SeenMark
from db.cheques import WARN_DAYS, Cheque
from db.claims import DOCUMENTS, YES_NO, Claim
from db.list_orders import FEW_VALUES, SORTS, is_one_of, joined, order, ordered, passed, values_of
from db.money import MoneyMove
from db.offices import AgentOffice, User, agents_of
from db.prepared import Answer, answers, one_answer
from db.reference import CLOSED, Appraiser, ClaimStatus, Garage, Insurer
from db.repairs import DELIVERED, RepairEvent, is_real_move
from db.scope import Actor, Role
from db.search import (
    WALK_UP_TO,
    ClaimSearch,
    Newest,
    Route,
    hits,
    matching,
    matching_field,
    newest_epochs,
    whole_number,
    with_number,
)
from db.stuck import is_stuck, midnight
from db.texts import N_
from db.values import Malformed

VIEWS = ('open', 'unread', 'closed', 'all')
SCOPES = ('all', 'claim_no', 'plate', 'insured_name')
PAGE_SIZES = (10, 25, 50, 100)
# beyond it a list says «1,000+», under a search «200+»: finding costs more than walking an index, and whoever searches reads no
# two hundred. The place of a claim among its neighbours is counted further
COUNTED_UP_TO, FOUND_UP_TO, PLACED_UP_TO = 1000, 200, 9999
MANY = (
    *('status', 'insurer', 'agent', 'garage', 'waiting_on', 'office', 'documents'),
    *('repair_stage', 'appraiser', 'quick', 'left_stage', 'sent_back'),
)
# what happened to a claim between two days: each has a first day and a last one; `left` is the repair stages of `left_stage`
RANGES = ('event', 'updated', 'opened', 'submitted', 'closed', 'approved', 'received', 'delivered', 'left')
DAYS = tuple(f'{name}_{side}' for name in RANGES for side in ('from', 'to'))
# among agents, insurers and garages: of whom a claim has none
NOBODY = '0'
# what changes by itself from day to day, or from one person to the next: each narrows the list further
QUICK: Mapping[str, str] = MappingProxyType(
    {
        'for_me': N_('Waiting for me'),
        'cheques': N_('Cheques within 14 days'),
        'stuck': N_('Stuck'),
        'closed_this_month': N_('Closed this month'),
    }
)
# what a list may show of a claim, in the order in which it is offered; `office` is for those who see several
COLUMNS = (
    *('insured_name', 'claim_no', 'plate', 'event_date', 'status', 'repair_stage', 'waiting_on', 'tp_insurer'),
    *(
        'demand_amount',
        'agent',
        'updated_at',
        'office',
        'handler',
        'garage',
        'appraiser',
        'insurer_claim_no',
        'policy_no',
    ),
    *('documents', 'next_action', 'next_action_due', 'approved_amount', 'received_amount', 'opened_at'),
)
# the column that is always there, and first: the way to the claim
ANCHOR = 'insured_name'
DEFAULT_COLUMNS = (
    *(ANCHOR, 'claim_no', 'plate', 'event_date', 'status', 'repair_stage', 'tp_insurer', 'demand_amount'),
    *('agent', 'updated_at'),
)
DENSITIES = ('usual', 'dense')
_NUMBERED = frozenset({'insurer', 'agent', 'garage', 'office', 'appraiser'})
_LAST_DAY = date(9998, 12, 31)
_NUMBER, _KEY = re.compile(r'0|[1-9][0-9]{0,8}'), re.compile(r'[a-z_]{1,40}')
_SEQ = re.compile(r'-?[0-9]{1,15}')


@dataclass(frozen=True)
class ListState:
    """Everything that decides which rows a list shows; it stands in the address, so reload, back and sharing work."""

    view: str = 'open'
    q: str = ''
    scope: str = 'all'
    status: tuple[str, ...] = ()
    insurer: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    garage: tuple[str, ...] = ()
    waiting_on: tuple[str, ...] = ()
    office: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    repair_stage: tuple[str, ...] = ()
    appraiser: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    left_stage: tuple[str, ...] = ()
    sent_back: tuple[str, ...] = ()
    event_from: date | None = None
    event_to: date | None = None
    updated_from: date | None = None
    updated_to: date | None = None
    opened_from: date | None = None
    opened_to: date | None = None
    submitted_from: date | None = None
    submitted_to: date | None = None
    closed_from: date | None = None
    closed_to: date | None = None
    approved_from: date | None = None
    approved_to: date | None = None
    received_from: date | None = None
    received_to: date | None = None
    delivered_from: date | None = None
    delivered_to: date | None = None
    left_from: date | None = None
    left_to: date | None = None
    sort: str = '-updated_at'
    # which columns are shown, in order; empty: those the person is used to
    columns: tuple[str, ...] = ()
    page: int = 1
    size: int = 25
    # where a page begins that one turned to: behind the claim with this `seq`, or before it; without one it is counted off
    after: int | None = None
    before: int | None = None

    def __post_init__(self) -> None:
        """The first page begins at the beginning."""
        if self.page == 1 and (self.after, self.before) != (None, None):
            object.__setattr__(self, 'after', None)
            object.__setattr__(self, 'before', None)

    @classmethod
    def read(cls, query: Mapping[str, str]) -> 'ListState':
        """From an address. Anything hostile or outdated falls back to the default; it never raises."""
        days = {name: day_in(query.get(name)) for name in DAYS}
        state = cls(
            view=_one_of(query.get('view'), VIEWS),
            q=_typed(query.get('q', ''))[: values.QUERY_LENGTH],
            scope=_one_of(query.get('scope'), SCOPES),
            sort=query.get('sort', '') if query.get('sort', '').removeprefix('-') in SORTS else '-updated_at',
            columns=columns_named(query.get('columns', '')[:400].split(',')),
            page=_number(query.get('page'), 1, 100_000),
            size=_number(query.get('size'), 25, PAGE_SIZES[-1]),
        )
        many = {name: tuple(filter(None, query.get(name, '')[:400].split(',')))[:40] for name in MANY}
        for name, keys in many.items():
            many[name] = tuple(key for key in keys if (_NUMBER if name in _NUMBERED else _KEY).fullmatch(key))
        for name, known in (('documents', DOCUMENTS), ('quick', QUICK), ('sent_back', YES_NO)):
            many[name] = tuple(key for key in many[name] if key in known)
        choices: dict[str, Any] = {**many, **days, 'size': state.size if state.size in PAGE_SIZES else 25}
        choices |= {'after': _seq(query.get('after')), 'before': _seq(query.get('before'))}
        return replace(state, **choices)

    def address(self) -> str:
        """The query string of this state, without what is at its default."""
        shown = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value != item.default:
                shown[item.name] = ','.join(value) if isinstance(value, tuple) else str(value)
        return urlencode(shown)

    def turned_to(self, page: int, ends: tuple[int, int] | None) -> 'ListState':
        """Another page of the list of which rows are shown; the next one and the one before begin at their `ends` (first and last `seq`)."""
        after = ends[1] if ends and page == self.page + 1 else None
        before = ends[0] if ends and page == self.page - 1 else None
        return replace(self, page=page, after=after, before=before)

    @property
    def searches(self) -> bool:
        """Whether something was typed."""
        return bool(self.q.strip())

    @property
    def counted_up_to(self) -> int:
        """How far its claims are counted."""
        return FOUND_UP_TO if self.searches else COUNTED_UP_TO

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that are on, by name."""
        return {name: value for name in (*MANY, *DAYS) if (value := getattr(self, name))}

    def without_filters(self) -> 'ListState':
        """The same list with no filter and no search."""
        return ListState(view=self.view, sort=self.sort, columns=self.columns, size=self.size)


def columns_named(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of these names, each once and the anchor first; empty when there is none among them."""
    named = [name for name in dict.fromkeys(names) if name in COLUMNS and name != ANCHOR]
    return (ANCHOR, *named) if named else ()


def columns_shown(state: ListState, usual: Sequence[str], actor: Actor) -> tuple[str, ...]:
    """The columns somebody sees: those of the state, else those he is `usual`ly shown, else everybody's."""
    names = state.columns or columns_named(usual) or DEFAULT_COLUMNS
    return tuple(name for name in names if name != 'office' or actor.is_bureau)


def _one_of(given: str | None, allowed: Sequence[str]) -> str:
    return given if given is not None and given in allowed else allowed[0]


def _number(given: str | None, default: int, most: int) -> int:
    if not given or not given.isascii() or not given.isdigit() or len(given) > 7:
        return default
    return min(max(int(given), 1), most)


def _seq(given: str | None) -> int | None:
    return int(given) if given and _SEQ.fullmatch(given) else None


def _typed(given: str) -> str:
    """What somebody typed, without what no database keeps and no address carries."""
    return ''.join(' ' if sign.isspace() else sign for sign in given if sign.isspace() or sign.isprintable())


def day_in(given: str | None) -> date | None:
    """A day of an address; None when it is none."""
    try:
        return values.day(given) if given else None
    except Malformed:
        return None


@dataclass(frozen=True)
class Row:
    """A line of the list as the asker may see it. `change` is the newest news when it is unread, None when read."""

    claim_no: str
    claim_id: int
    seq: int
    office_id: int
    insured_name: str
    plate: str
    make_model: str
    event_date: date
    status: str
    repair_stage: str | None
    waiting_on: str
    waiting_since: datetime
    tp_insurer: str
    garage: str
    agent: str
    demand_amount: int | None
    updated_at: datetime
    unread: bool
    change: Change | None = field(default=None, compare=False)
    # read only for a list that shows them
    office: str = ''
    handler: str = ''
    appraiser: str = ''
    insurer_claim_no: str = ''
    policy_no: str = ''
    documents: str = 'unchecked'
    missing_documents: int = 0
    next_action: str = ''
    next_action_due: date | None = None
    approved_amount: int | None = None
    received_amount: int | None = None
    opened_at: date | None = None


@dataclass(frozen=True)
class Page:
    """One page of a list: rows, how many match in all (counted up to a limit) and the state it answers."""

    state: ListState
    rows: Sequence[Row]
    total: int
    total_is_exact: bool

    @property
    def ends(self) -> tuple[int, int] | None:
        """The `seq` of the first and the last row: where the page before and the next one begin."""
        return (self.rows[0].seq, self.rows[-1].seq) if self.rows else None


def _unread(statement: Select[Any], actor: Actor, baseline: int) -> Select[Any]:
    """Narrow to claims with news that the actor has not seen."""
    mine = and_(SeenMark.claim_id == Claim.id, SeenMark.user_id == bindparam('scope_me', actor.user_id))
    news = Claim.seq > func.coalesce(SeenMark.seq, bindparam('baseline', baseline, BigInteger()))
    return statement.outerjoin(SeenMark, mine).where(news, _maybe_unread(actor, baseline))


def _maybe_unread(actor: Actor, baseline: int) -> ColumnElement[bool]:
    """Says again, so that an index can find them: news since the baseline, or older claims he made bold again himself."""
    if not baseline:
        return literal(True)
    any_claim = _other_claim()
    me: Any = bindparam('scope_me', actor.user_id)
    since: Any = bindparam('baseline', baseline, BigInteger())
    fresh = select(any_claim.id).where(any_claim.seq > since)
    bold_again = select(SeenMark.claim_id).where(SeenMark.user_id == me, SeenMark.seq < since)
    return Claim.id.in_(union_all(fresh, bold_again))


@cache
def _other_claim() -> Any:
    """A second look at the claims inside a question; made once, for making it takes longer than many a question."""
    return aliased(Claim)


_third_claim = cache(lambda: aliased(Claim))


def claims_in(
    session: Session, state: ListState, view: str | None = None, among: Newest | None = None
) -> tuple[Select[Any], SQLColumnExpression[Any]]:
    """The claims a list state means, as a select over Claim without columns or order, and its newest-first column.

    A search finds only those `among` the newest when it is told so.
    """
    statement = filtered(select(Claim.id).select_from(Claim), state)
    for name in state.quick:
        statement = statement.where(*_QUICKLY[name](session))
    view = view or state.view
    if view == 'unread':
        statement = _unread(statement, session.info['actor'], _baseline(session))
    elif view != 'all':
        statement = statement.where(Claim.is_open.is_(view == 'open'))
    if not state.searches:
        return statement, _newest(session, state)
    if number := _whole(session, state):
        return statement.where(with_number(number)), Claim.seq + 0
    route = _route(session, view, among)
    return (
        matching(statement, state.q, route)
        if state.scope == 'all'
        else matching_field(statement, state.scope, state.q, route)
    )


def _whole(session: Session, state: ListState) -> str | None:
    """What is searched for, when it is the whole number of a claim that the asker may see."""
    number = whole_number(state.q) if state.scope == 'all' else None
    return number if number and _is_known(session, number) else None


def _route(session: Session, view: str, among: Newest | None) -> Route:
    of_office = not session.info['actor'].is_bureau
    return Route(session.get_bind().dialect.name, _worth_a_walk(session, view), among, of_office)


def _is_known(session: Session, number: str) -> bool:
    """Whether a claim that the asker may see has exactly this number; asked once."""
    known: dict[str, bool] = session.info.setdefault('numbers', {})
    if number not in known:
        known[number] = session.scalar(select(Claim.id).where(with_number(number)).limit(1)) is not None
    return known[number]


def _newest(session: Session, state: ListState) -> SQLColumnExpression[Any]:
    """The column of newest first. For the bureau, claims between two days come by the days and are sorted then.

    A walk from the newest claim down, which both databases would rather do, looks at every claim since those days.
    """
    return Claim.seq + 0 if _is_by_days(session, state) else Claim.seq


def _is_by_days(session: Session, state: ListState) -> bool:
    actor: Actor = session.info['actor']
    return actor.is_bureau and bool(state.filters) and state.filters.keys() <= {'event_from', 'event_to'}


def _for_me(session: Session) -> list[ColumnElement[bool]]:
    """An agent answers for his own claims and for nobody's, his office for all of them; in the bureau everybody for his own."""
    actor: Actor = session.info['actor']
    if actor.is_bureau:
        return [Claim.waiting_on == 'bureau', Claim.handler == actor.user_id]
    waits: ColumnElement[bool] = Claim.waiting_on == 'agent'
    if actor.role != Role.AGENT:
        return [waits]
    return [waits, or_(Claim.agent == actor.user_id, Claim.agent.is_(None))]


def _cheques_soon(session: Session) -> list[ColumnElement[bool]]:
    """A cheque of either direction that nobody has settled falls due within the two weeks."""
    today = _today(session)
    soon = Cheque.due_date.between(today, today + timedelta(days=WARN_DAYS))
    return [Claim.id.in_(select(Cheque.claim_id).where(Cheque.live.is_(True), soon))]


_QUICKLY: Mapping[str, Callable[[Session], list[ColumnElement[bool]]]] = {
    'for_me': _for_me,
    'cheques': _cheques_soon,
    'stuck': lambda session: [Claim.is_open.is_(True), _stuck(session)],
    'closed_this_month': lambda session: [Claim.closed_at >= midnight(_today(session).replace(day=1))],
}


def _stuck(session: Session) -> ColumnElement[bool]:
    """What counts as stuck now; a list asks for it several times, and its rules and calendar are read once."""
    if 'stuck' not in session.info:
        session.info['stuck'] = is_stuck(session, _moment(session))
    condition: ColumnElement[bool] = session.info['stuck']
    return condition


def _moment(session: Session) -> datetime:
    moment: datetime = session.info.get('at') or now()
    return moment


def _today(session: Session) -> date:
    return values.israel(_moment(session)).date()


def filtered(statement: Select[Any], state: ListState) -> Select[Any]:
    """Narrow a select over Claim to what the filters of a list leave."""
    columns: Mapping[str, Any] = {
        'status': Claim.status,
        'insurer': Claim.tp_insurer,
        'agent': Claim.agent,
        'garage': Claim.garage,
        'waiting_on': Claim.waiting_on,
        'office': Claim.office_id,
        'repair_stage': Claim.repair_stage,
        'appraiser': Claim.appraiser,
    }
    for name, wanted in columns.items():
        if keys := getattr(state, name):
            chosen = wanted.in_([int(key) for key in keys] if name in _NUMBERED else keys)
            statement = statement.where(or_(chosen, wanted.is_(None)) if NOBODY in keys else chosen)
    if wanted := state.documents:
        statement = statement.where(
            Claim.documents.in_({*wanted, *(('missing_blocking',) if 'missing' in wanted else ())})
        )
    if len(state.sent_back) == 1:
        statement = statement.where(Claim.sent_back_at.is_not(None) if 'yes' in state.sent_back else _came_whole())
    for name in RANGES:
        first, last = getattr(state, f'{name}_from'), getattr(state, f'{name}_to')
        if first or last:
            statement = statement.where(*_HAPPENED[name](state, first, last))
    return statement


def _came_whole() -> ColumnElement[bool]:
    return and_(Claim.submitted_at.is_not(None), Claim.sent_back_at.is_(None))


def on_days(column: Any, first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    """That a date stands between two days, or a moment on one of them, as people in Israel count them."""
    if isinstance(inspect(column).type, Moment):
        start, end = (midnight(day) if day else None for day in (first, last and min(last, _LAST_DAY) + DAY))
        return [*([column >= start] if start else []), *([column < end] if end else [])]
    return [*([column >= first] if first else []), *([column <= last] if last else [])]


def _moved(total: str, first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    moves = select(MoneyMove.claim_id).where(MoneyMove.total == total, *on_days(MoneyMove.at, first, last))
    return [Claim.id.in_(moves)]


def _stage_moved(*moves: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    return [Claim.id.in_(select(RepairEvent.claim_id).where(is_real_move(), *moves))]


_HAPPENED: Mapping[str, Callable[[ListState, date | None, date | None], list[ColumnElement[bool]]]] = {
    'event': lambda _, *days: on_days(Claim.event_date, *days),
    'updated': lambda _, *days: on_days(Claim.updated_at, *days),
    'opened': lambda _, *days: on_days(Claim.opened_at, *days),
    'submitted': lambda _, *days: on_days(Claim.submitted_at, *days),
    'closed': lambda _, *days: on_days(Claim.closed_at, *days),
    'approved': lambda _, *days: _moved('approved', *days),
    'received': lambda _, *days: _moved('received', *days),
    'delivered': lambda _, *days: _stage_moved(RepairEvent.after == DELIVERED, *on_days(RepairEvent.at, *days)),
    'left': lambda state, *days: _stage_moved(
        RepairEvent.before.in_(state.left_stage) if state.left_stage else RepairEvent.before != '',
        *on_days(RepairEvent.at, *days),
    ),
}


def page_of(session: Session, state: ListState, total: int | None = None) -> Page:
    """The rows of one page; `total` is how many match, when that was counted already. A page past the end answers the last one."""
    total = count_of(session, state) if total is None else total
    is_exact = total <= state.counted_up_to
    if is_exact:
        state = _not_past(total, state)
    ids = _ids_of(session, state, total)
    if not ids and state.page > 1:
        total, is_exact = _count(session, claims_in(session, state)[0]), True
        state = _not_past(total, replace(state, after=None, before=None))
        ids = _ids_of(session, state)
    # beyond what was counted a page that is not full is the last one, and says how many there are
    ended = (state.page - 1) * state.size + len(ids)
    if not is_exact and len(ids) < state.size and ended >= total:
        total, is_exact = ended, True
    rows = rows_of(session, ids, state.columns)
    return Page(state, [rows[key] for key in ids if key in rows], total, is_exact)


def claims_named(session: Session, office_id: int, typed: str, limit: int) -> Sequence[Claim]:
    """The newest claims of an office that what was typed may mean; all of them are the asker's to see."""
    state = ListState(view='all', q=_typed(typed)[: values.QUERY_LENGTH], office=(str(office_id),), size=limit)
    ids = _ids_of(session, state)
    found = {claim.id: claim for claim in session.scalars(select(Claim).where(Claim.id.in_(ids)))}
    return [found[claim_id] for claim_id in ids]


def _not_past(total: int, state: ListState) -> ListState:
    last = max(1, -(-total // state.size))
    return state if state.page <= last else replace(state, page=last, after=None, before=None)


def first_rows(session: Session, state: ListState) -> list[Row]:
    """The rows of a page without counting how many there are: for whoever types and waits."""
    ids = _ids_of(session, state)
    rows = rows_of(session, ids, state.columns)
    return [rows[key] for key in ids if key in rows]


def _ids_of(session: Session, state: ListState, total: int | None = None) -> list[int]:
    """The claims of a page; `total` is how many there are in the list, when they were counted."""
    if state == ListState(view=state.view, size=state.size, columns=state.columns):
        found = _opened(session, ('ids', state.view, state.size), lambda: _first(state, *claims_in(session, state)))
        return [claim_id for (claim_id,) in found]
    return _ids_narrowed(session, state, total)


def _ids_narrowed(session: Session, state: ListState, total: int | None) -> list[int]:
    """The same of a list that something narrows or sorts, or of a page one turned to."""
    are_few = total is not None and total <= state.counted_up_to
    if state.after is state.before is None:
        for among in _first_among(session, state):
            ids = _first_of(session, state, *claims_in(session, state, among=among))
            if len(ids) == state.size:
                return ids
    by_value = not are_few and _goes_by_value(session, state)
    if by_value and state.page == 1:
        return _value_by_value(session, state)
    statement, newest = _listed(session, state)
    if state.page > 1 and (turned := _turned(session, state, statement, newest, by_value=by_value)):
        return turned
    if state.page * state.size <= _SHALLOW and (days := _days_of(session, state)):
        return _of_days(session, state, statement, days)
    # so few are found by the filter's own index and sorted, not met on a walk down the order of news
    if are_few and newest is Claim.seq and (state.quick or state.updated_from or state.updated_to):
        newest = Claim.seq + 0
    return _first_of(session, state, statement, newest, are_few=are_few)


def _listed(session: Session, state: ListState) -> tuple[Select[Any], SQLColumnExpression[Any]]:
    """The claims of a list as `claims_in` says them. Of a sorted one SQLite is kept from beginning where it would rather: at all open claims."""
    if session.get_bind().dialect.name != 'sqlite' or not _is_plain(state) or state.sort.endswith('updated_at'):
        return claims_in(session, state)
    statement, newest = claims_in(session, replace(state, view='all'))
    if state.view != 'all':
        statement = statement.where(func.coalesce(Claim.is_open, literal(False)).is_(state.view == 'open'))
    # says nothing new, but this index has what most lists of an office are sorted and narrowed by
    return statement.where(Claim.seq > _FIRST_SEQ) if _is_sorted_by_office(session, state) else statement, newest


def _first_of(
    session: Session,
    state: ListState,
    statement: Select[Any],
    newest: SQLColumnExpression[Any],
    *,
    are_few: bool = False,
) -> list[int]:
    if state.page == 1 and not are_few and _goes_by_index(session, state):
        return _by_index(session, state, statement)
    return list(session.scalars(_first(state, statement, newest)))


def _first(state: ListState, statement: Select[Any], newest: SQLColumnExpression[Any]) -> Select[Any]:
    return ordered(statement, newest, state.sort).limit(state.size).offset((state.page - 1) * state.size)


# what a list asks that nothing narrows or sorts, as most are opened
_ASKED_BY_MOST: dict[Hashable, Select[Any]] = {}


def _opened(
    session: Session, name: tuple[Hashable, ...], make: Callable[[], Select[Any]], **asked: Any
) -> list[Answer]:
    """The answers to such a question, made once for all who see as much and have a baseline, or have none."""
    actor, baseline = session.info['actor'], _baseline(session)
    key = *name, session.get_bind().dialect.name, actor.is_bureau, actor.sees_own_only, baseline > 0
    if key not in _ASKED_BY_MOST:
        _ASKED_BY_MOST[key] = make()
    return answers(session, _ASKED_BY_MOST[key], baseline=baseline, **asked)


def ids_in(session: Session, state: ListState, numbers: Sequence[str] = ()) -> Iterator[int]:
    """The claims of a list in its order, all pages, as the database hands them out; or, of these numbers, all there are."""
    found = claims_in(session, state)
    if numbers:
        found = select(Claim.id).select_from(Claim).where(Claim.claim_no.in_(numbers)), Claim.seq
    return iter(session.scalars(ordered(*found, state.sort), execution_options={'yield_per': 10_000}))


# so many of the newest claims are looked at before the index is asked: most words that are common are met soon.
# The index finds an office's hits by themselves, everybody's are many more
RECENT, RECENT_OF_OFFICE = 2500, 1500


def _first_among(session: Session, state: ListState, view: str | None = None) -> Sequence[Newest]:
    """On PostgreSQL: among which claims a search for the newest is tried before all are asked for; none: there is something better, or no search."""
    searches = state.searches and state.sort == '-updated_at' and session.get_bind().dialect.name == 'postgresql'
    if not searches or _whole(session, state) or _route(session, view or state.view, None).walks:
        return ()
    if 'first_among' not in session.info:
        session.info['first_among'] = _newest_of(session)
    found: Sequence[Newest] = session.info['first_among']
    return found


def _newest_of(session: Session) -> Sequence[Newest]:
    """The newest claims the asker may see, in steps; none when there are not that many."""
    is_bureau = session.info['actor'].is_bureau
    by_news = select(ClaimSearch.seq).order_by(ClaimSearch.seq.desc()).limit(1)
    floor = session.scalar(by_news.offset(RECENT if is_bureau else RECENT_OF_OFFICE))
    if floor is None:
        return ()
    return (Newest(floor), newest_epochs(session.scalars(by_news).one())) if is_bureau else (Newest(floor),)


# ---- pages far down: as fast as the first -----------------------------------------------------------------------------------


def _turned(
    session: Session, state: ListState, statement: Select[Any], newest: SQLColumnExpression[Any], *, by_value: bool
) -> list[int] | None:
    """A page that begins at a claim; None when that claim has moved, or too few are left before it: then it is counted off."""
    backwards, mark = state.after is None, state.before if state.after is None else state.after
    if mark is None:
        return None
    beyond: ColumnElement[bool]
    by: Sequence[ColumnElement[Any]]
    if state.sort.removeprefix('-') == 'updated_at':
        falling = state.sort.startswith('-') is not backwards
        beyond, by = (newest < mark, [newest.desc()]) if falling else (newest > mark, [newest.asc()])
    else:
        wanted = SORTS[state.sort.removeprefix('-')]
        there = session.execute(joined(select(wanted).select_from(Claim), state.sort).where(Claim.seq == mark)).first()
        if there is None:
            return None
        if by_value:
            return _full(_value_by_value(session, state, (there[0], mark), backwards=backwards), state, backwards)
        beyond = passed(state.sort, there[0], mark, backwards=backwards)
        if _goes_by_index(session, state):
            met = _by_index(session, state, statement, beyond, backwards=backwards)
            return _full(met, state, backwards)
        by = order(state.sort, backwards=backwards)
    ids = list(session.scalars(joined(statement, state.sort).where(beyond).order_by(*by).limit(state.size)))
    return _full(ids, state, backwards)


def _full(ids: list[int], state: ListState, backwards: bool) -> list[int] | None:
    return (ids[::-1] if len(ids) == state.size else None) if backwards else ids


# ---- sorted by what has few values: one value after the other ---------------------------------------------------------------


def _is_plain(state: ListState) -> bool:
    """Whether nothing but its view and its filters decides what stands in a list."""
    return state.view != 'unread' and not state.quick and not state.searches


def _is_sorted_by_office(session: Session, state: ListState) -> bool:
    """Whether SQLite reads an office's claims from their index and sorts them: a few milliseconds, also of the largest. By name there is an index in order."""
    if session.get_bind().dialect.name != 'sqlite' or session.info['actor'].is_bureau or not _is_plain(state):
        return False
    name = state.sort.removeprefix('-')
    return name != 'updated_at' and (name != 'insured_name' or bool(state.filters))


# so many claims are soon read and sorted; what leaves more of them is met often enough on a walk
SORTED_UP_TO = 5000


def _are_many(session: Session, state: ListState) -> bool:
    """Whether a list has more claims than are soon sorted."""
    return _count(session, _listed(session, state)[0], SORTED_UP_TO + 1) > SORTED_UP_TO


def _goes_by_value(session: Session, state: ListState) -> bool:
    """Whether a list is put together from those of each value: to sort it, every claim of the asker would be read. A few are soon sorted.

    An office reads no names of agents who left for another one; its claims are sorted by what it reads.
    """
    name = state.sort.removeprefix('-')
    if name not in FEW_VALUES or not _is_plain(state) or _is_sorted_by_office(session, state):
        return False
    if name == 'agent' and not session.info['actor'].is_bureau:
        return False
    if state.filters.keys() <= {FEW_VALUES[name][1]}:
        few = _worth_a_walk(session, state.view)
        return few is None or few > COUNTED_UP_TO
    return _are_many(session, state)


def _value_by_value(
    session: Session, state: ListState, mark: tuple[Any, int] | None = None, *, backwards: bool = False
) -> list[int]:
    """The claims behind a mark (the value and the `seq` of one), or all: the newest of the first value, then of the next, until the page is full.

    An agent has few claims: of agents, twice as many come together each time, and theirs are sorted.
    """
    column, own_filter, _ = FEW_VALUES[state.sort.removeprefix('-')]
    any_value: dict[str, Any] = {own_filter: ()}
    statement, _ = _listed(session, replace(state, **any_value))
    chosen = [None if key == NOBODY else key for key in getattr(state, own_filter)]
    sides = {'open': ClaimStatus.category != CLOSED, 'closed': ClaimStatus.category == CLOSED}
    # a status stands on one side for good: of the other one's claims none is looked at
    where = [sides[state.view]] if column is Claim.status and state.view in sides else []
    found = values_of(session, state.sort, chosen, where, mark and mark[0], backwards=backwards)
    ids: list[int] = []
    together = 1
    while len(ids) < state.size and (some := list(islice(found, together))):
        keys = [key for _, same in some for key in same]
        claims = statement.where(is_one_of(column, keys))
        if mark and some[0][0] == mark[0]:
            claims = claims.where(Claim.seq > mark[1] if backwards else Claim.seq < mark[1])
        if len(some) > 1:
            claims = joined(claims, state.sort).order_by(*order(state.sort, backwards=backwards))
        else:
            # PostgreSQL sees the order of an index behind what is NULL only when the column is named
            by = [column, Claim.seq] if keys == [None] else [Claim.seq]
            claims = claims.order_by(*(one.asc() if backwards else one.desc() for one in by))
        ids += session.scalars(claims.limit(state.size - len(ids)))
        together *= 2 if column is Claim.agent else 1
    return ids


# ---- sorted by what has many values, and filtered: met on a walk, or sorted ---------------------------------------------------

# what tells whether there is a demand
_TOLD_BY_DEMAND = frozenset({'status', 'waiting_on', 'repair_stage'})
# so far claims are walked in the order of the list, in two steps: most filters leave a page of the first. An office's have only their
# names in order
_WALKS = (2000, 6000)


def _goes_by_index(session: Session, state: ListState) -> bool:
    """Whether a list is sorted by what has an index, and narrowed by what stands in others, so that a database goes about it badly by itself.

    SQLite sorts all that the filter leaves. PostgreSQL walks until the page is full, through all claims where no claim of that
    status has a demand yet; and it reads an office's claims to learn their agents.
    """
    name, is_bureau = state.sort.removeprefix('-'), session.info['actor'].is_bureau
    if not _is_plain(state):
        return False
    if session.get_bind().dialect.name == 'postgresql':
        return _is_told_by_demand(state) or (name == 'agent' and not is_bureau)
    if not is_bureau:
        return name == 'insured_name' and bool(state.filters)
    return (bool(state.filters) or state.view != 'all') and name not in {'updated_at', *FEW_VALUES}


def _is_told_by_demand(state: ListState) -> bool:
    return state.sort.removeprefix('-') == 'demand_amount' and not state.filters.keys().isdisjoint(_TOLD_BY_DEMAND)


def _by_index(
    session: Session,
    state: ListState,
    statement: Select[Any],
    beyond: ColumnElement[bool] | None = None,
    *,
    backwards: bool = False,
) -> list[int]:
    """The first claims of a list, or the first `beyond` a mark: met on a walk in its order, or of what has its own index all, sorted."""
    behind = [] if beyond is None else [beyond]
    # PostgreSQL has the `seq` in the indexes of the filters, SQLite the `id`
    number = Claim.seq if session.get_bind().dialect.name == 'postgresql' else Claim.id
    found = joined(statement, state.sort).where(*behind).with_only_columns(number).limit(state.size)
    found = found.order_by(*order(state.sort, backwards=backwards, by_index=False))
    numbers: list[int] = []
    if session.info['actor'].is_bureau or 'insured_name' in state.sort:
        walked = select(number).where(*behind).order_by(*order(state.sort, backwards=backwards))
        numbers = list(session.scalars(found.where(number.in_(walked.limit(_WALKS[0])))))
        if len(numbers) < state.size and not _is_told_by_demand(state) and _are_many(session, state):
            numbers = list(session.scalars(found.where(number.in_(walked.limit(_WALKS[1])))))
    if len(numbers) < state.size:
        numbers = list(session.scalars(found))
    if number is Claim.id:
        return numbers
    named = session.execute(select(Claim.seq, Claim.id).where(Claim.seq.in_(numbers)))
    ids = {row.seq: row.id for row in named}
    return [ids[seq] for seq in numbers if seq in ids]


# ---- the newest claims between two days -------------------------------------------------------------------------------------

# so far down the newest of each day are still fewer than all of them
_SHALLOW = 500


def _days_of(session: Session, state: ListState) -> list[str] | None:
    """The days between which the bureau asks for the newest claims, when it asks for nothing else."""
    if state.sort != '-updated_at' or state.searches or not _is_by_days(session, state) or state.view == 'unread':
        return None
    first = session.scalar(select(func.min(Claim.event_date))) if state.event_from is None else state.event_from
    last = session.scalar(select(func.max(Claim.event_date))) if state.event_to is None else state.event_to
    if first is None or last is None or not 0 <= (last - first).days <= _MANY_DAYS:
        return None
    return [(first + timedelta(days=day)).isoformat() for day in range((last - first).days + 1)]


def _of_days(session: Session, state: ListState, statement: Select[Any], days: Sequence[str]) -> list[int]:
    """The claims of a page of these days: their numbers, which stand in the index, and then only those claims."""
    numbers = _only_newest_of(days, statement, session, state).with_only_columns(Claim.seq)
    chosen = numbers.order_by((Claim.seq + 0).desc()).limit(state.size).offset((state.page - 1) * state.size)
    claim = _other_claim()
    return list(session.scalars(select(claim.id).where(claim.seq.in_(chosen)).order_by(claim.seq.desc())))


# longer than anybody's claims go back; and a number under all of theirs
_MANY_DAYS, _FIRST_SEQ = 4000, -(2**62)


def _only_newest_of(days: Sequence[str], statement: Select[Any], session: Session, state: ListState) -> Select[Any]:
    """Narrow to claims of these days as new as the last one of the page, or hardly older; each day's stand together in an index.

    Of each day one claim is looked at: its newest, or where there are few days one farther down. As soon as the newest of these
    and the claims above them are a page, nothing older can stand on it. Otherwise all claims of these days would have to be sorted,
    or all claims since then be looked at.
    """
    if session.get_bind().dialect.name == 'postgresql':
        listed = func.json_array_elements_text(cast(literal(json.dumps(days)), JSON)).table_valued('value')
        day: ColumnElement[Any] = cast(listed.c.value, Date)
    else:
        listed = func.json_each(literal(json.dumps(days))).table_valued('value')
        day = listed.c.value
    end = state.page * state.size
    depth = min(end, -(-2 * end // len(days)))
    claim = _third_claim()
    in_view = [] if state.view == 'all' else [claim.is_open.is_(state.view == 'open')]
    newest = select(claim.seq).where(claim.event_date == day, *in_view).order_by(claim.seq.desc())
    of_day = newest.limit(1).offset(depth - 1).correlate(listed).scalar_subquery()
    looked_at = select(of_day.label('seq')).select_from(listed).subquery()
    last = select(looked_at.c.seq).order_by(looked_at.c.seq.desc().nulls_last())
    floor = last.limit(1).offset(-(-end // depth) - 1).scalar_subquery()
    # OFFSET 0 keeps the two apart: claims are looked for day by day
    each = select(day.label('day'), func.coalesce(floor, _FIRST_SEQ).label('seq')).offset(0).subquery()
    return statement.join(each, and_(Claim.event_date == each.c.day, Claim.seq >= each.c.seq))


def rows_of(session: Session, ids: Sequence[int], columns: Sequence[str] = ()) -> dict[int, Row]:
    """The list rows of these claims, as far as the asker may see them, by claim id; with what these columns show besides the usual."""
    more = tuple(name for name in _MORE if name in columns or (name == 'missing_documents' and 'documents' in columns))
    rows = []
    for line in answers(session, _lines(more), ids=ids, me=session.info['actor'].user_id):
        usual: Any = line[: len(line) - len(more)]
        rows.append(Row(*usual, **dict(zip(more, line[len(usual) :], strict=True))))
    news = _latest_news(session, [row.seq for row in rows if row.unread])
    return {row.claim_id: replace(row, change=news.get(row.claim_id)) if row.unread else row for row in rows}


_Handler = aliased(User)
# what only some lists show, and the table it is joined from
_MORE: Mapping[str, tuple[Any, Any]] = {
    'office': (func.coalesce(AgentOffice.name, ''), (AgentOffice, AgentOffice.id == Claim.office_id)),
    'handler': (func.coalesce(_Handler.name, ''), (_Handler, _Handler.id == Claim.handler)),
    'appraiser': (func.coalesce(Appraiser.name, ''), (Appraiser, Appraiser.id == Claim.appraiser)),
    **{
        name: (getattr(Claim, name), None)
        for name in (
            *('insurer_claim_no', 'policy_no', 'documents', 'missing_documents', 'next_action', 'next_action_due'),
            *('approved_amount', 'received_amount', 'opened_at'),
        )
    },
}


@lru_cache(200)
def _lines(more: tuple[str, ...]) -> Select[Any]:
    """The question behind `rows_of`, made once: making it takes longer than asking it, and every list asks it on every news."""
    mine = and_(SeenMark.claim_id == Claim.id, SeenMark.user_id == bindparam('me', type_=Integer))
    agent = aliased(User)
    baseline = select(User.baseline_seq).where(User.id == bindparam('me', type_=Integer)).scalar_subquery()
    lines = (
        select(
            *(Claim.claim_no, Claim.id, Claim.seq, Claim.office_id, Claim.insured_name, Claim.plate, Claim.make_model),
            *(Claim.event_date, Claim.status, Claim.repair_stage, Claim.waiting_on, Claim.waiting_since),
            *(func.coalesce(Insurer.name, ''), func.coalesce(Garage.name, ''), func.coalesce(agent.name, '')),
            *(Claim.demand_amount, Claim.updated_at),
            Claim.seq > func.coalesce(SeenMark.seq, baseline, 0),
            *(_MORE[name][0] for name in more),
        )
        .select_from(Claim)
        .outerjoin(SeenMark, mine)
        .outerjoin(Insurer, Insurer.id == Claim.tp_insurer)
        .outerjoin(Garage, Garage.id == Claim.garage)
        .outerjoin(agent, agent.id == Claim.agent)
        .where(Claim.id.in_(bindparam('ids', expanding=True)))
    )
    for table in (_MORE[name][1] for name in more):
        lines = lines if table is None else lines.outerjoin(*table)
    return typed('Select[Any]', lines)


def _latest_news(session: Session, seqs: Sequence[int]) -> dict[int, Change]:
    if not seqs:
        return {}
    return {change.claim_id: change for change in session.scalars(select(Change).where(Change.id.in_(seqs)))}


@dataclass(frozen=True)
class News:
    """What became of a claim, as all see it who see it: unread, with its newest change. What is unread to whom, `waiting_for` tells.

    `is_quiet`: no news to anybody, the line only reads differently. `turned`: lists gain or lose it: it was opened, closed or
    reopened, or became another agent's. `before` is the number of its news before this.
    """

    row: Row
    is_open: bool
    is_quiet: bool
    turned: bool
    authors: frozenset[int | None]
    before: int


def news_of(
    session: Session, claim_ids: Collection[int], change_ids: Collection[int], columns: Collection[str] = ()
) -> list[News]:
    """What these changes made of these claims, as far as the asker may see them, with what these columns show."""
    rows = rows_of(session, list(claim_ids), tuple(columns))
    asked = {'claims': [*rows], 'changes': {*change_ids, *(row.seq for row in rows.values())}}
    changes = session.scalars(_THEIR_CHANGES, asked).all()
    closed = frozenset(session.scalars(_CLOSED))
    open_ones = set(session.scalars(_OPEN_AMONG, {'claims': [*rows]}))
    news = []
    for claim_id, row in sorted(rows.items(), key=lambda pair: pair[1].seq):
        fresh = [change for change in changes if change.claim_id == claim_id and change.id in change_ids]
        told = [change for change in fresh if not change.quiet and not change.internal]
        newest = next((change for change in changes if change.id == row.seq), None)
        authors = {change.user_id for change in (*told, newest) if change is not None}
        turned = any(_turns(change, closed) for change in fresh)
        before = _news_before(session, claim_id, told[0].id) if told else row.seq
        line = replace(row, unread=True, change=newest)
        news.append(News(line, claim_id in open_ones, not told, turned, frozenset(authors), before))
    return news


def _turns(change: Change, closed: Collection[str]) -> bool:
    """Whether a change lets lists gain or lose its claim."""
    before, after = change.fields.get('status', ('', ''))
    return change.kind == 'opened' or 'agent' in change.fields or (before in closed) != (after in closed)


def _news_before(session: Session, claim_id: int, change_id: int) -> int:
    return session.scalar(_NEWS_BEFORE, {'claim': claim_id, 'change': change_id}) or 0


# made once: every change asks them for each audience
_THEIR_CHANGES = (
    select(Change)
    .where(
        Change.id.in_(bindparam('changes', expanding=True)), Change.claim_id.in_(bindparam('claims', expanding=True))
    )
    .order_by(Change.id)
)
_CLOSED = select(ClaimStatus.id).where(ClaimStatus.category == CLOSED)
_OPEN_AMONG = select(Claim.id).where(Claim.id.in_(bindparam('claims', expanding=True)), Claim.is_open)
_NEWS_BEFORE = select(func.max(Change.id)).where(
    Change.claim_id == bindparam('claim'),
    Change.id < bindparam('change'),
    Change.quiet.is_(False),
    Change.internal.is_(False),
)
_WAITING = (
    select(User.id)
    .outerjoin(SeenMark, and_(SeenMark.user_id == User.id, SeenMark.claim_id == bindparam('claim')))
    .where(
        User.id.in_(bindparam('people', expanding=True)),
        func.coalesce(SeenMark.seq, User.baseline_seq) < bindparam('number'),
    )
)


def waiting_for(session: Session, before: Mapping[int, int], people: Collection[int]) -> set[tuple[int, int]]:
    """For whom of these people these claims were unread already, with the news `before` (by claim): pairs of person and claim.

    The product asks, for all of them at once: nobody else reads another person's marks.
    """
    waiting: set[tuple[int, int]] = set()
    for claim_id, number in before.items():
        asked = {'claim': claim_id, 'number': number, 'people': people}
        waiting |= {(user_id, claim_id) for user_id in session.scalars(_WAITING, asked)}
    return waiting


def count_of(session: Session, state: ListState, view: str | None = None) -> int:
    """How many claims match, counted no further than one past the `counted_up_to` of the state."""
    most = state.counted_up_to + 1
    for among in _first_among(session, state, view):
        recent = _number_of(session, _found(session, state, view, among, most))
        if recent == most:
            return recent
    return _number_of(session, _found(session, state, view, None, most))


def _count(session: Session, statement: Select[Any], most: int | None = None) -> int:
    """Count the rows of a select over Claim, stopping at `most`."""
    return _number_of(session, _counted(session, statement, most))


def _number_of(session: Session, counted: Any) -> int:
    return session.scalar(select(func.count()).select_from(counted)) or 0


def _counted(session: Session, statement: Select[Any], most: int | None, *columns: Any) -> Any:
    """The rows of a select over Claim as an alias of Claim, so that they stay under scope.

    They have the columns that the asker's scope looks at, these and no others: an index answers, and no claim is read.
    On SQLite every index has the `id`, on PostgreSQL those of the filters have the `seq`.
    """
    actor: Actor = session.info['actor']
    number = Claim.seq if session.get_bind().dialect.name == 'postgresql' else Claim.id
    scoped = [*([] if actor.is_bureau else [Claim.office_id]), *([Claim.agent] if actor.sees_own_only else [])]
    return aliased(Claim, statement.with_only_columns(number, *scoped, *columns).limit(most).subquery())


def counts_of(session: Session, state: ListState) -> dict[str, int]:
    """How many claims stand behind each view, under the filters and search that are on."""
    most, views = state.counted_up_to + 1, ('open', 'unread', 'closed')
    if state.searches:
        counts = _open_and_closed(session, state)
        counts |= {view: count_of(session, state, view) for view in views if view not in counts}
    elif state.filters:
        counts = dict(zip(views, session.execute(_counts(session, state, views)).one(), strict=True))
    else:
        (found,) = _opened(session, ('counts',), lambda: _counts(session, state, views))
        counts = dict(zip(views, found, strict=True))
    return {**counts, 'all': min(counts['open'] + counts['closed'], most)}


def _counts(session: Session, state: ListState, views: Sequence[str]) -> Select[Any]:
    each = (_counted(session, claims_in(session, state, view)[0], state.counted_up_to + 1) for view in views)
    return select(*(select(func.count()).select_from(counted).scalar_subquery() for counted in each))


# so many hits are told apart before open and closed ones are rather counted each by itself
_TOLD_APART = 5 * FOUND_UP_TO


def _open_and_closed(session: Session, state: ListState) -> dict[str, int]:
    """How many open and closed claims a search finds, as far as one look at its hits tells: finding them costs more than counting."""
    most = state.counted_up_to + 1
    # among the very newest, which are looked at one by one, there are hardly enough of both
    asked = [among for among in _first_among(session, state, 'all') if among.epochs]
    for among in (*asked, None):
        hit = _found(session, state, 'all', among, _TOLD_APART, with_open=True)
        found, is_open = session.execute(select(func.count(), func.count().filter(hit.is_open)).select_from(hit)).one()
        counts = {'open': min(is_open, most), 'closed': min(found - is_open, most)}
        if min(counts.values()) == most:
            break
    else:
        if found == _TOLD_APART:
            return {view: count for view, count in counts.items() if count == most}
    return counts


def _found(
    session: Session, state: ListState, view: str | None, among: Newest | None, most: int, *, with_open: bool = False
) -> Any:
    """The claims of a list to be counted, up to `most`, with whether each is open. What only a search narrows is found without a look at claims.

    An index of the texts has these columns; of who sees his own claims only, their ids are needed too.
    """
    actor: Actor = session.info['actor']
    view = view or state.view
    plain = state.scope == 'all' and not state.filters and not state.quick and view != 'unread'
    if state.searches and plain and not _whole(session, state):
        found = hits(state.q, _route(session, view, among))
        if found is not None:
            if view != 'all':
                found = found.where(ClaimSearch.is_open.is_(view == 'open'))
            own = [ClaimSearch.claim_id] if actor.sees_own_only else []
            columns = ClaimSearch.seq, ClaimSearch.office_id, ClaimSearch.is_open, *own
            return aliased(ClaimSearch, found.with_only_columns(*columns).limit(most).subquery())
    statement = claims_in(session, state, view, among)[0]
    return _counted(session, statement, most, *([Claim.is_open] if with_open else []))


@dataclass(frozen=True)
class Neighbours:
    """The claims before and after one in the list one came from, and its place."""

    before: str | None
    after: str | None
    place: int
    total: int


def neighbours_of(session: Session, state: ListState, claim_id: int) -> Neighbours | None:
    """Where a claim stands in a list; None when it is not in it (any more).

    Whoever opens a claim has read it: the way through the unread ones leads through the whole list, so that it leads back too.
    """
    if state.view == 'unread':
        state = replace(state, view='all')
    plain = state == ListState(view=state.view, size=state.size, columns=state.columns)

    def ask(name: str, make: Callable[..., Select[Any]], **asked: Any) -> Sequence[Any] | None:
        """One of two questions: what decides the place of a claim in the list, and what stands beside it."""
        if not plain:
            return session.execute(make(session, state, **asked)).first()
        left_open: dict[str, Any] = {key: bindparam(key) for key in asked}
        found = _opened(session, (name, state.view), lambda: make(session, state, **left_open), **asked)
        return found[0] if found else None

    here = ask('place', _place, claim=claim_id)
    beside = here and ask('beside', _beside, value=here[0], seq=here[1])
    if not beside:
        return None
    earlier, later, place, total = beside
    return Neighbours(before=earlier, after=later, place=1 + place, total=total)


def _place(session: Session, state: ListState, claim: Any) -> Select[Any]:
    return _placed(session, state).where(Claim.id == claim)


def _placed(session: Session, state: ListState) -> Select[Any]:
    """The claims of a list with what decides their place in it."""
    listed, _ = claims_in(session, state)
    return joined(listed, state.sort).with_only_columns(SORTS[state.sort.removeprefix('-')], Claim.seq)


def _beside(session: Session, state: ListState, value: Any, seq: Any) -> Select[Any]:
    """The claims before and after one, how many there are before it, and in all."""
    placed, (listed, _) = _placed(session, state), claims_in(session, state)
    before, after = (placed.where(passed(state.sort, value, seq, backwards=way)) for way in (True, False))
    nearest = (
        there.with_only_columns(Claim.claim_no).order_by(*order(state.sort, backwards=way)).limit(1).scalar_subquery()
        for there, way in ((before, True), (after, False))
    )
    counted = (
        select(func.count()).select_from(_counted(session, claims, most)).scalar_subquery()
        for claims, most in ((before, PLACED_UP_TO), (listed, PLACED_UP_TO + 1))
    )
    return select(*nearest, *counted)


def _baseline(session: Session) -> int:
    actor: Actor = session.info['actor']
    if 'baseline' not in session.info:
        found = one_answer(session, USUAL, me=actor.user_id)
        session.info['baseline'] = found[2] if found else 0
    return int(session.info['baseline'])


def _worth_a_walk(session: Session, view: str) -> int | None:
    """How many claims the asker may see, of unread ones how many there are, counted no further than a walk would go; None: too many.

    Asked once: a list asks for its page and its counts.
    """
    actor: Actor = session.info['actor']
    if view != 'unread' or not _baseline(session):
        return None if actor.is_bureau else _walkable(session, 'office', select(Claim.id))
    return _walkable(session, 'unread', select(Claim.id).where(_maybe_unread(actor, _baseline(session))))


def _walkable(session: Session, name: str, claims: Select[Any]) -> int:
    counted: dict[str, int] = session.info.setdefault('walkable', {})
    if name not in counted:
        counted[name] = _count(session, claims, WALK_UP_TO + 1)
    return counted[name]


# ---- what the filter menus offer --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FilterChoices:
    """The people and firms a list can be filtered by, as far as they occur in claims the asker may see."""

    insurers: Sequence[tuple[int, str]]
    offices: Sequence[tuple[int, str]]
    agents: Sequence[tuple[int, str]]
    garages: Sequence[tuple[int, str]]
    appraisers: Sequence[tuple[int, str]]


def filter_choices(session: Session) -> FilterChoices:
    """Names for the filter menus, sorted. Everybody sees all insurers and firms; agents are those of one's own office."""

    def named(model: Any, found: Select[Any] | None = None) -> list[tuple[int, str]]:
        found = select(model).order_by(model.name) if found is None else found
        return [(row[0], row[1]) for row in session.execute(found.with_only_columns(model.id, model.name))]

    return FilterChoices(
        insurers=named(Insurer),
        offices=named(AgentOffice),
        agents=named(User, agents_of(former=True)),  # their claims are still there
        garages=named(Garage),
        appraisers=named(Appraiser),
    )


# ---- what a person is used to see -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Looks:
    """How a person likes the list: which columns (none: everybody's), and how close the rows stand."""

    columns: tuple[str, ...] = ()
    density: str = DENSITIES[0]


# what counts as new to him stands beside it, and every list asks for that too
USUAL = select(User.list_columns, User.list_density, User.baseline_seq).where(User.id == bindparam('me', type_=Integer))


def looks_of(session: Session) -> Looks:
    """How the acting person likes the list."""
    return looks_in(session, session.execute(USUAL, {'me': session.info['actor'].user_id}).first())


def looks_in(session: Session, found: Sequence[Any] | None) -> Looks:
    """How the acting person likes the list, of what `USUAL` found of him."""
    if found is None:
        return Looks()
    columns, density, session.info['baseline'] = found[:3]
    return Looks(columns_named(columns), _one_of(density, DENSITIES))


def prefer_looks(session: Session, columns: Iterable[str] | None = None, density: str | None = None) -> None:
    """Keep how the acting person likes the list."""
    actor: Actor = session.info['actor']
    me = session.get_one(User, actor.user_id)
    if columns is not None:
        named = columns_named(columns)
        me.list_columns = [] if named == DEFAULT_COLUMNS else list(named)
    if density in DENSITIES:
        me.list_density = density
