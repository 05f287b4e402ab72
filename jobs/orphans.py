"""Files that belong to no document: left by an upload that failed half-way; thrown away after a day."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from db import files
from db.base import now
from db.documents import hashes_in_use
from db.scope import Actor
from db.session import open_session

log = logging.getLogger(__name__)
_ACTOR = Actor.system('orphans')
OLD = timedelta(hours=24)
_BATCH = 400


def sweep_files() -> int:
    """Throw away what no document is made of and nobody has touched for a day; may run at any time. Returns how many files."""
    keeper, before, swept = files.store(), now() - OLD, 0
    swept += files.sweep_incoming(keeper)
    keys = keeper.keys(before)
    while batch := list(islice(keys, _BATCH)):
        by_hash = {key: key.rsplit('/', 2)[-2 if key.startswith(files.PREVIEWS) else -1] for key in batch}
        with open_session(_ACTOR, reading=True) as session:
            used = hashes_in_use(session, sorted(set(by_hash.values())))
        swept += sum(keeper.delete(key, before) for key in _unused(by_hash, used))
    if swept:
        log.info('threw away %s files of no document', swept)
    return swept


def _unused(by_hash: dict[str, str], used: set[str]) -> Iterator[str]:
    return (key for key, digest in by_hash.items() if digest not in used and len(digest) == 64)
