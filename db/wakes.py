"""Hearing within milliseconds that somebody else committed: a NOTIFY on PostgreSQL, the counter of the file on SQLite."""

import threading
import time
from contextlib import ExitStack
from typing import Any, Protocol

from sqlalchemy.engine.interfaces import DBAPIConnection

from db.changes import CHANNEL, PROCESS
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


class _Watching:
    """SQLite counts in every connection what the others commit, those of this process too."""

    def __init__(self, connection: DBAPIConnection) -> None:
        self._connection = connection
        self._seen = self._count()

    def _count(self) -> Any:
        return self._connection.cursor().execute('PRAGMA data_version').fetchone()

    def wait(self, seconds: float, leaving: threading.Event) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not leaving.wait(LOOK_SECONDS):
            if (count := self._count()) != self._seen:
                self._seen = count
                return

    def close(self) -> None:
        self._connection.close()
