"""`/reports`: the dashboard of office managers and the bureau; its tables and the report of a month as workbooks.

`GET /reports/tables/{name}.xlsx?…` has what `/reports?…` shows in a table, `GET /reports/all.xlsx?…` all of it; `GET /reports/month.xlsx?month=2026-10&office=…` is the report of a month.
Whoever takes one stands in the record of exports.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from components.frame import portal_page
from components.live import ask_as, current_actor, work_as
from components.report_board import ReportBoard
from components.words import t
from components.workbooks import as_file, if_allowed, turn_of
from db import texts, values
from db.base import now
from db.exports import ReportTaken, record_report
from db.list_state import NOBODY
from db.list_words import filters_in_words
from db.offices import AgentOffice
from db.reference import reference
from db.report_figures import Figures
from db.report_state import ReportState
from db.reports import figures_of, rows_behind
from db.scope import Actor, Can
from db.texts import N_, ClaimError
from jobs.report_book import PARTS, Book, Month, days_text, month_book, table_book, whole_book


@portal_page('/reports', title=N_('Dashboard'), active='reports', needs=Can.SEE_REPORTS, flow=True)
async def reports_page(request: Request) -> None:
    """What is open, how long things take, what was demanded and received, and what falls due."""
    ui.html(
        f'<div class="mk-ph"><h1>{escape(t("Dashboard"))}</h1><span class="mk-live" data-testid="connection" role="status"><i></i>'
        f'<span>{escape(t("Updating live"))}</span></span></div>'
    ).classes('mk-contents')
    await ReportBoard(_asked(request, current_actor())).load()


def _asked(request: Request, actor: Actor) -> ReportState:
    """What the address asks for; who is of an office finds nothing of another, whether there is one or not."""
    state = ReportState.read(request.query_params)
    if actor.is_bureau or not state.office:
        return state
    return replace(state, office='' if state.office == str(actor.office_id) else NOBODY)


def add_routes(portal: FastAPI) -> None:
    """Register the workbooks on the parent app."""
    turn = turn_of(portal)

    @portal.get('/reports/tables/{name}.xlsx')
    async def table(name: str, request: Request) -> Response:
        return await if_allowed(_table(name, request, turn), request, '/reports')

    @portal.get('/reports/all.xlsx')
    async def whole(request: Request) -> Response:
        return await if_allowed(_whole(request, turn), request, '/reports')

    @portal.get('/reports/month.xlsx')
    async def month(request: Request) -> Response:
        return await if_allowed(_month(request, turn), request, '/reports')


async def _table(name: str, request: Request, turn: asyncio.Lock) -> Response:
    actor = _taker(request)
    if name not in PARTS:
        raise ClaimError(N_('Not found'))
    async with turn:
        figures = await ask_as(actor, figures_of, _asked(request, actor), values.israel(now()).date())
        book = await run_in_threadpool(table_book, figures, name, actor.language)
    return await _handed_out(actor, book, figures, days_text(figures.span))


async def _whole(request: Request, turn: asyncio.Lock) -> Response:
    actor = _taker(request)
    async with turn:
        figures, filters = await ask_as(actor, _read_whole, _asked(request, actor))
        book = await run_in_threadpool(whole_book, figures, filters, actor.language)
    return await _handed_out(actor, book, figures, days_text(figures.span))


async def _month(request: Request, turn: asyncio.Lock) -> Response:
    actor, query = _taker(request), request.query_params
    office = _asked(request, actor).office
    if office == NOBODY:
        raise ClaimError(N_('Not found'))
    async with turn:
        made = await ask_as(actor, _read_month, query.get('month', ''), office)
        book = await run_in_threadpool(month_book, made, actor.language)
    return await _handed_out(actor, book, made.figures, f'{made.figures.span.first.isoformat()[:7]} {made.office}')


def _taker(request: Request) -> Actor:
    """Who asks, if he may take reports away at all; nothing is counted for anybody else."""
    actor: Actor = request.state.session.actor
    actor.need(Can.SEE_REPORTS)
    actor.need(Can.EXPORT)
    return actor


async def _handed_out(actor: Actor, book: Book, figures: Figures, about: str) -> Response:
    """The workbook as a file, once it is on record who takes it."""
    taken = ReportTaken(book.label, figures.state, figures.span, book.columns, book.rows)
    await work_as(actor, record_report, taken, now())
    name = f'{texts.t(book.label, actor.language)} {about}'.strip()
    return as_file(book.file, name)


def _read_whole(session: Any, state: ReportState) -> tuple[Figures, Sequence[str]]:
    figures = figures_of(session, state, values.israel(now()).date())
    return figures, filters_in_words(session, figures.state.narrowed, session.info['actor'].language)


def _read_month(session: Any, month: str, office: str) -> Month:
    actor: Actor = session.info['actor']
    today = values.israel(now()).date()
    state = ReportState.of_month(month, office, today)
    chosen = actor.office_id or int(state.office or 0)
    house = session.get(AgentOffice, chosen) if chosen else None
    if chosen and house is None:
        raise ClaimError(N_('Not found'))
    figures = figures_of(session, state, today)
    every = texts.t('Every office', actor.language)
    return Month(house.name if house else every, figures, rows_behind(session, figures), reference(session))
