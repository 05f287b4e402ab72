"""From changes to alerts: wakes with every commit and when one that waits is due, and looks again every minute: a crash loses nothing."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from db.access_seals import forget_accesses
from db.alert_news import alert_followers
from db.alerts import forget_alerts, held_back, next_due, show_waiting
from db.base import now
from db.catch_up import changes_after, newest_place, place_of, rings_of_others_after, waiting_after
from db.changes import Change
from db.doorbell import Ring, announce, forget_rings, rung_here
from db.scope import Actor
from db.session import open_session
from db.wakes import listen
from jobs.background import PRESSED_SECONDS, keep_hearing

log = logging.getLogger(__name__)
ACTOR = Actor.system('alerts')
BATCH = 200
HEARD, ALERTS_KEPT = timedelta(hours=1), timedelta(days=365)
HELD_BACK_SECONDS = 0.5
SOON_SECONDS = 0.02


def alert_all(at: datetime | None = None) -> int:
    """Alert everybody of every change not alerted yet, and show what has waited until a moment (now).

    May run at any time, in several processes. Returns how many changes it read.
    """
    total = _until_none_is_left(alert_followers)
    # after the changes: one of them may have taken back what waited
    moment = at or now()
    with open_session(ACTOR, reading=True) as session:
        due = next_due(session)
    if due is not None and due <= moment:
        _until_none_is_left(lambda session, batch: show_waiting(session, moment, batch))
    return total


def _until_none_is_left(step: Callable[[Any, int], int]) -> int:
    total = 0
    while True:
        with open_session(ACTOR) as session:
            done = step(session, BATCH)
        total += done
        if done < BATCH:
            return total


def seconds_to_next() -> float | None:
    """How long until there is something to do: a change held back comes any moment, an alert that waits has its time; None: neither."""
    with open_session(ACTOR, reading=True) as session:
        if held_back(session):
            return HELD_BACK_SECONDS
        due = next_due(session)
    return None if due is None else max((due - now()).total_seconds(), 0.0)


class Others:
    """How far this process has followed what others commit."""

    def __init__(self) -> None:
        """From now on."""
        with open_session(ACTOR, reading=True) as session:
            self._changes, self._rings = newest_place(session, Change), newest_place(session, Ring)

    def look(self) -> bool:
        """Ring for whatever is new since the last look; whether there is more, or something still under way before it."""
        with open_session(ACTOR, reading=True) as session:
            fresh = changes_after(session, *self._changes)
            rings, after_rings = rings_of_others_after(session, *self._rings)
            after_fresh = place_of(fresh[-1]) if fresh else self._changes
            more = waiting_after(session, after_fresh) or waiting_after(session, after_rings, Ring)
        # only now: a connection that was lost on the way takes nothing along
        self._changes, self._rings = after_fresh, after_rings
        news: list[Change | Ring] = [*(change for change in fresh if not rung_here(change.id)), *rings]
        for row in news:
            for notice in row.notices:
                announce(notice)
        return more


def hear_others(pause: float = 1.0) -> Callable[[], None]:
    """Ring here for what other processes commit (an import, a command, another instance); returns the way out.

    The change table is the log, and beside it the rings of what stands in no change; a cursor in memory goes through each,
    and skips nothing that commits late. Whoever commits wakes the others; in any case they look after every pause,
    and first of all when they begin to listen anew.
    """
    leaving = threading.Event()
    others = Others()

    def listen_and_look() -> None:
        with closing(listen()) as ear:
            while not leaving.is_set():
                ear.wait(SOON_SECONDS if others.look() else pause, leaving)

    def hear() -> None:
        wait = SOON_SECONDS
        while not leaving.is_set():
            begun = time.monotonic()
            try:
                listen_and_look()
            except Exception:  # the thread listens as long as the app runs: it begins anew
                log.exception('could not look at what others changed; trying again')
                # at once after it went well for a while, and ever later while it does not
                wait = SOON_SECONDS if time.monotonic() - begun > pause else min(2 * wait, pause)
                leaving.wait(wait)

    thread = threading.Thread(target=hear, name='others', daemon=True)
    thread.start()

    def stop() -> None:
        leaving.set()
        thread.join(timeout=5)

    return stop


def clear_rings() -> int:
    """Forget rings of an hour ago: every process that runs has heard them. Returns how many."""
    return _until_none_is_left(lambda session, batch: forget_rings(session, now() - HEARD, batch))


def clear_accesses(at: datetime | None = None) -> int:
    """Forget accesses that nobody has to keep any more; returns how many."""
    return _until_none_is_left(lambda session, batch: forget_accesses(session, at or now(), batch))


def clear_alerts(at: datetime | None = None) -> int:
    """Forget what people read of changes of a year ago; the history of the claims keeps them. Returns how many."""
    return _until_none_is_left(lambda session, batch: forget_alerts(session, (at or now()) - ALERTS_KEPT, batch))


def follow_changes() -> Callable[[], None]:
    """Keep alerting for as long as the app runs; returns the way out, which waits for the thread."""
    return keep_hearing(alert_all, 'claim', name='alerts', pause=seconds_to_next, pressed=PRESSED_SECONDS)
