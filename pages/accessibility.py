"""`/accessibility`: the accessibility statement, for everybody, also before signing in."""

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

from components.plain import plain_page


def add_routes(portal: FastAPI) -> None:
    """Register the page on the parent app."""

    @portal.get('/accessibility')
    async def statement(request: Request) -> HTMLResponse:
        present = request.state.session
        return HTMLResponse(plain_page('accessibility.html', present.actor.language if present else 'he'))
