"""Cheques that fall due: everybody who follows their claims is alerted at 14 days, at 3, on the day and after it; each once.

It is one INSERT … SELECT: which cheque is at which stage today, times whom its claim concerns, less whoever has the alert.
An alert's key names the cheque, the stage and the due date, so this may run in any number of processes, by any clock, after any
pause; and a cheque whose date moves counts anew. Statements go past the session's scope: they are the product's own, for everybody.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    String,
    and_,
    any_,
    bindparam,
    case,
    cast,
    event,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, UOWTransaction

from db import values
from db.alert_choices import ClaimWatch
from db.alert_kinds import event_of
from db.alerts import Alert
from db.base import Base, Moment, has_changed, histories, take_turns
from db.calendar import calendar_of
from db.cheques import REMIND_DAYS, Cheque, warning_day
from db.claims import Claim
from db.doorbell import Notice, ring_for
from db.offices import AgentOffice, User
from db.scope import Can, Role

WARNED, REMINDED, DUE, OVERDUE = KINDS = ('cheque.due14', 'cheque.due3', 'cheque.due0', 'cheque.overdue')
# what alerts of cheques are written in, one after the other
TURN = 'cheques'
# so far ahead a change of the calendar can matter: the two weeks, and far more than the longest row of holidays
_HORIZON = timedelta(days=60)
_TABLES = tuple(model.__tablename__ for model in (Cheque, Alert, Claim, User, AgentOffice, ClaimWatch))
_COLUMNS = ('user_id', 'claim_id', 'office_id', 'kind', 'event', 'key', 'values', 'hidden', 'at')
_cheques, _alerts, _claims, _users, _offices, _watches = (Base.metadata.tables[name] for name in _TABLES)
_cheque, _alert, _claim, _user = (table.c for table in (_cheques, _alerts, _claims, _users))
_office, _watch = _offices.c, _watches.c
# of one that bounced something is to be done, but nobody waits for its day: it counts again once it is deposited again
_awaited = and_(_cheque.live, _cheque.state != 'bounced')


# ---- questions --------------------------------------------------------------------------------------------------------------


def untold_cheques(session: Session, today: date) -> list[int]:
    """The cheques that somebody is still to be alerted of, those of an office together: its people get theirs in few rows of rows."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    return list(session.connection().scalars(_untold(), _days(today)))


def warnings_astray(session: Session, today: date) -> list[tuple[date, date, str]]:
    """(due date, day of the warning and note as they should be) of coming cheques whose calendar changed since they were entered."""
    coming = select(_cheque.due_date, _cheque.warn_on, _cheque.closed_note).distinct().where(_cheque.live)
    coming = coming.where(_cheque.due_date.between(today, today + _HORIZON))
    calendar = calendar_of(session)
    kept = session.connection().execute(coming).all()
    rightly = {due: (warning_day(calendar, due), calendar.why_closed(due) or '') for due, _, _ in kept}
    return sorted({(due, *rightly[due]) for due, *as_kept in kept if tuple(as_kept) != rightly[due]})


@cache
def _untold() -> Any:
    """The question behind `untold_cheques`, made once."""
    due = _at_a_stage(_cheque.office_id).cte('due')
    told = select(_alert.id).where(_alert.user_id == _user.id, _alert.key == due.c.key)
    waiting = _for_each_follower(due, [due.c.id, due.c.office_id], ~told.exists()).subquery()
    return select(waiting.c.id).group_by(waiting.c.id, waiting.c.office_id).order_by(waiting.c.office_id, waiting.c.id)


def _at_a_stage(*columns: ColumnElement[Any]) -> Any:
    """Every cheque that is at a stage today, with the key of its alert and what its claim says of who follows it."""
    followed = _claim.agent_id, _claim.handler_id
    due = select(_cheque.id, _cheque.claim_id, _key().label('key'), *followed, *columns).select_from(_cheques)
    return due.join(_claims, _claim.id == _cheque.claim_id).where(_awaited, _cheque.warn_on <= _TODAY)


def _for_each_follower(due: Any, columns: Sequence[Any], *conditions: ColumnElement[bool]) -> CompoundSelect[Any]:
    """Each of these cheques beside each person who follows its claim.

    Whom it concerns, as `hears_of_claim` says: the people of the claim's office who may see it, its handler, and who of the
    bureau follows it.
    """
    found = select(*columns).select_from(due)
    sees_it = or_(_user.role != Role.AGENT.value, _office.agents_see_own_only.is_(False), _user.id == due.c.agent_id)
    in_office = found.join(_users, _user.office_id == due.c.office_id).join(_offices, _office.id == _user.office_id)
    handling = found.join(_users, _user.id == due.c.handler_id).where(_user.office_id.is_(None))
    watched = found.join(_watches, and_(_watch.claim_id == due.c.claim_id, _watch.follows))
    following = watched.join(_users, _user.id == _watch.user_id).where(
        _user.office_id.is_(None), due.c.handler_id.is_distinct_from(_user.id)
    )
    wanted = (_user.active, *conditions)
    return union_all(in_office.where(*wanted, sees_it), *(some.where(*wanted) for some in (handling, following)))


_TODAY, _REMINDED_BY = bindparam('today', type_=Date), bindparam('reminded_by', type_=Date)


def _days(today: date) -> dict[str, Any]:
    return {'today': today, 'reminded_by': today + timedelta(days=REMIND_DAYS)}


def _stage() -> ColumnElement[str]:
    return case(
        (_cheque.due_date < _TODAY, OVERDUE),
        (_cheque.due_date == _TODAY, DUE),
        (_cheque.due_date <= _REMINDED_BY, REMINDED),
        else_=WARNED,
    )


def _key() -> ColumnElement[str]:
    cheque, due = cast(_cheque.id, String), cast(_cheque.due_date, String)
    return literal('cheque:') + cheque + ':' + _stage() + ':' + due


# ---- orders -----------------------------------------------------------------------------------------------------------------


def alert_of_cheques(session: Session, now: datetime, ids: Sequence[int]) -> int:
    """Alert everybody of those of these cheques that are at a stage today; returns how many alerts there are now.

    May run at any time and any number of times: the key of an alert is unique per person.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    return _alert_of(session, now, ids)


def settle_warnings(session: Session, today: date) -> int:
    """Bring the day of the warning of coming cheques in line with the calendar as it is now; returns for how many dates."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    astray = warnings_astray(session, today)
    for due, warn_on, note in astray:
        of_the_day = _cheques.update().where(_cheque.live, _cheque.due_date == due)
        session.connection().execute(of_the_day.values(warn_on=warn_on, closed_note=note))
    return len(astray)


def _alert_of(session: Session, now: datetime, ids: Sequence[int]) -> int:
    take_turns(session, TURN)
    backend = session.get_bind().dialect.name
    asked = {**_days(values.israel(now).date()), 'now': now}
    asked['ids'] = list(ids) if backend == 'postgresql' else json.dumps(ids)
    told = session.connection().execute(_new_alerts(backend), asked).all()
    # one ring is enough for whoever got many
    rung = {line.user_id: line for line in told}.values()
    ring_for(session, {Notice('person', line.office_id, line.claim_id, user_id=line.user_id) for line in rung})
    return len(told)


@cache
def _new_alerts(backend: str) -> Any:
    """The alerts of some cheques, written as far as nobody has them yet. Made once: making it takes as long as carrying it out.

    What an alert says is worked out once for a cheque, not for each who is told of it.
    """
    dialect = postgresql if backend == 'postgresql' else sqlite
    line = _office_kind_and_words(backend)
    due = _at_a_stage(*line).where(_is_one_of_these(backend)).cte('due')
    of_the_cheque = (due.c[name] for name in _COLUMNS[1:7])
    same = literal(False).label('hidden'), bindparam('now', type_=Moment()).label('at')
    lines = _for_each_follower(due, [_user.id.label('user_id'), *of_the_cheque, *same]).subquery()
    # NOTE: without a WHERE of its own, SQLite reads ON CONFLICT as the ON of a join
    new = dialect.insert(_alerts).from_select(_COLUMNS, select(lines).where(literal(1) == literal(1)))
    return new.on_conflict_do_nothing().returning(_alert.user_id, _alert.office_id, _alert.claim_id)


def _is_one_of_these(backend: str) -> ColumnElement[bool]:
    """The `ids` as one value: with one for each, the statement would be another for every number of cheques, and be read anew."""
    if backend == 'postgresql':
        return _cheque.id == any_(bindparam('ids', type_=ARRAY(BigInteger)))
    return _cheque.id.in_(select(func.json_each(bindparam('ids', type_=String)).table_valued('value').c.value))


def _office_kind_and_words(backend: str) -> Sequence[ColumnElement[Any]]:
    as_json, days_left = func.json_object, func.julianday(_cheque.due_date) - func.julianday(_TODAY)
    if backend == 'postgresql':
        as_json, days_left = func.jsonb_build_object, _cheque.due_date - _TODAY
    told = as_json(
        *('amount', _cheque.amount, 'due', cast(_cheque.due_date, String), 'days', cast(days_left, Integer)),
        *('late', case((_cheque.late, 1), else_=0), 'closed', _cheque.closed_note),
    )
    event_name = literal(event_of(WARNED)).label('event')
    return _cheque.office_id, _stage().label('kind'), event_name, told.label('values')


# ---- the session's part -----------------------------------------------------------------------------------------------------


def wait_for_turn(session: Session, *_: Any) -> None:
    """Before a flush that will alert or take alerts back: whoever alerts meanwhile comes to his end first, and begins after it.

    NOTE: before anything is written. Who waited with the changed claim in his hands would be waited for in turn; and a sweep that had
    begun before he was done would still alert of the cheque as it was.
    """
    entered, moved = _entered(session), _moved(session)
    if moved or _late(session, entered):
        take_turns(session, TURN)


def follow_cheques(session: Session, _: UOWTransaction) -> None:
    """After a flush: a cheque that is late already is alerted of at once; one whose date moved, or that ended or bounced, takes its alerts back."""
    entered, moved = _entered(session), _moved(session)
    for cheque in moved:
        _take_back(session, cheque)
    due = _late(session, [*entered, *moved])
    if due:
        _alert_of(session, session.info['moment'], [cheque.id for cheque in due])


def _entered(session: Session) -> list[Cheque]:
    return [row for row in session.new if isinstance(row, Cheque)]


def _moved(session: Session) -> list[Cheque]:
    changed = [row for row in session.dirty if isinstance(row, Cheque)]
    return [row for row in changed if has_changed(row, 'due_date', 'live') or _bounces(row)]


def _bounces(cheque: Cheque) -> bool:
    """Or comes back after it bounced."""
    return any(name == 'state' and 'bounced' in (*past.added, *past.deleted) for name, past in histories(cheque))


def _is_awaited(cheque: Cheque) -> bool:
    return cheque.live and cheque.state != 'bounced'


def _late(session: Session, cheques: Sequence[Cheque]) -> list[Cheque]:
    """Those that are at a stage already."""
    if not cheques:
        return []
    today = values.israel(session.info['moment']).date()
    return [cheque for cheque in cheques if _is_awaited(cheque) and cheque.warn_on <= today]


def _take_back(session: Session, cheque: Cheque) -> None:
    """Nobody is to be reminded of a day that does not count any more. What was read stays in the list of alerts,
    under a key of its own: when the cheque comes back to that day, it is alerted of again.
    """
    stale = [
        _alert.claim_id == cheque.claim_id,
        _alert.change_id.is_(None),
        _alert.key.startswith(f'cheque:{cheque.id}:'),
    ]
    if _is_awaited(cheque):
        stale.append(~_alert.key.endswith(f':{cheque.due_date}'))
        kept_key = literal('past:') + cast(_alert.id, String) + ':' + _alert.key
        session.connection().execute(_alerts.update().where(*stale, _alert.read_at.is_not(None)).values(key=kept_key))
    unread = _alerts.delete().where(*stale, _alert.read_at.is_(None))
    taken = session.connection().scalars(unread.returning(_alert.user_id))
    ring_for(session, {Notice('person', cheque.office_id, cheque.claim_id, user_id=user_id) for user_id in taken})


def listen_to(session_class: type[Session]) -> None:
    """Attach the alerts to a session class; called once, by db/session.py."""
    event.listen(session_class, 'before_flush', wait_for_turn)
    event.listen(session_class, 'after_flush', follow_cheques)
