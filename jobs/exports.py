"""Make the workbooks people asked for, each in a program of its own, one after the other; and clear away old ones.

How far each is stands in the database. A file comes into the store whole, and only then can it be fetched; whoever is stopped in
the middle leaves nothing behind but a line that says so.
"""

import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from db import exports, files
from db.base import now
from db.exports import INTERRUPTED, Export
from db.scope import Actor
from db.session import database_url, open_session
from db.texts import N_
from jobs.background import keep_hearing

log = logging.getLogger(__name__)

WORKERS = 2
# so often a worker says that he is alive, in seconds
BEAT = 0.7
FAILED = N_('Something went wrong on our side')
_ROOT = Path(__file__).resolve().parent.parent
_KEPT_ENVIRONMENT = ('PATH', 'SYSTEMROOT', 'LD_LIBRARY_PATH', 'TMPDIR', 'TZ')
_ACTOR = Actor.system('exports')
_leaving = threading.Event()


def start() -> Callable[[], None]:
    """Make what is asked for as long as the app runs; the way out stops what is under way, and says so to whoever waits."""
    stops = [keep_hearing(make_exports, 'export', name=f'exports {number}') for number in range(WORKERS)]

    def stop() -> None:
        _leaving.set()
        for end in stops:
            end()
        _leaving.clear()

    return stop


def make_exports() -> int:
    """Make every workbook that waits; may run at any time, in several processes. Returns how many were finished."""
    finished = 0
    while not _leaving.is_set():
        with open_session(_ACTOR) as session:
            export = exports.take_export(session, now())
        if export is None:
            break
        finished += _make(export)
    return finished


def _make(export: Export) -> bool:
    """Make one workbook; whether it was finished. Whatever goes wrong, its person is told."""
    try:
        with files.new_file(files.store()) as (path, _):
            why = _in_child(export, path)
            if why is None:
                return _hand_over(export, path)
    except Exception:  # the next one is still to be made, and whoever waits for this one is told
        log.exception('export %s failed', export.id)
        why = FAILED
    with open_session(_ACTOR) as session:
        exports.fail_export(session, export.id, export.worker, now(), why)
    return False


def _hand_over(export: Export, path: Path) -> bool:
    size = path.stat().st_size
    files.store().put(export.key, path)
    with open_session(_ACTOR) as session:
        wanted = exports.finish_export(session, export.id, export.worker, now(), size)
    if not wanted:
        files.store().delete(export.key, now())
    return wanted


def _in_child(export: Export, path: Path) -> str | None:
    """Have the child write the file; returns why it did not, for people."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    child = subprocess.Popen(
        [sys.executable, '-m', 'jobs.export_making'],
        cwd=_ROOT,
        env={**kept, 'PYTHONUTF8': '1', 'OPENBLAS_NUM_THREADS': '1'},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdin is not None
        order = {'database': database_url(), 'export': export.id, 'path': str(path.resolve())}
        child.stdin.write(json.dumps(order) + '\n')
        child.stdin.flush()
        return _follow(export, child)
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):
                pipe.close() if pipe else None


def _follow(export: Export, child: 'subprocess.Popen[str]') -> str | None:
    """Write down how far the child is, until it ends, nobody wants its work any more, or we are leaving."""
    told: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(child, told), name='export child', daemon=True).start()
    progress, written = (0, 0), 0.0
    while not _leaving.is_set():
        with suppress(queue.Empty):
            line = told.get(timeout=BEAT)
            if line is None or 'refused' in line or 'end' in line:
                return _verdict(export, line)
            progress = (line.get('done', 0), line.get('total', 0))
        if time.monotonic() - written >= BEAT:
            written = time.monotonic()
            with open_session(_ACTOR) as session:
                if not exports.advance(session, export.id, export.worker, now(), progress):
                    return INTERRUPTED
    return INTERRUPTED


def _verdict(export: Export, last: dict[str, Any] | None) -> str | None:
    """What the last word of the child means."""
    if last is None:
        log.error('export %s: its process ended in the middle', export.id)
        return FAILED
    if 'refused' in last:
        return str(last['refused'])
    with open_session(_ACTOR) as session:
        exports.advance(session, export.id, export.worker, now(), (last['rows'], last['rows']))
    return None


def _listen(child: 'subprocess.Popen[str]', told: 'queue.SimpleQueue[dict[str, Any] | None]') -> None:
    assert child.stdout is not None
    with suppress(ValueError):  # closed while we read
        for line in child.stdout:
            told.put(json.loads(line))
    told.put(None)


def release_exports() -> int:
    """Say so of the workbooks whose process ended in the middle, and leave no file of theirs; may run at any time. Returns how many."""
    with open_session(_ACTOR) as session:
        keys = exports.release_exports(session, now())
    for key in keys:  # it may have ended when the file lay in the store already
        files.store().delete(key, now())
    return len(keys)


def clear_exports() -> int:
    """Throw away the files of old workbooks, and forget their lines; the record stays. Returns how many files."""
    keeper = files.store()
    with open_session(_ACTOR, reading=True) as session:
        finished = exports.finished_exports(session)
    # a backup that was put back knows of workbooks, and has none of them
    gone = [export.id for export in finished if keeper.size(export.key) is None]
    with open_session(_ACTOR) as session:
        keys = exports.expire_exports(session, now(), gone)
    for key in keys:
        keeper.delete(key, now())
    with open_session(_ACTOR) as session:
        exports.forget_exports(session, now())
    return len(keys)
