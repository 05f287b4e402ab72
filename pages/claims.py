"""`/`: the claims list."""

from html import escape

from nicegui import ui
from starlette.requests import Request

from components.claims_list import ClaimsList, of_list
from components.frame import portal_page
from components.live import ask, current_actor
from components.marks import icon_html
from components.words import t
from db.lists import ListState
from db.scope import Can
from db.texts import N_


@portal_page('/', title=N_('Claims'), active='claims')
async def claims_page(request: Request) -> None:
    """The list of claims the person may see, newest visible update first."""
    words, people, choices = await ask(of_list)
    ui.html(_head_html()).classes('mk-contents')
    claims = ClaimsList(ListState.read(request.query_params), words, people, choices)
    await claims.load()
    await claims.bulk.load(words)


def _head_html() -> str:
    new = (
        f'<a class="mk-btn mk-p" href="/claims/new">{icon_html("add")}{escape(t("New claim"))}</a>'
        if current_actor().may(Can.OPEN_CLAIM)
        else ''
    )
    return (
        f'<div class="mk-ph"><h1>{escape(t("Claims"))}</h1>'
        f'<span class="mk-live" data-testid="connection" role="status"><i></i>'
        f'<span>{escape(t("Updating live"))}</span></span>'
        f'<span class="mk-sp"></span>{new}</div>'
    )
