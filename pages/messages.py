"""`/messages`: every conversation of a person, and the one that is open."""

from starlette.requests import Request

from components.frame import portal_page
from components.mailbox import open_mailbox
from db.scope import Can
from db.texts import N_


@portal_page('/messages', title=N_('Messages'), active='messages', needs=Can.FOLLOW)
async def messages_page(request: Request) -> None:
    """The list of threads; `?claim=` or `?office=` opens one beside it, `?view=unread` leaves out what is read."""
    asked = request.query_params
    await open_mailbox(
        asked.get('claim', '')[:40], asked.get('office', '')[:10], only_unread=asked.get('view') == 'unread'
    )
