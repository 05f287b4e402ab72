"""How many claims a list has, and how many stand behind each view."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from db.base import alias_of
from db.claims import Claim
from db.list_claims import asked_by_most, claims_in, counted_rows, first_among, number_of, route_of, whole_number_of
from db.list_state import FOUND_UP_TO, ListState
from db.scope import Actor
from db.search import ClaimSearch, Newest, hits


def count_of(session: Session, state: ListState, view: str | None = None) -> int:
    """How many claims match, counted no further than one past the `counted_up_to` of the state."""
    most = state.counted_up_to + 1
    for among in first_among(session, state, view):
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
    asked = [among for among in first_among(session, state, 'all') if among.epochs]
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
