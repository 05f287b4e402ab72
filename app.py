"""The composition root: settings → log → database → guard → pages → jobs → serve; nothing else."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from socket import socket
from threading import Timer
from types import FrameType

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from nicegui import ui
from starlette.responses import Response
from starlette.types import Scope

from components import (
    accesses,
    bell,
    claim_reading,
    frame,
    guard,
    lean,
    list_sums,
    live,
    packed,
    pulse,
    row_news,
    shared_words,
)
from components.theme import STATIC_FOLDER, STATIC_PREFIX
from db import log, schema, sealing
from db.engines import warn_of_old_sqlite
from db.session import connect
from db.settings import Settings, load
from jobs import aftermath, backup, bulk_orders, changes, children, desk, exports, import_work, mail, previews, schedule
from jobs.health import Health
from pages import (
    accessibility,
    account,
    admin,
    alerts,
    api,
    api_keys,
    cheques,
    claim,
    claims,
    clients,
    files,
    health,
    imports,
    looking,
    messages,
    metrics,
    new_claim,
    proofs,
    reports,
    sign_in,
    signed,
    two_factor,
    work,
)
from pages import (
    exports as export_files,
)
from pages import (
    help as help_page,
)

PAGES = (
    claims,
    work,
    claim,
    new_claim,
    messages,
    cheques,
    reports,
    clients,
    alerts,
    imports,
    admin,
    help_page,
    account,
    looking,
)


def build(settings: Settings) -> FastAPI:
    """The whole portal as one ASGI app: plain routes first, NiceGUI's pages behind them, the guard around both."""
    portal = FastAPI(lifespan=_lifespan, openapi_url=None)
    portal.state.settings = settings
    portal.mount(STATIC_PREFIX, _Immutable(directory=STATIC_FOLDER), name='static')
    for pages in (sign_in, two_factor, api_keys, api, files, export_files, signed):
        pages.add_routes(portal, settings)
    for pages in (account, looking, proofs, reports, clients, imports):
        pages.add_routes(portal)
    health.add_routes(portal)
    accessibility.add_routes(portal, settings)
    metrics.measure(settings)
    sealing.use(settings)
    mail.use(settings)
    backup.use(settings)
    frame.register_errors()
    lean.use()
    ui.run_with(
        portal,
        language='he',
        favicon=STATIC_FOLDER / 'img' / 'favicon.svg',
        binding_refresh_interval=None,  # nothing polls: everything is pushed
        reconnect_timeout=45,
        tailwind=False,
        gzip_middleware_factory=None,  # ours stands before the guard
        show_welcome_message=False,
    )
    lean.answer_straight()
    guard.protect(portal, settings)
    packed.pack(portal)
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
            accesses.start,
            shared_words.start,
            claim_reading.start,
            live.start,
            pulse.start,
            row_news.start,
            list_sums.start,
            bell.start,
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


def main() -> None:
    """Serve."""
    settings = load()
    log.use(settings.log_level)
    schema.refuse_unless_newest(settings.database_url)
    connect(settings.database_url)
    warn_of_old_sqlite()
    sign_in.print_first_link(settings)
    sys.stdout.write(f'Maakav is at {settings.base_url}\n')
    sys.stdout.flush()
    portal = build(settings)
    config = uvicorn.Config(
        portal,
        host=settings.host,
        port=settings.port,
        ws='websockets-sansio',
        ws_per_message_deflate=False,  # a quarter of the memory of a page, for a few bytes
        ws_max_size=262_144,
        ws_ping_interval=None,  # Engine.IO asks whether the other side is there: twice would be a quarter of what a house at rest costs
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=2,
        access_log=False,  # it would hold client ids
        log_config=None,
    )
    _Server(config, portal.state.health).run()


class _Server(uvicorn.Server):
    """A server that leaves in order: asked to go, it turns `/readyz` red and lets no job begin, a moment later it takes nobody in
    and finishes what is under way. What is still not done then is cut off, as by a power failure, which loses nothing that was saved.
    """

    NOTICE_SECONDS, AT_MOST_SECONDS = 1.0, 4.7

    def __init__(self, config: uvicorn.Config, health: Health) -> None:
        """`health` is what `/readyz` asks."""
        super().__init__(config)
        self._health, self._asked = health, False

    async def serve(self, sockets: list[socket] | None = None) -> None:
        """Serve as ever, knowing the loop."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin as ever, and settle down."""
        children.begin()
        await super().startup(sockets)
        live.settle()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came: SIGTERM is heard with notice, a second one and Ctrl-C at once; nobody waits for what takes long."""
        children.end()
        if self._asked or sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
            return
        self._asked = True
        self._health.leave()
        schedule.rest()
        end = Timer(self.AT_MOST_SECONDS, os._exit, (128 + sig,))
        end.daemon = True
        end.start()
        self._loop.call_soon_threadsafe(self._loop.call_later, self.NOTICE_SECONDS, super().handle_exit, sig, frame)


if __name__ == '__main__':
    main()
