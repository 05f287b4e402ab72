"""After a change of the requirement matrix: the documents of every claim it may concern are counted anew."""

import logging

from db.changes import record_quietly
from db.requirements import recheck_next
from db.scope import Actor
from db.session import open_session

log = logging.getLogger(__name__)
_ACTOR = Actor.system('requirements')
_BATCH = 50


def recount_documents() -> int:
    """Count every open claim; to be called by whoever changed a requirement, once that is committed. Returns how many claims.

    A handful at a time, so that nobody waits long for his turn to write, and quietly: the axis stands in each claim's history,
    but no list moves and no bell rings. May run twice, also at once: the second run finds nothing to change.
    """
    counted, last = 0, 0
    while True:
        with open_session(_ACTOR) as session:
            record_quietly(session)
            ids = recheck_next(session, last, _BATCH)
        counted += len(ids)
        if len(ids) < _BATCH:
            log.info('counted the documents of %s claims anew', counted)
            return counted
        last = ids[-1]
