"""`/files/exports`: a finished workbook goes to whoever asked for it, and who proves again who he is gets a token that says so.

`POST /files/exports/confirm` with the fields `password` and, of who signs in in two steps, `code` answers `{proof}`,
or `{error, wrong?}` in the person's language; `wrong` is the field that was not right.
`GET /files/exports/{id}` is the workbook, for its own person.
"""

import logging
import re
from typing import Annotated

from fastapi import FastAPI, Form, Request
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from components import accesses, guard, proving
from components.accesses import Seen
from components.downloads import LOCKED, NOT_FETCHED, WORKBOOK, disposition
from components.live import ask_as
from components.proving import Typed
from db import files, two_factor, values
from db.access_log import FILE
from db.base import now
from db.exports import Export, export_with
from db.files import FileMissing
from db.identity import SignedIn
from db.scope import Actor, Can
from db.session import fetch_one
from db.settings import Settings
from db.texts import t
from jobs.receiving import disk, in_thread

log = logging.getLogger(__name__)

Field = Annotated[str, Form()]


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Register the plain routes on the parent app."""
    browser_cookie = guard.cookie_name(settings.secure_cookies, 'browser')

    @portal.post('/files/exports/confirm')
    async def confirm(request: Request, password: Field = '', code: Field = '') -> Response:
        present: SignedIn = request.state.session
        reader, browser = present.actor.language, request.cookies.get(browser_cookie, '')[:100]
        try:
            proved = await proving.prove(request, present, Typed(password, code), browser, two_factor.make_proof)
        except proving.Busy:
            return JSONResponse({'error': t('Please try again in a minute.', reader)}, 503)
        if proved.outcome is None:
            told = {'error': proved.told(reader)} | ({'wrong': proved.wrong} if proved.wrong else {})
            return JSONResponse(told, 401 if proved.wrong else 429)
        return JSONResponse({'proof': proved.outcome}, headers={'Cache-Control': 'no-store'})

    @portal.get('/files/exports/{number}')
    async def download(number: str, request: Request) -> Response:
        actor: Actor = request.state.session.actor
        export = await _export(number, actor)
        accesses.note(actor, Seen(FILE, _name(export) if export else request.url.path, granted=export is not None))
        if export is None:
            return _not_found(actor)
        try:
            pieces = await in_thread(disk, files.store().read, export.key)
        except FileMissing:
            return _not_found(actor)
        except OSError:
            log.exception('the store of documents fails')
            return JSONResponse({'error': t(NOT_FETCHED, actor.language)}, 503)
        headers = {**LOCKED, 'Content-Disposition': disposition(_name(export)), 'Content-Length': str(export.size)}
        return StreamingResponse(iterate_in_threadpool(pieces), media_type=WORKBOOK, headers=headers)


async def _export(number: str, actor: Actor) -> Export | None:
    """The person's own workbook, when it can be fetched; who may not export any more, or sees other claims now, fetches none."""
    if not actor.may(Can.EXPORT) or not re.fullmatch(r'[1-9][0-9]{0,8}', number):
        return None
    export = await ask_as(actor, fetch_one, export_with(int(number)))
    return export if export is not None and export.is_there(now(), actor) else None


def _not_found(actor: Actor) -> Response:
    return JSONResponse({'error': t('The export was not found.', actor.language)}, 404)


def _name(export: Export) -> str:
    """What the file is called on the person's disk: the view and the day."""
    return f'{export.title.replace(" ", "-")}_{values.israel(export.at):%Y-%m-%d_%H%M}.xlsx'
