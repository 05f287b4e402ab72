"""`/healthz` and `/readyz`: whether the process answers, and whether everything works, the timetable too; no details for strangers."""

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from db import schema
from jobs import schedule


def add_routes(portal: FastAPI) -> None:
    """Register the routes on the parent app: a probe never costs a page."""

    @portal.get('/healthz')
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse('ok')

    @portal.get('/readyz')
    async def readyz() -> PlainTextResponse:
        ready = await run_in_threadpool(_works, portal.state.settings.database_url)
        return PlainTextResponse('ready' if ready else 'not ready', 200 if ready else 503)


def _works(database_url: str) -> bool:
    return schema.can_work(database_url) and schedule.is_on_time()
