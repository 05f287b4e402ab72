"""What a measured server tells of itself, and what it is asked to commit."""

import asyncio
import resource
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse
from nicegui import binding
from nicegui.client import Client

from db.accounts import disable
from db.base import now
from db.claims import Claim, save_fields
from db.doorbell import Notice, on_notice
from db.offices import actor_of
from db.scope import Actor
from db.session import open_session

METER, LAG, CHANGE, CHANGING, DISABLE, PLAIN = (
    f'/api/bench/{what}' for what in ('meter', 'lag', 'change', 'changing', 'disable', 'plain')
)


def add_routes(portal: FastAPI, author: int) -> None:
    """Add the meters to a server; `author` is the person who changes claims."""
    by = _Author(author)

    @portal.get(METER)
    async def meter() -> dict[str, float]:
        pages = sum(client.has_socket_connection for client in Client.instances.values())
        return {
            'cpu': time.process_time(),
            'moment': time.monotonic(),
            'active_links': len(binding.active_links),
            'pages': pages,
            'memory_kib': _memory_kib(),
        }

    @portal.get(PLAIN)
    async def plain() -> HTMLResponse:
        cells = ''.join(f'<td>{n}</td>' for n in range(12))
        return HTMLResponse(f'<!doctype html><title>plain</title><table>{f"<tr>{cells}</tr>" * 25}</table>')

    @portal.get(LAG)
    async def lag(seconds: Annotated[float, Query(le=60)] = 3.0) -> list[float]:
        return await _lags(seconds)

    @portal.get(CHANGE)
    async def change(claim_id: int, text: str) -> float:
        return await asyncio.to_thread(by.change, claim_id, text)

    @portal.get(CHANGING)
    async def changing(claims: str, a_second: int, seconds: float) -> list[float]:
        return await asyncio.to_thread(by.keep_changing, list(map(int, claims.split(','))), a_second, seconds)

    @portal.get(DISABLE)
    async def disabled(user_id: int) -> float:
        await asyncio.to_thread(_disable, user_id)
        return time.monotonic()


async def _lags(seconds: float) -> list[float]:
    """How much later than asked for the loop came back, in ms."""
    lags, step, end = [], 0.005, time.monotonic() + seconds
    while (before := time.monotonic()) < end:
        await asyncio.sleep(step)
        lags.append((time.monotonic() - before - step) * 1000)
    return lags


class _Author:
    """A member of the bureau, who writes the daily update of claims as a page does it, which knows what the field held."""

    def __init__(self, user_id: int) -> None:
        self._user_id = user_id
        self._held: dict[int, str | None] = {}
        self._rung: dict[int, float] = {}
        on_notice(self._hear)

    def _hear(self, notice: Notice) -> None:
        if notice.kind == 'claim' and notice.claim_id is not None:
            self._rung.setdefault(notice.claim_id, time.monotonic())

    @cached_property
    def _actor(self) -> Actor:
        with open_session(Actor.system('bench'), reading=True) as session:
            actor = actor_of(session, self._user_id)
        assert actor is not None
        return actor

    def change(self, claim_id: int, text: str) -> float:
        """Write it; when it was committed."""
        self._rung.pop(claim_id, None)
        with open_session(self._actor) as session:
            if claim_id not in self._held:
                self._held[claim_id] = session.get_one(Claim, claim_id).daily_note
            save_fields(session, claim_id, {'daily_note': (self._held[claim_id], text)}, now())
        self._held[claim_id] = text
        return self._rung[claim_id]

    def keep_changing(self, claims: Sequence[int], a_second: int, seconds: float) -> list[float]:
        """One claim after the other, without anybody asking for each; when each change was committed."""
        begun, committed = time.monotonic(), list[float]()
        while time.monotonic() - begun < seconds:
            number = len(committed)
            committed.append(self.change(claims[number % len(claims)], word(number)))
            time.sleep(max(0.0, begun + len(committed) / a_second - time.monotonic()))
        return committed


def word(number: int) -> str:
    """What a change writes, told apart from digits that stand beside it."""
    return f'bench-{number}-'


def _disable(user_id: int) -> None:
    with open_session(Actor.system('bench')) as session:
        disable(session, user_id)


def _memory_kib() -> float:
    """What the process holds; Linux says it in pages."""
    return int(Path('/proc/self/statm').read_text('ascii').split()[1]) * resource.getpagesize() / 1024
