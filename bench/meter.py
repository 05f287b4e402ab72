"""What a measured server tells of itself, and what it is asked to commit."""

import asyncio
import resource
import time
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse
from nicegui import binding, run
from nicegui.client import Client

from db.accounts import disable
from db.base import now
from db.changes import Notice, on_notice
from db.claims import Claim, save_fields
from db.offices import actor_of
from db.scope import Actor
from db.session import open_session

METER, LAG, CHANGE, DISABLE, PLAIN = (f'/api/bench/{what}' for what in ('meter', 'lag', 'change', 'disable', 'plain'))


def add_routes(portal: FastAPI, author: int) -> None:
    """Add the meters to a server; `author` is the person who changes claims."""
    rung: dict[int, float] = {}
    writer, notes = cache(_actor), dict[int, str]()

    def hear(notice: Notice) -> None:
        if notice.kind == 'claim' and notice.claim_id is not None:
            rung.setdefault(notice.claim_id, time.monotonic())

    on_notice(hear)

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
        rung.pop(claim_id, None)
        await run.io_bound(_change, writer(author), claim_id, notes.get(claim_id), text)
        notes[claim_id] = text
        return rung[claim_id]

    @portal.get(DISABLE)
    async def disabled(user_id: int) -> float:
        await run.io_bound(_disable, user_id)
        return time.monotonic()


async def _lags(seconds: float) -> list[float]:
    """How much later than asked for the loop came back, in ms."""
    lags, step, end = [], 0.005, time.monotonic() + seconds
    while (before := time.monotonic()) < end:
        await asyncio.sleep(step)
        lags.append((time.monotonic() - before - step) * 1000)
    return lags


def _change(author: Actor, claim_id: int, before: str | None, text: str) -> None:
    """A member of the bureau writes the daily update of a claim, as a page does it, which knows what the field held."""
    with open_session(author) as session:
        held = session.get_one(Claim, claim_id).daily_note if before is None else before
        save_fields(session, claim_id, {'daily_note': (held, text)}, now())


def _disable(user_id: int) -> None:
    with open_session(Actor.system('bench')) as session:
        disable(session, user_id)


def _actor(user_id: int) -> Actor:
    with open_session(Actor.system('bench'), reading=True) as session:
        actor = actor_of(session, user_id)
    assert actor is not None
    return actor


def _memory_kib() -> float:
    """What the process holds; Linux says it in pages."""
    return int(Path('/proc/self/statm').read_text('ascii').split()[1]) * resource.getpagesize() / 1024
