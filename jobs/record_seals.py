"""Sealing the record of claims: what was recorded since the last time, and once a night a head over all of it."""

import logging
from datetime import datetime

from db import values
from db.base import now
from db.record_seals import due_head, seal_next, write_head
from db.scope import Actor
from db.session import open_session

log = logging.getLogger(__name__)
ACTOR = Actor.system('record')
# a batch keeps others from writing for a moment; a run leaves the rest of a long past to the next one, for people work meanwhile
BATCH, BATCHES = 200, 50


def seal_changes(at: datetime | None = None) -> int:
    """Seal what was recorded since the last time, before that the day that is over; may run at any time, in several processes.

    Returns how many changes it read.
    """
    _write_head(at or now())
    total = 0
    for _ in range(BATCHES):
        with open_session(ACTOR) as session:
            done = seal_next(session, at or now(), BATCH)
        total += done
        if done < BATCH:
            break
    return total


def _write_head(moment: datetime) -> None:
    """It is computed while others write. The log tells it too, which the owner of the database may not hold."""
    with open_session(ACTOR, reading=True) as session:
        head = due_head(session, values.israel(moment).date())
    if head is not None:
        with open_session(ACTOR) as session:
            write_head(session, head)
        log.info('the day that is over is sealed by the head %s', head.hash)
