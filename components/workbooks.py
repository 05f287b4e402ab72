"""Workbooks that are made while their person waits: one at a time, to whoever may have them, and told in words when there is none."""

import asyncio
from collections.abc import Awaitable

from fastapi import FastAPI, Request
from starlette.responses import Response

from components import accesses
from components.accesses import Seen
from components.downloads import LOCKED, WORKBOOK, disposition
from components.frame import not_found, not_understood
from db.access_log import EXPORT
from db.texts import ClaimError
from db.values import Malformed


def turn_of(portal: FastAPI) -> asyncio.Lock:
    """Whose turn it is: a workbook of many rows takes a core and its memory, so one is made at a time and the others wait."""
    if not hasattr(portal.state, 'workbooks'):
        portal.state.workbooks = asyncio.Lock()
    turn: asyncio.Lock = portal.state.workbooks
    return turn


async def if_allowed(answer: Awaitable[Response], request: Request, address: str) -> Response:
    """The answer; a refusal stands in the log of access, and from what was not understood `address` leads to where one asks anew."""
    actor = request.state.session.actor
    try:
        return await answer
    except ClaimError:
        accesses.note(actor, Seen(EXPORT, request.url.path, granted=False))
        return not_found(actor.language)
    except Malformed as refusal:
        return not_understood(actor.language, refusal.told(actor.language), address)


def as_file(content: bytes, name: str) -> Response:
    """A workbook, as a file of this name."""
    return Response(
        content, media_type=WORKBOOK, headers={**LOCKED, 'Content-Disposition': disposition(f'{name}.xlsx')}
    )
