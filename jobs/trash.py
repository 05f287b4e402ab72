"""The trash of documents: what has lain there for a month is given up for good."""

import logging
from datetime import timedelta

from db.base import now
from db.documents import purge_trash
from db.scope import Actor
from db.session import open_session

log = logging.getLogger(__name__)
_ACTOR = Actor.system('trash')
KEPT = timedelta(days=30)
_BATCH = 50


def empty_trash() -> int:
    """Purge what was removed more than thirty days ago; may run at any time. Returns how many documents.

    Only the rows say so here, in one transaction with the claim's history. The files are gone once `jobs.orphans.sweep_files`
    finds that no document is made of them: a crash in between leaves a file too many, never a document without its file.
    """
    purged = 0
    while True:
        moment = now()
        with open_session(_ACTOR) as session:
            found = purge_trash(session, moment - KEPT, _BATCH, moment)
        purged += found
        if found < _BATCH:
            break
    if purged:
        log.info('purged %s documents from the trash', purged)
    return purged
