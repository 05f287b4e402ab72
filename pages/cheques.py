"""`/cheques`: what falls due when, in both directions, over all claims a person may see."""

from html import escape

from nicegui import ui
from starlette.requests import Request

from components.cheque_board import ChequeBoard
from components.frame import portal_page
from components.words import t
from db.cheque_board import BoardState
from db.scope import Can
from db.texts import N_


@portal_page('/cheques', title=N_('Cheques'), active='cheques', needs=Can.FOLLOW)
async def cheques_page(request: Request) -> None:
    """The cheques of the person's claims, the next due date first."""
    ui.html(
        f'<div class="mk-ph"><h1>{escape(t("Cheques"))}</h1><span class="mk-live" data-testid="connection" role="status"><i></i>'
        f'<span>{escape(t("Updating live"))}</span></span></div>'
    ).classes('mk-contents')
    await ChequeBoard(BoardState.read(request.query_params)).load(asked=True)
