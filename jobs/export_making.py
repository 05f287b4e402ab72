"""Runs as a program of its own and makes one workbook: reads the claims as the person who asked, and writes the file.

Its orders come as one line of JSON on standard input (the address of the database is a secret), and as long as that stays open
somebody wants the workbook. It tells on standard output how far it is, a line of JSON each time, and last `end` or `refused`.
"""

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from db import log as logs
from db import session as database
from db.base import now
from db.exports import CONFIRM_ABOVE, Asked, Export, export_with
from db.offices import actor_of
from db.scope import Actor, Can
from db.session import fetch_one, open_session
from db.texts import N_, ClaimError
from jobs.export_rows import claims_asked_for, rows_of, table_of
from jobs.streamed_sheets import MOST_ROWS, write_large

log = logging.getLogger(__name__)

TOLD_EVERY = 0.3
MORE_MEANWHILE = N_('There are more claims by now than may leave without your password. Please start again.')
_ELSEWHERE = N_('Which claims you may see has changed meanwhile. Please start again.')
_NOBODY = N_('You are not allowed to do this. Ask the bureau if you need it.')


def make(export_id: int, path: Path, most: int = MOST_ROWS) -> int:
    """Write the workbook of an export to `path`, under the scope its person has at this moment; returns how many rows."""
    with open_session(Actor.system('exports'), reading=True) as session:
        export = fetch_one(session, export_with(export_id))
        actor = actor_of(session, export.user_id) if export is not None else None
    if export is None or actor is None:
        raise ClaimError(_NOBODY)
    actor.need(Can.EXPORT)
    if not export.is_of(actor):  # he went to another office meanwhile: it would not be what he asked for
        raise ClaimError(_ELSEWHERE)
    return _write(actor, export, path, most)


def _write(actor: Actor, export: Export, path: Path, most: int) -> int:
    asked: Asked = export.asked
    # one look at the claims from the first row to the last: what others change meanwhile is in the next workbook
    with open_session(actor, reading=True) as session:
        ids = claims_asked_for(session, asked)
        if len(ids) > CONFIRM_ABOVE and not export.confirmed:
            raise ClaimError(MORE_MEANWHILE)
        table = table_of(session, asked, export.columns, now())
        write_large(path, table, rows_of(session, ids, export.columns), len(ids), told=_teller(len(ids)), most=most)
    return len(ids)


def _teller(total: int) -> Any:
    """Tells how far it is, not at every row."""
    last = 0.0

    def told(done: int) -> None:
        nonlocal last
        if time.monotonic() - last > TOLD_EVERY:
            last = time.monotonic()
            _tell(done=done, total=total)

    return told


def _tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + '\n')
    sys.stdout.flush()


def _end_with_parent() -> None:
    """Whoever wanted the workbook holds our standard input open: when it ends, nobody wants it."""
    sys.stdin.read()
    os._exit(3)


def main() -> None:
    """Do what the first line says."""
    os.nice(10)  # the people on the pages come first
    logs.use('WARNING')
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    database.connect(order['database'], patient=True)
    _tell(ready=True)
    try:
        rows = make(order['export'], Path(order['path']))
    except ClaimError as refusal:
        _tell(refused=refusal.key)
    except Exception:  # what it quotes is somebody's: the log leaves that out, a bare traceback would not
        log.exception('the workbook was not made')
        sys.exit(1)
    else:
        _tell(end=True, rows=rows)


if __name__ == '__main__':
    main()
