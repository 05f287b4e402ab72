"""The bureau's desk: tasks that claims call for are made, those that came by themselves are closed, and who is due is alerted.

Deadlines are alerted of in a transaction of their own: alerts wait their turn, and a claim is not kept from others meanwhile.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from db import values
from db.alerts import Cursor
from db.base import now, take_turns
from db.catch_up import changes_after, newest_place, place_of
from db.changes import Change
from db.deadlines import DEADLINES_GO_BY, alert_of_deadlines, claims_with_deadlines, closed_near_limitation
from db.scope import Actor
from db.session import fetch, open_session
from db.silence import SILENCES_GO_BY, measure_usuals, settle_silences
from db.tasks import TASKS_GO_BY, alert_of_tasks, open_claims_after, settle_tasks
from jobs.background import PRESSED_SECONDS, keep_hearing

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
ACTOR = Actor.system('desk')
CURSOR, BATCH = 'desk', 100
_GONE_BY = TASKS_GO_BY | SILENCES_GO_BY | DEADLINES_GO_BY
_one_at_a_time = threading.Lock()


def follow_claims(at: datetime | None = None) -> int:
    """Settle what the changes since the last time call for; may run at any time, in several processes. Returns how many it read.

    Where nobody ever followed them, every open claim is looked at once instead.
    """
    moment, total = at or now(), 0
    with _one_at_a_time:
        while True:
            read = _follow_next(moment)
            if read is None:
                _begin_here(moment)
            else:
                total += read
                if read < BATCH:
                    return total


def _begin_here(moment: datetime) -> None:
    """Look at every claim, and follow what changes from now on."""
    with open_session(ACTOR, reading=True) as session:
        newest = newest_place(session)
    sweep_desk(moment)
    with open_session(ACTOR) as session:
        take_turns(session, CURSOR)
        if session.get(Cursor, CURSOR) is None:
            session.add(Cursor(name=CURSOR, xid=newest[0], change_id=newest[1]))


def _follow_next(moment: datetime) -> int | None:
    """In one transaction: what the next changes call for, and that they were followed; returns how many, None where nobody ever followed any.

    Several processes hear of each change; they take turns, and whoever comes second finds it followed.
    """
    with open_session(ACTOR) as session:
        take_turns(session, CURSOR)
        cursor = session.get(Cursor, CURSOR)
        if cursor is None:
            return None
        changes = changes_after(session, cursor.xid, cursor.change_id, BATCH)
        touched = sorted({change.claim_id for change in changes if _may_call_for_something(change)})
        if changes:
            _settle(session, touched, moment)
            cursor.xid, cursor.change_id = place_of(changes[-1])
    _tell_deadlines(touched, moment)
    return len(changes)


def _may_call_for_something(change: Change) -> bool:
    """Most changes are of fields that no task and no silence goes by: nothing need be asked to pass them over."""
    return change.kind != 'updated' or not _GONE_BY.isdisjoint(change.fields)


def _tell_deadlines(ids: Sequence[int], moment: datetime) -> None:
    """Where nothing is to be told, which is mostly so, one only reads."""
    if not ids:
        return
    with open_session(ACTOR, reading=True) as session:
        found = claims_with_deadlines(session, ids, values.israel(moment).date())
    if found:
        with open_session(ACTOR) as session:
            alert_of_deadlines(session, found, moment)


def _settle(session: 'Session', ids: Sequence[int], moment: datetime) -> None:
    if ids:
        settle_tasks(session, ids, moment)
        settle_silences(session, ids)


def sweep_desk(at: datetime | None = None) -> int:
    """Look at every open claim, a handful at a time, so that nobody waits long for his turn to write. Returns how many.

    For a rule that is new, a day that is over, and whatever a crash left behind.
    """
    moment, looked_at, last = at or now(), 0, 0
    with open_session(ACTOR) as session:
        measure_usuals(session, moment)
    _tell_closed(moment)
    while True:
        with open_session(ACTOR, reading=True) as session:
            ids = fetch(session, open_claims_after(last, BATCH))
        if not ids:
            return looked_at
        with open_session(ACTOR) as session:
            _settle(session, ids, moment)
        _tell_deadlines(ids, moment)
        looked_at, last = looked_at + len(ids), ids[-1]


def _tell_closed(moment: datetime) -> None:
    """A limitation runs on over what was closed unpaid."""
    last, today = 0, values.israel(moment).date()
    while True:
        with open_session(ACTOR, reading=True) as session:
            ids = closed_near_limitation(session, last, BATCH, today)
        if not ids:
            return
        _tell_deadlines(ids, moment)
        last = ids[-1]


def remind_of_tasks(at: datetime | None = None) -> int:
    """Alert whoever has a task due; may run at any time, in several processes. Returns how many tasks."""
    told = 0
    while True:
        with open_session(ACTOR) as session:
            found = alert_of_tasks(session, at or now(), BATCH)
        told += found
        if found < BATCH:
            return told


def start() -> Callable[[], None]:
    """Keep following for as long as the app runs; returns the way out, which waits for the thread."""
    return keep_hearing(follow_claims, 'claim', name='desk', pressed=PRESSED_SECONDS)
