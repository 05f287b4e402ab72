"""Alerts while they are decided about, and how those of many people are written in one go."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from db.alerts import Alert
from db.base import Base
from db.doorbell import Notice, ring_for
from db.offices import User
from db.scope import Can


@dataclass(eq=False)
class Told:
    """An alert while it is being decided about, with the columns of its row: there is one for everybody who follows a claim."""

    user_id: int
    claim_id: int
    office_id: int
    kind: str
    key: str
    values: dict[str, Any]
    change_id: int | None
    at: datetime
    event: str = ''
    due_at: datetime | None = None
    hidden: bool = False
    snoozed_until: datetime | None = None
    read_at: datetime | None = None
    # of one that is written already
    id: int | None = None


ROWS = Base.metadata.tables['alerts']
COLUMNS = tuple(column.name for column in fields(Told))


_people: Any = bindparam('people', expanding=True)
_INSERT = ROWS.insert().inline()
# everything but whose it is: what many people are told of one change is written once for all of them
_OF_ALL = tuple(name for name in COLUMNS if name not in ('id', 'user_id', 'values'))
_INSERT_FOR = ROWS.insert().from_select(
    ['user_id', 'values', *_OF_ALL],
    select(User.id, *(bindparam(name, type_=ROWS.c[name].type) for name in ('values', *_OF_ALL)))
    .where(User.id.in_(_people))
    .order_by(User.id),
)
_these: Any = bindparam('these', expanding=True)
# in the order of their ids, as every flush takes rows, so that nobody waits in a ring
_LOCK = select(ROWS.c.id).where(ROWS.c.id.in_(_these)).order_by(ROWS.c.id).with_for_update()
# what its person read or put aside meanwhile stays so
_UPDATE = (
    ROWS.update()
    .where(ROWS.c.id.in_(_these))
    .values(
        hidden=or_(ROWS.c.hidden, bindparam('is_hidden', type_=ROWS.c.hidden.type)),
        values=bindparam('told'),
        read_at=func.coalesce(ROWS.c.read_at, bindparam('read', type_=ROWS.c.read_at.type)),
    )
)
_AT_ONCE = 5000
# of fewer people alike each has a row of his own in a statement for all: a statement costs as much as so many rows
_MANY = 8


def write_told(session: Session, told: Iterable[Told]) -> None:
    """Write what was decided in one go, and ring for it. NOTE: past the guard, which would look at each of them: the product's alone."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    alerts = {id(alert): alert for alert in told}.values()
    _insert(session, [alert for alert in alerts if alert.id is None])
    _update(session, [alert for alert in alerts if alert.id is not None])
    # one ring is enough for whoever got several. NOTE: it names one of their claims; nobody goes by it, and what was put aside rings by itself
    rung = {one.user_id: one for one in alerts}.values()
    ring_for(session, {Notice(Alert.rings, one.office_id, one.claim_id, user_id=one.user_id) for one in rung})


def _insert(session: Session, alerts: Sequence[Told]) -> None:
    rows, connection = [], session.connection()
    for told, alike in _alike(alerts, _OF_ALL):
        if len(alike) < _MANY:
            rows += [{'user_id': alert.user_id, **told} for alert in alike]
        else:
            connection.execute(_INSERT_FOR, {'people': [alert.user_id for alert in alike], **told})
    if rows:
        connection.execute(_INSERT, rows)


def _update(session: Session, alerts: Sequence[Told]) -> None:
    if not alerts:
        return
    connection = session.connection()
    for these in _ids_in_parts(alerts):
        connection.execute(_LOCK, {'these': these})
    for told, alike in _alike(alerts, ('hidden', 'read_at')):
        wanted = {'is_hidden': told['hidden'], 'read': told['read_at'], 'told': told['values']}
        for these in _ids_in_parts(alike):
            connection.execute(_UPDATE, {'these': these, **wanted})


def _ids_in_parts(alerts: Iterable[Told]) -> Iterator[Sequence[int]]:
    """Their ids in order, as many at once as any database takes with one statement."""
    ids = sorted(alert.id for alert in alerts if alert.id is not None)
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _alike(alerts: Iterable[Told], names: Sequence[str]) -> Iterable[tuple[dict[str, Any], Sequence[Told]]]:
    """Alerts that have the same values, and the same in these columns, with what they have there."""
    found, those = defaultdict[Any, list[Told]](list), attrgetter(*names)
    for alert in alerts:
        found[those(alert), repr(alert.values)].append(alert)
    for (same, _), alike in found.items():
        yield {**dict(zip(names, same, strict=True)), 'values': alike[0].values}, alike
