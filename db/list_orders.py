"""In what order a list of claims stands: what it is sorted by, and what comes before and behind one of its places."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count, groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from db.claims import Claim
from db.offices import User
from db.reference import ClaimStatus, Garage, Insurer, RepairStage, WaitingParty

# Every column one may sort by. Ties are broken by `seq`, so that pages never overlap.
SORTS: Mapping[str, SQLColumnExpression[Any]] = {
    'updated_at': Claim.seq,
    'claim_no': Claim.claim_no_key,
    'insured_name': Claim.insured_key,
    'plate': Claim.plate,
    'event_date': Claim.event_date,
    'status': ClaimStatus.position,  # in the order of the work, in every language
    'repair_stage': func.coalesce(RepairStage.position, -1),
    'tp_insurer': func.coalesce(Insurer.name, ''),
    # NOTE: as the index `ix_claims_demand` has it
    'demand_amount': func.coalesce(Claim.demand_amount, literal(-1, literal_execute=True)),
    'agent': func.coalesce(User.name, ''),
    'garage': func.coalesce(Garage.name, ''),
    'waiting_on': WaitingParty.position,
}
# what has few values: the field, its filter, and the rows whose order it is; the claims of one value, newest first, come out of
# the index of the filter
FEW_VALUES: Mapping[str, tuple[Any, str, Any]] = {
    'status': (Claim.status, 'status', ClaimStatus.id),
    'repair_stage': (Claim.repair_stage, 'repair_stage', RepairStage.id),
    'tp_insurer': (Claim.tp_insurer, 'insurer', Insurer.id),
    'waiting_on': (Claim.waiting_on, 'waiting_on', WaitingParty.id),
    'garage': (Claim.garage, 'garage', Garage.id),
    'agent': (Claim.agent, 'agent', User.id),
}
# claims without one come before all others
_WITHOUT: Mapping[str, Any] = {'repair_stage': -1, 'tp_insurer': '', 'garage': '', 'agent': ''}
# so many values are asked for at once: a bureau has thousands of agents, and hardly any page needs more than the first few
_VALUES_AT_ONCE = 100


def sorted_by(sort: str) -> str:
    """By what a list is sorted, one of `SORTS`."""
    return sort.removeprefix('-')


def falls(sort: str) -> bool:
    """Whether the greatest comes first."""
    return sort.startswith('-')


def ordered(
    statement: Select[Any], newest: SQLColumnExpression[Any], sort: str, *, by_index: bool = True
) -> Select[Any]:
    """A select over Claim in an order; `newest` is its newest-first column. Not `by_index`: said so that no index has the order."""
    by = {'-updated_at': newest.desc(), 'updated_at': newest.asc()}.get(sort)
    return joined(statement, sort).order_by(*order(sort, by_index=by_index) if by is None else [by])


def order(sort: str, *, backwards: bool = False, by_index: bool = True) -> list[ColumnElement[Any]]:
    """The order of a list; ties come newest first, so that pages never overlap. Not `by_index`: said so that no index has it."""
    wanted = SORTS[sorted_by(sort)]
    by = wanted if by_index else func.coalesce(wanted, wanted)
    first = by.desc() if falls(sort) is not backwards else by.asc()
    return [first] if wanted is Claim.seq else [first, Claim.seq.asc() if backwards else Claim.seq.desc()]


def joined(statement: Select[Any], sort: str) -> Select[Any]:
    """Join what the list is sorted by."""
    joins: Mapping[str, tuple[Any, Any]] = {
        'status': (ClaimStatus, ClaimStatus.id == Claim.status),
        'waiting_on': (WaitingParty, WaitingParty.id == Claim.waiting_on),
        'repair_stage': (RepairStage, RepairStage.id == Claim.repair_stage),
        'tp_insurer': (Insurer, Insurer.id == Claim.tp_insurer),
        'agent': (User, User.id == Claim.agent),
        'garage': (Garage, Garage.id == Claim.garage),
    }
    name = sorted_by(sort)
    return statement.outerjoin(*joins[name]) if name in joins else statement


def passed(sort: str, value: Any, seq: int, *, backwards: bool) -> ColumnElement[bool]:
    """Whether a claim comes after a place in the list (or before it)."""
    wanted = SORTS[sorted_by(sort)]
    falling = falls(sort) is not backwards
    farther: ColumnElement[bool] = wanted < value if falling else wanted > value
    if wanted is Claim.seq:
        return farther
    # the first half says nothing new, but it is what an index can begin at
    at_least = wanted <= value if falling else wanted >= value
    return and_(at_least, or_(farther, Claim.seq > seq if backwards else Claim.seq < seq))


def values_of(
    session: Session,
    sort: str,
    chosen: Collection[str | None],
    where: Sequence[ColumnElement[bool]],
    since: Any,
    *,
    backwards: bool,
) -> Iterator[tuple[Any, list[Any]]]:
    """What a list is sorted by, in its order and `since` one of them: each value with the keys that claims have for it.

    Only those `chosen`, when any are, and those that fulfil `where`.
    """
    told = _told(session, sort, where, since, falling=falls(sort) is not backwards)
    wanted = (one for one in told if not chosen or (None if one[1] is None else str(one[1])) in chosen)
    for value, same in groupby(wanted, key=lambda one: one[0]):
        yield value, [key for _, key in same]


def _told(
    session: Session, sort: str, where: Sequence[ColumnElement[bool]], since: Any, *, falling: bool
) -> Iterator[tuple[Any, Any]]:
    name = sorted_by(sort)
    value, key, without = SORTS[name], FEW_VALUES[name][2], _WITHOUT.get(name)
    if without is not None and not falling and since in (None, without):
        yield without, None
    found = select(value, key).where(*where).order_by(*((value.desc(), key) if falling else (value, key)))
    if since is not None:
        found = found.where(value <= since if falling else value >= since)
    for start in count(0, _VALUES_AT_ONCE):
        told = session.execute(found.limit(_VALUES_AT_ONCE).offset(start)).all()
        yield from ((one[0], one[1]) for one in told)
        if len(told) < _VALUES_AT_ONCE:
            break
    if without is not None and falling:
        yield without, None


def is_one_of(column: Any, keys: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a column has one of these keys; None: whether it has none."""
    named = [key for key in keys if key is not None]
    without = [column.is_(None)] if None in keys else []
    return or_(*([column.in_(named)] if named else []), *without)
