"""The page where the bureau opens a claim, or an office one of its own."""

from html import escape

from nicegui import ui

from components.frame import portal_page
from components.live import ask
from components.new_claim import NewClaim, offered
from components.words import t
from db.scope import Can
from db.texts import N_


@portal_page('/claims/new', title=N_('New claim'), active='claims', needs=Can.OPEN_CLAIM, flow=True)
async def new_claim() -> None:
    """Head and form."""
    ui.html(f'<div class="mk-ph"><h1>{escape(t("New claim"))}</h1></div>').classes('mk-contents')
    NewClaim(await ask(offered))
