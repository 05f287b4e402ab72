"""The claims list as a question: a page of it, the way from claim to claim, and what its menus offer; exports ask the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from db.claims import Claim
from db.list_claims import asked_by_most, claims_in, count_claims, counted_rows
from db.list_counts import count_of
from db.list_orders import SORTS, joined, order, passed
from db.list_pages import ids_of
from db.list_rows import Row, rows_of
from db.list_state import PLACED_UP_TO, ListState, query_in
from db.offices import AgentOffice, User, agents_of
from db.reference import Appraiser, Garage, Insurer
from db.search import found_by


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


def page_of(session: Session, state: ListState, total: int | None = None) -> Page:
    """The rows of one page; `total` is how many match, when that was counted already. A page past the end answers the last one."""
    total = count_of(session, state) if total is None else total
    is_exact = total <= state.counted_up_to
    if is_exact:
        state = _not_past(total, state)
    ids = ids_of(session, state, total)
    if not ids and state.page > 1:
        total, is_exact = count_claims(session, claims_in(session, state)[0]), True
        state = _not_past(total, replace(state, after=None, before=None))
        ids = ids_of(session, state)
    # beyond what was counted a page that is not full is the last one, and says how many there are
    ended = (state.page - 1) * state.size + len(ids)
    if not is_exact and len(ids) < state.size and ended >= total:
        total, is_exact = ended, True
    rows = _rows(session, ids, state)
    return Page(state, [rows[key] for key in ids if key in rows], total, is_exact)


def claims_named(session: Session, office_id: int, typed: str, limit: int) -> Sequence[Claim]:
    """The newest claims of an office that what was typed may mean; all of them are the asker's to see."""
    state = ListState(view='all', q=query_in(typed), office=(str(office_id),), size=limit)
    ids = ids_of(session, state)
    found = {claim.id: claim for claim in session.scalars(select(Claim).where(Claim.id.in_(ids)))}
    return [found[claim_id] for claim_id in ids]


def _not_past(total: int, state: ListState) -> ListState:
    last = max(1, -(-total // state.size))
    return state if state.page <= last else replace(state, page=last, after=None, before=None)


def first_rows(session: Session, state: ListState) -> list[Row]:
    """The rows of a page without counting how many there are: for whoever types and waits."""
    ids = ids_of(session, state)
    rows = _rows(session, ids, state)
    return [rows[key] for key in ids if key in rows]


def _rows(session: Session, ids: Sequence[int], state: ListState) -> dict[int, Row]:
    """The lines of these claims; under a search of everything each says by what it was found."""
    rows = rows_of(session, ids, state.columns)
    if not state.searches or state.scope != 'all':
        return rows
    found = found_by(session, state.q, list(rows))
    return {key: replace(row, found=found.get(key)) for key, row in rows.items()}


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
        found = asked_by_most(session, (name, state.view), lambda: make(session, state, **left_open), **asked)
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
    return joined(listed, state.sort).with_only_columns(SORTS[state.sorted_by], Claim.seq)


def _beside(session: Session, state: ListState, value: Any, seq: Any) -> Select[Any]:
    """The claims before and after one, how many there are before it, and in all."""
    placed, (listed, _) = _placed(session, state), claims_in(session, state)
    before, after = (placed.where(passed(state.sort, value, seq, backwards=way)) for way in (True, False))
    nearest = (
        there.with_only_columns(Claim.claim_no).order_by(*order(state.sort, backwards=way)).limit(1).scalar_subquery()
        for there, way in ((before, True), (after, False))
    )
    counted = (
        select(func.count()).select_from(counted_rows(session, claims, most)).scalar_subquery()
        for claims, most in ((before, PLACED_UP_TO), (listed, PLACED_UP_TO + 1))
    )
    return select(*nearest, *counted)


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
