"""A server of one page with 40 fields of a claim, bound by push, by NiceGUI's polling, or not at all."""

import argparse
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from nicegui import ui
from sqlalchemy import select
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.meter import add_routes
from components import live
from components.live import Subscription, ask, claim_topic, refresh_live
from db.claims import FIELDS, Claim
from db.offices import actor_of
from db.scope import Actor
from db.session import connect, fetch_one, open_session
from db.watching import take_over

NAMES = tuple(FIELDS)[:40]
MODES = ('push', 'polling', 'unbound')


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--mode', choices=MODES, required=True)
    for name in ('port', 'reader', 'author', 'claim'):
        parser.add_argument(f'--{name}', type=int, required=True)
    parser.add_argument('--url', required=True)
    given = parser.parse_args()
    connect(given.url)
    portal = FastAPI(lifespan=_lifespan)
    add_routes(portal, given.author)
    _add_page(given.mode, given.claim)
    ui.run_with(
        portal,
        # what the portal has, and what NiceGUI has unless told otherwise
        binding_refresh_interval=0.1 if given.mode == 'polling' else None,
        reconnect_timeout=45,
        tailwind=False,
        show_welcome_message=False,
    )
    portal.add_middleware(_SignedIn, reader=given.reader)
    serve(portal, given.port)


def serve(portal: FastAPI, port: int) -> None:
    """As app.py does it."""
    config = uvicorn.Config(
        portal,
        host='127.0.0.1',
        port=port,
        ws='websockets-sansio',
        ws_per_message_deflate=False,
        ws_max_size=262_144,
        ws_ping_interval=None,
        timeout_graceful_shutdown=1,
        access_log=False,
        log_level='error',
    )
    _Server(config).run()


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        live.settle()


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    stop = live.start()
    yield
    stop()


def _add_page(mode: str, claim_id: int) -> None:
    @ui.page('/empty')
    def empty_page() -> None:
        ui.label('empty')

    question = select(Claim).where(Claim.id == claim_id)

    @ui.page('/claim')
    async def claim_page() -> None:
        claim = await ask(fetch_one, question)
        assert claim is not None
        labels = _draw(claim, mode)

        async def answer(_: Any) -> None:
            fresh = await ask(fetch_one, question)
            assert fresh is not None
            if mode == 'push':
                refresh_live(claim, fresh)
            else:
                changed = take_over(claim, fresh)
                if mode == 'unbound':
                    _write(claim, labels, changed)

        Subscription([claim_topic(claim_id)], answer)


def _draw(claim: Claim, mode: str) -> dict[str, ui.label]:
    if mode == 'push':
        live.live(claim)
    labels = {name: ui.label() for name in NAMES}
    if mode == 'unbound':
        _write(claim, labels, list(NAMES))
    else:
        for name, label in labels.items():
            label.bind_text_from(claim, name, backward=_text)
    return labels


def _write(claim: Claim, labels: Mapping[str, ui.label], names: list[str]) -> None:
    for name in names:
        if name in labels:
            labels[name].text = _text(getattr(claim, name))


def _text(value: object) -> str:
    return '' if value is None else str(value)


class _SignedIn:
    """Instead of the guard: everybody is the same person."""

    def __init__(self, app: ASGIApp, reader: int) -> None:
        self.app = app
        with open_session(Actor.system('bench'), reading=True) as session:
            self.session = _Session(actor_of(session, reader))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'lifespan':
            scope['state'] = {**scope.get('state', {}), 'session': self.session}
        await self.app(scope, receive, send)


class _Session:
    """As much of a `SignedIn` as pages ask for."""

    def __init__(self, actor: Actor | None) -> None:
        self.actor = actor


if __name__ == '__main__':
    main()
