"""`/healthz` and `/readyz`: whether the loop answers in time, and whether everything works; no details for strangers."""

import asyncio
import time

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from components import accesses
from jobs.health import Health

LAG_SECONDS, PATIENCE_SECONDS = 1.0, 5.0


def add_routes(portal: FastAPI) -> None:
    """Register the routes on the parent app: a probe never costs a page."""
    health = portal.state.health = Health(portal.state.settings, {'accesses': accesses.is_written})

    @portal.get('/healthz')
    async def healthz() -> PlainTextResponse:
        begun = time.monotonic()
        await asyncio.sleep(0)
        slow = time.monotonic() - begun > LAG_SECONDS
        return PlainTextResponse('slow' if slow else 'ok', 503 if slow else 200)

    @portal.get('/readyz')
    async def readyz() -> PlainTextResponse:
        try:
            faults = await asyncio.wait_for(run_in_threadpool(health.faults), PATIENCE_SECONDS)
        except TimeoutError:
            faults = ('no answer in time',)
        return PlainTextResponse('not ready' if faults else 'ready', 503 if faults else 200)
