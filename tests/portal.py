"""The portal in a test: the real app without a browser, and people signed in to it through the real form."""

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory

import httpx
from fastapi import FastAPI
from nicegui import Client, ui
from nicegui import app as nicegui_app
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing import User
from nicegui.testing.general import nicegui_reset_globals

import app
from db.settings import load
from pages import files
from tests.factories import PASSWORD

# what the pages registered when they were imported, which happens once: NiceGUI forgets it with everything else of a portal
_ROUTES, _PAGES = [*nicegui_app.routes], {**Client.page_routes}


@asynccontextmanager
async def simulated_portal(url: str) -> AsyncIterator[FastAPI]:
    """The app built as in production on this database, its lifespan running."""
    with nicegui_reset_globals(), TemporaryDirectory() as folder:
        os.environ['NICEGUI_USER_SIMULATION'] = 'true'
        nicegui_app.routes.extend(route for route in _ROUTES if route not in nicegui_app.routes)
        Client.page_routes.update(_PAGES)
        files._seen.clear()
        try:
            portal = app.build(load(None, database_url=url, data_dir=folder))
            async with portal.router.lifespan_context(portal):
                yield portal
                for client in Client.instances.values():
                    client.outbox.stop()  # one that has just been told something would not notice for two seconds
        finally:
            os.environ.pop('NICEGUI_USER_SIMULATION', None)
            Client.page_routes.clear()  # else NiceGUI would have them imported again
            ui.navigate, ui.notify, ui.download = Navigate(), notify, download
    gc.freeze()  # NiceGUI has just collected: what is left stays, and is not looked through for each further portal


async def signed_in(portal: FastAPI, email: str, password: str = PASSWORD) -> User:
    """A person with a browser of his own, signed in."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url='http://test')
    answer = await client.post('/login', data={'email': email, 'password': password})
    assert answer.status_code == 303, answer.text
    return User(client)
