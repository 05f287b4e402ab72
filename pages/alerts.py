"""`/alerts`: everything that happened to the claims a person follows, one line a claim, by day."""

from dataclasses import replace

from nicegui import ui

from components.alerts_list import AlertsList, Asked
from components.frame import misread_note, portal_page
from components.live import ask
from db.alert_kinds import GROUPS
from db.claims import number_and_version
from db.scope import Can
from db.texts import N_
from db.values import misread_choices


@portal_page('/alerts', title=N_('Alerts'), active='alerts', needs=Can.FOLLOW, flow=True)
async def alerts_page() -> None:
    """The person's alerts, live, beside the cheques of the two weeks to come; the address may ask for a theme, the unread, or a claim."""
    given = ui.context.client.request.query_params
    asked = Asked.read(given)
    if asked.claim_no and await ask(number_and_version, asked.claim_no) is None:
        asked = replace(asked, claim_no='')
    misread_note(misread_choices(given, {'theme': GROUPS, 'claim': (asked.claim_no,)}))
    await AlertsList(asked).load_all()
