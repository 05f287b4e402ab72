"""The bureau's desk: tasks that claims call for are made, those that came by themselves are closed, and who is due is alerted."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from db.alerts import Cursor
from db.base import now, take_turns
from db.changes import Change, changes_after, newest_place, place_of
from db.scope import Actor
from db.session import fetch, open_session
from db.silence import measure_usuals, settle_silences
from db.tasks import alert_of_tasks, open_claims_after, settle_tasks
from jobs.background import keep_hearing

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
ACTOR = Actor.system('desk')
CURSOR, BATCH = 'desk', 100
_one_at_a_time = threading.Lock()


def follow_claims(at: datetime | None = None) -> int:
    """Settle what the changes since the last time call for; may run at any time, in several processes. Returns how many it read.

    Where nobody ever followed them, every open claim is looked at once instead.
    """
    with _one_at_a_time:
        with open_session(ACTOR, reading=True) as session:
            known = session.get(Cursor, CURSOR) is not None
            newest = newest_place(session)
        if not known:
            sweep_desk(at)
            with open_session(ACTOR) as session:
                take_turns(session, CURSOR)
                if session.get(Cursor, CURSOR) is None:
                    session.add(Cursor(name=CURSOR, xid=newest[0], change_id=newest[1]))
        total = 0
        while read := _follow_next(at or now()):
            total += read
        return total


def _follow_next(moment: datetime) -> int:
    """In one transaction: what the next changes call for, and that they were followed.

    Several processes hear of each change; they take turns, and whoever comes second finds it followed.
    """
    with open_session(ACTOR, reading=True) as session:
        if not _next_changes(session):
            return 0
    with open_session(ACTOR) as session:
        take_turns(session, CURSOR)
        changes = _next_changes(session)
        if changes:
            ids = sorted({change.claim_id for change in changes})
            settle_tasks(session, ids, moment)
            settle_silences(session, ids)
            cursor = session.get_one(Cursor, CURSOR)
            cursor.xid, cursor.change_id = place_of(changes[-1])
    return len(changes)


def _next_changes(session: 'Session') -> list[Change]:
    cursor = session.get_one(Cursor, CURSOR)
    return changes_after(session, cursor.xid, cursor.change_id, BATCH)


def sweep_desk(at: datetime | None = None) -> int:
    """Look at every open claim, a handful at a time, so that nobody waits long for his turn to write. Returns how many.

    For a rule that is new, a day that is over, and whatever a crash left behind.
    """
    moment, looked_at, last = at or now(), 0, 0
    with open_session(ACTOR) as session:
        measure_usuals(session, moment)
    while True:
        with open_session(ACTOR, reading=True) as session:
            ids = fetch(session, open_claims_after(last, BATCH))
        if not ids:
            return looked_at
        with open_session(ACTOR) as session:
            settle_tasks(session, ids, moment)
            settle_silences(session, ids)
        looked_at, last = looked_at + len(ids), ids[-1]


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
    return keep_hearing(follow_claims, 'claim', name='desk')
