"""The pulse of the event loop: how much later than asked it comes."""

import asyncio
from collections.abc import Callable

from nicegui import background_tasks

from db import meters

BEAT_SECONDS = 0.25


def start() -> Callable[[], None]:
    """Measure for as long as the app runs; returns the way out."""
    beating = background_tasks.create(_beat(), name='pulse')

    def stop() -> None:
        beating.cancel()

    return stop


async def _beat() -> None:
    loop = asyncio.get_running_loop()
    while True:
        begun = loop.time()
        await asyncio.sleep(BEAT_SECONDS)
        meters.loop_lag_seconds.observe(max(0.0, loop.time() - begun - BEAT_SECONDS))
