"""Which claims a list means: its view, filters and search as a select under the scope of the asker, and how they are counted."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    String,
    and_,
    bindparam,
    func,
    inspect,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from db import values
from db.alert_choices import ClaimWatch
from db.base import Moment, alias_of, now
from db.calendar import DAY
from db.cheques import WARN_DAYS, Cheque
from db.claims import Claim
from db.list_looks import baseline_of
from db.list_state import NOBODY, NUMBERED, RANGES, ListState
from db.money import MoneyMove
from db.offices import AgentOffice
from db.prepared import Answer, answers, one_answer
from db.reference import CLOSED, LEGAL, MONEY, ClaimStatus
from db.repairs import RepairEvent, came_to_garage, is_real_move, left_one_of, was_handed_over
from db.scope import Actor, Can, Role
from db.search import (
    WALK_UP_TO,
    ClaimSearch,
    Newest,
    Route,
    is_rare,
    matching,
    matching_field,
    newest_epochs,
    whole_number,
    with_number,
)
from db.seen_marks import SeenMark
from db.stuck import is_stuck, midnight
from db.values import search_key


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
        statement = _unread(statement, session.info['actor'], baseline_of(session))
    elif view != 'all':
        statement = statement.where(Claim.is_open.is_(view == 'open'))
    if not state.searches:
        return statement, _newest(session, state)
    if number := whole_number_of(session, state):
        return statement.where(with_number(number)), Claim.seq + 0
    route = route_of(session, view, among)
    return (
        matching(statement, state.q, route)
        if state.scope == 'all'
        else matching_field(statement, state.scope, state.q, route)
    )


def _newest(session: Session, state: ListState) -> SQLColumnExpression[Any]:
    """The column of newest first. For the bureau, claims between two days come by the days and are sorted then.

    A walk from the newest claim down, which both databases would rather do, looks at every claim since those days.
    """
    return Claim.seq + 0 if is_by_days(session, state) else Claim.seq


def is_by_days(session: Session, state: ListState) -> bool:
    """Whether the bureau narrows a list by the days of the event and by nothing else."""
    actor: Actor = session.info['actor']
    return actor.is_bureau and bool(state.filters) and state.filters.keys() <= {'event_from', 'event_to'}


@cache
def another_claim(number: int) -> Any:
    """Another look at the claims inside a question, a second or a third; made once, for making it takes longer than many a question."""
    return alias_of(Claim)


# ---- what is unread ---------------------------------------------------------------------------------------------------------


def _unread(statement: Select[Any], actor: Actor, baseline: int) -> Select[Any]:
    """Narrow to claims with news that the actor has not seen."""
    mine = and_(SeenMark.claim_id == Claim.id, SeenMark.user_id == bindparam('scope_me', actor.user_id))
    news = Claim.seq > func.coalesce(SeenMark.seq, bindparam('baseline', baseline, BigInteger()))
    return statement.outerjoin(SeenMark, mine).where(news, _maybe_unread(actor, baseline))


def _maybe_unread(actor: Actor, baseline: int) -> ColumnElement[bool]:
    """Says again, so that an index can find them: news since the baseline, or older claims he made bold again himself."""
    if not baseline:
        return literal(True)
    any_claim = another_claim(2)
    me: Any = bindparam('scope_me', actor.user_id)
    since: Any = bindparam('baseline', baseline, BigInteger())
    fresh = select(any_claim.id).where(any_claim.seq > since)
    bold_again = select(SeenMark.claim_id).where(SeenMark.user_id == me, SeenMark.seq < since)
    return Claim.id.in_(union_all(fresh, bold_again))


# ---- what changes from day to day -------------------------------------------------------------------------------------------


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


def _followed_by(session: Session) -> Select[int]:
    return select(ClaimWatch.claim_id).where(ClaimWatch.user_id == session.info['actor'].user_id, ClaimWatch.follows)


_QUICKLY: Mapping[str, Callable[[Session], list[ColumnElement[bool]]]] = {
    'for_me': _for_me,
    'followed': lambda session: [Claim.id.in_(_followed_by(session))],
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


# ---- the filters ------------------------------------------------------------------------------------------------------------


# what a claim has one value of, by its filter
ONE_OF: Mapping[str, Any] = {
    'status': Claim.status,
    'insurer': Claim.tp_insurer,
    'agent': Claim.agent,
    'garage': Claim.garage,
    'waiting_on': Claim.waiting_on,
    'office': Claim.office_id,
    'repair_stage': Claim.repair_stage,
    'appraiser': Claim.appraiser,
}


def filtered(statement: Select[Any], state: ListState, *, by_index: bool = True) -> Select[Any]:
    """Narrow a select over Claim to what the filters of a list leave. Not `by_index`: said so that no index has what there is one of."""
    for name, column in ONE_OF.items():
        if keys := getattr(state, name):
            wanted = column if by_index else func.coalesce(column, column)
            chosen = wanted.in_([int(key) for key in keys] if name in NUMBERED else keys)
            statement = statement.where(or_(chosen, wanted.is_(None)) if NOBODY in keys else chosen)
    if wanted := state.documents:
        statement = statement.where(
            Claim.documents.in_({*wanted, *(('missing_blocking',) if 'missing' in wanted else ())})
        )
    if state.sent_back:
        came_whole = and_(Claim.submitted_at.is_not(None), Claim.sent_back_at.is_(None), was_answered())
        either = {'yes': Claim.sent_back_at.is_not(None), 'no': came_whole}
        statement = statement.where(or_(*(either[key] for key in state.sent_back)))
    for name in RANGES:
        first, last = getattr(state, f'{name}_from'), getattr(state, f'{name}_to')
        if first or last:
            statement = statement.where(*_HAPPENED[name](state, first, last))
    return statement


_ANSWERED = select(ClaimStatus.id).where(
    or_(
        ClaimStatus.category.in_((MONEY, LEGAL, CLOSED)),
        ClaimStatus.id.in_(('offer_received', 'in_negotiation', 'rejected')),
    )
)


def was_answered() -> ColumnElement[bool]:
    """That the insurer has answered a demand: by sending it back, or it came to a step that follows his answer."""
    return or_(Claim.sent_back_at.is_not(None), Claim.status.in_(_ANSWERED))


_LAST_DAY = date(9998, 12, 31)


def on_days(column: Any, first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    """That a date stands between two days, or a moment on one of them, as people in Israel count them."""
    if isinstance(inspect(column).type, Moment):
        start, end = (midnight(day) if day else None for day in (first, last and min(last, _LAST_DAY) + DAY))
        return [*([column >= start] if start else []), *([column < end] if end else [])]
    return [*([column >= first] if first else []), *([column <= last] if last else [])]


def _moves(total: str, first: date | None, last: date | None) -> Select[int]:
    return select(MoneyMove.claim_id).where(MoneyMove.total == total, *on_days(MoneyMove.at, first, last))


def _moved(total: str, first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    return [Claim.id.in_(_moves(total, first, last))]


def _collected(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    """Submitted with a demand, or paid for: each is found by its days in an index of its own."""
    any_claim = another_claim(3)
    sent = select(any_claim.id).where(*on_days(any_claim.submitted_at, first, last))
    return [Claim.id.in_(union_all(sent, _moves('received', first, last)))]


def _stage_moved(*moves: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    return [Claim.id.in_(select(RepairEvent.claim_id).where(is_real_move(), *moves))]


def _delivered(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    return [was_handed_over(), *on_days(RepairEvent.at, first, last)]


def _was_at_garage() -> ColumnElement[bool]:
    """That its car came to a garage at some time; looked up for each of the claims that are asked about."""
    came = select(RepairEvent.id).where(RepairEvent.claim_id == Claim.id, is_real_move(), came_to_garage())
    return came.exists()


_HAPPENED: Mapping[str, Callable[[ListState, date | None, date | None], list[ColumnElement[bool]]]] = {
    'event': lambda _, *days: on_days(Claim.event_date, *days),
    'updated': lambda _, *days: on_days(Claim.updated_at, *days),
    'opened': lambda _, *days: on_days(Claim.opened_at, *days),
    'appraised': lambda _, *days: on_days(Claim.appraised_at, *days),
    'submitted': lambda _, *days: on_days(Claim.submitted_at, *days),
    'closed': lambda _, *days: on_days(Claim.closed_at, *days),
    'approved': lambda _, *days: _moved('approved', *days),
    'received': lambda _, *days: _moved('received', *days),
    'collected': lambda _, *days: _collected(*days),
    'delivered': lambda _, *days: _stage_moved(*_delivered(*days)),
    'repaired': lambda _, *days: [*_stage_moved(*_delivered(*days)), _was_at_garage()],
    'left': lambda state, *days: _stage_moved(left_one_of(state.left_stage), *on_days(RepairEvent.at, *days)),
}


# ---- how a search finds the newest ------------------------------------------------------------------------------------------


def whole_number_of(session: Session, state: ListState) -> str | None:
    """What is searched for, when it is the whole number of a claim that the asker may see."""
    number = whole_number(state.q) if state.scope == 'all' else None
    return number if number and _is_known(session, number) else None


def route_of(session: Session, view: str, among: Newest | None) -> Route:
    """How a search in a view finds its claims."""
    hidden = not session.info['actor'].may(Can.SEE_ID_NUMBERS)
    own_office = _own_office(session)
    return Route(session.get_bind().dialect.name, worth_a_walk(session, view), hidden, among, own_office)


def _own_office(session: Session) -> str | None:
    """What the asker's only office is called in the texts, whose people do not mean it when they type its name; None: the bureau."""
    actor: Actor = session.info['actor']
    if 'own_office' not in session.info:
        office = None if actor.is_bureau else one_answer(session, _OFFICE_NAME, office=actor.office_id)
        session.info['own_office'] = search_key(office[0]) if office else None
    found: str | None = session.info['own_office']
    return found


def _is_known(session: Session, number: str) -> bool:
    """Whether a claim that the asker may see has exactly this number; asked once."""
    known: dict[str, bool] = session.info.setdefault('numbers', {})
    if number not in known:
        known[number] = one_answer(session, _NUMBERED, number=number) is not None
    return known[number]


# made once: every search asks them
_OFFICE_NAME = select(AgentOffice.name).where(AgentOffice.id == bindparam('office', type_=Integer))
_NUMBERED = select(Claim.id).where(with_number(bindparam('number', type_=String))).limit(1)
_BY_NEWS = select(ClaimSearch.seq).order_by(ClaimSearch.seq.desc()).limit(1).offset(bindparam('far', type_=Integer))

# so many of the newest claims are looked at before the index is asked: most words that are common are met soon.
# The index finds an office's hits by themselves, everybody's are many more
RECENT, RECENT_OF_OFFICE = 2500, 1500
# of so many epochs the hits are asked for next; an office has fewer claims in each
_EPOCHS, _EPOCHS_OF_OFFICE = 2, 4


def first_among(
    session: Session, state: ListState, view: str | None = None, *, counts: bool = False
) -> Sequence[Newest]:
    """On PostgreSQL: among which claims a search for the newest is tried before all are asked for; none: there is something better, or no search.

    The epochs of an office have hits for a page, and hardly as many as one `counts`.
    """
    searches = state.searches and state.sort == '-updated_at' and session.get_bind().dialect.name == 'postgresql'
    if not searches or is_rare(state.q) or route_of(session, view or state.view, None).walks:
        return ()
    if 'first_among' not in session.info:
        session.info['first_among'] = _newest_of(session)
    found: Sequence[Newest] = session.info['first_among']
    return [among for among in found if session.info['actor'].is_bureau or not (counts and among.epochs)]


def _newest_of(session: Session) -> Sequence[Newest]:
    """The newest claims the asker may see, in steps, each farther than the last; none when there are not that many."""
    far, some = (RECENT, _EPOCHS) if session.info['actor'].is_bureau else (RECENT_OF_OFFICE, _EPOCHS_OF_OFFICE)
    floor, newest = (one_answer(session, _BY_NEWS, far=place) for place in (far, 0))
    if floor is None or newest is None:
        return ()
    walk, epochs = Newest(floor[0]), newest_epochs(newest[0], some)
    return (walk, epochs) if epochs.above < walk.above else (walk,)


def worth_a_walk(session: Session, view: str) -> int | None:
    """How many claims the asker may see, of unread ones how many there are, counted no further than a walk would go; None: too many.

    Asked once: a list asks for its page and its counts.
    """
    actor: Actor = session.info['actor']
    baseline = baseline_of(session) if view == 'unread' else 0
    if not baseline:
        return None if actor.is_bureau else _walkable(session, 'office', lambda: select(Claim.id))
    return _walkable(session, 'unread', lambda: select(Claim.id).where(_maybe_unread(actor, baseline)))


def _walkable(session: Session, name: str, make: Callable[[], Select[Any]]) -> int:
    counted: dict[str, int] = session.info.setdefault('walkable', {})
    if name not in counted:
        most = bindparam('most', type_=Integer)
        ((counted[name],),) = asked_by_most(
            session,
            ('walkable', name),
            lambda: select(func.count()).select_from(counted_rows(session, make(), most)),
            most=WALK_UP_TO + 1,
        )
    return counted[name]


# ---- how they are counted ---------------------------------------------------------------------------------------------------


def count_claims(session: Session, statement: Select[Any], most: int | None = None) -> int:
    """Count the rows of a select over Claim, stopping at `most`."""
    return number_of(session, counted_rows(session, statement, most))


def number_of(session: Session, counted: Any) -> int:
    """How many rows there are of what is to be counted."""
    return session.scalar(select(func.count()).select_from(counted)) or 0


def counted_rows(session: Session, statement: Select[Any], most: int | BindParameter[int] | None, *columns: Any) -> Any:
    """The rows of a select over Claim as an alias of Claim, so that they stay under scope.

    They have the columns that the asker's scope looks at, these and no others: an index answers, and no claim is read.
    On SQLite every index has the `id`, on PostgreSQL those of the filters have the `seq`.
    """
    actor: Actor = session.info['actor']
    number = Claim.seq if session.get_bind().dialect.name == 'postgresql' else Claim.id
    scoped = [*([] if actor.is_bureau else [Claim.office_id]), *([Claim.agent] if actor.sees_own_only else [])]
    return alias_of(Claim, statement.with_only_columns(number, *scoped, *columns).limit(most).subquery())


# ---- what is asked by most --------------------------------------------------------------------------------------------------


# made already, by what is asked and for whom
_ASKED_BY_MOST: dict[Hashable, Select[Any]] = {}


def asked_by_most(
    session: Session, name: tuple[Hashable, ...], make: Callable[[], Select[Any]], **asked: Any
) -> list[Answer]:
    """The answers to a question about a list that nothing narrows or sorts, made once for all who see as much and have a baseline, or have none."""
    actor, baseline = session.info['actor'], baseline_of(session)
    key = *name, session.get_bind().dialect.name, actor.is_bureau, actor.sees_own_only, baseline > 0
    if key not in _ASKED_BY_MOST:
        _ASKED_BY_MOST[key] = make()
    return answers(session, _ASKED_BY_MOST[key], baseline=baseline, **asked)
