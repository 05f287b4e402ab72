"""`/accessibility`: the accessibility statement, for everybody, also before signing in."""

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

from components.plain import plain_page
from db.settings import Settings


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Register the page on the parent app."""

    @portal.get('/accessibility')
    async def statement(request: Request) -> HTMLResponse:
        present = request.state.session
        language = present.actor.language if present else 'he'
        return HTMLResponse(plain_page('accessibility.html', language, contact=settings.help_contact))
