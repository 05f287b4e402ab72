"""The composition root: settings → log → database → guard → pages → jobs → serve; nothing else."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from nicegui import ui
from starlette.responses import Response
from starlette.types import Scope

from components import frame, guard, live
from components.theme import STATIC_FOLDER, STATIC_PREFIX
from db import schema
from db.session import connect, warn_of_old_sqlite
from db.settings import Settings, load
from jobs import aftermath, bulk_orders, changes, desk, exports, import_work, mail, previews, schedule
from pages import (
    account,
    admin,
    alerts,
    cheques,
    claim,
    claims,
    files,
    health,
    imports,
    messages,
    new_claim,
    proofs,
    sign_in,
    signed,
    work,
)
from pages import (
    exports as export_files,
)

PAGES = (claims, work, claim, new_claim, messages, cheques, alerts, imports, admin, account)


def build(settings: Settings) -> FastAPI:
    """The whole portal as one ASGI app: plain routes first, NiceGUI's pages behind them, the guard around both."""
    portal = FastAPI(lifespan=_lifespan, openapi_url=None)
    portal.state.settings = settings
    portal.mount(STATIC_PREFIX, _Immutable(directory=STATIC_FOLDER), name='static')
    sign_in.add_routes(portal, settings)
    account.add_routes(portal)
    files.add_routes(portal, settings)
    export_files.add_routes(portal, settings)
    proofs.add_routes(portal)
    imports.add_routes(portal)
    signed.add_routes(portal, settings)
    health.add_routes(portal)
    mail.use(settings)
    frame.register_errors()
    ui.run_with(
        portal,
        language='he',
        favicon=STATIC_FOLDER / 'img' / 'favicon.svg',
        binding_refresh_interval=None,  # nothing polls: everything is pushed
        reconnect_timeout=45,
        tailwind=False,
        show_welcome_message=False,
    )
    guard.protect(portal, settings)
    return portal


class _Immutable(StaticFiles):
    """Static files under an address that changes with their content: browsers keep them for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve as ever, with the long memory."""
        response = await super().get_response(path, scope)
        response.headers['Cache-Control'] = 'public, max-age=31536000, immutable'
        return response


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for start in (
            live.start,
            guard.start,
            changes.follow_changes,
            changes.hear_others,
            aftermath.start,
            bulk_orders.start,
            desk.start,
            previews.start,
            import_work.start,
            exports.start,
            schedule.start,
        ):
            stack.callback(start())
        yield


def _log(settings: Settings) -> None:
    logging.basicConfig(level=settings.log_level, format='%(levelname)s %(name)s: %(message)s')
    for name in ('alembic', 'apscheduler', 'uvicorn.error', 'httpx'):  # they speak of every step and connection
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt='iso', utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def main() -> None:
    """Serve."""
    settings = load()
    _log(settings)
    schema.refuse_unless_newest(settings.database_url)
    connect(settings.database_url)
    warn_of_old_sqlite()
    sign_in.print_first_link(settings)
    sys.stdout.write(f'Maakav is at {settings.base_url}\n')
    sys.stdout.flush()
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        ws='websockets-sansio',
        ws_per_message_deflate=False,  # a quarter of the memory of a page, for a few bytes
        ws_max_size=262_144,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=3,
        access_log=False,  # it would hold client ids
        log_config=None,
    )


if __name__ == '__main__':
    main()
