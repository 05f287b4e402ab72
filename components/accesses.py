"""Noting who looked at what, without anybody waiting for it: what was seen is written together, within a second."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from db.access_log import LONGEST, SEARCH, keep_accesses, signed
from db.base import now
from db.scope import Actor
from db.session import open_session

log = logging.getLogger(__name__)
_ACTOR = Actor.system('access log')
GATHER_SECONDS = 1.0
# while the disk is full people go on reading: so many are kept until it can be written again
MOST = 50_000
BATCH = 500
# what could not be written for so long is a fault: the law wants an alarm when the log stands still
FAULT_SECONDS = 10.0

_waiting: deque[dict[str, Any]] = deque()
_lock = threading.Lock()
_writing = threading.Lock()
_failing_since: float | None = None


@dataclass(frozen=True)
class Seen:
    """What was looked at: the words of a search, the address of a list, a claim; and whether it was shown.

    `as_whom`: the person as whom somebody asked to look.
    """

    what: str
    told: str = ''
    claim_no: str = ''
    address: str = ''
    granted: bool = True
    as_whom: int | None = None


def note(who: Actor | int | None, seen: Seen) -> None:
    """Note what somebody looked at, or was not let: a person, of whom maybe the number alone is known, or nobody we know.

    Words that somebody goes on typing are one search.
    """
    person = signed(who) if isinstance(who, Actor) else {'user_id': who, 'by': '', 'as_user_id': None, 'as_name': ''}
    cut = {name: getattr(seen, name)[: LONGEST[name]] for name in ('told', 'claim_no', 'address')}
    said = asdict(seen)
    if as_whom := said.pop('as_whom'):
        person |= {'as_user_id': as_whom, 'as_name': ''}
    noted = {'at': now(), **person, **said, **cut}
    with _lock:
        if _waiting and _goes_on(_waiting[-1], noted):
            _waiting.pop()
        elif len(_waiting) >= MOST:
            log.error('the log of access cannot be written for long: the oldest access is given up')
            _waiting.popleft()
        _waiting.append(noted)


def _goes_on(before: dict[str, Any], noted: dict[str, Any]) -> bool:
    searching = before['what'] == noted['what'] == SEARCH
    alike = all(before[name] == noted[name] for name in ('user_id', 'as_user_id'))
    return searching and alike and noted['told'].startswith(before['told'])


def write() -> None:
    """Write down what was noted so far; what cannot be written waits on."""
    with _writing:
        while batch := _taken():
            try:
                with open_session(_ACTOR) as session:
                    keep_accesses(session, batch)
            except BaseException:
                with _lock:
                    _waiting.extendleft(reversed(batch))
                raise


def _taken() -> list[dict[str, Any]]:
    """The oldest ones, out of the reach of what is noted meanwhile."""
    with _lock:
        return [_waiting.popleft() for _ in range(min(BATCH, len(_waiting)))]


def is_written() -> bool:
    """Whether what is noted here reaches the log."""
    return _failing_since is None or time.monotonic() - _failing_since < FAULT_SECONDS


def forget() -> None:
    """Write nothing of what was noted so far: it was in another database."""
    global _failing_since  # noqa: PLW0603 - one log for the process
    with _lock:
        _waiting.clear()
    _failing_since = None


def start() -> Callable[[], None]:
    """Write for as long as the app runs; returns the way out, which writes what is still to be written."""
    leaving = threading.Event()

    def go_on() -> None:
        while not leaving.wait(GATHER_SECONDS):
            _try()

    thread = threading.Thread(target=go_on, name='access-log', daemon=True)
    thread.start()

    def stop() -> None:
        leaving.set()
        thread.join(timeout=5)
        _try()
        if _waiting:
            log.error('%s accesses could not be written before the end and are lost', len(_waiting))

    return stop


def _try() -> None:
    global _failing_since  # noqa: PLW0603 - likewise
    try:
        write()
        _failing_since = None
    except Exception:  # it is tried again a second later, for as long as the app runs
        _failing_since = _failing_since or time.monotonic()
        log.exception('the log of access could not be written; it is tried again')
