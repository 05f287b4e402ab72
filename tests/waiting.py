"""Waiting for what somebody else does: another thread, another process, the loop."""

import asyncio
import time
from collections.abc import Callable, Iterator


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Look again and again until it is true; `seconds` is for the slowest machine."""
    for pause in _pauses(seconds):
        if true():
            return
        time.sleep(pause)


async def soon(true: Callable[[], object], seconds: float = 30) -> None:
    """The same while the loop goes on."""
    for pause in _pauses(seconds):
        if true():
            return
        await asyncio.sleep(pause)


def _pauses(seconds: float) -> Iterator[float]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield 0.01
    raise TimeoutError('waited in vain')
