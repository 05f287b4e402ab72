"""Whose turn it is: one process of all that serve the same database runs the timetable, and another takes over when it dies."""

import time
import uuid
from collections.abc import Callable

from db.scope import Actor
from db.session import open_session
from db.timetable import FREE, Beat, beat_of, give_back, take

ACTOR = Actor.system('timetable')
# who has not renewed for so many seconds has lost his turn
LAPSE = 20.0


class Turn:
    """This process's part in a lease. Only its own clock is asked, which knows no date and never runs backwards."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody's yet; `look` asks for it."""
        self._name, self._clock, self._me = name, clock, uuid.uuid4().hex
        self._seen, self._seen_since = FREE, clock()
        self._mine_until = clock()

    def is_mine(self) -> bool:
        """Whether this process may work: it renewed the lease, and not so long ago that another may have taken over."""
        return self._clock() < self._mine_until

    def look(self) -> bool:
        """Renew the lease, or take it when nobody has it or its holder is silent; returns whether it is this process's turn."""
        asked = self._clock()
        with open_session(ACTOR, reading=True) as session:
            stands = beat_of(session, self._name)
        if stands.holder in {'', self._me} or self._is_silent(stands):
            with open_session(ACTOR) as session:
                stands = take(session, self._name, self._me, stands)
        self._mine_until = asked + LAPSE if stands.holder == self._me else asked
        return self.is_mine()

    def give_back(self) -> None:
        """Let another process begin at once."""
        self._mine_until = self._clock()
        with open_session(ACTOR) as session:
            give_back(session, self._name, self._me)

    def _is_silent(self, stands: Beat) -> bool:
        if stands != self._seen:
            self._seen, self._seen_since = stands, self._clock()
        return self._clock() - self._seen_since > LAPSE
