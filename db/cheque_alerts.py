"""Cheques that fall due: everybody who follows their claims is alerted at 14 days, at 3, on the day and after it; each once.

It is one INSERT … SELECT: which cheque is at which stage today, times whom its claim concerns, less whoever has the alert.
An alert's key names the cheque, the stage and the due date, so this may run in any number of processes, by any clock, after any
pause; and a cheque whose date moves counts anew. Statements go past the session's scope: they are the product's own, for everybody.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    String,
    and_,
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
from db.base import Base, Moment, has_changed, take_turns
from db.calendar import calendar_of
from db.changes import Notice, ring_for
from db.cheques import REMIND_DAYS, Cheque, warning_day
from db.claims import Claim
from db.offices import AgentOffice, User
from db.scope import Can, Role

WARNED, REMINDED, DUE, OVERDUE = KINDS = ('cheque.due14', 'cheque.due3', 'cheque.due0', 'cheque.overdue')
# so far ahead a change of the calendar can matter: the two weeks, and far more than the longest row of holidays
_HORIZON = timedelta(days=60)
_TABLES = tuple(model.__tablename__ for model in (Cheque, Alert, Claim, User, AgentOffice, ClaimWatch))
_COLUMNS = ('user_id', 'claim_id', 'office_id', 'kind', 'event', 'key', 'values', 'at', 'hidden')
_cheques, _alerts, _claims, _users, _offices, _watches = (Base.metadata.tables[name] for name in _TABLES)
_cheque, _alert, _claim, _user = (table.c for table in (_cheques, _alerts, _claims, _users))
_office, _watch = _offices.c, _watches.c


# ---- questions --------------------------------------------------------------------------------------------------------------


def untold_cheques(session: Session, today: date) -> list[int]:
    """The cheques that somebody is still to be alerted of, by id in order."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    waiting = _for_each_follower(today, _cheque.id).subquery()
    return list(session.connection().scalars(select(waiting.c.id).distinct().order_by(waiting.c.id)))


def warnings_astray(session: Session, today: date) -> list[tuple[date, date, str]]:
    """(due date, day of the warning and note as they should be) of coming cheques whose calendar changed since they were entered."""
    coming = select(_cheque.due_date, _cheque.warn_on, _cheque.closed_note).distinct().where(_cheque.live)
    coming = coming.where(_cheque.due_date.between(today, today + _HORIZON))
    calendar = calendar_of(session)
    kept = session.connection().execute(coming).all()
    rightly = {due: (warning_day(calendar, due), calendar.why_closed(due) or '') for due, _, _ in kept}
    return sorted({(due, *rightly[due]) for due, *as_kept in kept if tuple(as_kept) != rightly[due]})


def _for_each_follower(today: date, *columns: ColumnElement[Any], only: Iterable[Any] = ()) -> CompoundSelect[Any]:
    """Every cheque at a stage beside each person who follows its claim and has no alert of that stage yet.

    Whom it concerns, as `hears_of_claim` says: the people of the claim's office who may see it, its handler, and who of the
    bureau follows it.
    """
    told = select(_alert.id).where(_alert.user_id == _user.id, _alert.key == _key(today))
    due = select(*columns).select_from(_cheques).join(_claims, _claim.id == _cheque.claim_id)
    sees_it = or_(_user.role != Role.AGENT.value, _office.agents_see_own_only.is_(False), _user.id == _claim.agent_id)
    in_office = due.join(_users, _user.office_id == _cheque.office_id).join(_offices, _office.id == _user.office_id)
    handling = due.join(_users, _user.id == _claim.handler_id).where(_user.office_id.is_(None))
    watched = due.join(_watches, and_(_watch.claim_id == _claim.id, _watch.follows))
    following = watched.join(_users, _user.id == _watch.user_id).where(
        _user.office_id.is_(None), _claim.handler_id.is_distinct_from(_user.id)
    )
    at_a_stage = (_cheque.live, _cheque.warn_on <= today, _user.active, ~told.exists(), *only)
    return union_all(
        in_office.where(*at_a_stage, sees_it), *(some.where(*at_a_stage) for some in (handling, following))
    )


def _stage(today: date) -> ColumnElement[str]:
    return case(
        (_cheque.due_date < today, OVERDUE),
        (_cheque.due_date == today, DUE),
        (_cheque.due_date <= today + timedelta(days=REMIND_DAYS), REMINDED),
        else_=WARNED,
    )


def _key(today: date) -> ColumnElement[str]:
    cheque, due = cast(_cheque.id, String), cast(_cheque.due_date, String)
    return literal('cheque:') + cheque + ':' + _stage(today) + ':' + due


# ---- orders -----------------------------------------------------------------------------------------------------------------


def alert_of_cheques(session: Session, now: datetime, ids: Sequence[int]) -> int:
    """Alert everybody of those of these cheques that are at a stage today; returns how many alerts there are now.

    May run at any time and any number of times: the key of an alert is unique per person.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    return _alert_of(session, now, [_cheque.id.in_(ids)])


def settle_warnings(session: Session, today: date) -> int:
    """Bring the day of the warning of coming cheques in line with the calendar as it is now; returns for how many dates."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    astray = warnings_astray(session, today)
    for due, warn_on, note in astray:
        of_the_day = _cheques.update().where(_cheque.live, _cheque.due_date == due)
        session.connection().execute(of_the_day.values(warn_on=warn_on, closed_note=note))
    return len(astray)


def _alert_of(session: Session, now: datetime, only: Iterable[Any]) -> int:
    take_turns(session, 'cheques')
    backend = session.get_bind().dialect.name
    dialect = postgresql if backend == 'postgresql' else sqlite
    today = values.israel(now).date()
    lines = _for_each_follower(today, *_line(today, now, backend), only=only).subquery()
    # NOTE: without a WHERE of its own, SQLite reads ON CONFLICT as the ON of a join
    new = dialect.insert(_alerts).from_select(_COLUMNS, select(lines).where(literal(1) == literal(1)))
    new = new.on_conflict_do_nothing().returning(_alert.user_id, _alert.office_id, _alert.claim_id)
    told = session.connection().execute(new).all()
    # one ring is enough for whoever got many
    rung = {line.user_id: line for line in told}.values()
    ring_for(session, {Notice('person', line.office_id, line.claim_id, user_id=line.user_id) for line in rung})
    return len(told)


def _line(today: date, now: datetime, backend: str) -> Sequence[ColumnElement[Any]]:
    """The columns of a new alert."""
    as_json, days_left = func.json_object, func.julianday(_cheque.due_date) - func.julianday(today)
    if backend == 'postgresql':
        as_json, days_left = func.jsonb_build_object, _cheque.due_date - literal(today)
    told = as_json(
        *('amount', _cheque.amount, 'due', cast(_cheque.due_date, String), 'days', cast(days_left, Integer)),
        *('late', case((_cheque.late, 1), else_=0), 'closed', _cheque.closed_note),
    )
    return (
        *(_user.id.label('user_id'), _cheque.claim_id, _cheque.office_id, _stage(today).label('kind')),
        *(literal(event_of(WARNED)).label('event'), _key(today).label('key'), told.label('values')),
        *(literal(now, Moment()).label('at'), literal(False).label('hidden')),
    )


# ---- the session's part -----------------------------------------------------------------------------------------------------


def follow_cheques(session: Session, _: UOWTransaction) -> None:
    """After a flush: a cheque that is late already is alerted of at once; one whose date moved, or that ended, takes its alerts back."""
    entered = [row for row in session.new if isinstance(row, Cheque)]
    moved = [row for row in session.dirty if isinstance(row, Cheque) and has_changed(row, 'due_date', 'live')]
    for cheque in moved:
        _take_back(session, cheque)
    today = values.israel(session.info['moment']).date()
    due = [cheque.id for cheque in [*entered, *moved] if cheque.live and cheque.warn_on <= today]
    if due:
        _alert_of(session, session.info['moment'], [_cheque.id.in_(due)])


def _take_back(session: Session, cheque: Cheque) -> None:
    """Nobody is to be reminded of a day that does not count any more. What was read stays in the list of alerts,
    under a key of its own: when the cheque comes back to that day, it is alerted of again.
    """
    stale = [_alert.claim_id == cheque.claim_id, _alert.key.startswith(f'cheque:{cheque.id}:')]
    if cheque.live:
        stale.append(~_alert.key.endswith(f':{cheque.due_date}'))
        kept_key = literal('past:') + cast(_alert.id, String) + ':' + _alert.key
        session.connection().execute(_alerts.update().where(*stale, _alert.read_at.is_not(None)).values(key=kept_key))
    unread = _alerts.delete().where(*stale, _alert.read_at.is_(None))
    taken = session.connection().scalars(unread.returning(_alert.user_id))
    ring_for(session, {Notice('person', cheque.office_id, cheque.claim_id, user_id=user_id) for user_id in taken})


def listen_to(session_class: type[Session]) -> None:
    """Attach the alerts to a session class; called once, by db/session.py."""
    event.listen(session_class, 'after_flush', follow_cheques)
