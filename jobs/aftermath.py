"""What an admin's edit leaves to be done on many claims, off every click: search texts after a renaming, checklists after the matrix, tasks and deadlines after their rules.

The record of the house says what was edited, and a cursor how far it has been followed. A crash begins the edit again:
everything here may happen twice.
"""

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType

from db.admin_changes import AdminChange
from db.alerts import Cursor
from db.base import take_turns
from db.catch_up import edits_after, place_of
from db.scope import Actor
from db.search import refresh_texts
from db.session import open_session
from jobs.background import keep_hearing
from jobs.desk import sweep_desk
from jobs.recount import recount_documents

ACTOR = Actor.system('aftermath')
CURSOR, BATCH = 'aftermath', 100
_one_at_a_time = threading.Lock()

# whose name stands in a claim's search text: its table → the claim's fields that point there
_NAMED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        'garages': ('garage',),
        'appraisers': ('appraiser',),
        'insurers': ('tp_insurer',),
        'agent_offices': ('office_id',),
    }
)
_MATRIX = frozenset({'document_requirements'})
# by what these say, tasks are made and deadlines alerted of
_RULES = frozenset({'task_rules', 'clock_rules'})


def follow_edits() -> int:
    """Do what the edits since the last time ask for; may run at any time, in several processes. Returns how many it followed."""
    with _one_at_a_time:
        followed = 0
        while edits := _next_edits():
            for edit in edits:
                _follow(edit)
                _note_followed(edit)
            followed += len(edits)
        return followed


def _next_edits() -> list[AdminChange]:
    with open_session(ACTOR, reading=True) as session:
        cursor = session.get(Cursor, CURSOR)
        return edits_after(session, *((cursor.xid, cursor.change_id) if cursor else (0, 0)), BATCH)


def _note_followed(edit: AdminChange) -> None:
    """The cursor only ever goes on, also when another process was faster."""
    with open_session(ACTOR) as session:
        take_turns(session, CURSOR)
        cursor = session.get(Cursor, CURSOR)
        if cursor is None:
            cursor = Cursor(name=CURSOR, xid=0, change_id=0)
            session.add(cursor)
        cursor.xid, cursor.change_id = max((cursor.xid, cursor.change_id), place_of(edit))


def _follow(edit: AdminChange) -> None:
    if edit.kind == 'changed' and 'name' in edit.fields:
        for name in _NAMED.get(edit.table_name, ()):
            _refresh(name, int(edit.row_key))
    if edit.table_name in _MATRIX:
        recount_documents()
    if edit.table_name in _RULES:
        sweep_desk()


def _refresh(name: str, key: int) -> None:
    after: int | None = 0
    while after is not None:
        with open_session(ACTOR) as session:
            after = refresh_texts(session, name, key, after, BATCH)


def start() -> Callable[[], None]:
    """Keep following edits for as long as the app runs; returns the way out, which waits for the thread."""
    return keep_hearing(follow_edits, 'words', name='aftermath')
