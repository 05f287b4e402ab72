"""The page of one claim: who, what, how it stands, what changed and what happened."""

from urllib.parse import parse_qsl

from nicegui import ui

from components.claim_head import TABS
from components.claim_page import open_claim_page
from components.frame import misread_note, portal_page
from db.history import KINDS, WRITERS, HistoryChoice
from db.texts import N_
from db.values import misread_choices

LIST_AT_MOST = 1000


# a path: the numbers of other people's files have slashes in them
@portal_page('/claims/{claim_no:path}', title=N_('Claim'), active='claims', flow=True)
async def claim(claim_no: str) -> None:
    """Open a claim; the address may say which tab, what of the history, and which list the person came from."""
    asked = ui.context.client.request.query_params
    came_from = dict(parse_qsl(asked.get('list', '')[:LIST_AT_MOST]))
    tab = asked.get('tab', '')
    misread_note(misread_choices(asked, {'tab': TABS, 'kind': KINDS, 'by': WRITERS}))
    await open_claim_page(claim_no, came_from, tab if tab in TABS else 'overview', HistoryChoice.read(asked))
