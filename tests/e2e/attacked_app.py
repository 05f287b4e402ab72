"""A small portal behind the real guard and the real sign-in, with everything on its page that an attacker would like to use."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from nicegui import events, ui
from starlette.responses import PlainTextResponse

from components import guard, live, sessions
from components.live import work
from db.accounts import Person, disable, save_person
from db.offices import User
from db.scope import Role
from db.session import connect
from db.settings import load
from pages import sign_in

SETTINGS = load(env_file=None, port=int(os.environ['PORT']), database_url=os.environ['DATABASE_URL'])


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    stops = [live.start(), guard.start()]
    yield
    for stop in stops:
        stop()


portal = FastAPI(lifespan=lifespan, openapi_url=None)
sign_in.add_routes(portal, SETTINGS)
handled: list[str] = []


@portal.get('/healthz')
async def healthz() -> PlainTextResponse:
    return PlainTextResponse('ok')


@portal.get('/api/handled')
async def what_was_handled() -> list[str]:
    return handled


@portal.get('/api/refused')
async def what_was_refused() -> dict[str, int]:
    return sessions.refused


@portal.post('/api/echo')
async def echo(request: Request) -> int:
    return len(await request.body())


@ui.page('/')
def index() -> None:
    name = ui.context.client.request.state.session.actor.name
    ui.label(f'שלום {name}')
    count = ui.label('0').props('data-testid=count')
    clock = ui.label('').props('data-testid=clock')
    ui.timer(0.1, lambda: clock.set_text(str(int(clock.text or '0') + 1)))

    def click() -> None:
        handled.append(f'click {name}')
        count.set_text(str(int(count.text) + 1))

    async def ask_browser() -> None:
        answer = await ui.run_javascript('6 * 7', timeout=3)
        handled.append(f'answer {name} {answer}')

    async def take(event: events.UploadEventArguments) -> None:
        handled.append(f'upload {name} {event.file.name}')

    ui.button('עוד', on_click=click).props('data-testid=click')
    ui.button('לשאול', on_click=ask_browser).props('data-testid=ask')
    ui.input('הערה', on_change=lambda event: handled.append(f'typed {name} {event.value!r}')).props('data-testid=note')
    ui.upload(on_upload=take).props('data-testid=upload')
    ui.html('<img src="/x" onerror="window.pwned = true">', sanitize=False)
    ui.element('form').props('method=post action=/logout').style('display: none')


def promote(session: Any, user_id: int) -> None:
    """Another role, as an admin gives it."""
    seen = Person.of(session.get_one(User, user_id))
    save_person(session, user_id, seen, replace(seen, role=Role.OFFICE_MANAGER))


ORDERS = {'disable': disable, 'promote': promote}


@ui.page('/order/{name}/{user_id}')
def order_page(name: str, user_id: int) -> None:
    async def give() -> None:
        await work(ORDERS[name], user_id)

    ui.button('לבצע', on_click=give).props('data-testid=give')


def serve() -> None:
    logging.basicConfig(level='INFO', format='%(levelname)s %(name)s %(message)s')
    connect(SETTINGS.database_url)
    settings: dict[str, Any] = {'language': 'he', 'tailwind': False, 'binding_refresh_interval': None}
    ui.run_with(portal, reconnect_timeout=45, show_welcome_message=False, **settings)
    guard.protect(portal, SETTINGS)
    uvicorn.run(
        portal, host=SETTINGS.host, port=SETTINGS.port, ws='websockets-sansio', access_log=False, log_config=None
    )


if __name__ == '__main__':
    serve()
