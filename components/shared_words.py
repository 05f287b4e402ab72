"""The reference rows, read once for all pages: thirteen questions and a copy for each page would be much of what a page costs."""

from collections.abc import Callable
from typing import Any

from db import reference as reference_rows
from db.changes import Notice, on_notice
from db.reference import Reference
from db.scope import Actor
from db.session import open_session

_READER = Actor.system('words')


class _Shared:
    """What was read, of which database, and how often anything was called differently since the start."""

    listening = False
    turns = 0
    kept: tuple[int, object, Reference] | None = None


def reference(session: Any) -> Reference:
    """As `db.reference.reference`, but the same rows for everybody: nobody changes them. Forms that add rows ask for themselves."""
    if not _Shared.listening:
        return reference_rows.reference(session)
    turn, database, kept = _Shared.turns, session.get_bind(), _Shared.kept
    if kept is None or kept[:2] != (turn, database):
        # in a session of its own: the asker's may have begun before the last change, and must not be what all see from now on
        with open_session(_READER, reading=True) as fresh:
            kept = _Shared.kept = (turn, database, reference_rows.reference(fresh))
    return kept[2]


def _hear(notice: Notice) -> None:
    if notice.kind == 'words':
        _Shared.turns += 1


def start() -> Callable[[], None]:
    """Share from now on. NOTE: before the pages are rung, so that whoever is rung reads what is new; returns the way out."""
    stop_hearing = on_notice(_hear)
    _Shared.listening, _Shared.kept = True, None

    def stop() -> None:
        stop_hearing()
        _Shared.listening, _Shared.kept = False, None

    return stop
