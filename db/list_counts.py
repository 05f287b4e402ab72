"""How many claims a list has, behind each view and behind each choice of a filter, and what is demanded in them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from db.base import alias_of
from db.claims import Claim
from db.list_claims import (
    ONE_OF,
    asked_by_most,
    claims_in,
    counted_rows,
    first_among,
    number_of,
    route_of,
    whole_number_of,
)
from db.list_state import FOUND_UP_TO, NOBODY, ListState
from db.scope import Actor
from db.search import ClaimSearch, Newest, hits


def count_of(session: Session, state: ListState, view: str | None = None) -> int:
    """How many claims match, counted no further than one past the `counted_up_to` of the state."""
    most = state.counted_up_to + 1
    for among in first_among(session, state, view, counts=True):
        recent = number_of(session, _found(session, state, view, among, most))
        if recent == most:
            return recent
    return number_of(session, _found(session, state, view, None, most))


def counts_of(session: Session, state: ListState) -> dict[str, int]:
    """How many claims stand behind each view, under the filters and search that are on."""
    most, views = state.counted_up_to + 1, ('open', 'unread', 'closed')
    if state.searches:
        counts = _open_and_closed(session, state)
        counts |= {view: count_of(session, state, view) for view in views if view not in counts}
    elif state.filters:
        counts = dict(zip(views, session.execute(_counts(session, state, views)).one(), strict=True))
    else:
        (found,) = asked_by_most(session, ('counts',), lambda: _counts(session, state, views))
        counts = dict(zip(views, found, strict=True))
    return {**counts, 'all': min(counts['open'] + counts['closed'], most)}


def _counts(session: Session, state: ListState, views: Sequence[str]) -> Select[Any]:
    each = (counted_rows(session, claims_in(session, state, view)[0], state.counted_up_to + 1) for view in views)
    return select(*(select(func.count()).select_from(counted).scalar_subquery() for counted in each))


# so many hits are told apart before open and closed ones are rather counted each by itself
_TOLD_APART = 5 * FOUND_UP_TO


def _open_and_closed(session: Session, state: ListState) -> dict[str, int]:
    """How many open and closed claims a search finds, as far as one look at its hits tells: finding them costs more than counting."""
    most = state.counted_up_to + 1
    # among the very newest, which are looked at one by one, there are hardly enough of both
    asked = [among for among in first_among(session, state, 'all', counts=True) if among.epochs]
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
    if state.searches and plain and not whole_number_of(session, state):
        found = hits(state.q, route_of(session, view, among))
        if found is not None:
            if view != 'all':
                found = found.where(ClaimSearch.is_open.is_(view == 'open'))
            own = [ClaimSearch.claim_id] if actor.sees_own_only else []
            columns = ClaimSearch.seq, ClaimSearch.office_id, ClaimSearch.is_open, *own
            return alias_of(ClaimSearch, found.with_only_columns(*columns).limit(most).subquery())
    statement = claims_in(session, state, view, among)[0]
    return counted_rows(session, statement, most, *([Claim.is_open] if with_open else []))


# ---- what each choice of a filter would leave ---------------------------------------------------------------------------------

# so many claims are told apart in one look; of more, each choice is counted by itself, as far as a list is, and of so many choices
_IN_ONE_LOOK, _ONE_BY_ONE = 20_000, 40


def choices_counted(session: Session, state: ListState, name: str, keys: Sequence[str]) -> dict[str, int]:
    """How many claims each choice of a filter has under all other filters; empty where finding out takes longer than one looks at a menu.

    A choice may be several values, as an address has them: «a,b». It may be asked of any list, so nothing is counted but under the list's own select.
    """
    others = _with(state, name, ())
    column = Claim.documents if name == 'documents' else ONE_OF.get(name)
    if column is not None:
        most = _TOLD_APART if state.searches else _IN_ONE_LOOK
        found = counted_rows(session, claims_in(session, others)[0], most, column)
        value = getattr(found, column.key)
        rows = session.execute(select(value, func.count()).select_from(found).group_by(value)).all()
        if sum(count for _, count in rows) < most:
            return _by_key(name, keys, {NOBODY if key is None else str(key): count for key, count in rows})
    if (state.searches and column is not None) or len(keys) > _ONE_BY_ONE:
        return {}
    # of a quick filter one narrows further, of every other one adds
    chosen = state.quick if name == 'quick' else ()
    each = (_with(state, name, (*chosen, *key.split(','))) for key in keys)
    counted = (counted_rows(session, claims_in(session, one)[0], state.counted_up_to + 1) for one in each)
    counts = select(*(select(func.count()).select_from(rows).scalar_subquery() for rows in counted))
    return dict(zip(keys, session.execute(counts).one(), strict=True))


def _with(state: ListState, name: str, keys: tuple[str, ...]) -> ListState:
    chosen: dict[str, Any] = {name: tuple(dict.fromkeys(keys))}
    return replace(state, page=1, **chosen)


def _by_key(name: str, keys: Sequence[str], found: dict[str, int]) -> dict[str, int]:
    # what holds the submission is missing too
    if name == 'documents' and 'missing' in keys:
        found['missing'] = found.get('missing', 0) + found.get('missing_blocking', 0)
    return {key: sum(found.get(value, 0) for value in key.split(',')) for key in keys}


# ---- what is demanded in a list -----------------------------------------------------------------------------------------------


def demanded_in(session: Session, state: ListState) -> int | None:
    """What is demanded in all claims of a list together, in agorot; None: there are more of them than are counted, or nothing is demanded yet."""
    if state.searches or state.filters:
        total, count = session.execute(_demanded(session, state)).one()
    else:
        ((total, count),) = asked_by_most(session, ('demanded', state.view), lambda: _demanded(session, state))
    return int(total) if total is not None and count <= state.counted_up_to else None


def _demanded(session: Session, state: ListState) -> Select[Any]:
    found = counted_rows(session, claims_in(session, state)[0], state.counted_up_to + 1, Claim.demand_amount)
    return select(func.sum(found.demand_amount), func.count()).select_from(found)
