"""The clients for their renewals: `/claims/{claim_no}/renewal` is one of them on a printed page, `/reports/clients` the list of an office.

`GET /reports/clients.xlsx?…` is the list as a workbook; whoever takes it stands in the record of exports.
"""

import asyncio
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from components import shared_words
from components.claim_printed import claim_printed
from components.client_report import client_told, clients_head_html, clients_html, days_text
from components.frame import NotFound, misread_note, portal_page
from components.live import ask, ask_as, current_actor, work_as
from components.words import t
from components.workbooks import as_file, if_allowed, turn_of
from db import texts, values
from db.base import now
from db.clients import ALL, PERIODS, YEAR, Clients, ClientsState, client_of, clients_of
from db.exports import CONFIRM_ABOVE, record_workbook
from db.offices import AgentOffice
from db.scope import Actor, Can
from db.texts import N_, ClaimError
from db.values import Malformed
from jobs.client_book import LABEL, client_book

_NO_OFFICE = N_('Please choose an office: clients are the clients of one office.')
_TOO_MANY = {
    YEAR: N_('The list has {n} clients, and at most {limit} leave Maakav at once.'),
    ALL: N_('The list has {n} clients, and at most {limit} leave Maakav at once. Please choose the last 12 months.'),
}


@portal_page('/reports/clients', title=LABEL, active='reports', flow=True)
async def clients_page(request: Request) -> None:
    """Who the clients of the office are, what they claimed and what they got."""
    actor, state = current_actor(), ClientsState.read(request.query_params)
    told = await ask(_read_list, state, values.israel(now()).date())
    if told is None:
        raise NotFound
    ui.html(f'<div class="mk-ph"><h1>{escape(t(LABEL))}</h1></div>').classes('mk-contents')
    misread_note(state.unknown)
    ui.html(
        clients_head_html(state, told.offices, exports=actor.may(Can.EXPORT) and not actor.only_looks), tag='div'
    ).classes('mk-rfilters')
    ui.html(f'<p class="mk-clnote mk-t2">{escape(_said(told, state))}</p>').classes('mk-contents')
    if told.found.lines:
        ui.html(clients_html(told.found, state)).classes('mk-contents')


@dataclass(frozen=True)
class _List:
    """What the list shows, and among which offices the bureau chooses."""

    found: Clients
    offices: list[tuple[int, str]]
    house: str


def _read_list(session: Any, state: ClientsState, today: Any, most: int | None = None) -> _List | None:
    """None: of an office that is not the asker's to see."""
    actor: Actor = session.info['actor']
    chosen = int(state.office) if state.office else actor.office_id
    house = session.get(AgentOffice, chosen) if chosen else None
    if chosen and house is None:
        return None
    offices = list(shared_words.choices_for(session).offices) if actor.is_bureau else []
    found = clients_of(session, state, today) if most is None else clients_of(session, state, today, most)
    return _List(found, offices, house.name if house else '')


def _said(told: _List, state: ClientsState) -> str:
    if told.offices and not state.office:
        return t(_NO_OFFICE)
    if not told.found.lines:
        return t('There are no claims in these days.')
    return t(
        'When a policy ends is not written down in Maakav: the list is by client, and not by the month of the renewal.'
    )


def add_routes(portal: FastAPI) -> None:
    """Register the printed page and the workbook on the parent app."""
    turn = turn_of(portal)

    @portal.get('/claims/{claim_no:path}/renewal')
    async def renewal(claim_no: str, request: Request) -> Response:
        actor: Actor = request.state.session.actor
        number, asked = claim_no[:40], request.query_params.get('period', '')
        reading = ask_as(actor, _read_client, number, asked if asked in PERIODS else YEAR)
        return await claim_printed(actor, number, 'renewal.html', reading, _others)

    @portal.get('/reports/clients.xlsx')
    async def workbook(request: Request) -> Response:
        state = ClientsState.read(request.query_params)
        return await if_allowed(_workbook(request.state.session.actor, state, turn), request, '/reports/clients')


# ---- one client -------------------------------------------------------------------------------------------------------------


def _read_client(session: Any, claim_no: str, period: str) -> dict[str, Any]:
    moment, reader = now(), session.info['actor'].language
    client = client_of(session, claim_no, period, values.israel(moment).date())
    told = client_told(client, claim_no, period, shared_words.reference(session), reader)
    return {**told, 'made': values.format_exact(moment)}


def _others(told: dict[str, Any]) -> list[str]:
    """The claims on the page of a client: all of them stand in the log of access."""
    return [claim.claim_no for claim in told['client'].shown]


# ---- the workbook -----------------------------------------------------------------------------------------------------------


async def _workbook(actor: Actor, state: ClientsState, turn: asyncio.Lock) -> Response:
    actor.need(Can.EXPORT)
    if actor.is_bureau and not state.office:
        raise Malformed(_NO_OFFICE)
    state, today = replace(state, page=1), values.israel(now()).date()
    async with turn:
        told = await ask_as(actor, _read_list, state, today, CONFIRM_ABOVE)
        if told is None:
            raise ClaimError(N_('Not found'))
        if told.found.total > CONFIRM_ABOVE:
            raise Malformed(_TOO_MANY[state.period], n=f'{told.found.total:,}', limit=f'{CONFIRM_ABOVE:,}')
        days = days_text(state.span(today), actor.language)
        made = texts.t('made on {day}', actor.language, day=values.format_day(today))
        book = await run_in_threadpool(client_book, told.found, f'{told.house} · {days} · {made}', actor.language)
    what = (texts.t(LABEL, 'he'), days_text(state.span(today), 'he'), told.house)
    await work_as(actor, record_workbook, what, book.columns, book.rows, now())
    return as_file(book.file, f'{texts.t(LABEL, actor.language)} {told.house}')
