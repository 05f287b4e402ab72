"""`/import`: the bureau's workbooks become claims, and what came of each import; `/files/imports`: a workbook comes in, its refused rows go out.

`POST /files/imports`: the file as the raw body, with `X-Maakav-Upload: 1` and `X-File-Name` (percent-encoded UTF-8).
Answers `{id}`, or `{error}` in the person's language. `GET /files/imports/{id}/refused` is a workbook.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import escape
from urllib.parse import unquote

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from components import accesses
from components.accesses import Seen
from components.frame import NotFound, portal_page
from components.import_list import ImportList
from components.import_run import Engine, ImportScreen
from components.words import language
from components.workbooks import as_file
from db.access_log import FILE
from db.scope import Actor, Can
from db.texts import N_, ClaimError, Told, t
from jobs import import_layout, import_work, receiving
from jobs.intake import clean_name
from jobs.receiving import in_thread
from jobs.workbook_reading import MAX_PACKED, TooLarge

ENGINE = Engine(
    columns=import_layout.COLUMNS,
    layout=import_layout.layout,
    settle=import_work.settle,
    teach=import_work.teach,
    begin=import_work.begin,
    told=import_work.told,
    told_of=import_layout.told_of,
)
# each reads in a child process of its own; more at once would starve everybody else
_reading = ThreadPoolExecutor(2, thread_name_prefix='workbook')


@portal_page('/import', title=N_('Import'), active='import', needs=Can.IMPORT, flow=True)
async def imports_page() -> None:
    """Where a workbook is sent, and the imports so far."""
    ui.html(f'<div class="mk-ph"><h1>{escape(t("Import from Excel", language()))}</h1></div>').classes('mk-contents')
    await ImportList(MAX_PACKED).load()


@portal_page('/import/{number}', title=N_('Import'), active='import', needs=Can.IMPORT, flow=True)
async def import_page(number: str) -> None:
    """One import."""
    if not await ImportScreen(_id(number), ENGINE).load():
        raise NotFound


def add_routes(portal: FastAPI) -> None:
    """Register the plain routes on the parent app."""

    @portal.post('/files/imports')
    async def upload(request: Request) -> Response:
        actor = _actor(request)
        try:
            return JSONResponse({'id': await _upload(request, actor)}, 201)
        except TooLarge as refusal:
            return JSONResponse({'error': refusal.told(actor.language)}, 413)
        except Told as refusal:
            return JSONResponse({'error': refusal.told(actor.language)}, 422)
        except (ClientDisconnect, TimeoutError):
            return Response(status_code=408)

    @portal.get('/files/imports/{number}/refused')
    async def refused(number: str, request: Request) -> Response:
        actor = _actor(request)
        found = None
        if actor.may(Can.IMPORT):
            with suppress(ClaimError):  # its rows are forgotten
                found = await in_thread(_reading, import_work.refused_workbook, actor, _id(number))
        accesses.note(actor, Seen(FILE, found[0] if found else request.url.path, granted=found is not None))
        if found is None:
            return JSONResponse({'error': t('The import was not found.', actor.language)}, 404)
        name = f'{t("Refused rows", actor.language)} - {found[0].rpartition(".")[0] or found[0]}'
        return as_file(found[1], name)


async def _upload(request: Request, actor: Actor) -> int:
    actor.need(Can.IMPORT)
    if request.headers.get('x-maakav-upload') != '1':
        raise ClaimError(N_('Please send files from a page of the portal.'))
    name = clean_name(unquote(request.headers.get('x-file-name', ''), errors='replace'))
    async with receiving.received(_within_bounds(request.stream()), name) as uploaded:
        return await in_thread(_reading, import_work.take_in, actor, uploaded.path, name)


async def _within_bounds(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for piece in body:
        size += len(piece)
        if size > MAX_PACKED:
            raise TooLarge
        yield piece


def _id(number: str) -> int:
    return int(number) if re.fullmatch(r'[1-9][0-9]{0,8}', number) else 0


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.session.actor
    return actor
