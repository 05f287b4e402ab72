"""Pictures of documents' pages: drawn in the background as soon as a file is in, and at once when somebody already looks.

They are made by us, from what the decoder saw, so that nothing uploaded is ever opened in a browser of ours.
"""

import logging
import threading
from collections.abc import Callable

from db import files
from db.base import now
from db.documents import Document, mark_previews, waiting_for_previews
from db.files import FileMissing, FileStore, StoreFailing
from db.scope import Actor
from db.session import fetch, open_session
from jobs import intake
from jobs.background import keep_doing

log = logging.getLogger(__name__)

WIDTHS = (320, 1400)
PAGES_AT_ONCE = 10
MEDIA_TYPE = 'image/webp'
_ACTOR = Actor.system('previews')
_BATCH = 20

# one place for each of a few files at a time: whoever comes second finds the picture made
_turns = tuple(threading.Lock() for _ in range(16))


def width_for(wanted: int) -> int:
    """The width we draw that serves a wanted one best."""
    return next((width for width in WIDTHS if width >= wanted), WIDTHS[-1])


def picture(document: Document, page: int, width: int, keeper: FileStore) -> str:
    """The key of the picture of a page, drawn now if need be, together with those that come after it.

    Raises `Refused` or `FileMissing` when there can be none.
    """
    key = files.preview_key(document.served_sha256, f'{page}-{width}.webp')
    if keeper.size(key) is None:
        with _turns[int(document.served_sha256[:2], 16) % len(_turns)]:
            if keeper.size(key) is None:
                first = (page - 1) // PAGES_AT_ONCE * PAGES_AT_ONCE + 1
                _draw(document, range(first, first + PAGES_AT_ONCE), keeper)
    return key


def _draw(document: Document, pages: range, keeper: FileStore) -> None:
    with keeper.local(files.key_of(document.served_sha256)) as path, files.new_folder(keeper) as folder:
        for name in intake.draw(path, document.media_type, folder, pages, WIDTHS):
            keeper.put(files.preview_key(document.served_sha256, name), folder / name)


def draw_waiting() -> int:
    """Draw the first pages of every document that waits for it; may run at any time. Returns how many were drawn."""
    keeper, drawn, failing = files.store(), 0, False
    while True:
        with open_session(_ACTOR, reading=True) as session:
            waiting = fetch(session, waiting_for_previews(now(), _BATCH))
        for document in waiting:
            state = _state_of(document, keeper)
            if state is None:
                failing = True
                continue
            with open_session(_ACTOR) as session:
                mark_previews(session, document.id, state)
            drawn += state == 'ready'
        if len(waiting) < _BATCH or failing:
            return drawn


def _state_of(document: Document, keeper: FileStore) -> str | None:
    """What becomes of a document's pictures; None when the store does not give its file just now."""
    try:
        picture(document, 1, WIDTHS[0], keeper)
    except intake.Refused as refused:
        log.warning('no preview of document %s: %s', document.id, refused.why)
        return 'failed'
    except FileMissing:
        log.error('the file of document %s is missing', document.id)
        return 'failed'
    except StoreFailing as error:
        files.bear(keeper, error)
        log.warning('the file of document %s cannot be read now', document.id)
        return None
    return 'ready'


_rung = threading.Event()


def draw_soon() -> None:
    """A document came in."""
    _rung.set()


def start() -> Callable[[], None]:
    """Draw in a thread of its own for as long as the app runs; returns the way out, which waits for the page being drawn."""
    files.sweep_incoming(files.store())  # what a crash left half-written
    return keep_doing(draw_waiting, _rung, name='previews')
