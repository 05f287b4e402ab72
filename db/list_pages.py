"""How the claims of a page are found as fast as one waits: the first of a list, one turned to, by values, on a walk, day by day."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import JSON, ColumnElement, Date, Select, SQLColumnExpression, and_, cast, func, literal, select
from sqlalchemy.orm import Session

from db.claims import Claim
from db.list_claims import (
    another_claim,
    asked_by_most,
    claims_in,
    count_claims,
    filtered,
    first_among,
    is_by_days,
    worth_a_walk,
)
from db.list_orders import FEW_VALUES, SORTS, is_one_of, joined, order, ordered, passed, values_of
from db.list_state import NOBODY, ListState
from db.reference import CLOSED, ClaimStatus


def ids_of(session: Session, state: ListState, total: int | None = None) -> list[int]:
    """The claims of a page; `total` is how many there are in the list, when they were counted."""
    if state == ListState(view=state.view, size=state.size, columns=state.columns):
        found = asked_by_most(
            session, ('ids', state.view, state.size), lambda: _page_by_offset(state, *claims_in(session, state))
        )
        return [claim_id for (claim_id,) in found]
    return _ids_narrowed(session, state, total)


def _ids_narrowed(session: Session, state: ListState, total: int | None) -> list[int]:
    """The same of a list that something narrows or sorts, or of a page one turned to."""
    are_few = total is not None and total <= state.counted_up_to
    if state.after is state.before is None:
        for among in first_among(session, state):
            ids = _ids_by_offset(session, state, *claims_in(session, state, among=among))
            if len(ids) == state.size:
                return ids
    by_value = not are_few and _goes_by_value(session, state)
    if by_value and state.page == 1:
        return _value_by_value(session, state)
    statement, newest = _listed(session, state)
    if state.page > 1 and (turned := _turned(session, state, statement, newest, by_value=by_value)):
        return turned
    if state.page * state.size <= _SHALLOW and (days := _days_of(session, state)):
        met = _among_the_newest(session, state) if len(days) > _FEW_DAYS else []
        return met if len(met) == state.size else _of_days(session, state, statement, days)
    # so few are found by the filter's own index and sorted, not met on a walk down the order of news
    if are_few and newest is Claim.seq and (state.quick or state.updated_from or state.updated_to):
        newest = Claim.seq + 0
    return _ids_by_offset(session, state, statement, newest, are_few=are_few)


def _listed(session: Session, state: ListState) -> tuple[Select[Any], SQLColumnExpression[Any]]:
    """The claims of a list as `claims_in` says them. Of a sorted one SQLite is kept from beginning where it would rather: at all open claims."""
    if session.get_bind().dialect.name != 'sqlite' or not _is_plain(state) or state.sorted_by == 'updated_at':
        return claims_in(session, state)
    by_office = _is_sorted_by_office(session, state)
    statement = filtered(select(Claim.id).select_from(Claim), state, by_index=not by_office)
    if state.view != 'all':
        statement = statement.where(func.coalesce(Claim.is_open, literal(False)).is_(state.view == 'open'))
    # each says nothing new, but it is where SQLite begins: this index has what most lists of an office are sorted and narrowed by
    begins = [Claim.seq > _FIRST_SEQ] if by_office else _from_the_first(session, state)
    return statement.where(*begins), Claim.seq


def _ids_by_offset(
    session: Session,
    state: ListState,
    statement: Select[Any],
    newest: SQLColumnExpression[Any],
    *,
    are_few: bool = False,
) -> list[int]:
    """The claims of a page counted off from the beginning; those of the first one as an index finds them, where a database would not use it well."""
    if state.page == 1 and not are_few and _goes_by_index(session, state):
        return _by_index(session, state, statement)
    by_index = not _is_sorted_by_office(session, state)
    return list(session.scalars(_page_by_offset(state, statement, newest, by_index=by_index)))


def _page_by_offset(
    state: ListState, statement: Select[Any], newest: SQLColumnExpression[Any], *, by_index: bool = True
) -> Select[Any]:
    claims = ordered(statement, newest, state.sort, by_index=by_index)
    return claims.limit(state.size).offset((state.page - 1) * state.size)


def ids_in(session: Session, state: ListState, numbers: Sequence[str] = ()) -> Iterator[int]:
    """The claims of a list in its order, all pages, as the database hands them out; or, of these numbers, all there are."""
    found = claims_in(session, state)
    if numbers:
        found = select(Claim.id).select_from(Claim).where(Claim.claim_no.in_(numbers)), Claim.seq
    return iter(session.scalars(ordered(*found, state.sort), execution_options={'yield_per': 10_000}))


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
    if state.sorted_by == 'updated_at':
        falling = state.falls is not backwards
        beyond, by = (newest < mark, [newest.desc()]) if falling else (newest > mark, [newest.asc()])
    else:
        wanted = SORTS[state.sorted_by]
        there = session.execute(joined(select(wanted).select_from(Claim), state.sort).where(Claim.seq == mark)).first()
        if there is None:
            return None
        if by_value:
            return _full(_value_by_value(session, state, (there[0], mark), backwards=backwards), state, backwards)
        beyond = passed(state.sort, there[0], mark, backwards=backwards)
        if _goes_by_index(session, state):
            met = _by_index(session, state, statement, beyond, backwards=backwards)
            return _full(met, state, backwards)
        by = order(state.sort, backwards=backwards, by_index=not _is_sorted_by_office(session, state))
    ids = list(session.scalars(joined(statement, state.sort).where(beyond).order_by(*by).limit(state.size)))
    return _full(ids, state, backwards)


def _full(ids: list[int], state: ListState, backwards: bool) -> list[int] | None:
    return (ids[::-1] if len(ids) == state.size else None) if backwards else ids


# ---- sorted by what has few values: one value after the other ---------------------------------------------------------------


def _is_plain(state: ListState) -> bool:
    """Whether nothing but its view and its filters decides what stands in a list."""
    return state.view != 'unread' and not state.quick and not state.searches


# of an office's claims SQLite has an index in these orders
_IN_ORDER_OF_OFFICE = frozenset({'insured_name', 'claim_no', 'plate', 'event_date'})


def _from_the_first(session: Session, state: ListState) -> list[ColumnElement[bool]]:
    """That a list begins at the first in its order, where SQLite has an office's claims in it; left alone it may sort all of them."""
    if session.info['actor'].is_bureau or state.sorted_by not in _IN_ORDER_OF_OFFICE:
        return []
    return [SORTS[state.sorted_by] >= (date.min if state.sorted_by == 'event_date' else '')]


def _is_sorted_by_office(session: Session, state: ListState) -> bool:
    """Whether SQLite sorts an office's claims out of their index, instead of reading every one of them."""
    if session.get_bind().dialect.name != 'sqlite' or session.info['actor'].is_bureau or not _is_plain(state):
        return False
    name = state.sorted_by
    return name != 'updated_at' and (name not in _IN_ORDER_OF_OFFICE or bool(state.filters))


# so many claims are soon read and sorted; what leaves more of them is met often enough on a walk
SORTED_UP_TO = 5000


def _are_many(session: Session, state: ListState) -> bool:
    """Whether a list has more claims than are soon sorted."""
    return count_claims(session, _listed(session, state)[0], SORTED_UP_TO + 1) > SORTED_UP_TO


def _goes_by_value(session: Session, state: ListState) -> bool:
    """Whether a list is put together from those of each value: to sort it, every claim of the asker would be read. A few are soon sorted.

    An office reads no names of agents who left for another one; its claims are sorted by what it reads.
    """
    name = state.sorted_by
    if name not in FEW_VALUES or not _is_plain(state):
        return False
    if name == 'agent' and not session.info['actor'].is_bureau:
        return False
    if state.filters.keys() <= {FEW_VALUES[name][1]}:
        few = worth_a_walk(session, state.view)
        return few is None or few > state.counted_up_to
    return not _is_sorted_by_office(session, state) and _are_many(session, state)


def _value_by_value(
    session: Session, state: ListState, mark: tuple[Any, int] | None = None, *, backwards: bool = False
) -> list[int]:
    """The claims behind a mark (the value and the `seq` of one), or all: the newest of the first value, then of the next, until the page is full.

    An agent has few claims: of agents, twice as many come together each time, and theirs are sorted.
    """
    column, own_filter, _ = FEW_VALUES[state.sorted_by]
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

# filters that tell whether there is a demand
_TELLING_OF_DEMAND = frozenset({'status', 'waiting_on', 'repair_stage'})
# so far claims are walked in the order of the list, in two steps: most filters leave a page of the first. An office's
# stand in order by few things
_WALKS = (2000, 6000)


def _goes_by_index(session: Session, state: ListState) -> bool:
    """Whether a list is sorted by what has an index, and narrowed by what stands in others, so that a database goes about it badly by itself.

    SQLite sorts all that the filter leaves. PostgreSQL walks until the page is full, through all claims where no claim of that
    status has a demand yet; and it reads an office's claims to learn their agents.
    """
    name, is_bureau = state.sorted_by, session.info['actor'].is_bureau
    if not _is_plain(state):
        return False
    if session.get_bind().dialect.name == 'postgresql':
        return _tells_of_demand(state) or (name == 'agent' and not is_bureau)
    if not is_bureau:
        # the day of the event stands in the index out of which an office's claims are sorted
        return name in _IN_ORDER_OF_OFFICE - {'event_date'} and bool(state.filters)
    return (bool(state.filters) or state.view != 'all') and name not in {'updated_at', *FEW_VALUES}


def _tells_of_demand(state: ListState) -> bool:
    """Whether a list is sorted by the demand and narrowed by what tells whether there is one."""
    return state.sorted_by == 'demand_amount' and not state.filters.keys().isdisjoint(_TELLING_OF_DEMAND)


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
    if session.info['actor'].is_bureau or state.sorted_by in _IN_ORDER_OF_OFFICE:
        behind += _from_the_first(session, state)
        walked = select(number).where(*behind).order_by(*order(state.sort, backwards=backwards))
        numbers = list(session.scalars(found.where(number.in_(walked.limit(_WALKS[0])))))
        if len(numbers) < state.size and not _tells_of_demand(state) and _are_many(session, state):
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
    if state.sort != '-updated_at' or state.searches or not is_by_days(session, state) or state.view == 'unread':
        return None
    first = session.scalar(select(func.min(Claim.event_date))) if state.event_from is None else state.event_from
    last = session.scalar(select(func.max(Claim.event_date))) if state.event_to is None else state.event_to
    if first is None or last is None or not 0 <= (last - first).days <= _MANY_DAYS:
        return None
    return [(first + timedelta(days=day)).isoformat() for day in range((last - first).days + 1)]


# of more days, to look for each takes longer than to look at the newest claims, even where that is not enough
_FEW_DAYS = 200


def _among_the_newest(session: Session, state: ListState) -> list[int]:
    """The claims of a page between two days, as far as they are met on a walk down the newest: of many days most of these are."""
    newest, (statement, _) = another_claim(2), claims_in(session, state)
    floor = select(newest.seq).order_by(newest.seq.desc()).limit(1).offset(_WALKS[0]).scalar_subquery()
    among = statement.where(Claim.seq > func.coalesce(floor, _FIRST_SEQ))
    return list(session.scalars(_page_by_offset(state, among, Claim.seq)))


def _of_days(session: Session, state: ListState, statement: Select[Any], days: Sequence[str]) -> list[int]:
    """The claims of a page of these days: their numbers, which stand in the index, and then only those claims."""
    numbers = _only_newest_of(days, statement, session, state).with_only_columns(Claim.seq)
    chosen = numbers.order_by((Claim.seq + 0).desc()).limit(state.size).offset((state.page - 1) * state.size)
    claim = another_claim(2)
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
    claim = another_claim(3)
    in_view = [] if state.view == 'all' else [claim.is_open.is_(state.view == 'open')]
    newest = select(claim.seq).where(claim.event_date == day, *in_view).order_by(claim.seq.desc())
    of_day = newest.limit(1).offset(depth - 1).correlate(listed).scalar_subquery()
    looked_at = select(of_day.label('seq')).select_from(listed).subquery()
    last = select(looked_at.c.seq).order_by(looked_at.c.seq.desc().nulls_last())
    floor = last.limit(1).offset(-(-end // depth) - 1).scalar_subquery()
    # OFFSET 0 keeps the two apart: claims are looked for day by day
    each = select(day.label('day'), func.coalesce(floor, _FIRST_SEQ).label('seq')).offset(0).subquery()
    return statement.join(each, and_(Claim.event_date == each.c.day, Claim.seq >= each.c.seq))
