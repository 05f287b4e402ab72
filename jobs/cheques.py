"""The sweep of the cheques: every minute whoever should know of a due date is alerted, however long nobody looked."""

import time
from collections.abc import Callable
from datetime import datetime

from db import values
from db.base import now, take_turns
from db.cheque_alerts import TURN, alert_of_cheques, settle_warnings, untold_cheques, warnings_astray
from db.scope import Actor
from db.session import open_session

ACTOR = Actor.system('cheques')
# so many cheques in the first transaction, and in any; each is as large as the last one's time allows, so that nobody who writes waits long
FIRST, LEAST, MOST = 50, 25, 2000
LONG_SECONDS, LONGEST_REST = 0.015, 0.1


def sweep_cheques(
    at: datetime | None = None,
    clock: Callable[[], float] = time.perf_counter,
    rest: Callable[[float], None] = time.sleep,  # noqa: TID251 - a job has a thread of its own
) -> int:
    """Alert of everything that is due at a moment (now); may run at any time, in several processes. Returns how many alerts it made.

    When there is nothing to do it only reads, and nobody waits for it. `clock` tells how long a transaction took; as long it rests
    before the next one: whoever waits for SQLite looks only now and then whether it is his turn.
    """
    moment = at or now()
    today = values.israel(moment).date()
    with open_session(ACTOR, reading=True) as session:
        astray = warnings_astray(session, today)
    if astray:
        with open_session(ACTOR) as session:
            settle_warnings(session, today)
    with open_session(ACTOR, reading=True) as session:
        waiting = untold_cheques(session, today)
    made = done = 0
    batch = FIRST
    while done < len(waiting):
        with open_session(ACTOR, at=moment) as session:
            take_turns(session, TURN)
            before = clock()  # whoever waited for others has not worked
            made += alert_of_cheques(session, moment, waiting[done : done + batch])
        done, took = done + batch, clock() - before
        batch = _next_batch(batch, took)
        if done < len(waiting):
            rest(min(took, LONGEST_REST))
    return made


def _next_batch(batch: int, took: float) -> int:
    """How many cheques the next transaction takes on, when one of `batch` took so many seconds."""
    if took > LONG_SECONDS:
        return max(batch // 2, LEAST)
    return min(batch * 3 // 2, MOST) if took * 3 / 2 < LONG_SECONDS else batch
