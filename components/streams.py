"""Doorbells for plain pages: a stream of server-sent events that says «look again», without NiceGUI, bounded in number."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from db.doorbell import Notice, on_notice

MOST, MOST_EACH = 300, 6
HEARTBEAT_SECONDS = 20.0

_open: Counter[int] = Counter()


def has_room(claim_id: int) -> bool:
    """Whether one more stream may be opened, in all and for this claim."""
    return _open.total() < MOST and _open[claim_id] < MOST_EACH


async def streamed(claim_id: int, seen: int, newest: Callable[[], Awaitable[int | None]]) -> AsyncIterator[bytes]:
    """Ring whenever `newest` tells another number than what was seen; end when it tells None. Each silence is a heartbeat."""
    loop, bell = asyncio.get_running_loop(), asyncio.Event()

    def hear(notice: Notice) -> None:
        if notice.kind == 'claim' and notice.claim_id == claim_id and not loop.is_closed():
            loop.call_soon_threadsafe(bell.set)

    _open[claim_id] += 1
    stop = on_notice(hear)
    try:
        yield b'retry: 5000\n\n'
        # the first look is for what changed after the page was made and before anybody listened here
        while (found := await newest()) is not None:
            yield b': here\n\n' if found == seen else b'event: changed\ndata:\n\n'
            seen = found
            await _wait(bell)
        yield b'event: over\ndata:\n\n'
    finally:
        stop()
        _open[claim_id] -= 1


async def _wait(bell: asyncio.Event) -> None:
    """Until it rings, or long enough to say that we are still here. What rang while we looked is looked at again."""
    with suppress(TimeoutError):
        await asyncio.wait_for(bell.wait(), HEARTBEAT_SECONDS)
    bell.clear()
