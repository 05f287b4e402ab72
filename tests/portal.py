"""The portal in a test: the real app without a browser, and people signed in to it through the real form."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory

import httpx
from fastapi import FastAPI
from nicegui import Client, ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing import User
from nicegui.testing.general import nicegui_reset_globals

from db.settings import load

PASSWORD = 'correct horse battery'


@asynccontextmanager
async def simulated_portal(url: str) -> AsyncIterator[FastAPI]:
    """The app built as in production on this database, its lifespan running."""
    with nicegui_reset_globals(), TemporaryDirectory() as folder:
        os.environ['NICEGUI_USER_SIMULATION'] = 'true'
        # pages register their routes when they are imported, and the reset above took the routes away
        for name in [name for name in sys.modules if name == 'app' or name.partition('.')[0] == 'pages']:
            del sys.modules[name]
        try:
            import app  # noqa: PLC0415 - after the reset

            portal = app.build(load(None, database_url=url, data_dir=folder))
            async with portal.router.lifespan_context(portal):
                yield portal
                for client in Client.instances.values():
                    client.outbox.stop()  # one that has just been told something would not notice for two seconds
        finally:
            os.environ.pop('NICEGUI_USER_SIMULATION', None)
            ui.navigate, ui.notify, ui.download = Navigate(), notify, download


async def signed_in(portal: FastAPI, email: str, password: str = PASSWORD) -> User:
    """A person with a browser of his own, signed in."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url='http://test')
    answer = await client.post('/login', data={'email': email, 'password': password})
    assert answer.status_code == 303, answer.text
    return User(client)
