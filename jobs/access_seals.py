"""Sealing the log of access: each minute the lines since the seal before."""

import logging
from datetime import datetime

from db.access_seals import AccessSeal, access_standing, seal_accesses
from db.base import now
from db.scope import Actor
from db.session import open_session

log = logging.getLogger(__name__)
ACTOR = Actor.system('access log')
# a run leaves the rest of a long past to the next one: what writes the log waits while a seal is made
BATCH, BATCHES = 1000, 50
_told: AccessSeal | None = None


def seal_access_log(at: datetime | None = None) -> int:
    """Seal what was written since the last time; may run at any time, in several processes. Returns how many lines."""
    total = 0
    for _ in range(BATCHES):
        with open_session(ACTOR) as session:
            seal = seal_accesses(session, at or now(), BATCH)
        if seal is None:
            break
        total += seal.lines
        _tell_of(seal)
        if seal.lines < BATCH:
            break
    return total


def is_sealed() -> bool:
    """Whether somebody seals what is written, in this process or another."""
    with open_session(ACTOR, reading=True) as session:
        return not access_standing(session, now()).stopped


def _tell_of(seal: AccessSeal) -> None:
    """The first seal of a day stands in the log of the server too, which the owner of the database may not hold."""
    global _told  # noqa: PLW0603 - once a day and process
    if _told is None or _told.sealed_at.date() != seal.sealed_at.date():
        log.info(
            'the log of access is sealed up to the line %s by the seal %s: %s', seal.last_id, seal.number, seal.hash
        )
    _told = seal
