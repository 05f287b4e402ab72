"""The sweep of the cheques: every minute whoever should know of a due date is alerted, however long nobody looked."""

from datetime import datetime

from db import values
from db.base import now
from db.cheque_alerts import alert_of_cheques, settle_warnings, untold_cheques, warnings_astray
from db.scope import Actor
from db.session import open_session

ACTOR = Actor.system('cheques')
# so many cheques in one transaction: nobody who writes waits long for it
BATCH = 100


def sweep_cheques(at: datetime | None = None) -> int:
    """Alert of everything that is due at a moment (now); may run at any time, in several processes. Returns how many alerts it made.

    When there is nothing to do it only reads, and nobody waits for it.
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
    made = 0
    for start in range(0, len(waiting), BATCH):
        ids = waiting[start : start + BATCH]
        with open_session(ACTOR, at=moment) as session:
            made += alert_of_cheques(session, moment, ids)
    return made
