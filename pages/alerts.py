"""`/alerts`: everything that happened to the claims a person follows, one line a claim, by day."""

from nicegui import ui

from components.alerts_list import AlertsList, Asked
from components.frame import misread_note, portal_page
from db.alert_kinds import GROUPS
from db.scope import Can
from db.texts import N_
from db.values import misread_choices


@portal_page('/alerts', title=N_('Alerts'), active='alerts', needs=Can.FOLLOW, flow=True)
async def alerts_page() -> None:
    """The person's alerts, live, beside the cheques of the two weeks to come; the address may ask for a theme, the unread, or a claim."""
    asked = ui.context.client.request.query_params
    misread_note(misread_choices(asked, {'theme': GROUPS}))
    await AlertsList(Asked.read(asked)).load_all()
