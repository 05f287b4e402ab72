"""Files that belong to nothing: left by an upload or an export that ended half-way; thrown away after a day."""

import logging
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from db import files
from db.base import now
from db.documents import hashes_in_use
from db.exports import wanted_keys
from db.packs import packs_among
from db.scope import Actor
from db.session import open_session

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
_ACTOR = Actor.system('orphans')
OLD = timedelta(hours=24)
_BATCH = 400


def sweep_files() -> int:
    """Throw away what no document, no pack and no export is made of and nobody has touched for a day; may run at any time. Returns how many files."""
    keeper, before, swept = files.store(), now() - OLD, 0
    swept += files.sweep_incoming(keeper)
    keys = keeper.keys(before)
    while batch := list(islice(keys, _BATCH)):
        with open_session(_ACTOR, reading=True) as session:
            unused = [*_of_no_document(session, batch), *_of_no_export(session, batch)]
        swept += sum(keeper.delete(key, before) for key in unused)
    if swept:
        log.info('threw away %s files of no document and no export', swept)
    return swept


def _of_no_document(session: 'Session', keys: list[str]) -> list[str]:
    by_hash = {key: key.rsplit('/', 2)[-2 if key.startswith(files.PREVIEWS) else -1] for key in keys}
    digests = sorted(set(by_hash.values()))
    used = hashes_in_use(session, digests) | packs_among(session, digests)
    return [key for key, digest in by_hash.items() if digest not in used and len(digest) == 64]


def _of_no_export(session: 'Session', keys: list[str]) -> list[str]:
    found = [key for key in keys if key.startswith(files.EXPORTS)]
    wanted = wanted_keys(session) if found else set()
    return [key for key in found if key not in wanted]
