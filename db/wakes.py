"""Hearing within milliseconds that somebody else committed: a NOTIFY on PostgreSQL, the counter of the file on SQLite."""

import threading
import time
from contextlib import ExitStack
from typing import Any, Protocol

from sqlalchemy.engine.interfaces import DBAPIConnection

from db.doorbell import CHANNEL, PROCESS, rung_here
from db.session import own_connection

# on SQLite nobody calls: so often one looks at the counter, which takes some microseconds
LOOK_SECONDS = 0.015
# whoever is to leave need not wait longer than this
TURN_SECONDS = 0.25


class Ear(Protocol):
    """What hears. It knows of nothing that came before it, and of nothing while its connection is lost: look first, then listen."""

    def wait(self, seconds: float, leaving: threading.Event) -> None:
        """Come back once another process has committed something that rings; or after these seconds, or when it is time to leave."""

    def close(self) -> None:
        """Hear no more."""


def listen() -> Ear:
    """An ear on a connection of its own."""
    backend, connection = own_connection()
    with ExitStack() as until_it_hears:
        until_it_hears.callback(connection.close)  # a server that follows another takes no LISTEN
        ear: Ear = _Called(connection) if backend == 'postgresql' else _Watching(connection)
        until_it_hears.pop_all()
    return ear


class _Called:
    """PostgreSQL calls whoever listens, right after the commit; never within a transaction of the listener."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        connection.autocommit = True
        connection.execute(f'LISTEN {CHANNEL}')

    def wait(self, seconds: float, leaving: threading.Event) -> None:
        until = time.monotonic() + seconds
        while not leaving.is_set() and (left := until - time.monotonic()) > 0:
            calls = self._connection.notifies(timeout=min(left, TURN_SECONDS), stop_after=1)
            if any(call.payload != PROCESS for call in calls):
                return

    def close(self) -> None:
        self._connection.close()


_NEWEST = 'SELECT (SELECT coalesce(max(id), 0) FROM changes), (SELECT coalesce(max(id), 0) FROM rings)'


class _Watching:
    """SQLite counts in every connection what the others commit, those of this process too: these wake nobody."""

    def __init__(self, connection: DBAPIConnection) -> None:
        self._connection = connection
        self._seen = self._count()
        self._change, self._ring = self._ask(_NEWEST)[0]

    def _ask(self, question: str, *given: Any) -> list[Any]:
        return list(self._connection.cursor().execute(question, given).fetchall())

    def _count(self) -> Any:
        return self._ask('PRAGMA data_version')[0]

    def _others_wrote(self) -> bool:
        """Whether something new rings for what others committed. Whoever reads it keeps a place of his own."""
        change, ring = self._ask(_NEWEST)[0]
        changes = self._ask('SELECT id FROM changes WHERE id > ? AND id <= ?', self._change, change)
        rings = 'SELECT 1 FROM rings WHERE id > ? AND id <= ? AND process <> ? LIMIT 1'
        others = bool(self._ask(rings, self._ring, ring, PROCESS)) or not all(rung_here(row) for (row,) in changes)
        # when all rings were forgotten they are counted from one again: who knows whose these are
        others, self._change, self._ring = others or ring < self._ring, change, ring
        return others

    def wait(self, seconds: float, leaving: threading.Event) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not leaving.wait(LOOK_SECONDS):
            if (count := self._count()) != self._seen:
                self._seen = count
                if self._others_wrote():
                    return

    def close(self) -> None:
        self._connection.close()
