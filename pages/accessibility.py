"""`/accessibility`: the accessibility statement, for everybody, also before signing in."""

from datetime import date

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

from components.plain import plain_page
from db import values
from db.settings import Settings

# the day on which the statement was last gone through
STATED_ON = date(2026, 12, 1)


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Register the page on the parent app."""

    @portal.get('/accessibility')
    async def statement(request: Request) -> HTMLResponse:
        present = request.state.session
        language = present.actor.language if present else 'he'
        stated_on = values.format_day(STATED_ON)
        page = plain_page('accessibility.html', language, contact=settings.help_contact, stated_on=stated_on)
        return HTMLResponse(page)
