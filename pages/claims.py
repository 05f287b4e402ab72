"""`/`: the claims list."""

from html import escape
from typing import Any

from nicegui import ui
from starlette.requests import Request

from components import row_news
from components.claims_list import ClaimsList, Opening, opening_of
from components.exports_tray import ExportWork, export_choices, read_exports
from components.frame import portal_page
from components.live import ask, current_actor, rung, written_html
from components.mailbox import bureau_address
from components.marks import icon_html
from components.words import html_once, t
from db.exports import Export
from db.list_state import ListState, read_by
from db.scope import Actor, Can
from db.texts import N_


@portal_page('/', title=N_('Claims'), active='claims')
async def claims_page(request: Request) -> None:
    """The list of claims the person may see, newest visible update first."""
    actor, since, upto = current_actor(), rung(), row_news.newest()
    asked = dict(request.query_params)
    found, exported = await ask(_read, read_by(actor, asked), upto)
    with ui.element('div').classes('mk-ph'):
        written_html(_title_html(), ours=True).classes('mk-contents')
        exports = ExportWork(lambda: claims.seen, actor, since) if actor.may(Can.EXPORT) else None
        bureau = bureau_address(actor)
        if actor.may(Can.OPEN_CLAIM):
            look = 'mk-s' if bureau else 'mk-p'
            written_html(_button_html('/claims/new', 'add', t('New claim'), look), ours=True).classes('mk-contents')
        if bureau:  # on the phone the messages are under the thumb already
            look = 'mk-p mk-hide-xs'
            written_html(_button_html(bureau, 'edit_square', t('New message'), look), ours=True).classes('mk-contents')
    claims = ClaimsList(found, since, asked)
    if exports is not None:
        claims.bulk.offer_export(exports.start, export_choices())
        exports.draw(exported)


def _read(session: Any, state: ListState, upto: int) -> tuple[Opening, list[Export]]:
    actor: Actor = session.info['actor']
    found = opening_of(session, state, upto)
    return found, read_exports(session) if found.hand.exports and actor.may(Can.EXPORT) else []


@html_once
def _title_html() -> str:
    return (
        f'<h1>{escape(t("Claims"))}</h1><span class="mk-live" data-testid="connection" role="status"><i></i>'
        f'<span>{escape(t("Updating live"))}</span></span><span class="mk-sp"></span>'
    )


@html_once
def _button_html(address: str, icon: str, label: str, look: str) -> str:
    label = escape(label)
    return f'<a class="mk-btn {look}" href="{escape(address)}" title="{label}" aria-label="{label}">{icon_html(icon)}{label}</a>'
