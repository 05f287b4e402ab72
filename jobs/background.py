"""Work that waits for a bell: a thread of its own for as long as the app runs, which outlives whatever fails in it."""

import logging
import threading
import time
from collections.abc import Callable

from db.doorbell import Notice, on_notice

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 5
# whoever looks at a screen is told first, and what else happens meanwhile is done in one go
BREATH_SECONDS = 0.03
# so long after it began work begins anew at the earliest: what rings all the time is answered together
GATHER_SECONDS = 0.2
# and so long where it goes on ringing and nobody waits for the answer: each time twice as long, up to this
PRESSED_SECONDS = 0.8


# how long to wait for the bell at most; None: until it rings
Pause = Callable[[], float | None]


def keep_doing(
    work: Callable[[], object],
    rung: threading.Event,
    *,
    name: str,
    pause: Pause = lambda: None,
    pressed: float = GATHER_SECONDS,
) -> Callable[[], None]:
    """Do `work` each time `rung` is set or the pause after the last time is over, and once now for what the last run left behind.

    `pressed`: how long to gather at most when it rings again and again. After a rest the first ring is answered at once.
    What fails is logged and tried again at the next ring; every such work stands in the timetable too.
    Returns the way out, which waits for the work under way.
    """
    leaving = threading.Event()

    def follow() -> None:
        patience: float | None = None
        next_turn, gather = 0.0, GATHER_SECONDS
        while not leaving.is_set():
            rung.wait(patience)
            early = next_turn - time.monotonic()
            if leaving.wait(max(BREATH_SECONDS, early)):
                return
            gather = min(2 * gather, pressed) if early > 0 else GATHER_SECONDS
            next_turn = time.monotonic() + gather
            rung.clear()
            patience = None
            try:
                work()
                patience = pause()
            except Exception:  # the thread lives as long as the app
                log.exception('%s failed; the timetable tries again', name)

    thread = threading.Thread(target=follow, name=name, daemon=True)
    thread.start()
    rung.set()

    def stop() -> None:
        leaving.set()
        rung.set()
        thread.join(timeout=PATIENCE_SECONDS)

    return stop


def keep_hearing(
    work: Callable[[], object],
    kind: str,
    *,
    name: str,
    pause: Pause = lambda: None,
    pressed: float = GATHER_SECONDS,
) -> Callable[[], None]:
    """Do `work` after each commit that rings for `kind`, and when the pause after the last time is over; returns the way out."""
    rung = threading.Event()

    def hear(notice: Notice) -> None:
        if notice.kind == kind:
            rung.set()

    stop_hearing, stop_doing = on_notice(hear), keep_doing(work, rung, name=name, pause=pause, pressed=pressed)

    def stop() -> None:
        stop_hearing()
        stop_doing()

    return stop
